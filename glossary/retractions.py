"""When a source is withdrawn, doubted or replaced: mark it, and list what rests on it for judging again."""

from __future__ import annotations

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext

from glossary.models import CITING, Source


def resting_on(source: Source) -> list[tuple[str, list[models.Model]]]:
    """What rests on a source, published or not, as (words for the kind, rows); kinds with nothing are left out.

    Reads every relation to a source that an app adds, and every Markdown text that may cite one, so that a new
    kind of entry is never forgotten. What a row rests on twice (as main source and as one of them) is listed once.
    """
    groups: dict[str, dict[tuple[str, object], models.Model]] = {}

    def add(words: str, rows: models.QuerySet) -> None:
        for row in rows:
            groups.setdefault(words, {})[row._meta.label, row.pk] = row

    for relation in Source._meta.related_objects:
        # A newer edition does not rest on the older one.
        if relation.related_model is Source:
            continue
        field = relation.field
        words = str(relation.related_model._meta.verbose_name_plural)
        if field.name == "claim_sources":
            words = "claims seen there"
        elif field.name == "course_sources":
            words = "courses"
        related = [f.name for f in relation.related_model._meta.concrete_fields if isinstance(f, models.ForeignKey)]
        rows = relation.related_model._default_manager.filter(**{field.name: source})
        add(words, rows.select_related(*related) if related else rows)
    mark = f"[@{source.key}]"
    for model in apps.get_models():
        names = {f.name for f in model._meta.concrete_fields} & CITING if hasattr(model, "NATURAL_KEY") else set()
        if names:
            cites = Q()
            for name in names:
                cites |= Q(**{f"{name}__contains": mark})
            add("texts that cite it", model._default_manager.filter(cites))
    return [(words, list(rows.values())) for words, rows in groups.items()]


def label(row: models.Model) -> str:
    """What a row is called in a list; a part, such as a price, with what it belongs to."""
    if hasattr(row, "NATURAL_KEY"):
        return str(row)
    owners = [
        f for f in row._meta.concrete_fields if isinstance(f, models.ForeignKey) and f.related_model is not Source
    ]
    return f"{getattr(row, owners[0].name)}: {row}" if owners else str(row)


def mark(source: Source, status: str, reason: str, superseded_by: Source | None = None) -> None:
    """Set the status, with the reason that readers will see in the list of changes. ValidationError says what is wrong."""
    if not reason.strip():
        raise ValidationError(gettext("Give a reason: readers see it in the list of changes."))
    source.status, source.superseded_by = status, superseded_by
    source.clean_fields(exclude=[f.name for f in Source._meta.fields if f.name not in ("status", "superseded_by")])
    source.validate_constraints()
    with transaction.atomic():
        source._change_reason = reason.strip()
        source.save()
