"""Pieces of pages, kept by what they are made of.

A finding in a table, a source in a list: the same HTML comes out whenever the same values go in. So it is kept by these
values themselves, and an edit makes nothing anew but the pieces that show it. A piece cannot go stale: its template sees
the values that it is kept by and nothing else, neither the request nor the rest of the page.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import is_dataclass
from functools import cache, cached_property
from typing import Any

from django.conf import settings
from django.db.models import Model
from django.template import Context
from django.template.loader import get_template
from django.urls import get_script_prefix
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import get_language

MOST = 10_000  # pieces in the memory of one process, about 2 kB each; those least asked for go first

_kept: OrderedDict[Hashable, Any] = OrderedDict()
_lock = threading.Lock()


type Place = tuple[str, str | None]
_place: ContextVar[Place | None] = ContextVar("place", default=None)


def place() -> Place:
    """Where the site lies and which language it speaks: what every piece depends on."""
    return _place.get() or (get_script_prefix(), get_language())


@contextmanager
def in_one_place() -> Iterator[None]:
    """Within, the place stays what it is, and is not looked up for each of some hundred pieces."""
    reset = _place.set(place())
    try:
        yield
    finally:
        _place.reset(reset)


def piece(template: str, **values: Any) -> SafeString:
    """The template rendered with these values alone, made once for each set of them."""
    key = (template, *[(name, made_of(value)) for name, value in values.items()])
    return keep(key, lambda: get_template(template).template.render(Context(values)))


def keep[T](key: tuple[Hashable, ...], make: Callable[[], T]) -> T:
    """What `make` gives, made once for each key; the key names all that it depends on, except where the site lies
    and which language it speaks."""
    if settings.DEBUG:  # whoever works on a template wants to see it
        return make()
    key = (*place(), *key)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    made = make()
    with _lock:
        _kept[key] = made
        if len(_kept) > MOST:
            _kept.popitem(last=False)
    return made


def forget() -> None:
    """Drop everything that is kept: for tests, in which the same numbers come to mean other rows."""
    with _lock:
        _kept.clear()


def made_of(value: Any) -> Hashable:
    """What tells this value from any other that would look different. Of a row, what has been loaded of it: its fields,
    those of the rows it belongs to, and the rows that were fetched along with it."""
    if isinstance(value, str | int | None):
        return value
    if (known := getattr(value, "made_of", None)) is not None:  # it does not change, and knows what it is made of
        return known
    if isinstance(value, Model):
        fetched = value.__dict__.get("_prefetched_objects_cache", {})
        return (row_values(value), *[tuple([row_values(row) for row in rows]) for rows in fetched.values()])
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, list | tuple):
        return tuple([made_of(each) for each in value])
    if isinstance(value, dict):
        return tuple(value.items())
    if is_dataclass(value) and type(value).__hash__ is None:  # what can change is made of what it holds now
        return tuple([made_of(each) for each in vars(value).values()])
    return value


def fixed[M: Model](rows: list[M]) -> list[M]:
    """The same rows, which will not change any more: what each is made of is worked out now, and not each time."""
    for row in rows:
        row.made_of = Fixed(made_of(row))  # type: ignore[attr-defined]
    return rows


class Fixed(tuple):
    """A tuple of tuples that is looked up often: it is hashed once."""

    @cached_property
    def hashed(self) -> int:
        return super().__hash__()

    def __hash__(self) -> int:
        return self.hashed

    def __eq__(self, other: object) -> bool:
        return self is other or super().__eq__(other)


def row_values(row: Model) -> Hashable:
    related = [field_values(other) for other in row._state.fields_cache.values() if other is not None]
    return (field_values(row), *related)


def field_values(row: Model) -> Hashable:
    loaded = row.__dict__
    return (type(row), *[loaded.get(name) for name in field_names(type(row))])


@cache
def field_names(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]
