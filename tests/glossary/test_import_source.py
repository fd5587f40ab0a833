"""Sources from pasted references: CSL-JSON, RIS, BibTeX, in the admin and by command."""

import json
from io import StringIO

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils.html import escape

from glossary.models import Source
from glossary.reference_import import Unreadable, understand
from glossary.references import as_bibtex, as_csl_json, as_ris
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.ignore_template_errors, pytest.mark.one_database]

CSL = json.dumps(
    {
        "id": "https://doi.org/10.1000/Xyz",
        "type": "article-journal",
        "title": ["Platelets in hair loss: a randomized trial"],
        "author": [{"family": "Doe", "given": "Jane Mary"}, {"literal": "World Health Organization"}],
        "container-title": ["Journal of Tests"],
        "issued": {"date-parts": [[2021, 3]]},
        "DOI": "https://doi.org/10.1000/xyz",
        "PMID": "12345",
    }
)
RIS = """TY  - JOUR
AU  - Doe, Jane Mary
AU  - World Health Organization
TI  - Platelets in hair loss: a randomized trial
JO  - Journal of Tests
PY  - 2021/03//
DO  - 10.1000/xyz
AN  - 12345
ER  - """
BIBTEX = r"""@article{Doe2021,
  title = {Platelets in {hair} loss: a randomized trial},
  author = {Doe, Jane Mary and {World Health Organization}},
  journal = {Journal of Tests}, year = 2021, doi = {10.1000/xyz}, pmid = {12345}
}"""
UNDERSTOOD = {
    "key": "doe-2021-platelets",
    "kind": "rct",
    "title": "Platelets in hair loss: a randomized trial",
    "authors": "Doe JM, World Health Organization",
    "year": 2021,
    "container": "Journal of Tests",
    "doi": "10.1000/xyz",
    "pmid": "12345",
    "url": "https://doi.org/10.1000/xyz",
}
FORMATS = {"CSL-JSON": CSL, "RIS": RIS, "BibTeX": BIBTEX}

# --- What is understood


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_says_the_same(name):
    assert understand(FORMATS[name]) == [UNDERSTOOD]
    assert understand("\ufeff\r\n" + FORMATS[name].replace("\n", "\r\n")) == [UNDERSTOOD]


WRITERS = {"CSL-JSON": lambda sources: json.dumps(as_csl_json(sources)), "RIS": as_ris, "BibTeX": as_bibtex}


@pytest.mark.parametrize("name", WRITERS)
def test_what_the_guide_gives_away_it_also_takes(name):
    made = [
        factories.make_source(
            key="doe-2024-hair", authors="van der Berg A-M, Roe R", doi="10.1000/a_b(1)", note="100% of 5."
        ),
        factories.make_source(
            key="who-2020",
            authors="World Health Organization",
            title="Rules & more: 5 % {x} #1",
            url="https://example.org/a_b?c=1;d=2&e=%20",
        ),
        factories.make_source(
            key="moh-2019", authors="", year=None, title="富血小板血浆 “guide”", container="Ministry"
        ),
    ]
    text = WRITERS[name](made)
    Source.objects.all().delete()
    for row, source in zip(understand(text), made, strict=True):
        for field in ("key", "authors", "year", "container", "doi", "url", "note", "checked_on"):
            assert (row.get(field) or "") == (getattr(source, field) or ""), field
        braces = str.maketrans("", "", "{}") if name == "BibTeX" else {}
        assert row["title"] == source.title.translate(braces)


def test_letters_written_the_bibtex_way_are_read():
    text = r"@article{a, title={Caf\'e \& M{\"u}ller: 100\% more}, author={M{\"u}ller, J{\"o}rg}}"
    row = understand(text)[0]
    assert (row["title"], row["authors"]) == ("Café & Müller: 100% more", "Müller J")


def test_a_key_that_is_taken_gets_a_number_and_a_chinese_name_stays_whole():
    factories.make_source(key="doe-2021-platelets")
    assert [row["key"] for row in understand(f"{RIS}\n{RIS}")] == ["doe-2021-platelets-2", "doe-2021-platelets-3"]
    row = understand('[{"title": "标题", "author": [{"family": "王", "given": "小明"}]}]')[0]
    assert (row["authors"], row["key"], row["kind"]) == ("王 小明", "source", "")


