"""Sources, findings and names by spreadsheet, in the admin: preview, row errors in words, all or nothing."""

import csv
import io
import zipfile
from datetime import datetime

import openpyxl
import pytest
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from glossary import bulk
from glossary.models import Alias, Finding, Revision, Source
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.ignore_template_errors, pytest.mark.one_database]


@pytest.fixture
def editor(django_user_model, client):
    user = django_user_model.objects.create_superuser("editor", password="a long enough one")
    client.force_login(user)
    return user


def url(model, what):
    return reverse(f"admin:glossary_{model}_{what}")


def as_csv(*rows):
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def as_xlsx(*rows, sheets=1):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for number in range(1, sheets):
        book.create_sheet(f"Sheet {number}")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def upload(client, model, data, name="new sources.csv"):
    return client.post(url(model, "import"), {"import_file": SimpleUploadedFile(name, data), "format": ""})


def confirm(client, model, page):
    form = page.context_data["confirm_form"]
    assert form is not None, page.context_data["wrong"] or page.context_data["form"].errors
    return client.post(url(model, "process_import"), form.initial, follow=True)


def bring(client, model, data, name="new sources.csv"):
    return confirm(client, model, upload(client, model, data, name))


def wrong(page):
    """Why the file was refused: problems of the file, or of its rows."""
    assert page.status_code == 200
    assert page.context_data["confirm_form"] is None
    sentences = [*page.context_data["wrong"], *page.context_data["form"].errors.get("import_file", [])]
    assert sentences
    assert all(str(escape(sentence)) in page.text for sentence in sentences)
    return sentences


def exported(client, model, kind="0"):
    response = client.post(url(model, "export"), {"format": kind, "resource": "0"})
    assert response.status_code == 200
    return response.content


SOURCE_COLUMNS = ["key", "kind", "title", "year", "url", "read", "checked_on"]
A_SOURCE = ["doe-2024", "rct", "A trial", "2024", "https://example.org/", "abstract", "2026-11-23"]


# --- In


@pytest.mark.parametrize("make", [as_csv, as_xlsx])
def test_nothing_is_saved_before_the_preview_is_confirmed(editor, client, make):
    factories.make_source(key="old-2020", title="As it was")
    data = make(["key", "title"], ["old-2020", "As it <i>is"]) if make is as_xlsx else None
    data = data or make(["key", "title"], ["old-2020", "As it <i>is"])

    page = upload(client, "source", data)
    assert "0 new, 1 changed, 0 as before" in page.text
    assert "As it <del>wa</del><ins>&lt;i&gt;i</ins>s" in page.text
    assert Source.objects.get().title == "As it was"

    assert "0 new, 1 changed, 0 as before" in confirm(client, "source", page).text
    source = Source.objects.get()
    assert source.title == "As it <i>is"
    assert source.history.first().history_change_reason == "Imported from new sources.csv"
    assert source.history.first().history_user == editor


@pytest.mark.parametrize("make", [as_csv, as_xlsx])
def test_a_new_source_arrives(editor, client, make):
    bring(client, "source", make(SOURCE_COLUMNS, A_SOURCE))
    source = Source.objects.get()
    assert (source.key, source.year, source.checked_on.isoformat()) == ("doe-2024", 2024, "2026-11-23")
    assert source.funder == "not-stated"


def test_xlsx_dates_and_numbers_are_taken_as_they_look(editor, client):
    row = [*A_SOURCE[:3], 2024.0, *A_SOURCE[4:6], datetime(2026, 11, 23)]
    bring(client, "source", as_xlsx(SOURCE_COLUMNS, row))
    assert Source.objects.get().checked_on.isoformat() == "2026-11-23"


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_semicolons_and_tabs_between_columns_are_understood(editor, client, delimiter):
    data = "\n".join(delimiter.join(row) for row in (SOURCE_COLUMNS, A_SOURCE)).encode("utf-8-sig")
    bring(client, "source", data)
    assert Source.objects.get().title == "A trial"


