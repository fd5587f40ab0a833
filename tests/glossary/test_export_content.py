"""`manage.py export_content`: the guide out to the content files and back, identical."""

from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import transaction

from glossary.models import Alias, Concept, Finding, LoadedEntry, Source
from products import search_index
from products.models import Category, Goal, RedFlagWording, Regulation
from tests import factories

pytestmark = pytest.mark.one_database

FOLDERS = ("glossary/content", "products/content")


def export(folder):
    call_command("export_content", str(folder), stdout=StringIO())
    return texts(folder)


def texts(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for folder in FOLDERS
        for path in sorted((Path(root) / folder).rglob("*.yaml"))
    }


def load(folder, capsys=None):
    call_command("load_content", glossary=Path(folder) / FOLDERS[0], products=Path(folder) / FOLDERS[1], verbosity=2)
    return capsys.readouterr().out if capsys else None


def empty_the_database():
    """Every row of the guide, whatever points at it."""
    with search_index.paused():
        Source.objects.update(superseded_by=None, status="current")
        Concept.objects.update(parent=None)
        for name in ("Regulation", "ReadyMade", "Category", "RedFlag", "Question", "ReportingBody"):
            apps.get_model("products", name).objects.all().delete()
        for name in ("Concept", "Effect", "Source", "LoadedEntry"):
            apps.get_model("glossary", name).objects.all().delete()
    assert not Finding.objects.exists()
    assert not LoadedEntry.objects.exists()


def round_trip(tmp_path):
    """Out, into an emptied database, and out again: the first and the second export."""
    first = export(tmp_path / "first")
    empty_the_database()
    load(tmp_path / "first")
    return first, export(tmp_path / "second")


# --- What files can say


NASTY = [
    "no",
    "2019",
    "2019-12-06",
    "16 of 25",
    "null",
    "- a dash, and: a colon # and a hash",
    "[brackets], {braces} & *stars* !bang %percent @at `tick`",
    "“Curly” quotes, 'single', \"double\" and a back\\slash",
    "外泌体 · エクソソーム · 엑소좀 🧬",
    "A\u2028line separator, a\u0085next line and a\u00a0hard space",
    "# not a comment",
    "Two  spaces and a\ttab. " * 8,
    "A long sentence with 12 of 20 people (e.g. women) in it. Another one follows! And a third? " * 3,
    "x" * 300,
    "word " * 100 + "end",
    ("wide" * 60 + " ") * 2 + "end",
    "First line.\n\nSecond line.\n  Indented.\nTrailing spaces.   \n# hash",
    "---\n...\n---",
]


@pytest.mark.django_db
@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_any_text_comes_back_as_it_was(tmp_path, text):
    fields = dict.fromkeys(["claimed", "shown", "population", "certainty_reason", "would_change"], text)
    finding = factories.make_finding(**fields, follow_up=text[:120].strip())
    concept = finding.concept
    Concept.objects.filter(pk=concept.pk).update(summary=text, body=text, not_same_as=text)
    short = " ".join(text[:80].split())
    factories.make_alias(concept=concept, text=short)
    factories.make_event_count(finding=finding, outcome=short, compared_with=short)
    factories.make_effect(wordings=[short], description=text)
    factories.make_category(name=short, daily_life=text)

    first, second = round_trip(tmp_path)

    assert second == first
    again = Finding.objects.get()
    assert [getattr(again, name) for name in fields] == [text.strip()] * len(fields)
    again = Concept.objects.get(slug=concept.slug)
    assert (again.summary, again.body, again.not_same_as) == (text.strip(),) * 3
    assert Alias.objects.get(concept=again).text == short