NONSENSE = {
    "nothing": ("  \n ", "Paste one or more references."),
    "prose": ("See the paper by Doe, 2021.", "No reference was found here."),
    "HTML": ("<!DOCTYPE html><html><body>Cite</body></html>", "This is a web page"),
    "two formats": (f"{RIS}\n\n{BIBTEX}", "This is RIS and BibTeX at once"),
    "JSON and RIS": (f"{CSL}\n{RIS}", "at once"),
    "broken JSON": ('[{"title": "A"', "This is not valid JSON. Line 1"),
    "deep JSON": ("[" * 100_000, "This is not valid JSON."),
    "other JSON": ("[1, 2]", "not CSL-JSON"),
    "an empty list": ("[]", "no reference is in it"),
    "no title": ('{"DOI": "10.1000/x"}', "Reference 1 has no title."),
    "odd types": ('{"title": {"a": 1}, "author": "Doe", "issued": [1]}', "Reference 1 has no title."),
    "RIS left open": (RIS.replace("ER  - ", ""), "Not all of this is RIS"),
    "RIS with more": (f"{RIS}\nand a line", "Not all of this is RIS"),
    "broken BibTeX": ("@article{a, title={x}", "This is not valid BibTeX. syntax error in line 1"),
    "a BibTeX key twice": ("@misc{a, title={x}}\n@misc{a, title={y}}", "repeated bibliography entry: a"),
    "too long": (f"{RIS}\n{'x' * 200_000}", "longer than 200,000 characters"),
    "too many": ("\n".join([RIS] * 31), "These are 31 references; at most 30"),
    "NUL": (f"{RIS}\0", "NUL character"),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_is_refused_in_words_and_kept_on_the_page(admin_client, what):
    text, sentence = NONSENSE[what]
    page = paste(admin_client, text)
    assert page.status_code == 200
    assert sentence in page.context["problem"]
    assert escape(page.context["problem"]) in page.text
    # A browser drops the first line break of a text area, and nobody misses it.
    assert escape(text.strip()) in page.text.replace("\r", "")
    with pytest.raises(Unreadable):
        understand(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"title": "A", "author": [1, {"family": null}, {"given": 3}], "issued": {"date-parts": [["x", null]]}}',
        '{"title": ["A", 2], "author": {"a": 1}, "issued": {"date-parts": 7}, "DOI": [], "URL": {}, "id": 5}',
        "TY  - \nTI  - A\nPY  - soon\nUR  - \nAU  - ,\nER  - ",
        "@misc{x, title={A}, author={and and}, year={n.d.}}",
    ],
)
def test_odd_values_are_left_out(text):
    assert understand(text)[0]["title"] == "A"


def test_far_too_much_is_answered_in_words(admin_client):
    page = paste(admin_client, "x" * 5_000_000)
    assert page.status_code == 413
    assert "too large" in page.text.lower()


# --- The page


def paste(client, text, **fields):
    return client.post(reverse("admin:glossary_source_paste"), {"text": text} | fields)


def answers(page, **changes):
    """What a browser would send back: every field as it stands, with these answers for each reference."""
    fields = {"save": "1"}
    for entry in page.context["entries"]:
        for field in entry["form"]:
            value = changes.get(field.name, field.value())
            fields[field.html_name] = "" if value is None else value
    return fields


def test_a_pasted_reference_becomes_a_source_once_what_it_does_not_say_is_chosen(admin_client):
    page = paste(admin_client, RIS)
    assert page.status_code == 200
    assert not Source.objects.exists()
    assert "Guessed from the title" in page.text
    values = {field.name: field.value() for field in page.context["entries"][0]["form"]}
    assert {name: values[name] for name in UNDERSTOOD} == UNDERSTOOD
    assert not values["read"]
    assert not values["funder"]

    page = paste(admin_client, RIS, **answers(page))
    assert not Source.objects.exists()
    assert set(page.context["entries"][0]["form"].errors) == {"read", "funder"}

    answer = paste(admin_client, RIS, **answers(page, read="abstract", funder="maker", note="Small."))
    assert answer.url == reverse("admin:glossary_source_changelist")
    source = Source.objects.get()
    assert (source.key, source.read, source.funder, source.note) == (UNDERSTOOD["key"], "abstract", "maker", "Small.")
    assert source.history.get().history_change_reason == "Imported from a pasted reference"
    assert source.history.get().history_user.is_superuser