def test_columns_that_are_left_out_stay_and_empty_cells_empty(editor, client):
    factories.make_source(key="a-1", note="A note", funding="A fund")
    bring(client, "source", as_csv(["key", "note"], ["a-1", ""]))
    source = Source.objects.get()
    assert (source.note, source.funding) == ("", "A fund")


def test_names_arrive_as_one_draft_of_their_concept(editor, client):
    concept = factories.make_concept(slug="prp", aliases=["old name"])
    rows = [["prp", "血小板", "ja", "translation"], ["prp", "old name", "en", "search"]]
    page = bring(client, "alias", as_csv(["concept", "text", "language", "kind"], *rows), name="mine.csv")
    assert "The changes are drafts" in page.text
    assert Alias.objects.get().kind == "synonym"
    draft = Revision.objects.of(concept).last()
    assert (draft.state, draft.saved_by, draft.reason) == ("draft", editor, "Imported from mine.csv")
    names = {part["fields"]["text"]: part["fields"] for part in draft.content["parts"]["aliases"]}
    assert names["血小板"]["folded"] == "血小板"
    assert names["old name"]["kind"] == "search"
    assert Revision.objects.of(concept).count() == 2


def test_names_of_a_concept_that_nobody_sees_yet_are_written_at_once(editor, client):
    factories.make_concept(slug="prp", state="draft")
    bring(client, "alias", as_csv(["concept", "text", "language", "kind"], ["prp", "血小板", "ja", "translation"]))
    assert Alias.objects.get().text == "血小板"


FINDING = {
    "concept": "prp",
    "effect": "hair",
    "route": "injected",
    "claimed": "More hair.",
    "shown": "12 of 20, against 8 of 20.",
    "population": "Adults",
    "people": "40",
    "direction": "benefit",
    "certainty": "low",
    "certainty_reason": "One trial.",
    "would_change": "Another.",
    "searched_on": "2026-11-23",
    "main_source": "a-1",
    "sources": "b-2; a-1",
    "claim_sources": "c-3",
}


@pytest.fixture
def surroundings():
    factories.make_concept(slug="prp")
    factories.make_effect(slug="hair")
    return [factories.make_source(key=key) for key in ("a-1", "b-2", "c-3")]


def finding_file(**changes):
    row = FINDING | changes
    return as_csv(list(row), list(row.values()))


def test_a_new_finding_arrives_as_a_draft_with_its_sources(editor, client, surroundings):
    bring(client, "finding", finding_file(sources="b-2"))
    finding = Finding.objects.get()
    assert finding.state == "draft"
    assert {source.key for source in finding.sources.all()} == {"a-1", "b-2"}
    assert [source.key for source in finding.claim_sources.all()] == ["c-3"]
    assert not Finding.objects.published().exists()


def test_a_file_cannot_publish(editor, client, surroundings):
    page = upload(client, "finding", finding_file(state="published"))
    assert wrong(page) == ["Row 2, state: A file cannot change the state. Leave it “draft”, or leave the column out."]
    assert not Finding.objects.exists()


@pytest.mark.parametrize("state", ["draft", "in-review", "withdrawn"])
def test_a_finding_that_readers_do_not_see_changes_and_is_a_draft_again(editor, client, surroundings, state):
    bring(client, "finding", finding_file())
    Finding.objects.update(state=state)
    bring(client, "finding", finding_file(shown="13 of 20.", state="" if state == "draft" else state))
    assert (Finding.objects.get().shown, Finding.objects.get().state) == ("13 of 20.", "draft")


def test_what_changes_a_published_finding_becomes_a_draft_beside_it(editor, client, surroundings):
    bring(client, "finding", finding_file())
    Finding.objects.update(state="published")
    bring(client, "finding", finding_file(state="published", shown="13 of 20.", sources="a-1; c-3"), name="mine.csv")
    finding = Finding.objects.get()
    assert (finding.shown, finding.state) == (FINDING["shown"], "published")
    assert {source.key for source in finding.sources.all()} == {"a-1", "b-2"}
    draft = Revision.objects.of(finding).last()
    assert (draft.state, draft.saved_by, draft.reason) == ("draft", editor, "Imported from mine.csv")
    assert draft.content["fields"]["shown"] == "13 of 20."
    assert draft.content["fields"]["sources"] == sorted([surroundings[0].pk, surroundings[2].pk])
    # What does not change it is no draft.
    page = upload(client, "finding", finding_file(state="published"))
    assert "Nothing would change" in page.text


