"""Template tags of the guide; available in every template without loading."""

from collections.abc import Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def lookup(mapping: Mapping[Any, Any], key: Any) -> Any:
    """`numbers|lookup:key`: the value under a key that is itself a variable; empty when there is none."""
    return mapping.get(key, "")


@register.filter
def others(slugs: list[str], slug: str) -> list[str]:
    """The list without one of its members."""
    return [other for other in slugs if other != slug]
