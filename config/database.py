"""When the database does not do what it is asked: what to say, and how long to wait before saying it."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.utils.translation import gettext_lazy as _

# --- How long to wait (PostgreSQL)

# The server is told to stop a query after DATABASE_TIMEOUT. Should it be in no state to do that, stop listening a little later.
SLACK = 2.0  # seconds

_patience: ContextVar[float | None] = ContextVar("patience", default=None)


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Within, an answer that takes longer than this counts as none."""
    reset = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(reset)


def bound_queries() -> None:
    """From now on no query takes longer than DATABASE_TIMEOUT: for the site, since commands may take their time."""
    connection_created.connect(bound_connection, dispatch_uid="bound_connection")


def bound_connection(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    if connection.vendor != "postgresql":
        return
    connection.connection.wait = partial(listen, connection.connection)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, false)", [str(int(settings.DATABASE_TIMEOUT * 1000))]
        )


def listen(connection: Any, gen: Generator, **kwargs: Any) -> Any:
    """psycopg's own way of waiting for an answer, which has an end now; after that the connection is of no more use."""
    from psycopg import errors

    limit = _patience.get() or settings.DATABASE_TIMEOUT + SLACK
    try:
        return type(connection).wait(connection, gen, timeout=limit, **kwargs)
    except errors._WaitTimeout:
        connection.pgconn.finish()
        raise errors.OperationalError(f"no answer within {limit:g} seconds") from None


# --- What to say


@dataclass(frozen=True)
class Trouble:
    """Why something could not be read or saved, for a visitor, and when it is worth another try."""

    status: int  # of HTTP
    title: str
    words: str
    retry_after: int  # seconds


AWAY = Trouble(503, _("Our database does not answer"), _("It will be back soon."), 10)
BUSY = Trouble(503, _("Our database is busy"), _("Somebody else is saving just now."), 5)
FULL = Trouble(507, _("There is no room left to save anything"), _("Whoever runs this site has to make room."), 300)
FIXED = Trouble(503, _("Nothing can be saved just now"), _("The database may be read but not written to."), 60)
BROKEN = Trouble(503, _("Our database is damaged"), _("Whoever runs this site has to bring back a backup."), 300)


def trouble(error: BaseException | None) -> Trouble | None:
    """What the error means when the database is to blame for it and not the code; else None."""
    if not isinstance(error, DatabaseError | InterfaceError):
        return None
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return sqlite_trouble(str(cause), type(error))
    state = getattr(cause, "sqlstate", None) or ""
    if state == "53100":
        return FULL
    if state == "25006":
        return FIXED
    if state in ("55P03", "57014", "40001", "40P01"):  # waited too long, for a lock or at all; or in each other's way
        return BUSY
    return AWAY if isinstance(error, OperationalError | InterfaceError) else None


def sqlite_trouble(said: str, kind: type[Exception]) -> Trouble | None:
    if "is full" in said:
        return FULL
    if "readonly" in said:
        return FIXED
    if "is locked" in said or "is busy" in said:
        return BUSY
    if "malformed" in said or "not a database" in said:
        return BROKEN
    if any(words in said for words in ("unable to open", "disk I/O", "interrupted", "closed database")):
        return AWAY
    return None
