"""Spreadsheets and pasted references in the editors' desk, in a browser: under the site's strict policy, without one message
in the console."""

import csv
import io

import pytest

from glossary.models import Source
from tests import factories

RIS = "TY  - JOUR\nTI  - A trial\nAU  - Doe, Jane\nDO  - 10.1000/xyz\nER  - "


@pytest.fixture
def desk(django_user_model, page, client, live_server):
    """The page, with an administrator signed in."""
    client.force_login(django_user_model.objects.create_superuser("editor", password="a long enough one"))
    cookie = client.cookies["sessionid"]
    page.context.add_cookies([{"name": "sessionid", "value": cookie.value, "url": live_server.url}])
    return page


def test_a_list_goes_out_and_comes_back_changed(transactional_db, desk, tmp_path):
    factories.make_source(key="old-2020", title="As it was")
    desk.goto("/admin/glossary/source/")
    desk.get_by_role("link", name="Export").click()
    desk.get_by_label("Format").select_option("csv")
    with desk.expect_download() as waiting:
        desk.get_by_role("button", name="Write the file").click()
    rows = list(csv.DictReader(io.StringIO(waiting.value.path().read_text("utf-8-sig"))))
    rows[0]["title"] = "As it is <now>"
    file = tmp_path / "changed.csv"
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, rows[0])
        writer.writeheader()
        writer.writerows(rows)

    desk.goto("/admin/glossary/source/")
    desk.get_by_role("link", name="Import").click()
    desk.get_by_label("File to import").set_input_files(file)
    desk.get_by_role("button", name="Look at it first").click()
    assert desk.locator(".bulk-preview ins").first.is_visible()
    assert Source.objects.get().title == "As it was"
    desk.get_by_role("button", name="Import all of it").click()
    desk.get_by_text("0 new, 1 changed, 0 as before.").wait_for()
    assert Source.objects.get().title == "As it is <now>"


def test_a_file_with_wrong_rows_shows_them_all(transactional_db, desk, tmp_path):
    file = tmp_path / "wrong.csv"
    file.write_text("key,kind,year\na-1,trial,soon\n")
    desk.goto("/admin/glossary/source/import/")
    desk.get_by_label("File to import").set_input_files(file)
    desk.get_by_role("button", name="Look at it first").click()
    assert desk.get_by_text("Row 2, kind: “trial” is none of: rct").is_visible()
    assert desk.get_by_text("Row 2, year: “soon” is not a whole number.").is_visible()


def test_a_file_too_large_to_arrive_is_said(transactional_db, desk, tmp_path):
    file = tmp_path / "large.csv"
    file.write_text("key\n" + "x" * 3_000_000)
    desk.goto("/admin/glossary/source/import/")
    desk.get_by_label("File to import").set_input_files(file)
    desk.get_by_role("button", name="Look at it first").click()
    assert desk.get_by_text("The file is larger than 2 MB").is_visible()


def test_a_reference_is_pasted_asked_about_and_saved(transactional_db, desk):
    desk.goto("/admin/glossary/source/")
    desk.get_by_role("link", name="Paste references").click()
    desk.get_by_label("References:").fill(RIS)
    desk.get_by_role("button", name="Look at it first").click()
    assert desk.get_by_label("Title").input_value() == "A trial"
    desk.get_by_label("Kind").select_option("rct")
    desk.get_by_label("What was read").select_option("abstract")
    desk.get_by_label("Paid by").select_option("not-stated")
    desk.get_by_role("button", name="Save all").click()
    desk.get_by_text("1 source added: doe-trial.").wait_for()
    assert Source.objects.get().authors == "Doe J"
