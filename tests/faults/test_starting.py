"""Two of anything at once, and migrations there and back again."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.faults.conftest import ROOT
from tests.forms import read_form


def test_two_servers_on_one_sqlite_file_lose_no_save(on_sqlite):
    names = [f"Concept {n}" for n in range(1, 25)]
    with on_sqlite.server() as one, on_sqlite.server() as other:
        first = on_sqlite.concepts[names[0]]
        form = read_form(one.ask(f"/admin/glossary/concept/{first}/change/"), "concept_form")

        def save(number, name):
            pk = on_sqlite.concepts[name]
            mine = {k: pk if v == str(first) else v for k, v in form.items()}
            mine |= {"name": name, "slug": name.lower().replace(" ", "-"), "base": "", "_save": "1"}
            mine |= {"summary": f"New words on {name}.", "change_reason": f"By {name}"}
            server = (one, other)[number % 2]
            while (answer := server.ask(f"/admin/glossary/concept/{pk}/change/", mine)).status == 503:
                pass
            return answer.status

        with ThreadPoolExecutor(6) as editors:
            assert set(editors.map(save, range(len(names)), names)) == {302}
        assert one.ask("/readyz").status == other.ask("/readyz").status == 200
    kept = on_sqlite.ask(
        "from glossary.models import Revision\n"
        "print(json.dumps(sorted(Revision.objects.filter(reason__startswith='By ').values_list('reason', flat=True))))"
    )
    assert kept == sorted(f"By {name}" for name in names)


def at_once(installation, *command, times=2):
    running = [
        subprocess.Popen(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=installation.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for _ in range(times)
    ]  # fmt: skip
    return [(process.communicate()[0], process.returncode) for process in running]


def one_waited(said):
    """Both succeeded, and one found that there was nothing left to do."""
    assert [code for _, code in said] == [0, 0], said
    return sum("No migrations to apply." in text for text, _ in said) == 1


def test_of_two_first_migrations_at_once_one_waits(on_sqlite):
    for file in on_sqlite.home.glob("db.sqlite3*"):
        file.unlink()

    assert one_waited(at_once(on_sqlite, "migrate"))
    assert on_sqlite.manage("migrate", "--check") == ""


# --- There and back again

NEWEST = """
from django.db.migrations.loader import MigrationLoader
graph = MigrationLoader(None).graph
found = []
for app in ("products", "glossary"):
    last = graph.leaf_nodes(app)[0]
    before = [p.key for p in graph.node_map[last].parents if p.key[0] == app]
    found.append([app, before[0][1], last[1]])
print(json.dumps(found))
"""
ENTRIES = """
from django.apps import apps
from django.core import serializers
rows = [row for model in apps.get_models() if model._meta.app_label in ("auth", "glossary", "products")
        and model.__name__ not in ("Edition", "SearchState", "SearchEntry", "Permission") for row in model.objects.order_by("pk")]
print(json.dumps(serializers.serialize("json", rows)))
"""


def test_the_newest_migrations_go_back_and_two_at_once_forth_with_content_in_place(installation):
    before = installation.ask(ENTRIES)
    newest = installation.ask(NEWEST)
    for app, previous, _ in newest:
        installation.manage("migrate", app, previous, "--verbosity", "0")
    assert one_waited(at_once(installation, "migrate"))
    for app, _, last in newest:
        assert f"[X] {last}" in installation.manage("showmigrations", app)
    installation.manage("rebuild_search")

    assert installation.ask(ENTRIES) == before
    with installation.server() as server:
        assert server.until("/readyz", 200)
        assert server.ask("/glossary/concept-1/").status == 200
