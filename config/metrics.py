"""Numbers for whoever watches the site, in the format of Prometheus: at `/metrics`, for who knows METRICS_TOKEN.

Routes are named by their pattern, never by address, and nothing here tells one visitor from another. Several workers keep
their numbers in files that any of them can add up; `config/server.py` makes the place for those.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import DatabaseError
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the library's own name; it decides by this when it is first imported
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

_answers = Counter("guide_answers", "Answers that were not kept pages.", ["route", "method", "status"])
_seconds = Histogram("guide_answer_seconds", "How long they took.", ["route"], buckets=SECONDS)
_making = Gauge("guide_pages_in_making", "Requests being worked on now.", multiprocess_mode="livesum")
_shed = Counter("guide_shed", "Requests told to come back, since too many came at once.")
_kept = Counter("guide_kept_pages", "Readers' requests by where the page came from.", ["from"])
_database_errors = Counter("guide_database_errors", "Requests, or looks at the edition, that the database failed.")

_hit, _miss, _unchanged, _still, _stale = (
    _kept.labels(source) for source in ("store", "made", "browser", "still-true", "old-copy")
)


# --- Counting


def answered(route: str, method: str, status: int, seconds: float) -> None:
    _answers.labels(route, method, status).inc()
    _seconds.labels(route).observe(seconds)


@contextmanager
def making() -> Iterator[None]:
    """A request is being worked on."""
    with _making.track_inprogress():
        yield


def shed() -> None:
    """Somebody was told to come back."""
    _shed.inc()


def page_from_store() -> None:
    """A kept page went out."""
    _hit.inc()


def page_unchanged() -> None:
    """A browser's own copy was still good."""
    _unchanged.inc()


def page_made() -> None:
    """There was no kept page, so it was made."""
    _miss.inc()


def page_still_true() -> None:
    """An edit left a kept page as it was."""
    _still.inc()


def page_as_it_was() -> None:
    """A page of an earlier edition went out, the database being away."""
    _stale.inc()


def database_failed() -> None:
    """The database did not do what it was asked."""
    _database_errors.inc()


# --- Telling


class Content(Collector):
    """What the database knows, read when it is asked for."""

    def collect(self) -> Iterable[Metric]:
        from glossary import edition
        from glossary.models import Revision

        up = GaugeMetricFamily("guide_database_up", "1 while the database answers.")
        try:
            now = edition.read()
            open_saves = {state: Revision.objects.waiting().filter(state=state).count() for state in Revision.OPEN}
        except DatabaseError:
            up.add_metric([], 0)
            return [up]
        up.add_metric([], 1)
        content = GaugeMetricFamily("guide_edition", "The number of the published content's edition.", now.number)
        waiting = GaugeMetricFamily("guide_work_waiting", "Entries that wait at the desk.", labels=["state"])
        for state, count in open_saves.items():
            waiting.add_metric([str(state)], count)
        return [up, content, waiting]


def text() -> bytes:
    """All numbers, of all workers, in the text format of Prometheus."""
    folder = os.environ.get(FOLDER)
    registry = CollectorRegistry()
    if folder:
        forget_the_dead(Path(folder))
        MultiProcessCollector(registry, folder)
    registry.register(Content())
    own = b"" if folder else generate_latest(REGISTRY)
    return own + generate_latest(registry)


def forget_the_dead(folder: Path) -> None:
    """What a worker that is gone was working on, it works on no more; what it has counted stays."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid, str(folder))
        except PermissionError:
            pass