@pytest.mark.django_db
def test_every_field_comes_back(tmp_path):
    """What the shipped content happens not to use: successors, no main source, drafts without parts, odd orders."""
    new = factories.make_source(key="new-2025", pmid="123", doi="10.1000/x", funding="A fund", note="Small.", year=None)
    factories.make_source(key="old-2020", status="superseded", superseded_by=new, funder="maker")
    parent = factories.make_concept()
    concept = factories.make_concept(parent=parent, state="in-review")
    factories.make_alias(concept=concept, text="foo", language="no", kind="misspelling", is_ambiguous=True)
    finding = factories.make_finding(
        concept=concept, certainty="none", sources=[new], main_source=None, claim_sources=[new], people=0
    )
    factories.make_event_count(finding=finding, is_wanted=False)
    factories.make_risk(concept=concept, onset="2 weeks", sources=[new])
    draft = factories.make_category(ingredients=[], goals=[], state="draft", kind="comparison")
    category = factories.make_category(
        ingredients=[{"concept": concept, "role": "carrier", "route": "wound"}, parent],
        goals=[],
        sessions_low=1,
        sessions_high=3,
        interval="monthly",
    )
    for name in ("b", "a"):
        # In the admin several goals may stand on the same place; the first stays first.
        Goal.objects.create(category=category, effect=factories.make_effect(slug=name), position=0)
    factories.make_price(category=category, high=None, year=None, note="A page.", source=new)
    factories.make_regulation(category=category, status="unclear", main_source=None, sources=[new], since="2019")
    question = factories.make_question(categories=[draft], is_on_wallet_card=True, sources=[new])
    flag = factories.make_red_flag(question=question, wordings={"fr": ["b*", "a … c"], "en": ["(x|y)"]})
    factories.make_reporting_body(sources=[])
    factories.make_ready_made(category, concept)

    first, second = round_trip(tmp_path)

    assert second == first
    assert Source.objects.get(key="old-2020").superseded_by.key == "new-2025"
    again = Finding.objects.get()
    assert (again.main_source, [source.key for source in again.sources.all()]) == (None, ["new-2025"])
    assert (again.people, again.event_counts.get().is_wanted) == (0, False)
    assert Regulation.objects.get().main_source is None
    assert Regulation.objects.get().since == "2019"
    assert [goal.effect.slug for goal in Category.objects.get(slug=category.slug).goals.all()] == ["b", "a"]
    assert Category.objects.get(slug=draft.slug).state == "draft"
    assert RedFlagWording.objects.filter(red_flag__slug=flag.slug).count() == 3
    assert Alias.objects.get().language == "no"


@pytest.mark.django_db
def test_the_order_in_which_things_were_written_does_not_show(tmp_path):
    def write(texts, keys):
        concept = factories.make_concept(slug="one", name="One")
        sources = [factories.make_source(key=key, title="T", url="https://example.org/") for key in keys]
        effect = factories.make_effect(slug="firm", name="Firm", wish="firm", wordings=texts, position=1)
        for text in texts:
            factories.make_alias(concept=concept, text=text)
        factories.make_finding(
            concept=concept, effect=effect, sources=[min(sources, key=lambda source: source.key), *sources]
        )
        return export(tmp_path / texts[0])

    with transaction.atomic():
        forwards = write(["a", "b", "c"], ["k-1", "k-2", "k-3"])
        transaction.set_rollback(True)
    assert write(["c", "b", "a"], ["k-3", "k-1", "k-2"]) == forwards


# --- The folder


@pytest.mark.django_db
def test_files_of_entries_that_are_gone_are_removed_and_others_are_let_be(tmp_path, capsys):
    gone = factories.make_concept(slug="gone")
    factories.make_concept(slug="stays")
    factories.make_source(key="zebra-2020")
    export(tmp_path)
    (tmp_path / "glossary/content/README.md").write_text("mine")
    gone.delete()
    Source.objects.all().delete()
    capsys.readouterr()
    call_command("export_content", str(tmp_path))
    assert capsys.readouterr().out == "6 files: 0 written, 2 removed, 6 as before.\n"
    assert not (tmp_path / "glossary/content/concepts/gone.yaml").exists()
    assert not (tmp_path / "glossary/content/sources/z.yaml").exists()
    assert (tmp_path / "glossary/content/concepts/stays.yaml").exists()
    assert (tmp_path / "glossary/content/README.md").read_text() == "mine"


@pytest.mark.django_db
def test_an_empty_database_does_not_wipe_the_files(tmp_path):
    factories.make_concept()
    before = export(tmp_path)
    Concept.objects.all().delete()
    with pytest.raises(CommandError, match="the database holds no guide"):
        export(tmp_path)
    assert texts(tmp_path) == before


@pytest.mark.django_db
def test_what_could_not_be_loaded_again_is_not_written(tmp_path):
    factories.make_category(slug="half", goals=[], state="published")
    with pytest.raises(CommandError, match=r"categories/half.yaml: the field “sold_for” is missing"):
        export(tmp_path)
    assert texts(tmp_path) == {}


@pytest.mark.django_db
def test_what_files_cannot_say_is_not_dropped_in_silence(tmp_path):
    finding = factories.make_finding(sources=[factories.make_source(), other := factories.make_source()])
    finding.sources.set([other])
    with pytest.raises(CommandError, match=r"finding .*: the files cannot say what stands in sources"):
        export(tmp_path)


@pytest.mark.django_db
def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    factories.make_concept()
    (tmp_path / "glossary").write_text("a file")
    with pytest.raises(CommandError, match="A file could not be written"):
        export(tmp_path)


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow_with_the_guide(tmp_path, django_assert_max_num_queries):
    for number in range(4):
        finding = factories.make_finding(searched_on=date(2026, 1, 1 + number))
        factories.make_risk(concept=finding.concept)
        factories.make_regulation(category=factories.make_category(ingredients=[finding.concept]))
    with django_assert_max_num_queries(75):
        export(tmp_path)
