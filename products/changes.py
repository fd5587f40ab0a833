"""What changed and why, read from the history of every published entry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from django.db.models import QuerySet
from django.utils import timezone

from glossary.models import Concept, Finding, Risk, Source
from products.models import Category, RedFlag, Regulation

HISTORIES = (Concept, Finding, Risk, Category, Regulation, RedFlag, Source)
VERBS = {"+": "added", "~": "changed", "-": "removed"}


@dataclass
class Change:
    """What happened to one page on one day, for one reason."""

    day: date
    page: str
    url: str
    reason: str
    counts: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """E.g. “page added, 12 findings added, 3 risks changed”."""
        parts = []
        for (noun, verb), count in self.counts.items():
            parts.append(
                f"{noun} {verb}" if noun == "page" else f"{count} {noun if count == 1 else plural(noun)} {verb}"
            )
        return ", ".join(parts)


def plural(noun: str) -> str:
    return {"rule": "rules", "warning sign": "warning signs"}.get(noun, f"{noun}s")


NOUNS = {
    Concept: "page",
    Category: "page",
    Finding: "finding",
    Risk: "risk",
    Regulation: "rule",
    RedFlag: "page",
    Source: "page",
}


def page_of(record: object) -> tuple[str, str] | None:
    """(name, address) of the page that a history record belongs to; None when it is gone or not public."""
    row = record.instance
    if isinstance(row, (Finding, Risk)):
        row = row.concept
    elif isinstance(row, Regulation):
        row = row.category
    if isinstance(row, (Concept, Category)) and row.state != "published":
        return None
    return str(row) if not isinstance(row, Source) else row.title, row.get_absolute_url()


def recent_changes(days: int = 60, limit: int = 400) -> list[Change]:
    """The latest changes, newest first, gathered by day, page and reason.

    Sources appear only when they changed after they were added: a new one is part of the entry that cites it.
    """
    since = timezone.now() - timezone.timedelta(days=days)
    changes: dict[tuple[date, str, str], Change] = {}
    for model in HISTORIES:
        for record in records(model, since):
            kind = record.history_type
            page = page_of(record)
            if page is None or (model is Source and kind == "+"):
                continue
            day = timezone.localtime(record.history_date).date()
            reason = record.history_change_reason or ""
            change = changes.setdefault((day, page[1], reason), Change(day, *page, reason))
            key = (NOUNS[model], VERBS[kind])
            change.counts[key] = change.counts.get(key, 0) + 1
    ordered = sorted(changes.values(), key=lambda c: (-c.day.toordinal(), c.page.casefold()))
    return ordered[:limit]


def records(model: type, since: object) -> Iterable:
    """History records since a moment, without the second record that setting the sources of a new row makes."""
    queryset: QuerySet = model.history.filter(history_date__gte=since).order_by("history_date", "history_id")
    names = {f.name for f in queryset.model._meta.fields}
    if related := {"concept", "category", "effect"} & names:
        queryset = queryset.select_related(*related)
    fresh: dict[int, object] = {}
    for record in queryset:
        if record.history_type == "+":
            fresh[record.id] = record.history_date
        elif (record.history_type == "~" and record.id in fresh and record.history_change_reason is None) or (
            (born := fresh.get(record.id)) and (record.history_date - born).total_seconds() < 60
        ):
            continue
        yield record
