"""Whether a page costs what it shows, or what the database holds: `make bench-scale`, or `python -m tests.bench.scale 60 1000`.

For each database and each number of concepts a scratch database is filled (see `generate.py`) and every type of page
made a few times, with nothing kept of whole pages. Fails when a page takes another number of queries in a larger guide,
or is larger than 150 kB.
"""

# ruff: noqa: T201

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIZES = [60, 1_000, 10_000]
MOST_BYTES = 150_000
ROUNDS = 7
SOME = 8  # entries of a type, of which that with the most queries counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES, help="numbers of concepts")
    parser.add_argument("--only", choices=["sqlite", "postgresql"], help="one database alone")
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)  # what the processes below are started with
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return 0
    from tests.bench import stage

    print(f"{stage.machine()}\n")
    wrong = []
    for vendor in [options.only] if options.only else ["sqlite", "postgresql"]:
        found = {size: in_a_process(vendor, size) for size in options.sizes}
        print(table(vendor, found), flush=True)
        wrong += problems(vendor, found)
    print("\n".join(wrong) or "Every page takes the same queries at every size, and none is larger than 150 kB.")
    return 1 if wrong else 0


# --- One database of one size, in a process of its own


@contextmanager
def database(vendor: str, folder: Path) -> Iterator[str]:
    """The address of an empty database."""
    if vendor == "sqlite":
        yield ""
        return
    spec = importlib.util.spec_from_file_location("ci_test", ROOT / ".ci/test.py")
    ci = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(ci)
    if not (programs := ci.postgresql_bin()):
        raise SystemExit(
            "No PostgreSQL was found: install postgresql, put the folder of initdb on the PATH, or say --only sqlite."
        )
    with ci.postgresql(programs) as url:
        yield url


def in_a_process(vendor: str, size: int) -> dict:
    with tempfile.TemporaryDirectory(prefix="scale-") as folder, database(vendor, Path(folder)) as url:
        env = {
            name: value
            for name, value in os.environ.items()
            if name not in ("SECRET_KEY", "ALLOWED_HOSTS", "REDIS_URL")
        }
        env |= {"DATA_DIR": folder, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings", "DEBUG": "0"}
        for command in (
            ["manage.py", "migrate", "--verbosity", "0"],
            ["manage.py", "collectstatic", "--no-input", "--verbosity", "0"],
        ):
            subprocess.run([sys.executable, *command], cwd=ROOT, env=env, check=True)
        command = [sys.executable, "-m", "tests.bench.scale", "--measure", str(size)]
        done = subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True)
        return json.loads(done.stdout.splitlines()[-1])


def addresses() -> dict[str, list[str]]:
    """One page of each type, or some where the queries depend on what an entry has: a list with nothing in it asks for no sources."""
    from glossary.models import Concept, Effect, Source
    from products.models import Category

    concepts = list(Concept.objects.order_by("pk")[5:9])
    categories = list(Category.objects.filter(kind="treatment").order_by("pk")[:SOME])
    words = concepts[3].name.split()
    one = {
        "home": "/",
        "glossary": "/glossary/",
        "glossary, by name": f"/glossary/?q={words[0][:5]}",
        "products": "/products/",
        "comparison, start": "/compare/",
        "comparison of 4": "/compare/?" + "&".join(f"item={concept.slug}" for concept in concepts),
        "evidence map": "/evidence/",
        "evidence map, one effect": f"/evidence/?effect={Effect.objects.all()[0].slug}",
        "evidence table": "/evidence/?view=table",
        "sources": "/sources/",
        "search": f"/search/?q={words[0]}+{words[1]}",
        "search, misspelt": f"/search/?q={words[0][:-3]}{words[0][-2:]}",
        "suggestion": f"/search/suggest/?q={words[0][:4]}",
        "changes": "/changes/",
        "visit sheet": f"/visit/?item={categories[0].slug}",
        "sitemap": "/sitemap.xml",
        "API, list": "/api/findings",
        "API, search": f"/api/search?q={words[0]}",
        "findings as CSV": "/data/findings.csv",
        "sources as JSON": "/data/sources.json",
    }
    some = {
        "concept": Concept.objects.order_by("pk")[5 : 5 + SOME],
        "category": categories,
        "source": Source.objects.order_by("pk")[7 : 7 + SOME],
    }
    return {name: [entry.get_absolute_url() for entry in entries] for name, entries in some.items()} | {
        name: [address] for name, address in one.items()
    }


