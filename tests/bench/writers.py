"""How many may write and read one SQLite file at a time: what the choice of SQLite for one machine rests on.

`make bench-sqlite`, or `python -m tests.bench.writers --seconds 5`. Each writer is a process that saves an entry with its history, again
and again; each reader one that reads all that a concept page shows. Fails when a writer is refused or a reader meets an error.
"""

# ruff: noqa: T201

import argparse
import multiprocessing
import os
import sys
import time
from datetime import date
from multiprocessing.synchronize import Barrier

from tests.bench import stage
from tests.bench.stage import percentile

PAIRS = [(0, 1), (1, 0), (1, 1), (2, 2), (4, 4), (8, 4), (16, 4)]


def write(number: int, seconds: float, ready: "Barrier", spent: "multiprocessing.Queue") -> None:
    from django.db import DatabaseError, transaction

    from glossary.models import Concept

    concept = Concept.objects.order_by("pk")[number]
    mine, refused = [], 0
    ready.wait()
    until = time.time() + seconds
    while time.time() < until:
        begun = time.perf_counter()
        try:
            with transaction.atomic():
                concept._change_reason = "bench"
                concept.save()
        except DatabaseError:
            refused += 1
        mine.append((time.perf_counter() - begun) * 1000)
    spent.put(("write", mine, refused))


def read(number: int, seconds: float, ready: "Barrier", spent: "multiprocessing.Queue") -> None:
    from django.db import DatabaseError

    from glossary.models import Concept

    mine, failed = [], 0
    ready.wait()
    until = time.time() + seconds
    while time.time() < until:
        begun = time.perf_counter()
        try:
            concept = Concept.objects.published().prefetch_related("aliases").order_by("pk")[number]
            assert list(concept.findings.published().for_reading()) is not None
            assert list(concept.risks.for_reading()) is not None
        except DatabaseError:
            failed += 1
        mine.append((time.perf_counter() - begun) * 1000)
    spent.put(("read", mine, failed))


def at_work(env: dict[str, str], work: "multiprocessing.process.BaseProcess", *arguments: object) -> None:
    """In a process of its own: Django anew, on the scratch database."""
    os.environ.update(env | {"DJANGO_SETTINGS_MODULE": "config.settings"})
    import django

    django.setup()
    work(*arguments)


def measure(env: dict[str, str], writers: int, readers: int, seconds: float) -> dict[str, tuple[list[float], int]]:
    context = multiprocessing.get_context("spawn")
    spent = context.Queue()
    jobs = [(write, n) for n in range(writers)] + [(read, n) for n in range(readers)]
    ready = context.Barrier(len(jobs))  # they take a moment to start
    processes = [context.Process(target=at_work, args=(env, work, n, seconds, ready, spent)) for work, n in jobs]
    for process in processes:
        process.start()
    seen: dict[str, tuple[list[float], int]] = {"write": ([], 0), "read": ([], 0)}
    for _ in processes:
        kind, mine, bad = spent.get()
        seen[kind] = (seen[kind][0] + mine, seen[kind][1] + bad)
    for process in processes:
        process.join()
    return seen


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    bad = 0
    with stage.guide() as (env, _):
        print(f"\n{date.today():%d %B %Y}, {stage.machine()}, on {len(stage.CORES)} cores.\n")
        print(
            "| writers | readers | saves a second | a save, p50 / p99 | pages' reads a second | a read, p50 / p99 | errors |"
        )
        print("|---:|---:|---:|---:|---:|---:|---:|")
        for writers, readers in PAIRS:
            seen = measure(env, writers, readers, options.seconds)
            cells = []
            for kind in ("write", "read"):
                times = seen[kind][0]
                busy = sum(times) / 1000 / max(1, writers if kind == "write" else readers)  # seconds at work
                rate = f"{len(times) / busy:,.0f}" if times else "–"
                cells += [rate, f"{percentile(times, 0.5):.1f} / {percentile(times, 0.99):.0f} ms" if times else "–"]
            errors = seen["write"][1] + seen["read"][1]
            bad += errors
            print(
                f"| {writers} | {readers} | {cells[0]} | {cells[1]} | {cells[2]} | {cells[3]} | {errors} |", flush=True
            )
    print("\nNobody was refused." if not bad else f"\nFailed: {bad} refusals.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
