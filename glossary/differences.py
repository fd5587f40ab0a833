"""What differs between two saves of an entry, field by field and word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from django.db import models

from glossary.revisions import Content, Place, flat

# A word, a space, a mark; each Han or kana character by itself, since nothing stands between words there.
TOKEN = re.compile(r"\s+|[぀-ヿ㐀-鿿]|[^\W_]+|.", re.DOTALL)
# Beyond this many words two texts are compared line by line: word by word would take seconds.
MOST_TOKENS = 6_000


@dataclass
class Difference:
    """One field: what it is called, what stood there, what stands there."""

    place: Place
    label: str
    before: str
    after: str

    @property
    def words(self) -> list[tuple[str, str]]:
        """`(kind, text)` in order; kind is `same`, `gone` or `new`."""
        return compare_words(self.before, self.after)


def compare_words(before: str, after: str) -> list[tuple[str, str]]:
    """The two texts laid over each other: `(kind, text)`, kind is `same`, `gone` or `new`."""
    left, right = TOKEN.findall(before), TOKEN.findall(after)
    if len(left) + len(right) > MOST_TOKENS:
        left, right = before.splitlines(keepends=True), after.splitlines(keepends=True)
    pieces: list[tuple[str, str]] = []
    for what, a, b, c, d in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if what == "equal":
            pieces.append(("same", "".join(left[a:b])))
            continue
        if a < b:
            pieces.append(("gone", "".join(left[a:b])))
        if c < d:
            pieces.append(("new", "".join(right[c:d])))
    return pieces


class Names:
    """Says values as editors read them: rows by name, choices by label. Looks each table up once."""

    def __init__(self, *contents: Content, model: type[models.Model]) -> None:
        wanted: dict[type[models.Model], set[Any]] = {}
        for content in contents:
            for place, values in flat(content).items():
                of = model if len(place) == 1 else model._meta.get_field(place[0]).related_model
                items = {place[0]: values} if len(place) == 1 else values
                for name, value in items.items():
                    field = of._meta.get_field(name)
                    if field.is_relation and value:
                        wanted.setdefault(field.related_model, set()).update(
                            value if isinstance(value, list) else [value]
                        )
        self.rows = {table: table._default_manager.in_bulk(keys) for table, keys in wanted.items()}

    def say(self, field: models.Field, value: Any) -> str:
        if value is None or value == []:
            return ""
        if field.is_relation:
            rows = self.rows.get(field.related_model, {})
            keys = value if isinstance(value, list) else [value]
            return "\n".join(str(rows.get(key, "(deleted)")) for key in keys)
        if isinstance(value, bool):
            return "yes" if value else "no"
        return str(dict(field.flatchoices).get(value, value))

    def say_part(self, model: type[models.Model], values: Content | None) -> str:
        """A part, field by field, one a line; what is empty is left out."""
        if values is None:
            return ""
        lines = []
        for name, value in values.items():
            field = model._meta.get_field(name)
            if field.editable and (said := self.say(field, value)):
                lines.append(
                    f"{field.verbose_name}: {said}".replace("\n", "; ")
                    if field.is_relation
                    else f"{field.verbose_name}: {said}"
                )
        return "\n".join(lines)


def differences(model: type[models.Model], before: Content, after: Content) -> Iterator[Difference]:
    """What differs between two snapshots of an entry of this kind, in the order of its fields."""
    left, right = flat(before), flat(after)
    names = Names(before, after, model=model)
    for place in dict.fromkeys([*left, *right]):
        one, other = left.get(place), right.get(place)
        if one == other:
            continue
        if len(place) == 1:
            field = model._meta.get_field(place[0])
            if not field.editable:
                continue
            label = str(field.verbose_name)
            said = names.say(field, one), names.say(field, other)
        else:
            part = model._meta.get_field(place[0]).related_model
            label = str(part._meta.verbose_name)
            said = names.say_part(part, one), names.say_part(part, other)
        yield Difference(place, label[0].upper() + label[1:], *said)
