"""The disk is full, or may only be read: nothing breaks, nothing is lost, and whoever saves is told."""

import os
import subprocess
from contextlib import contextmanager

import pytest

from tests.faults.conftest import copied_to
from tests.forms import read_form

INTEGRITY = """
from django.db import connection
from glossary.models import Revision
found = "ok"
if connection.vendor == "sqlite":
    cursor = connection.cursor()
    cursor.execute("PRAGMA integrity_check")
    found = cursor.fetchone()[0]
print(json.dumps([found, sorted(set(Revision.objects.exclude(reason="").values_list("reason", flat=True)))]))
"""


@contextmanager
def small_disk(folder, megabytes, options="mode=700"):
    """A file system of this size."""
    folder.mkdir()
    disk = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,{options}", "tmpfs", folder]
    done = subprocess.run(disk, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("may not mount a small disk to fill; run as root.")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder):
    """Take what room is left."""
    filler = folder / "filler"
    with filler.open("wb") as file:
        for size in (65536, 4096):
            try:
                while True:
                    file.write(bytes(size))
                    file.flush()
            except OSError:
                pass
    return filler


def opened(server, installation, name="Concept 1"):
    """The address of an entry's form and its fields."""
    address = f"/admin/glossary/concept/{installation.concepts[name]}/change/"
    return address, read_form(server.ask(address), "concept_form")


def save(server, address, form, words, **more):
    typed = {"summary": words, "change_reason": words[:40], "base": "", "_save": "1"}
    return server.ask(address, form | typed | more)


def until_refused(server, installation):
    """Save until the disk has no more room: what was kept, and the answer that was not a save."""
    kept = []
    address, form = opened(server, installation, "Concept 2")
    for number in range(60):
        words = f"Words number {number}."
        answer = save(server, address, form, words, body="They are long ones.\n\n" * 400)
        if answer.status != 302:
            return kept, words, answer
        kept.append(words)
    raise AssertionError("The disk was not full.")


def refused_and_then_saved(server, installation, room):
    kept, words, answer = until_refused(server, installation)
    assert answer.status == 507, answer.text
    assert "There is no room left to save anything" in answer.text
    assert "nothing is lost" in answer.text
    assert words in answer.text
    assert server.ask("/glossary/concept-9/").status == 200  # one that nobody has read before
    assert server.ask("/glossary/concept-1/").status == 200

    room.unlink()
    address, form = opened(server, installation, "Concept 3")
    assert save(server, address, form, "Saved when there was room again.").status == 302
    found, reasons = installation.ask(INTEGRITY)
    assert found == "ok"
    assert {*kept, "Saved when there was room again."} <= set(reasons)
    assert words not in reasons


def test_a_full_disk_on_sqlite(on_sqlite, stocked, static_files, tmp_path):
    with small_disk(tmp_path / "small", 16) as folder:
        on_sqlite.home = folder
        on_sqlite.env["DATA_DIR"] = str(folder)
        copied_to(folder, stocked, static_files)
        with on_sqlite.server() as server:
            assert server.ask("/glossary/concept-1/").status == 200
            opened(server, on_sqlite)
            refused_and_then_saved(server, on_sqlite, fill(folder))


def test_a_full_disk_under_postgresql(on_postgresql, cluster, tmp_path):
    owner = cluster.as_user.get("user", os.geteuid())
    with small_disk(cluster.home / "small", 20, f"mode=700,uid={owner}") as folder:
        name = on_postgresql.env["DATABASE_URL"].rpartition("/")[2]
        cluster.run(f"CREATE TABLESPACE small LOCATION '{folder}'")
        cluster.run(f"ALTER DATABASE {name} SET TABLESPACE small")
        try:
            with on_postgresql.server() as server:
                assert server.ask("/glossary/concept-1/").status == 200
                opened(server, on_postgresql)
                refused_and_then_saved(server, on_postgresql, fill(folder))
        finally:
            cluster.run(f"DROP DATABASE {name} WITH (FORCE)")
            cluster.run("DROP TABLESPACE small")


def test_a_backup_for_which_there_is_no_room_leaves_nothing_behind(on_sqlite, tmp_path):
    on_sqlite.manage("backup")
    with small_disk(tmp_path / "small", 1) as folder:
        done = on_sqlite.command("manage.py", "backup", BACKUP_DIR=str(folder))
        assert done.returncode == 1
        assert "No backup was made" in done.stderr
        assert "Traceback" not in done.stderr
        assert list(folder.iterdir()) == []


def test_a_file_system_that_may_only_be_read(on_sqlite, stocked, static_files, tmp_path):
    with small_disk(tmp_path / "small", 30) as folder:
        on_sqlite.env["DATA_DIR"] = str(folder)
        copied_to(folder, stocked, static_files)
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        with on_sqlite.server() as server:
            assert server.ask("/healthz").status == 200
            assert server.ask("/readyz").status == 503
            page = server.ask("/glossary/concept-1/")
            assert page.status == 503
            assert 'class="site-header"' in page.text
            assert page.headers["retry-after"]

            subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
            assert server.until("/glossary/concept-1/", 200)
            assert server.until("/readyz", 200)


def test_a_database_that_may_only_be_read(on_postgresql, cluster):
    name = on_postgresql.env["DATABASE_URL"].rpartition("/")[2]
    with on_postgresql.server() as server:
        address, form = opened(server, on_postgresql)
        cluster.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        cluster.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608
        server.until("/glossary/concept-5/", 200)
        answer = save(server, address, form, "Words that must not go.")
        assert answer.status == 503
        assert "may be read but not written to" in answer.text
        assert "Words that must not go." in answer.text