def test_every_state_of_an_imported_source_is_kept(editor, client):
    source = factories.make_source(key="a-1", title="As it was")
    bring(client, "source", as_csv(["key", "title"], ["a-1", "As it is"]))
    saves = Revision.objects.of(source)
    assert [save.content["fields"]["title"] for save in saves] == ["As it was", "As it is"]
    assert saves.last().saved_by == editor


# --- Out, and in again


@pytest.mark.parametrize("kind", ["0", "1"])
def test_what_was_exported_comes_back_without_a_change(editor, client, surroundings, kind):
    factories.make_source(key="f-1", title="=1+1", note="-5 degrees", authors="'=quoted", container="@home\nand more")
    factories.make_source(key="g-1", status="superseded", superseded_by=surroundings[0], year=None)
    factories.make_alias(text="+plus", language="fr", is_ambiguous=True)
    factories.make_finding(sources=surroundings, claim_sources=surroundings[:2], people=1203)
    for model, count in (("source", 5), ("alias", 1), ("finding", 1)):
        page = upload(client, model, exported(client, model, kind))
        assert "Nothing would change" in page.text, page.context_data["wrong"]
        assert page.context_data["result"].totals["skip"] == count
    # Nor are texts changed that look like formulas.
    data = exported(client, "source", kind)
    Source.objects.filter(key="f-1").update(title="x", note="x", authors="x", container="x")
    bring(client, "source", data)
    source = Source.objects.get(key="f-1")
    assert (source.title, source.note, source.authors) == ("=1+1", "-5 degrees", "'=quoted")
    assert source.container == "@home\nand more"


def test_an_exported_file_holds_no_formula(editor, client):
    factories.make_source(title='=HYPERLINK("https://example.org")', note="@sum")
    book = openpyxl.load_workbook(io.BytesIO(exported(client, "source", "1")))
    assert {cell.data_type for row in book.active.iter_rows() for cell in row} <= {"s", "n", "inlineStr"}
    cells = {cell for row in csv.reader(io.StringIO(exported(client, "source").decode("utf-8-sig"))) for cell in row}
    assert {'\'=HYPERLINK("https://example.org")', "'@sum"} <= cells


def test_control_characters_do_not_stop_an_export(editor, client):
    factories.make_source(key="a-1", title="A\x0btitle")
    assert "A\ufffdtitle" in {
        cell.value for cell in openpyxl.load_workbook(io.BytesIO(exported(client, "source", "1"))).active[2]
    }


# --- All or nothing


def test_one_wrong_row_stops_all_and_every_problem_is_named_by_its_row(editor, client):
    rows = [
        A_SOURCE,
        ["", *A_SOURCE[1:]],
        ["x-1", "trial", *A_SOURCE[2:]],
        ["x-2", "rct", "", "MMXX", "not an address", "abstract", "23/11/2026"],
        A_SOURCE,
    ]
    said = wrong(upload(client, "source", as_csv(SOURCE_COLUMNS, *rows)))
    assert said[0].startswith("Row 3, key: ")
    assert said[1].startswith("Row 4, kind: “trial” is none of: rct, ")
    assert "Row 5, year: “MMXX” is not a whole number." in said
    assert "Row 5, checked_on: “23/11/2026” is not a date. Write it as 2026-11-23." in said
    assert any(sentence.startswith("Row 5, title: ") for sentence in said)
    assert any(sentence.startswith("Row 5, url: ") for sentence in said)
    assert said[-1] == "Row 6: Another row above speaks of the same entry."
    assert not Source.objects.exists()