def test_a_kind_that_the_title_does_not_tell_is_asked(admin_client):
    page = paste(admin_client, '{"title": "On platelets", "DOI": "10.1000/x"}')
    page = paste(admin_client, page.context["text"], **answers(page, read="abstract", funder="maker"))
    assert set(page.context["entries"][0]["form"].errors) == {"kind"}


def test_a_source_that_may_be_there_already_is_shown_with_a_link(admin_client):
    old = factories.make_source(key="old", doi="10.1000/XYZ")
    twin = factories.make_source(key="twin", title=UNDERSTOOD["title"].upper())
    page = paste(admin_client, RIS)
    assert "There is already a source with this DOI" in page.text
    assert "There is already a source with this title" in page.text
    for source in (old, twin):
        assert reverse("admin:glossary_source_change", args=[source.pk]) in page.text


def test_of_several_references_all_are_saved_or_none(admin_client):
    two = json.dumps([{"title": "One", "DOI": "10.1000/x"}, {"title": "Two", "DOI": "10.1000/x"}])
    chosen = {"read": "abstract", "funder": "maker", "kind": "rct"}
    page = paste(admin_client, two)
    page = paste(admin_client, two, **answers(page, **chosen))
    assert "There is already a source with this DOI." in page.text
    assert not Source.objects.exists()
    fields = answers(page, **chosen) | {"reference-1-doi": "10.1000/y"}
    assert paste(admin_client, two, **fields).status_code == 302
    assert {source.title for source in Source.objects.all()} == {"One", "Two"}


def test_only_who_may_add_sources_may_paste(client, django_user_model):
    user = django_user_model.objects.create_user("reader", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_source", "change_source"]))
    client.force_login(user)
    assert paste(client, RIS).status_code == 403
    assert reverse("admin:glossary_source_paste") not in client.get(reverse("admin:glossary_source_changelist")).text
    user.user_permissions.add(Permission.objects.get(codename="add_source"))
    assert paste(client, RIS).status_code == 200
    assert reverse("admin:glossary_source_paste") in client.get(reverse("admin:glossary_source_changelist")).text


# --- The command


def command(tmp_path, text, *options):
    file, out = tmp_path / "references.ris", StringIO()
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    call_command("import_source", str(file), *options, stdout=out)
    return out.getvalue()


def test_a_dry_run_shows_what_was_understood_and_saves_nothing(tmp_path):
    factories.make_source(key="old", doi="10.1000/xyz")
    said = command(tmp_path, RIS, "--dry-run")
    assert said.startswith("doe-2021-platelets (the title sounds like: rct)\n")
    assert "  authors: Doe JM, World Health Organization\n" in said
    assert "NB there is already a source with this DOI: old" in said
    assert "dry run" in said
    assert Source.objects.count() == 1


ASKED = ("--kind", "rct", "--read", "abstract", "--funder", "not-stated")


def test_the_command_asks_for_what_a_reference_does_not_say(tmp_path):
    with pytest.raises(CommandError, match="give --kind, --read, --funder"):
        command(tmp_path, RIS)
    assert not Source.objects.exists()
    assert command(tmp_path, RIS, *ASKED, "--checked-on", "2026-11-01").endswith("1 added.\n")
    source = Source.objects.get()
    assert (source.kind, source.read, source.checked_on.isoformat()) == ("rct", "abstract", "2026-11-01")
    assert source.history.get().history_change_reason == "Imported from references.ris"


def test_the_command_saves_all_or_none(tmp_path):
    with pytest.raises(CommandError, match=r"doe-2021-platelets-2: There is already a source with this DOI\."):
        command(tmp_path, f"{RIS}\n{RIS}", *ASKED)
    assert not Source.objects.exists()


@pytest.mark.parametrize(("text", "sentence"), [("hello", "No reference was found"), (b"\xff\xfe", "not UTF-8 text")])
def test_the_command_refuses_what_it_cannot_read(tmp_path, text, sentence):
    with pytest.raises(CommandError, match=sentence):
        command(tmp_path, text, *ASKED)
    with pytest.raises(CommandError, match="The file cannot be read"):
        call_command("import_source", str(tmp_path / "none"))
    with pytest.raises(CommandError, match="not a date"):
        command(tmp_path, RIS, "--checked-on", "tomorrow")
