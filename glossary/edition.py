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
from datetime import UTC, datetime
from functools import lru_cache, wraps
from typing import NamedTuple

from django.db import connection

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


def kept[**P, R](most: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorator of a function that reads what is published and nothing else: what it gave is kept for the edition.

    For the `most` sets of arguments that were asked for last, in the memory of each process. Whoever gets it must not
    change it.
    """

    def decorate(make: Callable[P, R]) -> Callable[P, R]:
        @lru_cache(maxsize=most)
        def of_edition(token: str, *args: P.args, **kwargs: P.kwargs) -> tuple[R, Recording]:
            with recorded.recording() as recording:
                return make(*args, **kwargs), recording

        @wraps(make)
        def asked(*args: P.args, **kwargs: P.kwargs) -> R:
            value, recording = of_edition(current().token, *args, **kwargs)
            recorded.add(recording)
            return value

        return asked

    return decorate


def kept_each[K: Hashable, V](
    most: int,
) -> Callable[[Callable[[list[K]], dict[K, V]]], Callable[[Iterable[K]], dict[K, V]]]:
    """As `kept`, for a function that gives each of many keys something of its own: it is asked for those that are not known
    yet, all at once, and gives a value for each."""

    def decorate(make: Callable[[list[K]], dict[K, V]]) -> Callable[[Iterable[K]], dict[K, V]]:
        values: OrderedDict[tuple[str, K], tuple[V, Recording]] = OrderedDict()
        guard = threading.Lock()

        @wraps(make)
        def asked(keys: Iterable[K]) -> dict[K, V]:
            token, keys = current().token, list(dict.fromkeys(keys))
            with guard:
                found = {key: values[token, key] for key in keys if (token, key) in values}
                for key in found:
                    values.move_to_end((token, key))
            if missing := [key for key in keys if key not in found]:
                with recorded.recording() as recording:
                    made = {key: (value, recording) for key, value in make(missing).items()}
                with guard:
                    values.update(((token, key), value) for key, value in made.items())
                    while len(values) > most:
                        values.popitem(last=False)
                found |= made
            for recording in {id(recording): recording for _, recording in found.values()}.values():
                recorded.add(recording)
            return {key: value for key, (value, _) in found.items()}

        return asked

    return decorate
