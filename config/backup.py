"""Copies of the whole database: made, looked at, kept for so long, brought back.

A backup is two files with one name: the copy (SQLite's own file, or what `pg_dump` writes) and a manifest that says what is in
it: digest, edition, migrations, rows of each table. A copy counts only once it has been opened and has what it should
have; until then it has another name. Both files are readable for their owner alone, since the accounts are in them.
"""
# ruff: noqa: S603, S608 - programs of PostgreSQL with names from the settings; names of tables from the database itself

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import sqlite3
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, connections, transaction

DAILY, WEEKLY, MONTHLY = 14, 8, 12
NAME = re.compile(r"guide-(\d{8}T\d{6}Z)(?:-[0-9a-f]{4})?\.(?:sqlite3|dump)")
STAMP = "%Y%m%dT%H%M%SZ"
SUFFIX = {"sqlite": ".sqlite3", "postgresql": ".dump"}
# Who is logged in comes and goes while the copy is made, and nobody misses it.
UNCOUNTED = {"django_session"}


class Refused(Exception):
    """A backup that cannot be trusted, or a step that would lose something; the message says what to do."""


@dataclass
class Manifest:
    """What a copy holds."""

    vendor: str
    made_at: str
    edition: int
    migrations: list[str]
    counts: dict[str, int]
    sha256: str = ""
    size: int = 0  # bytes
    checks: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(self.counts.values())


def manifest_of(copy: Path) -> Path:
    return copy.with_name(f"{copy.name}.json")


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- What is in a database


def contents(cursor: Any, vendor: str) -> Manifest:
    """Counted through a cursor, all in its one transaction."""
    cursor.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        if vendor == "sqlite"
        else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    )
    tables = sorted({name for (name,) in cursor.fetchall()} - UNCOUNTED)
    counts = {}
    for table in tables:
        cursor.execute(f'SELECT count(*) FROM "{table}"')
        counts[table] = cursor.fetchone()[0]
    migrations, number = [], 0
    if "django_migrations" in counts:
        cursor.execute("SELECT app, name FROM django_migrations ORDER BY id")
        migrations = [f"{app}.{name}" for app, name in cursor.fetchall()]
    if counts.get("glossary_edition"):
        cursor.execute("SELECT number FROM glossary_edition")
        number = cursor.fetchone()[0]
    return Manifest(vendor, datetime.now(UTC).strftime(STAMP), number, migrations, counts)


def compare(copy: Manifest, wanted: Manifest) -> None:
    """Raises Refused when the copy has other rows than it should have."""
    differing = [
        f"{table} has {copy.counts.get(table, 'no')} rows instead of {wanted.counts.get(table, 'none')}"
        for table in sorted(copy.counts.keys() | wanted.counts.keys())
        if copy.counts.get(table) != wanted.counts.get(table)
    ]
    if differing:
        raise Refused(f"The copy is not what it should be: {'; '.join(differing)}.")


# --- SQLite


def copy_sqlite(source: Path, target: Path) -> Manifest:
    """SQLite's online backup: editors may go on saving meanwhile, the copy is of one moment."""
    with closing(sqlite3.connect(source, timeout=30, isolation_level=None)) as live:
        live.execute("BEGIN")
        manifest = contents(live.cursor(), "sqlite")
        with closing(sqlite3.connect(target)) as copy:
            live.backup(copy)
        live.execute("ROLLBACK")
    return manifest


def look_into_sqlite(path: Path) -> Manifest:
    """Read a copy from end to end. Raises Refused when anything in it is damaged."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as copy:
            if (said := copy.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
                raise Refused(f"{path.name} is damaged: {said}.")
            if copy.execute("PRAGMA foreign_key_check").fetchone():
                raise Refused(f"{path.name} is damaged: rows name others that are not there.")
            return contents(copy.cursor(), "sqlite")
    except sqlite3.DatabaseError as error:
        raise Refused(f"{path.name} is damaged: {error}.") from error


# --- PostgreSQL


def program(name: str) -> str:
    """The path of one of PostgreSQL's own programs: from the PATH, or the newest that is installed."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: int(p.parent.parent.name))
    path = shutil.which(name) or (str(installed[-1]) if installed else None)
    if path is None:
        raise Refused(f"{name} is not installed. It comes with PostgreSQL's client programs (postgresql-client).")
    return path


