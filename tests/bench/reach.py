"""How fast the guide is, as ratios to what the least Django page reaches on the same core in the same minutes.

`make bench`, or `python -m tests.bench.reach --rounds 3 --seconds 5`. Servers are started here and pinned to one core, wrk to
another. In each round every subject has its turn, the limit first and last; a ratio is the median over the rounds.
Fails when a ratio misses its target.
"""

# ruff: noqa: T201

import argparse
import itertools
import os
import random
import sqlite3
import statistics
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

from tests.bench import stage
from tests.bench.stage import Reader, percentile, wrk

PAGES = {
    "concept": "/glossary/exosomes/",
    "category": "/products/prp-hair/",
    "glossary": "/glossary/",
    "ready-made comparison": "",  # the first one that the guide has
}
ELSEWHERE = "ngf"  # a concept that none of these shows
WARM, BEHIND_NGINX, NOT_MODIFIED, COLD, ARBITRARY = 1.5, 15, 1.5, 0.05, 0.025
ADVERT = (
    "Our exosome serum with growth factors turns back time: clinically proven to erase wrinkles in 7 days. "
    "FDA approved stem cells rebuild your own collagen, 100% natural and without side effects. Only today! "
)


@dataclass
class Subject:
    """One line of the table. `measure` gives requests a second, or milliseconds where `limit_ms` is set."""

    name: str
    measure: Callable[[], float]
    target: float | None = None  # None where it is only to be known
    in_ms: bool = False
    seen: list[float] = field(default_factory=list)


def ready_made(reader: Reader) -> str:
    page = reader.ask("/compare/")[2].decode()
    start = page.index('href="/compare/?item=') + len('href="')
    return page[start : page.index('"', start)].replace("&amp;", "&")


def slugs(data: Path) -> list[str]:
    with sqlite3.connect(data / "db.sqlite3") as database:
        names = database.execute("SELECT slug FROM products_category WHERE state = 'published' ORDER BY slug")
        return [name for (name,) in names]


def comparisons(items: list[str]) -> list[str]:
    """All ways to put four of the guide's products side by side, in an order that is the same each time."""
    found = list(itertools.combinations(items, 4))
    random.Random(4).shuffle(found)
    return [f"/compare/?{urlencode([('item', item) for item in four])}" for four in found]


def edit(data: Path, concept: str) -> None:
    """A longer word on what studies show of this concept; the database makes a new edition of it."""
    with sqlite3.connect(data / "db.sqlite3", timeout=20) as database:
        one = "SELECT min(f.id) FROM glossary_finding f JOIN glossary_concept c ON c.id = f.concept_id WHERE c.slug = ?"
        done = database.execute(f"UPDATE glossary_finding SET shown = shown || '.' WHERE id = ({one})", [concept])  # noqa: S608
        assert done.rowcount == 1, concept


def cold(reader: Reader, data: Path, path: str, edited: str, times: int) -> float:
    """Pages a second, each the first one after an edit of that concept."""
    spent = []
    for _ in range(times):
        edit(data, edited)
        milliseconds, status, _ = reader.ask(path, Accept_Encoding="br")
        assert status == 200, (path, status)
        spent.append(milliseconds)
    return 1000 / statistics.median(spent)


