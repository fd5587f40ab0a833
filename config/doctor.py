"""What is wrong with an installation, in words, and what to do about it: for `manage.py doctor`.

Each question is a function that yields what it finds. “wrong” is what breaks the site or puts it at risk; “better” is
advice. Nothing is changed by asking.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.staticfiles.finders import find
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.cache import caches
from django.core.checks import WARNING, Tags, run_checks
from django.core.files import File
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor

from config import backup

ROOM = 500_000_000  # bytes of free disk
OLD = timedelta(hours=26)  # of a nightly job, with some patience


@dataclass(frozen=True)
class Finding:
    weight: Literal["wrong", "better"]
    words: str
    todo: str


def wrong(words: str, todo: str) -> Finding:
    return Finding("wrong", words, todo)


def better(words: str, todo: str) -> Finding:
    return Finding("better", words, todo)


# --- Settings


def settings_fit() -> Iterator[Finding]:
    if settings.IS_LOCAL:
        yield better(
            "Only this machine is answered: ALLOWED_HOSTS is not set.",
            "For a public site set ALLOWED_HOSTS to its host names and SECRET_KEY to a secret of its own.",
        )
        return
    if settings.DEBUG:
        yield wrong(
            "DEBUG is on, so visitors see the insides of every error.", "Set DEBUG=0 and start the server anew."
        )
    if len(settings.SECRET_KEY) < 50 or len(set(settings.SECRET_KEY)) < 5:
        yield wrong(
            "SECRET_KEY is short or easy to guess.",
            'Make one with: python -c "import secrets; print(secrets.token_urlsafe(60))". Everybody has to log in again.',
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield wrong("ALLOWED_HOSTS lets everybody name the host.", "Give the names by which readers know the site.")
    if settings.SITE_URL and urlsplit(settings.SITE_URL).hostname not in settings.ALLOWED_HOSTS:
        yield wrong(
            f"SITE_URL ({settings.SITE_URL}) names a host that is not answered.",
            "Add its host name to ALLOWED_HOSTS, or correct SITE_URL.",
        )
    if not settings.DEBUG:
        for message in run_checks(tags=[Tags.security], include_deployment_checks=True):
            if message.level >= WARNING and message.id != "security.W009":  # said above, more plainly
                yield wrong(f"{message.msg} ({message.id})", message.hint or "See “manage.py check --deploy”.")


def proxy_fits() -> Iterator[Finding]:
    if settings.IS_LOCAL:
        return
    if settings.SECURE_SSL_REDIRECT and not settings.TRUST_PROXY_HEADERS:
        yield wrong(
            "Every request over http is sent to https, and nothing tells this server that one came over https. The server "
            "itself speaks http only, so readers go round in circles.",
            "Behind a proxy that ends https and sets X-Forwarded-Proto and X-Forwarded-For itself, set TRUST_PROXY_HEADERS=1.",
        )
    if settings.TRUST_PROXY_HEADERS and os.environ.get("HOST", "127.0.0.1") in ("0.0.0.0", "::"):  # noqa: S104
        yield better(
            "What X-Forwarded-For says is believed, and the server listens on every address of this machine.",
            "Let only the proxy reach it: HOST=127.0.0.1, or a network that has nobody else in it.",
        )


# --- Folders and files


def folders_fit() -> Iterator[Finding]:
    for name, folder in (("DATA_DIR", settings.DATA_DIR), ("BACKUP_DIR", settings.BACKUP_DIR)):
        if not folder.exists():
            continue  # made when it is first used
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(bytes(4096))
        except OSError as error:
            yield wrong(
                f"{name} ({folder}) cannot be written to: {error.strerror}.",
                f"Give it to the account that runs the server: chown -R NAME {folder}. Or make room on its disk.",
            )
        free = shutil.disk_usage(folder).free
        if free < ROOM:
            yield wrong(
                f"Only {free / 1e6:.0f} MB are free where {name} is ({folder}).",
                "Make room. When there is none left, nobody can save.",
            )
    if settings.DATA_DIR.stat().st_mode & 0o005:
        files = [settings.DATA_DIR / "secret-key", *settings.DATA_DIR.glob("db.sqlite3*")]
        if names := [file.name for file in files if file.exists() and file.stat().st_mode & 0o004]:
            yield better(
                f"Everybody with an account on this machine may read {', '.join(sorted(names))}.",
                f"chmod o= {settings.DATA_DIR}",
            )


def static_files_fit() -> Iterator[Finding]:
    if not hasattr(staticfiles_storage, "stored_name"):
        return  # served as written, while developing
    todo = "Run: manage.py collectstatic --no-input. Then start the server anew."
    sample = "js/site.js"  # one that is not rewritten on its way
    try:
        collected = Path(staticfiles_storage.path(staticfiles_storage.stored_name(sample)))
    except ValueError:
        yield wrong("Styles and scripts have not been collected: every page fails.", todo)
        return
    with Path(find(sample)).open("rb") as source:
        if not collected.exists():
            yield wrong("Styles and scripts are missing from the folder they were collected in.", todo)
        elif staticfiles_storage.file_hash(sample, File(source)) not in collected.name:
            yield wrong("Styles and scripts are those of another release.", todo)


# --- The database


def database_answers() -> Iterator[Finding]:
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError) as error:
        said = " ".join(str(error).split())
        yield wrong(f"The database does not answer: {said}.", "Is it running? Does DATABASE_URL name the right one?")


def database_fits() -> Iterator[Finding]:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode")
            if (mode := cursor.fetchone()[0]) != "wal":
                yield wrong(
                    f"SQLite keeps its journal as “{mode}”, so readers wait for whoever saves.",
                    "Put DATA_DIR on a disk of this machine; WAL works on no network file system.",
                )
            cursor.execute("PRAGMA quick_check")
            if (said := cursor.fetchone()[0]) != "ok":
                yield wrong(
                    f"The database is damaged: {said}.", "Bring back a backup: manage.py restore FILE --replace."
                )
    migrations = MigrationExecutor(connection)
    plan = migrations.migration_plan(migrations.loader.graph.leaf_nodes())
    if plan:
        names = ", ".join(f"{m.app_label}.{m.name}" for m, _ in plan[:3])
        yield wrong(f"{len(plan)} migrations have not been run: {names} …", "Run: manage.py migrate")
    unknown = {key for key in migrations.loader.applied_migrations if key not in migrations.loader.disk_migrations}
    ours = sorted(f"{app}.{name}" for app, name in unknown if app in ("glossary", "products"))
    if ours:
        yield wrong(
            f"The database is of a newer release: it knows {', '.join(ours)}, and this code does not.",
            "Run the newer release, or bring back the backup that was made before the upgrade.",
        )


def content_fits() -> Iterator[Finding]:
    from glossary.models import Concept
    from products.models import Category
    from products.search_index import is_in_step

    if not (Concept.objects.published().exists() and Category.objects.published().exists()):
        yield wrong("There is no content.", "Run: manage.py load_content")
    elif not is_in_step():
        yield wrong("Search does not know everything that is there.", "Run: manage.py rebuild_search")


# --- Round about


def cache_answers() -> Iterator[Finding]:
    if "shared" not in settings.CACHES:
        return
    key = f"doctor-{os.getpid()}"
    caches["shared"].set(key, "here", 10)
    if caches["shared"].get(key) != "here":
        yield wrong(
            "The shared cache (REDIS_URL) does not answer. The site works without, but more slowly, and each process "
            "counts its callers for itself.",
            "Is it running? Does REDIS_URL name the right one?",
        )


def clock_fits() -> Iterator[Finding]:
    from glossary.models import Revision

    now = datetime.now(UTC)
    if now.year < 2026:
        yield wrong(f"The clock says {now:%d %B %Y}.", "Set it, and keep it right with NTP: timedatectl set-ntp true")
        return
    newest = Revision.objects.order_by("-saved_at").values_list("saved_at", flat=True).first()
    if newest and newest > now + timedelta(minutes=5):
        yield wrong(
            f"Something was saved at {newest:%d %B %Y, %H:%M} UTC, and now is {now:%d %B %Y, %H:%M} UTC.",
            "The clock was ahead then, or is behind now. Keep it right with NTP: timedatectl set-ntp true",
        )


def backups_are_made() -> Iterator[Finding]:
    todo = "Run each night: manage.py backup"
    found = backup.backups()
    if not found:
        yield wrong(f"There is no backup in {settings.BACKUP_DIR}.", todo)
        return
    newest = backup.moment(found[0])
    if newest and datetime.now(UTC) - newest > OLD:
        yield wrong(f"The newest backup is of {newest:%d %B %Y, %H:%M} UTC.", todo)
    if not settings.IS_LOCAL and is_one_disk(settings.BACKUP_DIR, settings.DATA_DIR):
        yield better(
            "Backups are on the disk that they should help against losing.",
            "Set BACKUP_DIR to a folder on another disk, or copy them to another machine.",
        )


def is_one_disk(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev


def tending_is_done() -> Iterator[Finding]:
    from products.models import ContentCheck

    last = ContentCheck.objects.order_by("-checked_at").values_list("checked_at", flat=True).first()
    if last is None or datetime.now(UTC) - last > OLD:
        when = f"was last looked after on {last:%d %B %Y, %H:%M} UTC" if last else "has never been looked after"
        yield better(
            f"The content {when}: promises, cited addresses, old sessions.",
            "Let a scheduler run “make tend” each night; the README has a systemd timer.",
        )


def publishers_have_a_second_factor() -> Iterator[Finding]:
    from config.roles import ADMINISTRATOR, REVIEWER

    if settings.IS_LOCAL:
        return
    editors = User.objects.filter(is_active=True, is_staff=True)
    may_publish = editors.filter(groups__name__in=[REVIEWER, ADMINISTRATOR]) | editors.filter(is_superuser=True)
    without = may_publish.exclude(totpdevice__confirmed=True).distinct().order_by("username")
    names = list(without.values_list("username", flat=True))
    if not settings.SECOND_FACTOR:
        yield wrong("Publishers need no second step: SECOND_FACTOR is off.", "Take SECOND_FACTOR=0 away.")
    if names:
        yield better(
            f"These accounts may publish and have not set up their second step: {', '.join(names)}.",
            "They are asked to when they next log in. Deactivate those that nobody uses.",
        )
    if not may_publish.exists():
        yield better("Nobody can publish.", "Make an administrator: manage.py make_editor NAME --role administrator")


ALONE: list[Callable[[], Iterator[Finding]]] = [settings_fit, proxy_fits, folders_fit, static_files_fit, cache_answers]
WITH_DATABASE: list[Callable[[], Iterator[Finding]]] = [
    content_fits,
    clock_fits,
    tending_is_done,
    publishers_have_a_second_factor,
]


def examine() -> list[Finding]:
    """Everything that was found; what needs a database that answers and is migrated is asked only then."""
    found = [finding for question in ALONE for finding in question()]
    found += backups_are_made()
    trouble = list(database_answers())
    if not trouble:
        try:
            trouble = list(database_fits())
        except DatabaseError as error:
            trouble = [
                wrong(
                    f"The database cannot be read: {error}.", "Bring back a backup: manage.py restore FILE --replace."
                )
            ]
    found += trouble
    if not any(finding.weight == "wrong" for finding in trouble):
        found += [finding for question in WITH_DATABASE for finding in question()]
    return sorted(found, key=lambda finding: finding.weight, reverse=True)
