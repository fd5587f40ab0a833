"""The reference deployment on one machine: nginx before two web processes, with PostgreSQL and Redis behind them.

`make bench-fleet`, or `python -m tests.bench.fleet`. Starts the real programs, breaks one after the other and looks on: an edit is
seen everywhere within a second, a killed web process loses no request, without Redis the site is slower, without PostgreSQL
pages go on with their date. Prints what was seen; fails when something is not as promised.
"""

# ruff: noqa: T201

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import date
from pathlib import Path

from tests.bench import stage
from tests.bench.stage import Reader, wrk
from tests.faults.conftest import Cluster, programs

PAGE, OTHER, THIRD = "/glossary/exosomes/", "/glossary/prp/", "/glossary/egf/"
REDIS = shutil.which("redis-server") or shutil.which("valkey-server")
EDIT = "UPDATE glossary_concept SET summary = %s WHERE slug = 'exosomes'"


class Seen:
    """What was seen, line by line, and what was not as promised."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.failed: list[str] = []

    def note(self, what: str, figure: str, *, is_right: bool = True) -> None:
        self.lines.append((what, figure if is_right else f"**{figure}**"))
        print(f"{'ok    ' if is_right else 'FAILED'} {what}: {figure}", file=sys.stderr)
        if not is_right:
            self.failed.append(what)


def until(right: Callable[[], bool], within: float) -> float | None:
    """Seconds until it was so; None when it never was."""
    begun = time.monotonic()
    while (spent := time.monotonic() - begun) < within:
        with suppress(OSError):
            if right():
                return spent
        time.sleep(0.02)
    return None


def ask(port: int, path: str) -> tuple[float, int, str]:
    """One request on a connection of its own."""
    milliseconds, status, body = Reader(port).ask(path)
    return milliseconds, status, body.decode(errors="replace")


def edits(seen: Seen, cluster: Cluster, ports: list[int], front: int) -> None:
    """Somebody publishes words; who reads them when?"""
    delays: dict[str, list[float]] = {"the other web process": [], "nginx": []}
    for number in range(5):
        words = f"Small parcels that cells give off, told for the {number}th time."
        for port in (*ports, front):
            ask(port, PAGE)  # each has its copy
        with cluster.connect("guide") as database:
            database.execute(EDIT, [words])
        for name, port in (("the other web process", ports[1]), ("nginx", front)):
            delay = until(lambda port=port, words=words: words in ask(port, PAGE)[2], within=5)
            delays[name].append(5.0 if delay is None else delay)
    for name, spent in delays.items():
        seen.note(
            f"an edit is seen through {name}", f"{max(spent):.2f} s at most of {len(spent)}", is_right=max(spent) <= 1
        )


def killed(seen: Seen, servers: list, front: int) -> None:
    """One web process is killed in the middle of it."""
    with ThreadPoolExecutor(1) as beside:
        paths = [f"{page}?n={n}" for n in range(200) for page in (PAGE, OTHER, THIRD, "/search/")]
        load = beside.submit(wrk, front, *paths, seconds=6, connections=2)
        time.sleep(2)
        for pid in stage.family(servers[0].pid):
            os.kill(pid, 9)
        asked = load.result()
    figure = f"{asked.rate * 6:,.0f} requests, {asked.bad} lost"
    seen.note("a web process is killed under load", figure, is_right=asked.bad == 0)


def no_redis(seen: Seen, redis: subprocess.Popen, port: int, front: int) -> None:
    before = [ask(port, PAGE)[0] for _ in range(20)]
    redis.terminate()
    redis.wait()
    answers = [
        ask(each, path) for path in (PAGE, OTHER, THIRD, "/compare/") for each in (port, front) for _ in range(5)
    ]
    after = [milliseconds for milliseconds, _, _ in answers]
    figure = f"{len(answers)} pages, all there; {statistics.median(before):.1f} ms before, {statistics.median(after):.1f} ms (at most {max(after):.0f}) without"
    seen.note("Redis is stopped", figure, is_right=all(status == 200 for _, status, _ in answers))


def no_database(seen: Seen, cluster: Cluster, port: int, front: int) -> None:
    kept = ask(port, PAGE)[1]
    cluster.stop()
    _, status, body = ask(port, PAGE)
    dated = "does not answer just now" in body and "as it stood on" in body
    seen.note(
        "PostgreSQL is stopped: a page that was read before",
        f"{kept}, then {status} with its date",
        is_right=status == 200 and dated,
    )
    _, status, body = ask(front, PAGE)
    seen.note("the same through nginx", str(status), is_right=status == 200)
    _, status, body = ask(port, "/glossary/collagen-nobody-has-read/")
    seen.note(
        "a page that nobody had read",
        f"{status}, in the site's layout",
        is_right=status == 503 and "site-header" in body,
    )
    cluster.start()
    back = until(lambda: ask(port, "/search/?q=exosomes")[1] == 200, within=30)
    seen.note(
        "PostgreSQL is back, nothing restarted",
        f"{back} s" if back is None else f"searches again after {back:.1f} s",
        is_right=back is not None,
    )
    fresh = until(lambda: "does not answer just now" not in ask(port, PAGE)[2], within=30)
    seen.note(
        "pages are current again", "never" if fresh is None else f"after {fresh:.1f} s", is_right=fresh is not None
    )


def main() -> int:
    missing = [
        name for name, there in (("wrk", stage.WRK), ("nginx", stage.NGINX), ("redis-server", REDIS)) if not there
    ]
    if missing:
        sys.exit(f"Not installed: {', '.join(missing)}. On Debian: apt-get install wrk nginx redis-server postgresql")
    if (found := programs()) is None:
        sys.exit("No PostgreSQL server programs were found: apt-get install postgresql")
    seen = Seen()
    everywhere = set(stage.CORES)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fleet-")))
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pg-")))
        cluster = Cluster(found, place)
        stack.callback(cluster.stop)
        cluster.run("CREATE DATABASE guide")
        redis_port = stage.free_port()
        command = [REDIS, "--port", str(redis_port), "--save", "", "--dir", str(home)]
        redis = stack.enter_context(
            stage.running(*command, env=stage.environment(home), port=redis_port, cores=everywhere)
        )
        more = {
            "DATABASE_URL": cluster.url("guide"),
            "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
            "WORKERS": "1",
            "TRUST_PROXY_HEADERS": "1",
        }
        env, data = stack.enter_context(stage.guide(**more))
        ports, servers = [], []
        for _ in range(2):
            port = stage.free_port()
            command = [sys.executable, "-m", "config.server"]
            servers.append(
                stack.enter_context(stage.running(*command, env=env | {"PORT": str(port)}, port=port, cores=everywhere))
            )
            ports.append(port)
        front = stack.enter_context(stage.nginx(ports, data, cores=everywhere))
        edits(seen, cluster, ports, front)
        no_redis(seen, redis, ports[1], front)
        killed(seen, servers, front)
        no_database(seen, cluster, ports[1], front)
    print(
        f"\n{date.today():%d %B %Y}, {stage.machine()}; nginx, two web processes, PostgreSQL and Redis on one machine.\n"
    )
    print("| what happens | what is seen |\n|---|---|")
    for what, figure in seen.lines:
        print(f"| {what} | {figure} |")
    print("\nFailed: " + "; ".join(seen.failed) if seen.failed else "\nAll as promised.")
    return 1 if seen.failed else 0


if __name__ == "__main__":
    sys.exit(main())
