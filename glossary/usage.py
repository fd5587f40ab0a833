"""What else on the site needs an entry: shown before it is renamed, and why it may not be deleted."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.db import models
from django.db.models import Q

MARKDOWN = ("body", "not_same_as")
# Of each kind, so that an entry that everything uses can still be looked at.
MOST = 100


def uses(entry: models.Model) -> list[models.Model]:
    """Entries that would lose something if this one were deleted; each once, in no particular order."""
    found = {(type(row), row.pk): row for row in (*pointing_at(entry), *naming(entry))}
    found.pop((type(entry), entry.pk), None)
    return list(found.values())


def pointing_at(entry: models.Model) -> Iterator[models.Model]:
    """Entries with a link to this one; for a row that is only a part, the entry that it belongs to."""
    own = getattr(type(entry), "PARTS", ())
    for relation in entry._meta.related_objects:
        goes_by_another = relation.many_to_many and not relation.through._meta.auto_created
        if relation.name in own or goes_by_another:
            continue
        keys = [f for f in relation.related_model._meta.concrete_fields if isinstance(f, models.ForeignKey)]
        owner = next((f for f in keys if f.remote_field.name in getattr(f.related_model, "PARTS", ())), None)
        rows = relation.related_model._default_manager.filter(**{relation.field.name: entry.pk})
        if keys:  # with what they are called after, so that naming them costs no query each
            rows = rows.select_related(*(f.name for f in keys))
        for row in rows[:MOST]:
            yield row if owner in (None, relation.field) else getattr(row, owner.name)


def naming(entry: models.Model) -> Iterator[models.Model]:
    """Entries whose text cites this one or links to it."""
    mark = f"[@{entry.key}]" if hasattr(entry, "key") else f"({entry._meta.model_name}:{getattr(entry, 'slug', '')})"
    for model in apps.get_models():
        names = [f.name for f in model._meta.concrete_fields if f.name in MARKDOWN]
        if not names or not hasattr(model, "NATURAL_KEY"):
            continue
        condition = Q()
        for name in names:
            condition |= Q(**{f"{name}__contains": mark})
        yield from model._default_manager.filter(condition)[:MOST]
