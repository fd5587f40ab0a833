"""The whole evidence table for others to use: one row a finding."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from glossary.models import Finding

COLUMNS = {
    "concept": "slug of the concept",
    "concept_name": "its name",
    "effect": "slug of the effect",
    "effect_name": "its name",
    "route": "how it enters the body",
    "claimed": "what sellers say, paraphrased",
    "shown": "what studies found",
    "population": "who was studied",
    "people": "number of people the verdict rests on; empty = not stated",
    "follow_up": "how long people were followed",
    "direction": "benefit, no-difference, harm, mixed or unknown",
    "size": "large, moderate, small or not-stated",
    "certainty": "high, moderate, low, very-low or none",
    "verdict": "the sentence computed from direction, size and certainty",
    "certainty_reason": "why that certainty",
    "would_change": "what result would change it",
    "searched_on": "day of the search, ISO 8601",
    "sources": "keys of the sources, separated by spaces",
    "dois": "their DOIs, separated by spaces",
    "url": "path of the row on this site",
}


def rows() -> Iterator[dict[str, Any]]:
    """Published findings as plain values, in the order of COLUMNS."""
    for finding in Finding.objects.published().for_reading():
        sources = list(finding.sources.all())
        yield {
            "concept": finding.concept.slug,
            "concept_name": finding.concept.name,
            "effect": finding.effect.slug,
            "effect_name": finding.effect.name,
            "route": finding.route,
            "claimed": finding.claimed,
            "shown": finding.shown,
            "population": finding.population,
            "people": finding.people,
            "follow_up": finding.follow_up,
            "direction": finding.direction,
            "size": finding.size,
            "certainty": finding.certainty,
            "verdict": finding.verdict.sentence,
            "certainty_reason": finding.certainty_reason,
            "would_change": finding.would_change,
            "searched_on": finding.searched_on.isoformat(),
            "sources": " ".join(source.key for source in sources),
            "dois": " ".join(source.doi for source in sources if source.doi),
            "url": finding.get_absolute_url(),
        }


def as_csv() -> str:
    """The table as CSV (RFC 4180) in UTF-8, with a header line."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(COLUMNS))
    writer.writeheader()
    for row in rows():
        # A cell that starts like a formula is run by spreadsheets when the file is opened.
        writer.writerow({k: f"'{v}" if isinstance(v, str) and v[:1] in "=+-@" else v for k, v in row.items()})
    return buffer.getvalue()
