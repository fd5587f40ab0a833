"""What a page asked of the database, and a digest of what it was told.

A page is what its queries gave. So after an edit it need not be made anew if they give the same again: to ask them once
more, as plain SQL, takes a tenth of the time; and a query that reads none of the tables in which something changed need not
even be asked (`glossary/triggers.py` tells which did). `config/pages.py` does so with the pages that it keeps,
`glossary/edition.py` with what pages have in common.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import DatabaseError, connection

MOST = 200  # queries, beyond which a page is made anew instead
# Every name that may be one of a table. A word too many does no harm: its query is asked again.
TABLE = re.compile(r"\b(?:FROM|JOIN)\s+\"?(\w+)")
LISTED = re.compile(
    r"\bFROM\s+\"?\w+\"?(?:\s+(?:AS\s+)?\"?\w+\"?)?\s*,"
)  # tables after one another, of which only the first would be found

type Query = tuple[str, tuple[Any, ...] | None]
type Tables = dict[str, str]  # of each table that readers see, a token that is another one after each change


class Answer:
    """A digest of the rows that were read so far, good within this process; `since`: as of which state of its tables it is known to be
    true, where these are such as readers see."""

    def __init__(self, since: tuple[str, ...] | None = None) -> None:
        self.digest = 0
        self.since = since

    def read(self, rows: Iterable[Any]) -> None:
        for row in rows:
            try:
                self.digest = hash((self.digest, row))
            except TypeError:  # PostgreSQL gives lists and dictionaries as such
                self.digest = hash((self.digest, repr(row)))


class Listener:
    """A database cursor that tells `answer` of each row on its way."""

    def __init__(self, cursor: Any, answer: Answer) -> None:
        self.cursor, self.answer = cursor, answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cursor, name)

    def __iter__(self) -> Iterator[Any]:
        for row in self.cursor:
            self.answer.read([row])
            yield row

    def fetchone(self) -> Any:
        row = self.cursor.fetchone()
        self.answer.read([] if row is None else [row])
        return row

    def fetchmany(self, *size: int) -> list[Any]:
        rows: list[Any] = self.cursor.fetchmany(*size)
        self.answer.read(rows)
        return rows

    def fetchall(self) -> list[Any]:
        rows: list[Any] = self.cursor.fetchall()
        self.answer.read(rows)
        return rows


class Recording:
    """Queries with what they gave, in the order in which they were asked. `is_repeatable` unless one of them wrote something."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.answers: dict[Query, Answer] = {}
        self.is_repeatable = True

    def listen(self, cursor: Any, sql: str, params: Any, many: bool) -> None:
        """Take note of a query that `cursor` has just been given."""
        if isinstance(cursor.cursor, Listener):
            cursor.cursor = cursor.cursor.cursor
        if many or not sql.lstrip("( ").startswith(("SELECT", "WITH")) or len(self.answers) >= MOST:
            self.is_repeatable = False
            return
        try:
            # Many pages ask the same with other values: the text is held once, for as long as one of them is.
            query = (sys.intern(str(sql)), None if params is None else tuple(params))
            if query not in self.answers:
                self.answers[query] = Answer(state_of(query[0], self.tables))
                cursor.cursor = Listener(cursor.cursor, self.answers[query])
        except TypeError:  # a value that cannot be compared with another
            self.is_repeatable = False

    def add(self, other: Recording) -> None:
        # Something was published in between, if one query has had two answers.
        same = all(
            other.answers[query].digest == self.answers[query].digest for query in other.answers.keys() & self.answers
        )
        self.answers = other.answers | self.answers
        self.is_repeatable = self.is_repeatable and other.is_repeatable and same and len(self.answers) <= MOST

    def is_true(self, token: str) -> bool:
        """Whether every query gives the same now, in the edition of that token. Raises DatabaseError.

        What pages ask alike is asked once for an edition; the first query that gives something else is the last that is asked.
        """
        if not self.is_repeatable:
            return False
        tables, told = now(token)
        with unheard(), connection.cursor() as cursor:
            for query, then in self.answers.items():
                state = state_of(query[0], tables)
                if state is not None and state == then.since:
                    continue
                if query not in told:
                    answer = Answer()
                    cursor.execute(*query)
                    answer.read(cursor.fetchall())
                    told[query] = answer.digest
                if told[query] != then.digest:
                    return False
                then.since = state
        return True


class Now(NamedTuple):
    """The tables as of one edition, and digests of what the database has told in it."""

    tables: Tables
    told: dict[Query, int]


_now: tuple[str, Now] = ("", Now({}, {}))


def now(token: str) -> Now:
    """What is known of the edition of this token; of the tables, one query for each edition. Raises DatabaseError.

    Whoever asks before the first query may at worst get an older state than that query will see: it is asked once too often.
    """
    global _now
    held = _now
    if held[0] != token:
        with unheard(), connection.cursor() as cursor:
            cursor.execute("SELECT name, token FROM glossary_tableedition")
            _now = held = (token, Now(dict(cursor.fetchall()), {}))
    return held[1]


def forget() -> None:
    """For tests, in which the same token comes to mean another state."""
    global _now
    _now = ("", Now({}, {}))


@lru_cache(maxsize=2_000)
def tables_of(sql: str) -> tuple[str, ...]:
    """The tables that a query reads; nothing where that cannot be told."""
    return () if LISTED.search(sql) else tuple(dict.fromkeys(TABLE.findall(sql)))


def state_of(sql: str, tables: Tables) -> tuple[str, ...] | None:
    """What the answer to a query rests on: of each of its tables, when it last changed. None where a change would not be noticed,
    as in one that readers do not see."""
    names = tables_of(sql)
    return tuple([tables[name] for name in names]) if names and all(name in tables for name in names) else None


_recording: ContextVar[Recording | None] = ContextVar("recording", default=None)


@contextmanager
def recording(token: str) -> Iterator[Recording]:
    """Within, every query is written down, as asked in the edition of that token: in the innermost recording alone."""
    try:
        tables = now(token).tables
    except DatabaseError:
        tables = {}
    inner, is_outermost = Recording(tables), _recording.get() is None
    reset = _recording.set(inner)
    try:
        with connection.execute_wrapper(_listen) if is_outermost else nullcontext():
            yield inner
    finally:
        _recording.reset(reset)
        inner.tables = {}  # of no more use


@contextmanager
def unheard() -> Iterator[None]:
    """Within, queries are written down for nobody."""
    reset = _recording.set(_recording.get() and Recording({}))
    try:
        yield
    finally:
        _recording.reset(reset)


def add(other: Recording) -> None:
    """What was kept from earlier rests on these queries; so does, now, what is being recorded."""
    if (outer := _recording.get()) is not None:
        outer.add(other)


def _listen(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    result = execute(sql, params, many, context)
    if inner := _recording.get():
        inner.listen(context["cursor"], sql, params, many)
    return result
