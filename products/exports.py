"""The evidence table and its sources for others to use: one row a finding, one row a source."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import Max
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from glossary.models import Finding, Source
from products.models import Category

# Rows in memory at a time, and rows from which on a file is sent as it is read.
CHUNK, MOST_AT_ONCE = 1_000, 5_000

COLUMNS = {
    "concept": _("slug of the concept"),
    "concept_name": _("its name"),
    "effect": _("slug of the effect"),
    "effect_name": _("its name"),
    "route": _("how it enters the body"),
    "claimed": _("what sellers say, paraphrased"),
    "shown": _("what studies found"),
    "population": _("who was studied"),
    "people": _("number of people the verdict rests on; empty = not stated"),
    "follow_up": _("how long people were followed"),
    "direction": _("benefit, no-difference, harm, mixed or unknown"),
    "size": _("large, moderate, small or not-stated"),
    "certainty": _("high, moderate, low, very-low or none"),
    "verdict": _("the sentence computed from direction, size and certainty"),
    "certainty_reason": _("why that certainty"),
    "would_change": _("what result would change it"),
    "searched_on": _("day of the search, ISO 8601"),
    "sources": _("keys of the sources, separated by spaces"),
    "dois": _("their DOIs, separated by spaces"),
    "url": _("path of the row on this site"),
}


def rows() -> Iterator[dict[str, Any]]:
    """Published findings as plain values, in the order of COLUMNS."""
    for finding in Finding.objects.published().for_reading().iterator(chunk_size=CHUNK):
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


SOURCE_COLUMNS = {
    "key": _("short name, used in the findings"),
    "kind": _("what kind of publication it is"),
    "title": _("its title"),
    "authors": _("as listed; empty = not shown on what we read"),
    "year": _("of publication; empty = undated"),
    "container": _("journal or site"),
    "doi": _("digital object identifier"),
    "url": _("address"),
    "read": _("how much of it was read"),
    "checked_on": _("day we last looked at it, ISO 8601"),
    "funding": _("who paid, as the source says it"),
    "funder": _("maker, independent, mixed, not-stated or not-applicable"),
    "status": _("current, concern, retracted or superseded"),
    "note": _("what was read, and what to know about it"),
}
NUMBERS = {"people", "year"}
DAYS = {"searched_on", "checked_on"}
FILES = [
    ("/data/findings.csv", "text/csv"),
    ("/data/findings.json", "application/json"),
    ("/data/sources.csv", "text/csv"),
    ("/data/sources.json", "application/json"),
]


def source_rows() -> Iterator[dict[str, Any]]:
    """Sources as plain values, in the order of SOURCE_COLUMNS."""
    for source in Source.objects.order_by("key").iterator(chunk_size=CHUNK):
        row = {name: getattr(source, name) for name in SOURCE_COLUMNS}
        yield row | {"checked_on": source.checked_on.isoformat()}


def last_changed() -> str:
    """The day of the last change to what is exported, ISO 8601; today while there is nothing yet."""
    days = [model.history.aggregate(last=Max("history_date"))["last"] for model in (Finding, Source, Category)]
    known = [timezone.localtime(day).date() for day in days if day]
    return max(known, default=timezone.localdate()).isoformat()


def csv_lines(columns: Mapping[str, object], table: Iterable[dict[str, Any]]) -> Iterator[str]:
    """A table as CSV (RFC 4180), with a header line."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(columns))
    writer.writeheader()
    for row in table:
        # A cell that starts like a formula is run by spreadsheets when the file is opened.
        writer.writerow({k: f"'{v}" if isinstance(v, str) and v[:1] in "=+-@" else v for k, v in row.items()})
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def json_parts(columns: Mapping[str, object], table: Iterable[dict[str, Any]]) -> Iterator[str]:
    """A table as one JSON object, in parts."""

    def written(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, default=str)  # words that may be translated are no str yet

    yield f'{{"licence": "CC BY 4.0", "columns": {written(columns)}, "items": ['
    count = 0
    for row in table:
        yield f"{', ' if count else ''}{written(row)}"
        count += 1
    yield f'], "count": {count}}}'


def as_file(name: str, ending: str) -> HttpResponseBase:
    """“findings” or “sources” as a CSV or JSON file in UTF-8: whole, or as it is read where there are many rows."""
    columns, table, held = {
        "findings": (COLUMNS, rows(), Finding.objects.published()),
        "sources": (SOURCE_COLUMNS, source_rows(), Source.objects.all()),
    }[name]
    parts = {"csv": csv_lines, "json": json_parts}[ending](columns, table)
    kind = {"csv": "text/csv; charset=utf-8", "json": "application/json"}[ending]
    response = (
        StreamingHttpResponse(parts, content_type=kind)
        if held.count() > MOST_AT_ONCE
        else HttpResponse("".join(parts), content_type=kind)
    )
    if ending == "csv":
        response.headers["Content-Disposition"] = f'attachment; filename="claimed-and-shown-{name}.csv"'
    return response


def data_package(root: str) -> dict[str, Any]:
    """Both tables described as the Frictionless Data Package standard has it."""

    def resource(name: str, columns: Mapping[str, object], key: list[str]) -> dict[str, Any]:
        fields = [
            {
                "name": column,
                "type": "integer" if column in NUMBERS else "date" if column in DAYS else "string",
                "description": str(meaning),
            }
            for column, meaning in columns.items()
        ]
        return {
            "name": name,
            "path": f"{root}/data/{name}.csv",
            "format": "csv",
            "mediatype": "text/csv",
            "encoding": "utf-8",
            "profile": "tabular-data-resource",
            "schema": {"fields": fields, "primaryKey": key},
        }

    return {
        "profile": "tabular-data-package",
        "name": "claimed-and-shown",
        "title": "Claimed & Shown: what sellers claim, what studies show",
        "homepage": f"{root}/data/",
        "created": f"{last_changed()}T00:00:00Z",
        "licenses": [{"name": "CC-BY-4.0", "path": "https://creativecommons.org/licenses/by/4.0/"}],
        "resources": [
            resource("findings", COLUMNS, ["concept", "effect", "route"]),
            resource("sources", SOURCE_COLUMNS, ["key"]),
        ],
    }
