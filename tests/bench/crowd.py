"""A crowd on one machine: twice as many readers as it can serve, for ten minutes, while two editors work.

`make bench-crowd`, or `python -m tests.bench.crowd --minutes 1`. First the rate that the server can sustain is found, with readers
who wait for each answer; then readers come at twice that rate whether they are answered or not. Fails unless every answer
is a page or a 503 that says when to come back, memory stays flat, and every save that an editor was told of is there.
"""

# ruff: noqa: T201

import argparse
import asyncio
import json
import os
import random
import sqlite3
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

from tests.bench import stage
from tests.bench.stage import percentile
from tests.forms import read_form

MIX = {"page": 0.80, "comparison": 0.10, "search": 0.05, "ad check": 0.05}
SAVE_EVERY = 10.0  # seconds, for each editor
MOST_CONNECTIONS = 1_900  # fewer than the server takes
GIVE_UP = 30.0  # seconds without an answer
ADVERT = "Exosome serum with growth factors: clinically proven to erase wrinkles in 7 days, without side effects. "
WORDS = [
    "exosomes",
    "prp hair",
    "wrinkels",
    "salmon dna",
    "is it safe",
    "stem cell cream",
    "acne scars",
    "filler",
    "knee",
]
# Two people who may write and publish, and the keys of their sessions.
EDITORS = """
import json
from django.contrib.auth.models import Group, User
from django.contrib.sessions.backends.db import SessionStore
from glossary.models import Concept
keys = []
for name in ("anna", "ben"):
    user = User.objects.create_user(name, password="x", is_staff=True)
    user.groups.add(Group.objects.get(name="Reviewer"))
    session = SessionStore()
    session.update({"_auth_user_id": str(user.pk), "_auth_user_hash": user.get_session_auth_hash(),
                    "_auth_user_backend": "django.contrib.auth.backends.ModelBackend"})
    session.create()
    keys.append(session.session_key)
print(json.dumps([keys, list(Concept.objects.published().order_by("slug").values_list("pk", flat=True)[:2])]))
"""


@dataclass
class Tally:
    statuses: Counter = field(default_factory=Counter)
    without_hint: int = 0  # 503s that do not say when to come back
    spent: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, kind: str, status: int | str, milliseconds: float, headers: bytes) -> None:
        self.statuses[status] += 1
        if status == 503:
            self.without_hint += b"retry-after" not in headers.lower()
        elif status == 200:
            self.spent[kind].append(milliseconds)