def call(name: str, *arguments: str, database: str | None = None, text: str | None = None) -> str:
    """Run a program of PostgreSQL on our database, or on another one of the same server."""
    parameters = connection.settings_dict
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD"}
    env = os.environ | {key: str(parameters[value]) for key, value in names.items() if parameters.get(value)}
    env |= {f"PG{key.upper()}": str(value) for key, value in parameters["OPTIONS"].items() if key.startswith("ssl")}
    env |= {"PGDATABASE": database or parameters["NAME"], "PGCONNECT_TIMEOUT": "10"}
    done = subprocess.run([program(name), *arguments], env=env, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"{name} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def copy_postgresql(target: Path) -> Manifest:
    """`pg_dump` of the very moment in which the rows are counted."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = cursor.fetchone()[0]
        manifest = contents(cursor, "postgresql")
        call("pg_dump", "--format=custom", "--no-owner", "--no-privileges",
             f"--snapshot={snapshot}", f"--file={target}")  # fmt: skip
    return manifest


def look_into_dump(path: Path, wanted: Manifest) -> None:
    """Its list of contents has every table that it should have."""
    listed = set(re.findall(r" TABLE DATA public (\S+) ", call("pg_restore", "--list", str(path))))
    if missing := wanted.counts.keys() - listed:
        raise Refused(f"{path.name} is damaged: {', '.join(sorted(missing))} are not in it.")


def statements(path: Path) -> str:
    """The whole copy as SQL, for a schema that is empty."""
    return "DROP SCHEMA public CASCADE; CREATE SCHEMA public;\n" + "\n".join(
        line
        for line in call("pg_restore", "--no-owner", "--no-privileges", "--file=-", str(path)).split("\n")
        if line not in ("CREATE SCHEMA public;",) and not line.startswith(("COMMENT ON SCHEMA", "ALTER SCHEMA"))
    )


def run_statements(path: Path, database: str | None = None) -> None:
    """All of it or nothing."""
    call("psql", "--quiet", "--no-psqlrc", "--single-transaction", "--set=ON_ERROR_STOP=1",
         "--set=client_min_messages=warning", database=database,
         text="SET lock_timeout = '20s';\n" + statements(path))  # fmt: skip


@contextmanager
def scratch_database() -> Iterator[str]:
    name = f"guide_drill_{secrets.token_hex(4)}"
    call("createdb", "--template=template0", "--encoding=UTF8", name)
    try:
        yield name
    finally:
        call("dropdb", "--if-exists", name)


def drill(path: Path, wanted: Manifest) -> None:
    """Bring the copy back into a database made for that and thrown away, and count."""
    import psycopg

    parameters = connection.get_connection_params()
    reach = {key: parameters[key] for key in ("host", "port", "user", "password", "sslmode") if key in parameters}
    with scratch_database() as name:
        run_statements(path, name)
        with closing(psycopg.connect(dbname=name, **reach)) as copy:
            compare(contents(copy.cursor(), "postgresql"), wanted)


# --- Making one


def make(*, with_drill: bool = False, prefix: str = "guide") -> tuple[Path, Manifest]:
    """A new backup in BACKUP_DIR, looked into. Raises Refused, OSError, DatabaseError; then nothing is left behind."""
    folder = settings.BACKUP_DIR
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    vendor = connection.vendor
    stamp = datetime.now(UTC).strftime(STAMP)
    copy = folder / f"{prefix}-{stamp}{SUFFIX[vendor]}"
    if copy.exists():  # a second one within a second
        copy = folder / f"{prefix}-{stamp}-{secrets.token_hex(2)}{SUFFIX[vendor]}"
    unfinished = folder / f".{copy.name}.unfinished"
    try:
        unfinished.touch(mode=0o600)
        if vendor == "sqlite":
            manifest = copy_sqlite(Path(connection.settings_dict["NAME"]), unfinished)
            compare(look_into_sqlite(unfinished), manifest)
            manifest.checks = ["integrity", "rows"]
        else:
            manifest = copy_postgresql(unfinished)
            look_into_dump(unfinished, manifest)
            manifest.checks = ["list of contents"]
            if with_drill:
                drill(unfinished, manifest)
                manifest.checks += ["restored into a scratch database", "rows"]
        manifest.sha256, manifest.size = digest(unfinished), unfinished.stat().st_size
        put(manifest_of(copy), json.dumps(asdict(manifest), indent=1))
        sync(unfinished)
        unfinished.rename(copy)
        sync(folder)
    except sqlite3.Error as error:
        raise Refused(f"SQLite says: {error}.") from error
    finally:
        unfinished.unlink(missing_ok=True)
        Path(f"{unfinished}-journal").unlink(missing_ok=True)
    return copy, manifest


def put(path: Path, text: str) -> None:
    """Write a small file, all of it or nothing."""
    beside = path.with_name(f".{path.name}.unfinished")
    beside.touch(mode=0o600)
    try:
        beside.write_text(text)
        sync(beside)
        beside.rename(path)
    finally:
        beside.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """On the disk, also when the power fails now."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# --- Keeping so many


def moment(path: Path) -> datetime | None:
    """When a backup was made, by its name; None for any other file."""
    found = NAME.fullmatch(path.name)
    return datetime.strptime(found[1], STAMP).replace(tzinfo=UTC) if found else None


def backups() -> list[Path]:
    """Every backup there is, the newest first."""
    folder = settings.BACKUP_DIR
    found = [path for path in folder.iterdir() if moment(path)] if folder.is_dir() else []
    return sorted(found, key=lambda path: path.name, reverse=True)


def worth_keeping(found: Iterable[Path]) -> set[Path]:
    """The newest of each of the last 14 days, 8 weeks and 12 months that have one."""
    kept: set[Path] = set()
    for form, most in (("%Y-%m-%d", DAILY), ("%G-%V", WEEKLY), ("%Y-%m", MONTHLY)):
        newest: dict[str, Path] = {}
        for path in found:
            newest.setdefault(moment(path).strftime(form), path)  # type: ignore[union-attr]
        kept |= set(list(newest.values())[:most])
    return kept


def tidy() -> list[Path]:
    """Remove what is older than it need be; gives what was removed."""
    found = backups()
    kept = worth_keeping(found)
    gone = [path for path in found if path not in kept]
    for path in gone:
        path.unlink()
        manifest_of(path).unlink(missing_ok=True)
    return gone


# --- Bringing one back


def examine(copy: Path) -> Manifest:
    """The manifest of a backup that is whole and fits this database. Raises Refused."""
    if not copy.is_file():
        raise Refused(f"There is no file {copy}.")
    try:
        manifest = Manifest(**json.loads(manifest_of(copy).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise Refused(f"{manifest_of(copy).name}, which says what is in {copy.name}, is missing or damaged.") from error
    if digest(copy) != manifest.sha256:
        raise Refused(
            f"{copy.name} is damaged: its digest is not the one it had when it was made. Take another backup."
        )
    if manifest.vendor != connection.vendor:
        raise Refused(f"{copy.name} is of {manifest.vendor}, and DATABASE_URL names {connection.vendor}.")
    if manifest.vendor == "sqlite":
        compare(look_into_sqlite(copy), manifest)
    else:
        look_into_dump(copy, manifest)
    return manifest


def restore(copy: Path, *, replace: bool = False) -> tuple[Manifest, Path | None]:
    """Bring a backup back: its manifest, and where the database it replaced is kept. Raises Refused."""
    manifest = examine(copy)
    if manifest.vendor == "sqlite":
        return manifest, restore_sqlite(copy, replace=replace)
    return manifest, restore_postgresql(copy, manifest, replace=replace)


def restore_sqlite(copy: Path, *, replace: bool) -> Path | None:
    live = Path(connection.settings_dict["NAME"])
    connections.close_all()
    aside = None
    incoming = live.with_name(f".{live.name}.incoming")
    try:
        shutil.copyfile(copy, incoming)
        incoming.chmod(0o600 if not live.exists() else live.stat().st_mode & 0o777)
        sync(incoming)
        if has_tables(live):
            if not replace:
                raise Refused(f"{live} is there already. With --replace it is kept beside, under another name.")
            nobody_uses(live)
            aside = live.with_name(f"{live.name}.replaced-{datetime.now(UTC).strftime(STAMP)}")
            # What SQLite has written beside a damaged file belongs to that file, and would spoil this one.
            for ending in ("-wal", "-shm"):
                beside = live.with_name(live.name + ending)
                if beside.exists():
                    beside.rename(aside.with_name(aside.name + ending))
            live.rename(aside)
        incoming.rename(live)
        sync(live.parent)
    finally:
        incoming.unlink(missing_ok=True)
    return aside


def has_tables(live: Path) -> bool:
    """Whether there is anything in the file, be it damaged; an empty one is made by looking."""
    if not live.exists() or not live.stat().st_size:
        return False
    try:
        with closing(sqlite3.connect(live)) as only:
            return bool(only.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    except sqlite3.DatabaseError:
        return True


def nobody_uses(live: Path) -> None:
    """Raises Refused while a server has the file open; its saves would go into the file that was put aside."""
    with closing(sqlite3.connect(live, timeout=2, isolation_level=None)) as only:
        try:
            only.execute("PRAGMA journal_mode=DELETE").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise Refused(f"{live.name} is in use. Stop the server first.") from error
        except sqlite3.DatabaseError:
            pass  # damaged: that is why it is replaced


def restore_postgresql(copy: Path, manifest: Manifest, *, replace: bool) -> Path | None:
    aside = None
    with connection.cursor() as cursor:
        is_empty = not contents(cursor, "postgresql").counts
    if not is_empty:
        if not replace:
            raise Refused("The database is not empty. With --replace a copy of it is made first, in BACKUP_DIR.")
        aside, _ = make(prefix="replaced")
    connections.close_all()
    run_statements(copy)
    with transaction.atomic(), connection.cursor() as cursor:
        compare(contents(cursor, "postgresql"), manifest)
    return aside