def measure(size: int) -> dict:
    """What the pages of a guide of this size take; queries, milliseconds and bytes."""
    import django

    django.setup()
    import logging

    from django.core.cache import caches
    from django.db import connection
    from django.test import Client

    from tests.bench.generate import fill

    logging.disable(logging.INFO)
    started = time.monotonic()
    fill(size)
    filled = time.monotonic() - started
    client = Client(HTTP_HOST="localhost")
    pages = {}
    for name, pages_of_type in addresses().items():
        times, most = [], 0
        address = pages_of_type[0]
        for number in range(ROUNDS):
            caches["pages"].clear()
            if number == 1:
                for each in pages_of_type:
                    asked: list[str] = []
                    with connection.execute_wrapper(noting(asked)):
                        read(client, each)
                    most = max(most, len(asked))
                continue
            before, clock = time.process_time(), time.monotonic()
            status, length, kind = read(client, address)
            times.append((1000 * (time.process_time() - before), 1000 * (time.monotonic() - clock)))
            if clock + 5 < time.monotonic() and number > 1:
                break
        warm = times[1:] or times
        pages[name] = {
            "status": status,
            "queries": most,
            "first": times[0][0],
            "least": min(own for own, _ in warm),
            "median": statistics.median(own for own, _ in warm),
            "wall": statistics.median(wall for _, wall in warm),
            "bytes": length,
            "html": "html" in kind,
        }
        print(f"{size} {name}", {k: round(v) for k, v in pages[name].items()}, file=sys.stderr, flush=True)
    return {"pages": pages, "filled": filled, "memory": memory(), "tables": tables(connection)}


def noting(asked: list[str]):
    """For `execute_wrapper`: writes each query down."""

    def wrapper(execute, sql, params, many, context):
        asked.append(sql)
        return execute(sql, params, many, context)

    return wrapper


def read(client, address: str) -> tuple[int, int, str]:
    """(status, bytes, kind) of an answer, read to its end."""
    response = client.get(address)
    parts = response.streaming_content if response.streaming else [response.content]
    return response.status_code, sum(len(part) for part in parts), response.headers["Content-Type"]


def memory() -> int:
    """What this process holds, in bytes; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def tables(connection) -> dict[str, int]:
    """Bytes of tables and their indexes together, and of what search needs."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
            whole = cursor.fetchone()[0]
            cursor.execute("SELECT sum(length(block)) FROM products_search_words_data")
            words = cursor.fetchone()[0]
            cursor.execute("SELECT sum(length(block)) FROM products_search_pieces_data")
            return {"database": whole, "search words": words, "search pieces": cursor.fetchone()[0]}
        cursor.execute("SELECT pg_database_size(current_database())")
        whole = cursor.fetchone()[0]
        cursor.execute(
            "SELECT indexrelname, pg_relation_size(indexrelid) FROM pg_stat_user_indexes ORDER BY 2 DESC LIMIT 3"
        )
        return {"database": whole} | dict(cursor.fetchall())


# --- The table


def table(vendor: str, found: dict[int, dict]) -> str:
    sizes = list(found)
    lines = [f"## {vendor}", ""]
    for size in sizes:
        held = ", ".join(f"{name} {count / 1e6:,.1f} MB" for name, count in found[size]["tables"].items())
        lines.append(
            f"- {size:,} concepts: filled in {found[size]['filled']:.0f} s; {held}; process {found[size]['memory'] / 1e6:,.0f} MB"
        )
    head = "".join(f" {size:,}: queries | first / least / median ms | kB |" for size in sizes)
    lines += ["", f"| page |{head}", "|---|" + "---:|---:|---:|" * len(sizes)]
    for name in found[sizes[0]]["pages"]:
        cells = ""
        for size in sizes:
            page = found[size]["pages"][name]
            cells += f" {page['queries']} | {page['first']:.0f} / {page['least']:.1f} / {page['median']:.1f} | {page['bytes'] / 1000:,.0f} |"
        lines.append(f"| {name} |{cells}")
    return "\n".join([*lines, ""])


def problems(vendor: str, found: dict[int, dict]) -> list[str]:
    wrong = []
    for name in next(iter(found.values()))["pages"]:
        pages = {size: one["pages"][name] for size, one in found.items()}
        queries = {size: page["queries"] for size, page in pages.items()}
        is_file = name in ("sitemap", "findings as CSV", "sources as JSON")  # these show everything
        if len(set(queries.values())) > 1 and not is_file:
            wrong.append(f"{vendor}, {name}: queries differ between sizes: {queries}.")
        for size, page in pages.items():
            if page["status"] != 200:
                wrong.append(f"{vendor}, {name}: status {page['status']} at {size:,} concepts.")
            if page["html"] and page["bytes"] > MOST_BYTES:
                wrong.append(f"{vendor}, {name}: {page['bytes']:,} bytes at {size:,} concepts.")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
