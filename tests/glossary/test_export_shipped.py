"""`manage.py export_content` on the content that ships: the files are its own, and an edited guide survives the way there and back."""

from django.conf import settings

from glossary.models import Alias, Concept, Finding
from products.models import Category
from tests import factories
from tests.glossary.test_export_content import export, load, round_trip, texts


def test_the_files_in_the_repository_are_what_the_exporter_writes(shipped_content, db, tmp_path):
    assert export(tmp_path) == texts(settings.BASE_DIR)


def test_an_edited_guide_goes_out_and_comes_back_identical(shipped_content, db, tmp_path):
    concept = Concept.objects.get(slug="prp")
    concept.summary, concept.body = "A new sentence: with a colon.", "First.\r\n\r\n## Second\r\n\r\n- a list  \r\n"
    concept.save()
    factories.make_alias(concept=concept, text="a new name")
    finding = factories.make_finding(concept=concept, state="draft", route="wound", shown="Twelve of 20 people. " * 9)
    factories.make_event_count(finding=finding, after="")
    Concept.objects.filter(slug="exosomes").update(state="withdrawn")
    Category.objects.filter(slug="prp-hair").update(state="in-review")
    Alias.objects.filter(concept__slug="exosomes", language="ja").delete()
    Category.objects.get(slug="lysate-microneedling").delete()

    first, second = round_trip(tmp_path)

    assert second == first
    assert "products/content/categories/lysate-microneedling.yaml" not in first
    assert "state: withdrawn" in first["glossary/content/concepts/exosomes.yaml"].decode()
    assert Concept.objects.get(slug="exosomes").state == "withdrawn"
    assert Category.objects.get(slug="prp-hair").state == "in-review"
    again = Finding.objects.get(concept__slug="prp", route="wound", state="draft")
    assert (again.shown, again.event_counts.count()) == (finding.shown.strip(), 1)
    assert Concept.objects.get(slug="prp").body == "First.\n\n## Second\n\n- a list"
    assert Alias.objects.filter(concept__slug="prp", text="a new name").exists()


def test_after_an_export_the_same_database_agrees_with_the_files(shipped_content, db, tmp_path, capsys):
    """An editor's changes, once they are in the files, no longer count as kept against them."""
    concept = Concept.objects.get(slug="prp")
    concept.body = "Written in a browser.\r\n\r\nWith its line breaks.\r\n"
    concept.save()
    Alias.objects.filter(concept__slug="exosomes", language="ja").delete()
    export(tmp_path)
    said = load(tmp_path, capsys)
    assert said.startswith("Content: 0 new, 0 changed, 0 removed,")
    assert "kept" not in said
