"""Everything comes back from a backup, and a backup that is not whole is refused."""

import json
import os
import stat
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from config import backup

# Everything there is, table by table, except who is logged in.
EVERYTHING = """
from django.db import connection
tables = [t for t in connection.introspection.table_names() if t != "django_session"]
found = {}
with connection.cursor() as cursor:
    for table in tables:
        cursor.execute(f'SELECT * FROM "{table}"')
        found[table] = sorted(map(str, cursor.fetchall()))
print(json.dumps(found))
"""
EDIT = """
from django.contrib.auth.models import User
from glossary import revisions
from glossary.models import Concept
user, concept = User.objects.get(), Concept.objects.get(slug="concept-1")
concept.summary = "Edited."
concept._change_reason = "Clearer"
concept.save()
content = revisions.snapshot(concept)
content["fields"]["summary"] = "A draft."
revisions.save(concept, content, revisions.working_copy(concept), user, "A better word")
print("0")
"""
WRECK = """
from glossary.models import Concept
from products.models import SearchEntry
SearchEntry.objects.all().delete()
Concept.objects.filter(slug__gt="concept-3").update(summary="Wrecked.")
print("0")
"""


def newest(installation):
    return max(p for p in (installation.home / "backups").iterdir() if p.suffix in (".sqlite3", ".dump"))


def test_after_a_wreck_a_backup_brings_everything_back(installation):
    installation.ask(EDIT)
    before = installation.ask(EVERYTHING)
    said = installation.manage("backup", "--drill")
    copy = newest(installation)
    assert copy.name in said
    assert "rows" in said
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    installation.ask(WRECK)

    assert "--replace" in installation.refused("restore", str(copy))
    said = installation.manage("restore", str(copy), "--replace")

    after = installation.ask(EVERYTHING)
    assert after == before
    assert len(after["auth_user"]) == 1
    assert len(after["glossary_revision"]) == 2
    assert len(after["glossary_historicalconcept"]) == 201
    assert "What was there before is kept in" in said
    aside = said.split("kept in ")[1].splitlines()[0]
    assert os.path.exists(aside)
    installation.manage("migrate", "--verbosity", "0")
    with installation.server() as server:
        assert json.loads(server.ask("/readyz").text) == {"ready": True, "missing": []}
        assert "Edited." in server.ask("/glossary/concept-1/").text
        assert server.ask("/search/?q=concept").status == 200


def test_a_second_machine_needs_nothing_but_the_two_files(on_sqlite, tmp_path):
    before = on_sqlite.ask(EVERYTHING)
    on_sqlite.manage("backup")
    copy = newest(on_sqlite)
    on_sqlite.home = tmp_path / "other"
    on_sqlite.home.mkdir()
    on_sqlite.manage("restore", str(copy))

    assert on_sqlite.ask(EVERYTHING) == before


def test_a_database_that_cannot_even_be_opened_is_replaced(on_sqlite):
    on_sqlite.manage("backup")
    live = on_sqlite.home / "db.sqlite3"
    live.write_bytes(b"not a database at all, " * 400)
    on_sqlite.manage("restore", str(newest(on_sqlite)), "--replace")

    assert len(on_sqlite.ask(EVERYTHING)["glossary_concept"]) == 200


def test_a_damaged_backup_is_refused_and_nothing_is_touched(installation):
    installation.manage("backup")
    copy = newest(installation)
    before = installation.ask(EVERYTHING)
    whole = copy.read_bytes()

    middle = len(whole) // 2
    copy.write_bytes(whole[:middle] + bytes(200) + whole[middle + 200 :])
    assert "is damaged" in installation.refused("restore", str(copy), "--replace")
    copy.write_bytes(whole[:middle])
    assert "is damaged" in installation.refused("restore", str(copy), "--replace")
    copy.write_bytes(whole)
    manifest = copy.with_name(f"{copy.name}.json")
    text = manifest.read_text()
    manifest.write_text(text.replace('"glossary_concept": 200', '"glossary_concept": 202'))
    if installation.env["DATABASE_URL"] == "":
        assert "glossary_concept has 200 rows" in installation.refused("restore", str(copy), "--replace")
    manifest.unlink()
    assert "missing or damaged" in installation.refused("restore", str(copy), "--replace")
    assert "no file" in installation.refused("restore", str(copy) + ".nothing")

    assert installation.ask(EVERYTHING) == before


def test_a_database_in_use_is_not_pulled_away_from_its_server(on_sqlite):
    on_sqlite.manage("backup")
    with on_sqlite.server() as server:
        assert server.ask("/glossary/concept-1/").status == 200
        assert "Stop the server first" in on_sqlite.refused("restore", str(newest(on_sqlite)), "--replace")
        assert server.ask("/glossary/concept-2/").status == 200


def test_a_backup_of_another_kind_of_database_is_refused(on_sqlite, on_postgresql):
    on_sqlite.manage("backup")

    assert "is of sqlite" in on_postgresql.refused("restore", str(newest(on_sqlite)))


def test_what_is_kept_grows_thinner_with_age(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "BACKUP_DIR", tmp_path)
    now = datetime(2026, 11, 28, 3, 30, tzinfo=UTC)
    for days in range(800):
        for hours in (0, 12):
            name = (now - timedelta(days=days, hours=hours)).strftime(f"guide-{backup.STAMP}.sqlite3")
            (tmp_path / name).touch()
            (tmp_path / f"{name}.json").touch()
    (tmp_path / "replaced-20200101T000000Z.sqlite3").touch()
    (tmp_path / "notes.txt").touch()
    gone = backup.tidy()

    kept = backup.backups()
    days = [(now.date() - backup.moment(path).date()).days for path in kept]
    assert days[:14] == list(range(14))
    assert len(kept) <= backup.DAILY + backup.WEEKLY + backup.MONTHLY
    assert 300 < days[-1] < 366
    assert len(gone) == 1600 - len(kept)
    assert len(list(tmp_path.glob("*.json"))) == len(kept)
    assert (tmp_path / "notes.txt").exists()
    assert (tmp_path / "replaced-20200101T000000Z.sqlite3").exists()
    assert backup.tidy() == []


@pytest.mark.parametrize("name", ["guide-x.sqlite3", "guide-20261128T033000Z.sqlite3.json", "other.dump"])
def test_no_other_file_is_taken_for_a_backup(tmp_path, name):
    assert backup.moment(tmp_path / name) is None