def test_what_the_database_promises_is_said_in_its_words(editor, client, surroundings):
    factories.make_source(doi="10.1000/x")
    said = wrong(upload(client, "source", as_csv([*SOURCE_COLUMNS, "doi"], [*A_SOURCE, "10.1000/x"])))
    assert said == ["Row 2: There is already a source with this DOI."]
    said = wrong(upload(client, "finding", finding_file(certainty="none", sources="a-1; zz-9", concept="nobody")))
    assert "Row 2, concept: There is no concept “nobody”." in said
    assert "Row 2, sources: There is no source “zz-9”." in said
    said = wrong(upload(client, "finding", finding_file(direction="unknown")))
    assert said == ["Row 2: “We do not know” goes with certainty very low or none, and none only with it."]


def test_a_guide_that_changed_since_the_preview_is_not_half_imported(editor, client):
    rows = [A_SOURCE, ["roe-2024", *A_SOURCE[1:]]]
    page = upload(
        client,
        "source",
        as_csv([*SOURCE_COLUMNS, "doi"], *[[*row, d] for row, d in zip(rows, ("", "10.1000/x"), strict=True)]),
    )
    factories.make_source(key="other", doi="10.1000/x")
    after = confirm(client, "source", page)
    assert "Nothing was imported. Row 3: There is already a source with this DOI." in after.text
    assert [source.key for source in Source.objects.all()] == ["other"]


# --- Files that are refused


def bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 40_000_000)
    return out.getvalue()


def with_sheet(change):
    """An XLSX whose sheet was changed behind the back of every spreadsheet program."""
    source, out = zipfile.ZipFile(io.BytesIO(as_xlsx(["key"], ["a"]))), io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith("sheet1.xml"):
                data = change(data)
            archive.writestr(name, data)
    return out.getvalue()


def entities(sheet):
    return b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>' + sheet.replace(b"<v>", b"<v>&b;")


def far_below(sheet):
    return sheet.replace(b'r="2"', b'r="900000000"').replace(b'r="A2"', b'r="A900000000"')


def far_right(sheet):
    return sheet.replace(b'r="A2"', b'r="XFD2"')


