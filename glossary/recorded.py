"""What a page asked of the database, and a digest of what it was told.

A page is what its queries gave. So after an edit it need not be made anew if they give the same again: to ask them once
more, as plain SQL, takes a tenth of the time. `config/pages.py` does so with the pages that it keeps.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

from django.db import connection

MOST = 200  # queries, beyond which a page is made anew instead

type Query = tuple[str, tuple[Any, ...] | None]


class Answer:
    """A digest of the rows that were read so far; good within this process."""

    def __init__(self) -> None:
        self.digest = 0

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

    def __init__(self) -> None:
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
                self.answers[query] = Answer()
                cursor.cursor = Listener(cursor.cursor, self.answers[query])
        except TypeError:  # a value that cannot be compared with another
            self.is_repeatable = False

    def add(self, other: Recording) -> None:
        self.answers = other.answers | self.answers
        self.is_repeatable = self.is_repeatable and other.is_repeatable and len(self.answers) <= MOST

    def is_true(self, token: str) -> bool:
        """Whether every query gives the same now, in the edition of that token. Raises DatabaseError.

        What pages ask alike is asked once for an edition; the first query that gives something else is the last that is asked.
        """
        global _now
        if _now[0] != token:
            _now = (token, {})
        now = _now[1]
        with connection.cursor() as cursor:
            for query, then in self.answers.items():
                if query not in now:
                    answer = Answer()
                    cursor.execute(*query)
                    answer.read(cursor.fetchall())
                    now[query] = answer.digest
                if now[query] != then.digest:
                    return False
        return True


# What the database tells in the edition of a token.
_now: tuple[str, dict[Query, int]] = ("", {})

_recording: ContextVar[Recording | None] = ContextVar("recording", default=None)


@contextmanager
def recording() -> Iterator[Recording]:
    """Within, every query is written down: in the innermost recording alone."""
    inner, is_outermost = Recording(), _recording.get() is None
    reset = _recording.set(inner)
    try:
        with connection.execute_wrapper(_listen) if is_outermost else nullcontext():
            yield inner
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
