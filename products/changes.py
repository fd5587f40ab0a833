"""What changed and why on the whole site: the glossary's trail, with the kinds of entries that products add."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from glossary import trail
from glossary.trail import Change, Group, Kept
from products.models import Category, RedFlag, Regulation

KINDS = (
    *trail.KINDS,
    Kept(Category, "page", gone=_("A product page")),
    Kept(Regulation, "rule", owner="category"),
    Kept(RedFlag, "page", gone=_("A warning sign")),
)


def groups(*, corrections: bool = False) -> QuerySet:
    """Every entry of the trail, newest day first, to be cut into pages."""
    return trail.groups(KINDS, corrections=corrections)


def told(groups: Iterable[Group]) -> list[Change]:
    """These entries in words."""
    return trail.told(groups, KINDS)


def of_page(entry: Category) -> list[Change]:
    """The latest of what happened to one product page."""
    return trail.of_page(entry, KINDS)