HEAD = ",".join(SOURCE_COLUMNS)
REFUSED = {
    "a PDF": (b"%PDF-1.7\n%\xe2\xe3", "not a CSV or XLSX file, whatever its name says"),
    "an old XLS": (b"\xd0\xcf\x11\xe0\xa1\xb1", "not a CSV or XLSX file"),
    "GBK": (
        f"{HEAD}\n血小板,rct,富血小板血浆".encode("gbk"),
        "in line 2. It looks like Chinese text in GBK. Save it as “CSV UTF-8”",
    ),
    "Latin-1": (f"{HEAD}\nmüller,rct,für".encode("latin-1"), "not UTF-8 text; the first other character is in line 2"),
    "UTF-16": (HEAD.encode("utf-16"), "text in UTF-16"),
    "NUL": (f"{HEAD}\na\0b,".encode(), "NUL characters"),
    "empty": (b"", "file is empty"),
    "blank": (b"\n\n  \n", "The file is empty."),
    "a header alone": (HEAD.encode(), "nothing below it"),
    "an unknown column": (
        as_csv(["key", "colour"], ["a", "b"]),
        "There is no column “colour”. The columns are: key, kind,",
    ),
    "a missing column": (as_csv(["title"], ["b"]), "The column “key” is missing."),
    "a column twice": (as_csv(["key", "key"], ["a", "b"]), "names a column twice: key"),
    "a column without a name": (as_csv(["key", "", "kind"], ["a", "b", "c"]), "Column 2 has no name"),
    "too many cells": (as_csv(["key", "kind"], ["a", "b", "c"]), "Row 2 has 3 cells"),
    "an empty row": (as_csv(["key"], ["a"], [], ["b"]), "Row 3 is empty"),
    "a quote left open": (b'key,kind\n"a,b\n', "is not CSV"),
    "a huge cell": (b"key,kind\na," + b"x" * 200_000, "is not CSV"),
    "too many rows": (as_csv(["key"], *[[f"k-{n}"] for n in range(5001)]), "more than 5,000 rows"),
    "a formula": (as_xlsx(["key", "title"], ["a", "=1+1"]), "Cell B2 holds a formula"),
    "an error": (as_xlsx(["key", "title"], ["a", "#N/A"]), "Cell B2 holds the error #N/A"),
    "two sheets": (as_xlsx(["key"], ["a"], sheets=2), "has 2 sheets"),
    "a zip bomb": (bomb(), "would unpack to 40 MB"),
    "expanding XML": (with_sheet(entities), "cannot be read as XLSX"),
    "a row far below": (with_sheet(far_below), "goes on below row 20,000"),
    "a cell far to the right": (with_sheet(far_right), "goes on to column XFD"),
    "another archive": (b"PK\x05\x06" + b"\0" * 18, "not an XLSX file"),
    "a broken archive": (as_xlsx(["key"], ["a"])[:2000], "damaged"),
    "more than may arrive": (b"key\n" + b"x" * 2_300_000, "larger than 2 MB"),
    "more than Django keeps": (b"key\n" + b"x" * 3_000_000, "larger than 2 MB"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_bad_file_is_refused_in_words(editor, client, what):
    data, sentence = REFUSED[what]
    said = wrong(upload(client, "source", data))
    assert sentence in " ".join(said)
    assert "Traceback" not in " ".join(said)
    assert not Source.objects.exists()
    assert bulk.InSession.KEY not in client.session


def test_no_file_at_all_is_said(editor, client):
    assert wrong(client.post(url("source", "import"), {"format": "0"})) == ["Choose a file."]


# --- Between preview and confirmation


def test_nothing_is_left_behind(editor, client):
    bring(client, "source", as_csv(SOURCE_COLUMNS, A_SOURCE))
    assert bulk.InSession.KEY not in client.session
    upload(client, "source", as_csv(SOURCE_COLUMNS, ["other", *A_SOURCE[1:]]))
    assert bulk.InSession.KEY in client.session
    client.get(url("source", "import"))
    assert bulk.InSession.KEY not in client.session


def test_a_confirmation_without_its_preview_imports_nothing(editor, client, django_user_model):
    page = upload(client, "source", as_csv(SOURCE_COLUMNS, A_SOURCE))
    forged = page.context_data["confirm_form"].initial
    for change in ({"import_file_name": "/etc/passwd"}, {"format": "7"}, {"format": "x"}, {"original_file_name": ""}):
        answer = client.post(url("source", "process_import"), forged | change, follow=True)
        assert "this preview is no longer at hand" in answer.text
        page = upload(client, "source", as_csv(SOURCE_COLUMNS, A_SOURCE))
        forged = page.context_data["confirm_form"].initial
    Session.objects.all().delete()
    other = django_user_model.objects.create_superuser("other", password="a long enough one")
    client.force_login(other)
    assert "no longer at hand" in client.post(url("source", "process_import"), forged, follow=True).text
    assert client.get(url("source", "process_import")).status_code == 405
    assert not Source.objects.exists()


# --- Who may


@pytest.mark.parametrize("granted", [["view"], ["view", "add"], ["view", "change"]])
def test_only_who_may_add_and_change_may_import(client, django_user_model, granted):
    user = django_user_model.objects.create_user("writer", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=[f"{may}_source" for may in granted]))
    client.force_login(user)
    data = as_csv(SOURCE_COLUMNS, A_SOURCE)
    assert upload(client, "source", data).status_code == 403
    assert client.post(url("source", "process_import"), {}).status_code == 403
    assert url("source", "import") not in client.get(url("source", "changelist")).text
    assert client.get(url("source", "export")).status_code == 200
    assert client.get(url("finding", "export")).status_code == 403
    user.user_permissions.set(Permission.objects.filter(codename__in=["add_source", "change_source", "view_source"]))
    bring(client, "source", data)
    assert Source.objects.exists()


def test_a_row_that_does_not_change_costs_its_savepoint_and_its_links(editor, client):
    def queries():
        data = exported(client, "finding")
        with CaptureQueriesContext(connection) as seen:
            assert "Nothing would change" in upload(client, "finding", data).text
        return len(seen)

    factories.make_finding()
    one = queries()
    for _ in range(6):
        factories.make_finding()
    assert queries() - one == 6 * (2 + 2)