class Readers:
    """Open connections, and as many requests on them as one likes; each connection carries one at a time."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter, float]] = []
        self.open = 0

    async def ask(self, request: bytes) -> tuple[int | str, bytes]:
        while self.idle:
            reader, writer, since = self.idle.pop()
            if time.monotonic() - since < 5:
                break
            writer.close()
            self.open -= 1
        else:
            if self.open >= MOST_CONNECTIONS:
                return "nobody free to ask", b""
            self.open += 1
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**22)
            except OSError as error:
                self.open -= 1
                return f"no connection ({type(error).__name__})", b""
        try:
            writer.write(request)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), GIVE_UP)
            lines = dict(line.partition(b": ")[::2] for line in head.lower().split(b"\r\n"))
            if b"transfer-encoding" in lines:
                await asyncio.wait_for(reader.readuntil(b"\r\n0\r\n\r\n"), GIVE_UP)
            else:
                await asyncio.wait_for(reader.readexactly(int(lines.get(b"content-length", b"0"))), GIVE_UP)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            writer.close()
            self.open -= 1
            return f"no answer ({type(error).__name__})", b""
        self.idle.append((reader, writer, time.monotonic()))
        return int(head[9:12]), head


def requests(addresses: list[str], seed: int) -> Iterator[tuple[str, bytes]]:
    """What a crowd asks for, without end: a few pages often, most of them rarely."""
    dice = random.Random(seed)
    ranks = [1 / rank for rank in range(1, len(addresses) + 1)]
    items = [address.strip("/").split("/")[-1] for address in addresses]
    head = "HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: br, gzip\r\nUser-Agent: crowd\r\n"
    while True:
        kind = dice.choices(list(MIX), MIX.values())[0]
        if kind == "page":
            yield kind, f"GET {dice.choices(addresses, ranks)[0]} {head}\r\n".encode()
        elif kind == "comparison":
            both = dict.fromkeys(dice.choices(items, ranks, k=2))
            yield kind, f"GET /compare/?{urlencode([('item', item) for item in both])} {head}\r\n".encode()
        elif kind == "search":
            yield kind, f"GET /search/?{urlencode({'q': dice.choice(WORDS)})} {head}\r\n".encode()
        else:
            body = urlencode({"text": ADVERT * dice.randint(1, 12) + str(dice.random())})
            form = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
            yield kind, f"POST /check/ {head}{form}\r\n{body}".encode()


async def sustainable(port: int, crowd: Iterator, seconds: float) -> float:
    """Requests a second that sixteen readers get answered who each wait for the answer."""
    readers, end, count = Readers(port), time.monotonic() + seconds, 0

    async def one() -> None:
        nonlocal count
        while time.monotonic() < end:
            status, _ = await readers.ask(next(crowd)[1])
            count += status == 200

    await asyncio.gather(*(one() for _ in range(16)))
    return count / seconds


async def flood(port: int, crowd: Iterator, rate: float, seconds: float) -> Tally:
    """Readers who come at this rate, answered or not."""
    readers, tally, running = Readers(port), Tally(), set()
    started = time.monotonic()

    async def one(kind: str, request: bytes) -> None:
        begun = time.perf_counter()
        status, headers = await readers.ask(request)
        tally.add(kind, status, (time.perf_counter() - begun) * 1000, headers)

    sent = 0
    while (now := time.monotonic() - started) < seconds:
        while sent < now * rate:
            task = asyncio.create_task(one(*next(crowd)))
            running.add(task)
            task.add_done_callback(running.discard)
            sent += 1
        await asyncio.sleep(0.002)
    await asyncio.gather(*running)
    return tally


async def edit(port: int, key: str, pk: int, way: str, seconds: float, told: list[str]) -> int:
    """An editor who saves one entry again and again; adds to `told` the reason of each save that was acknowledged."""
    address, cookie = f"/admin/glossary/concept/{pk}/change/", f"sessionid={key}; csrftoken={'t' * 32}"
    end, number, tries = time.monotonic() + seconds, 0, 0
    reader = stage.Reader(port)

    async def ask(body: str | None = None) -> tuple[int, bytes]:
        given = {"Cookie": cookie, "Sec_Fetch_Site": "same-origin"}
        if body:
            given["Content_Type"] = "application/x-www-form-urlencoded"
        _, status, content = await asyncio.to_thread(lambda: reader.ask(address, body, **given))
        return status, content

    while time.monotonic() < end:
        begun = time.monotonic()
        number += 1
        reason = f"Save {number} of editor {key[:6]}, begun at {begun:.3f}"
        while time.monotonic() < end + GIVE_UP:
            tries += 1
            status, page = await ask()
            if status == 200:
                form = read_form(type("Page", (), {"text": page.decode()}), "concept_form")
                form |= {
                    "summary": f"{reason}: new words each time, since a save of the same words is none.",
                    "change_reason": reason,
                    way: "1",
                }
                form["csrfmiddlewaretoken"] = "t" * 32
                pairs = [(k, v) for k, vs in form.items() for v in (vs if isinstance(vs, list) else [vs])]
                status, page = await ask(urlencode(pairs))
                if status == 302:
                    told.append(reason)
                    break
            assert status == 503, (status, page[:2000])
            await asyncio.sleep(1)
        await asyncio.sleep(max(0, begun + SAVE_EVERY - time.monotonic()))
    return tries


def memory(pids: list[int]) -> float:
    """Megabytes that these processes hold."""
    held = 0.0
    for pid in pids:
        with suppress(OSError):
            status = Path(f"/proc/{pid}/status").read_text()
            held += int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024
    return held


async def watch(pids: list[int], seconds: float, held: list[float]) -> None:
    for _ in range(int(seconds / 5)):
        await asyncio.sleep(5)
        held.append(memory(pids))


async def run(port: int, pid: int, data: Path, minutes: float, editors: tuple[list[str], list[int]]) -> int:
    with sqlite3.connect(data / "db.sqlite3") as database:
        concepts = database.execute("SELECT slug FROM glossary_concept WHERE state = 'published'").fetchall()
        categories = database.execute("SELECT slug FROM products_category WHERE state = 'published'").fetchall()
    addresses = [f"/glossary/{slug}/" for (slug,) in concepts] + [f"/products/{slug}/" for (slug,) in categories]
    random.Random(1).shuffle(addresses)
    crowd = requests(addresses, seed=2)
    told: list[str] = []
    (keys, pks), ways = editors, ("_save", "_publish")

    def two_editors(seconds: float) -> list:
        return [edit(port, *work, seconds, told) for work in zip(keys, pks, ways, strict=True)]

    calm = min(60.0, minutes * 20)
    rate, *_ = await asyncio.gather(sustainable(port, crowd, calm), *two_editors(calm))
    held: list[float] = []
    seconds, pids = minutes * 60, stage.family(pid)
    tally, _, *tries = await asyncio.gather(
        flood(port, crowd, 2 * rate, seconds), watch(pids, seconds, held), *two_editors(seconds)
    )
    with sqlite3.connect(data / "db.sqlite3") as database:
        kept = {reason for (reason,) in database.execute("SELECT reason FROM glossary_revision")}
    print(
        f"\n{date.today():%d %B %Y}, {stage.machine()}; {len(pids) - 1} web processes on {len(stage.SERVED_BY)} of the cores."
    )
    print(
        f"Sustained with sixteen readers who wait: {rate:,.0f} requests a second. Then {minutes:g} minutes at twice that.\n"
    )
    print("| what | |\n|---|---:|")
    total = tally.statuses.total()
    print(f"| asked | {total:,} |")
    for status, count in tally.statuses.most_common():
        print(
            f"| answered {status} | {count:,} ({count / total:.1%}) |"
            if status in (200, 503)
            else f"| {status} | {count:,} |"
        )
    print(f"| 503 without Retry-After | {tally.without_hint} |")
    for kind, spent in tally.spent.items():
        print(f"| {kind}: p50, p99 | {percentile(spent, 0.5):,.0f} ms, {percentile(spent, 0.99):,.0f} ms |")
    third = len(held) // 3
    before, after = statistics.median(held[third : 2 * third]), statistics.median(held[2 * third :])
    print(
        f"| memory of all processes: first, middle, last third | {statistics.median(held[:third]):.0f}, {before:.0f}, {after:.0f} MB |"
    )
    print(f"| saves that editors were told of | {len(told)} (in {sum(tries)} tries) |")
    print(f"| of these kept | {len(kept & set(told))} |\n")
    failed = []
    if strange := set(tally.statuses) - {200, 503}:
        failed.append(f"other answers than a page or a 503: {strange}")
    if tally.without_hint:
        failed.append("a 503 without Retry-After")
    if after > before * 1.1:
        failed.append("memory grows")
    if not told or set(told) - kept:
        failed.append("a save is lost")
    print("Failed: " + "; ".join(failed) if failed else "All as it should be.")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    options = parser.parse_args()
    with stage.guide() as (env, data):
        told = stage.told(env, "shell", "-v0", "-c", EDITORS)
        editors = json.loads(told.strip().splitlines()[-1])
        with stage.production_server(env) as (port, server):
            if stage.ASKED_BY:
                os.sched_setaffinity(0, stage.ASKED_BY)
            return asyncio.run(run(port, server.pid, data, options.minutes, editors))


if __name__ == "__main__":
    sys.exit(main())
