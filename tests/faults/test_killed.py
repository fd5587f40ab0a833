"""The server is killed in the middle of its work, and starts again as if nothing had been."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

from tests.faults.conftest import children
from tests.forms import read_form

EDITORS = 200
ENOUGH = 30  # saves acknowledged before the server is killed

LOOK = """
from glossary.models import Concept, Revision
from glossary import revisions
from products import search_index
kept = set(Revision.objects.values_list("entry_id", "reason"))
torn = []
for concept in Concept.objects.published():
    live = Revision.objects.of(concept).filter(state="published").last()
    if live and live.content != revisions.snapshot(concept):
        torn.append(concept.name)
    words = set(Revision.objects.of(concept).values_list("content__fields__summary", flat=True))
    if words and concept.summary not in words:
        torn.append(concept.name)
published = Concept.objects.exclude(summary="What it is.").count()
print(json.dumps([sorted(kept), torn, published, search_index.is_in_step()]))
"""


def test_no_acknowledged_save_is_lost_and_nothing_is_half_published(installation):
    """Two hundred editors save at once, every other one publishes; the server is killed while they do."""
    numbers = dict(installation.concepts.items())
    acknowledged, enough, over = [], threading.Event(), threading.Event()
    with installation.server(WORKERS="2") as server:
        first = numbers["Concept 1"]
        page = server.ask(f"/admin/glossary/concept/{first}/change/")
        assert page.status == 200, page.text
        form = read_form(page, "concept_form")

        def edit(name):
            pk = numbers[name]
            mine = {k: pk if v == str(first) else v for k, v in form.items()}
            mine |= {"name": name, "slug": name.lower().replace(" ", "-"), "summary": f"New words on {name}."}
            mine |= {"change_reason": f"By {name}", "base": ""}
            mine |= {"_publish" if pk % 2 else "_save": "1"}
            while not over.is_set():
                try:
                    answer = server.ask(f"/admin/glossary/concept/{pk}/change/", mine)
                except OSError:
                    return "cut off"
                if answer.status == 302:
                    acknowledged.append((pk, f"By {name}"))
                    if len(acknowledged) >= ENOUGH:
                        enough.set()
                    return "saved"
                if answer.status != 503:  # told to wait, with what was typed
                    return answer.text
                over.wait(0.2)
            return "not yet saved"

        with ThreadPoolExecutor(EDITORS) as editors:
            outcomes = [editors.submit(edit, name) for name in numbers]
            assert enough.wait(120), server.log.read_text()[-3000:]
            server.kill()
            over.set()
        assert {outcome.result() for outcome in outcomes} <= {"saved", "cut off", "not yet saved"}
        assert "cut off" in {outcome.result() for outcome in outcomes}

    kept, torn, published, is_in_step = installation.ask(LOOK)
    lost = set(acknowledged) - {tuple(save) for save in kept}
    assert len(acknowledged) >= ENOUGH
    assert lost == set()
    assert torn == []
    assert published > 0
    assert is_in_step
    if not installation.env["DATABASE_URL"]:
        found = installation.ask(
            "from django.db import connection\n"
            "cursor = connection.cursor()\n"
            "cursor.execute('PRAGMA integrity_check')\n"
            "print(json.dumps(cursor.fetchone()[0]))"
        )
        assert found == "ok"
    with installation.server() as server:
        assert server.until("/readyz", 200)
        assert server.ask("/glossary/concept-150/").status == 200


def test_a_killed_worker_is_replaced_and_the_others_go_on(on_sqlite):
    with on_sqlite.server(METRICS_TOKEN="a-token") as server:
        assert server.ask("/glossary/concept-1/").status == 200
        pids = children(server.process.pid)
        assert pids
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        assert server.until("/glossary/concept-2/", 200)
        numbers = server.ask("/metrics", Authorization="Bearer a-token").text
        assert 'guide_answers_total{method="GET",route="glossary:concept_detail",status="200"} 2.0' in numbers
        assert "guide_pages_in_making 1.0" in numbers  # the one that asks
