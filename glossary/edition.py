"""Which edition of the published content this is: the one thing that whatever is kept of it is kept by.

Triggers in the database (see `triggers.py`) write a new edition in the same transaction as any change that readers can
see, whoever makes it: an editor, a command, SQL by hand. So what is kept under an edition's `token` is true for as
long as that edition is the current one, on every process and machine, and nothing has to be told to forget.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from functools import wraps
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from glossary import recorded
from glossary.recorded import Recording


class Edition(NamedTuple):
    """`number` grows with each change. `token` names this state of the content and no other, also after a rollback or a
    restored backup, when a number would come up again: keys of caches are made of it. `changed_at` is in UTC."""

    number: int
    token: str
    changed_at: datetime


# Read once for a whole request; see `reading`.
_read: ContextVar[Edition | None] = ContextVar("edition", default=None)

QUERY = "SELECT number, token, changed_at FROM glossary_edition LIMIT 1"


def read() -> Edition:
    """The edition as the database has it now, in one query. Raises DatabaseError when there is no answer."""
    with connection.cursor() as cursor:
        cursor.execute(QUERY)
        row = cursor.fetchone()
    if row is None:  # before the first `migrate`, or just emptied: nothing may be kept under this
        return Edition(0, secrets.token_hex(16), datetime.now(UTC))
    number, token, changed_at = row
    return Edition(number, token, changed_at.replace(tzinfo=UTC))  # SQLite gives UTC and does not say so


def current() -> Edition:
    """The edition that this request reads, else the one in the database. Inside a rehearsal that is one of its own."""
    return _read.get() or read()


@contextmanager
def reading(edition: Edition) -> Iterator[None]:
    """Within, `current` asks the database no more: for a request that only reads, so that it holds to one edition."""
    reset = _read.set(edition)
    try:
        yield
    finally:
        _read.reset(reset)


# All that is kept, for `forget`.
_kept: list[OrderedDict[Any, Any]] = []


def forget() -> None:
    """Drop everything that is kept: for tests, in which the same numbers come to mean other rows."""
    for values in _kept:
        values.clear()
    recorded.forget()


class Kept[V](NamedTuple):
    """A value; as of which edition and day it is true; the queries that it rests on."""

    value: V
    as_of: tuple[str, date]
    recording: Recording


def kept_each[K: Hashable, V](
    most: int,
) -> Callable[[Callable[[list[K]], dict[K, V]]], Callable[[Iterable[K]], dict[K, V]]]:
    """Decorator of a function that reads what is published and nothing else, and gives each of many keys something of its own:
    what it gave is kept for as long as its queries give the same.

    It is asked for those keys that are not known yet, all at once, and gives a value for each. Those of the `most` keys that were
    asked for last stay in the memory of each process. Whoever gets a value must not change it.
    """

    def decorate(make: Callable[[list[K]], dict[K, V]]) -> Callable[[Iterable[K]], dict[K, V]]:
        values: OrderedDict[K, Kept[V]] = OrderedDict()
        guard = threading.Lock()
        _kept.append(values)

        @wraps(make)
        def asked(keys: Iterable[K]) -> dict[K, V]:
            as_of, keys = (current().token, timezone.localdate()), list(dict.fromkeys(keys))
            with guard:
                held = {key: values[key] for key in keys if key in values}
            found = {key: each for key, each in held.items() if each.as_of == as_of}
            if len(found) < len(held):
                found = still_true(held, as_of)
            if missing := [key for key in keys if key not in found]:
                with recorded.recording(as_of[0]) as recording:
                    found |= {key: Kept(value, as_of, recording) for key, value in make(missing).items()}
            with guard:
                for key, each in found.items():
                    values[key] = each
                    values.move_to_end(key)
                while len(values) > most:
                    values.popitem(last=False)
            for recording in {id(each.recording): each.recording for each in found.values()}.values():
                recorded.add(recording)
            return {key: each.value for key, each in found.items()}

        return asked

    return decorate


def still_true[K, V](held: dict[K, Kept[V]], as_of: tuple[str, date]) -> dict[K, Kept[V]]:
    """Those that are true in this edition and on this day as well. What was made at once rests on the same queries, so they are asked once."""
    token, day = as_of
    together = {id(each.recording): each for each in held.values() if each.as_of[1] == day}
    true = {key for key, each in together.items() if each.as_of[0] == token or each.recording.is_true(token)}
    return {key: each._replace(as_of=as_of) for key, each in held.items() if id(each.recording) in true}


def kept[*Args, R](most: int) -> Callable[[Callable[[*Args], R]], Callable[[*Args], R]]:
    """As `kept_each`, for a function of which each call gives one thing: by the arguments, which have no names."""

    def decorate(make: Callable[[*Args], R]) -> Callable[[*Args], R]:
        @kept_each(most)
        def each(calls: list[tuple[*Args]]) -> dict[tuple[*Args], R]:
            return {call: make(*call) for call in calls}

        @wraps(make)
        def asked(*args: *Args) -> R:
            return each([args])[args]

        return asked

    return decorate
