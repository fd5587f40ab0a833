"""Where the dated rules of one category stand on a drawn line of years."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.utils.dateformat import format as format_date

from products.models import Regulation

TOP = 26
GAP = 42  # between two entries: each has two lines of text
ALLOWED = {Regulation.Status.APPROVED, Regulation.Status.CLEARED_DEVICE, Regulation.Status.PERMITTED_COSMETIC}
REFUSED = {Regulation.Status.NOT_APPROVED, Regulation.Status.PROHIBITED}


@dataclass
class Entry:
    """One dated rule: `y` is its date on the line, `label_y` its words, which may not overlap."""

    rule: Regulation
    day: str
    short_day: str
    mark: str
    y: int
    label_y: int


def in_words(since: str, month: str = "F") -> str:
    """`2019-12-06` as “6 December 2019”, `2019-12` as “December 2019”, `2019` as it is; `month`: a date format."""
    year, *rest = (int(part) for part in since.split("-"))
    if not rest:
        return since
    return format_date(
        date(year, *rest) if rest[1:] else date(year, rest[0], 1), f"j {month} Y" if rest[1:] else f"{month} Y"
    )


def as_years(since: str) -> float:
    """A date as a number of years: `2019-07` is 2019.5; a year alone stands at its start."""
    year, month, day = ([int(part) for part in since.split("-")] + [1, 1])[:3]
    return year + (month - 1) / 12 + (day - 1) / 372


def mark_of(status: str) -> str:
    """Which shape stands for a status; the words beside it say it in full."""
    if status in ALLOWED:
        return "allowed"
    if status in REFUSED:
        return "refused"
    return "restricted" if status == Regulation.Status.RESTRICTED else "unclear"


def timeline(rules: Iterable[Regulation], today: date) -> dict | None:
    """A line from the year of the first dated rule to this one, for `products/timeline.html`; None without dates.

    Lengths are units of the drawing, which is 288 wide.
    """
    rules = list(rules)
    dated = sorted((r for r in rules if r.since), key=lambda r: (as_years(r.since), r.jurisdiction))
    if not dated:
        return None
    first, last = int(as_years(dated[0].since)), max(today.year, int(as_years(dated[-1].since))) + 1
    length = max(170, GAP * len(dated))

    def place(year: float) -> int:
        return TOP + round((year - first) / (last - first) * length)

    entries: list[Entry] = []
    for rule in dated:
        y = place(as_years(rule.since))
        label_y = max(y, entries[-1].label_y + GAP) if entries else y
        day, short_day = in_words(rule.since), in_words(rule.since, "M")
        entries.append(Entry(rule, day, short_day, mark_of(rule.status), y, label_y))
    # Words that were pushed past the end move up again, as far as they need to.
    floor = TOP + length
    for entry in reversed(entries):
        entry.label_y = min(entry.label_y, floor)
        floor = entry.label_y - GAP
    step = next(step for step in (1, 2, 5, 10, 20, 50) if (last - first) / step * 16 <= length)
    return {
        "entries": entries,
        "undated": [r for r in rules if not r.since],
        "years": [(year, place(year)) for year in range(-(-first // step) * step, last, step)],
        "first": first,
        "last": last - 1,
        "top": TOP,
        "bottom": TOP + length,
        "height": TOP + length + 30,
    }