def advert(reader: Reader, characters: int, times: int) -> float:
    """Median milliseconds for a text of that length, a different one each time."""
    spent = []
    for number in range(times):
        text = f"No. {number}. " + ADVERT * (characters // len(ADVERT) + 1)
        body = urlencode({"text": text[:characters]})
        milliseconds, status, _ = reader.ask("/check/", body, Content_Type="application/x-www-form-urlencoded")
        assert status == 200, status
        spent.append(milliseconds)
    return statistics.median(spent)


def suggestions(reader: Reader, share: float) -> float:
    """Milliseconds that this share of the suggestions stays within, over the words people may be typing."""
    words = ["exosome", "growth factor", "platelet", "hyaluronic", "stem cell", "wrinkles", "hair loss", "salmon dna"]
    typed = [word[:length] for word in words for length in range(2, len(word) + 1)] * 4
    spent = [reader.ask(f"/search/suggest/?{urlencode({'q': word})}")[0] for word in typed]
    return percentile(spent, share)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    if not stage.WRK:
        sys.exit("The benchmark asks with wrk, which is not installed: apt-get install wrk")
    with ExitStack() as stack:
        env, data = stack.enter_context(stage.guide())
        limit = stack.enter_context(stage.limit_server())
        site, _ = stack.enter_context(stage.production_server(env))
        front = stack.enter_context(stage.nginx([site], data)) if stage.NGINX else None
        if stage.ASKED_BY:
            os.sched_setaffinity(0, stage.ASKED_BY)
        reader = Reader(site)
        pages = PAGES | {"ready-made comparison": ready_made(reader)}
        many = iter(comparisons(slugs(data)))
        slow: list[tuple[str, float, float]] = []

        def warm(port: int, path: str, **headers: str) -> float:
            for _ in range(2):  # made by the first, kept for the second; wrk counts the wait for it many times over
                Reader(port).ask(path, Accept_Encoding="br")
            asked = wrk(port, path, seconds=options.seconds, headers=headers)
            assert not asked.bad, (path, asked)
            if port == site and not headers:
                slow.append((path, asked.p50, asked.p99))
            return asked.rate

        def unchanged(path: str) -> float:
            reader.ask(path, Accept_Encoding="br")
            return warm(site, path, **{"If-None-Match": reader.headers["etag"]})

        def arbitrary() -> float:
            """Comparisons that nobody asked for before, of products that somebody did since the last edit."""
            for item in slugs(data):
                reader.ask(f"/compare/?item={item}")
            paths = list(itertools.islice(many, 1_500))  # more than can be asked for in the time
            asked = wrk(site, *paths, seconds=options.seconds, connections=2)
            assert not asked.bad, asked
            assert asked.rate * options.seconds < len(paths), "asked for some of them twice"
            return asked.rate

        subjects = []
        for name, path in pages.items():
            subjects.append(Subject(f"{name}, warm", lambda path=path: warm(site, path), WARM))
            if front:
                subjects.append(Subject(f"{name}, behind nginx", lambda path=path: warm(front, path), BEHIND_NGINX))
        subjects.append(Subject("concept, 304", lambda: unchanged(pages["concept"]), NOT_MODIFIED))
        for name, path in pages.items():
            subjects.append(
                Subject(
                    f"{name}, first after an edit elsewhere",
                    lambda path=path: cold(reader, data, path, ELSEWHERE, 15),
                    COLD,
                )
            )
        own = Subject(
            "concept, first after an edit of its own", lambda: cold(reader, data, PAGES["concept"], "exosomes", 15)
        )
        subjects.append(own)
        subjects.append(Subject("any 4 products compared, never before", arbitrary, ARBITRARY))
        subjects += [
            Subject("suggestion, p50", lambda: suggestions(reader, 0.5), 8, in_ms=True),
            Subject("suggestion, p99", lambda: suggestions(reader, 0.99), 8, in_ms=True),
            Subject("ad check, 2,000 characters", lambda: advert(reader, 2_000, 20), 10, in_ms=True),
            Subject("ad check, 20,000 characters", lambda: advert(reader, 20_000, 10), 60, in_ms=True),
        ]
        limits = []
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
            before = wrk(limit, "/", seconds=options.seconds).rate
            taken = [subject.measure() for subject in subjects]
            after = wrk(limit, "/", seconds=options.seconds).rate
            limits.append((before + after) / 2)
            for subject, value in zip(subjects, taken, strict=True):
                subject.seen.append(value if subject.in_ms else value / limits[-1])
    return report(subjects, limits, slow, has_nginx=bool(front))


def report(subjects: list[Subject], limits: list[float], slow: list, *, has_nginx: bool) -> int:
    print(f"\n{date.today():%d %B %Y}, {stage.machine()}; one core for what is measured.")
    print(
        f"Django limit: {statistics.median(limits):,.0f} requests a second ({min(limits):,.0f} to {max(limits):,.0f}).\n"
    )
    print("| what | × the Django limit | lowest to highest | target |\n|---|---:|---:|---:|")
    missed = []
    for subject in subjects:
        middle = statistics.median(subject.seen)
        unit, bound = (" ms", "≤") if subject.in_ms else ("", "≥")
        wanted = "–" if subject.target is None else f"{bound} {subject.target:g}{unit}"
        form = "{:.1f}" if subject.in_ms or middle >= 10 else "{:.2f}" if middle >= 1 else "{:.3f}"
        spread = f"{form.format(min(subject.seen))} to {form.format(max(subject.seen))}"
        print(f"| {subject.name} | {form.format(middle)}{unit} | {spread} | {wanted} |")
        if subject.target is None:
            continue
        if (middle > subject.target) if subject.in_ms else (middle < subject.target):
            missed.append(subject.name)
    ratio = statistics.median(p99 / p50 for _, p50, p99 in slow)
    print(f"\nWarm, with 32 connections: p99 is {ratio:.1f} × p50 (target ≤ 3).")
    if ratio > 3:
        missed.append("p99 under 32 connections")
    if not has_nginx:
        print("Left out: behind nginx, which is not installed (apt-get install nginx).")
    print("Missed: " + "; ".join(missed) if missed else "Every target is met.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
