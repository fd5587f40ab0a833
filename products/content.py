"""Reads the content files of categories, questions, red flags and reporting bodies.

The format is described in `glossary/content/README.md`, the writing in `glossary.content`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from glossary.content import Entry, Reader
from glossary.models import State
from products.models import Category, Question, ReadyMade, RedFlag, Regulation, ReportingBody

ROOT = Path(__file__).parent / "content"


def read_products(root: Path = ROOT) -> tuple[list[Entry], list[str]]:
    """Every entry of the products' content folder, and every problem found on the way."""
    reader = Reader(root)
    entries = [
        *read_categories(reader),
        *read_questions(reader),
        *read_red_flags(reader),
        *read_reporting(reader),
        *read_ready_made(reader),
    ]
    return entries, reader.problems


def read_categories(reader: Reader) -> Iterator[Entry]:
    for slug, where, raw in reader.mappings("categories/*.yaml"):
        values = reader.take(
            raw,
            where,
            required="name kind route summary mechanism body downtime performed_by daily_life reviewed_on review_due",
            optional="state interval followed_for",
            parts="sold_for ingredients sessions course_sources prices regulation",
        )
        reader.text(values, where, "name", "summary", "mechanism", "body", "downtime", "performed_by", "daily_life")
        reader.text(values, where, "interval", "followed_for")
        low, high = read_sessions(reader, raw, where)
        goals = reader.keys(raw, where, "sold_for")
        # A draft may lack them, as it may in the admin.
        is_published = values.get("state", State.PUBLISHED) == State.PUBLISHED
        if is_published and not goals:
            reader.problem(where, "the field “sold_for” is missing.")
        if is_published and not raw.get("ingredients"):
            reader.problem(where, "the field “ingredients” is missing.")
        yield Entry(
            Category,
            (slug,),
            where,
            {
                "slug": slug,
                "interval": "",
                "followed_for": "",
                "sessions_low": low,
                "sessions_high": high,
                "state": State.PUBLISHED,
                **values,
            },
            many={"course_sources": reader.keys(raw, where, "course_sources")},
            children={
                "goals": [{"effect": [goal], "position": number} for number, goal in enumerate(goals)],
                "ingredients": list(read_ingredients(reader, raw, where)),
                "prices": list(read_prices(reader, raw, where)),
            },
        )
        for place, rule in reader.rows(raw.get("regulation") or [], where, "regulation", "jurisdiction"):
            yield read_regulation(reader, slug, place, rule)


def read_sessions(reader: Reader, raw: dict[str, Any], where: str) -> tuple[int | None, int | None]:
    value = raw.get("sessions")
    if value is None:
        return None, None
    if isinstance(value, list) and len(value) == 2 and all(isinstance(number, int) for number in value):
        return value[0], value[1]
    reader.problem(where, "the field “sessions” is the fewest and the most, as in “[3, 5]”.")
    return None, None


def read_ingredients(reader: Reader, raw: dict[str, Any], where: str) -> Iterator[dict[str, Any]]:
    for number, (place, row) in enumerate(reader.rows(raw.get("ingredients") or [], where, "ingredient", "concept")):
        values = reader.take(row, place, required="concept", optional="role route")
        yield {
            "concept": [str(values.get("concept"))],
            "role": values.get("role", "active"),
            "route": values.get("route", ""),
            "position": number,
        }


def read_prices(reader: Reader, raw: dict[str, Any], where: str) -> Iterator[dict[str, Any]]:
    for place, row in reader.rows(raw.get("prices") or [], where, "price", "country"):
        values = reader.take(row, place, required="country low currency per source", optional="high year note")
        reader.text(values, place, "country", "currency", "per", "note")
        yield {"high": None, "year": None, "note": "", **values, "source": [str(values.get("source"))]}


def read_regulation(reader: Reader, slug: str, where: str, raw: dict[str, Any]) -> Entry:
    values = reader.take(
        raw, where, required="jurisdiction status detail checked_on", optional="since main_source", parts="sources"
    )
    reader.text(values, where, "detail")
    sources = reader.keys(raw, where, "sources")
    has_main = reader.flag(values, where, "main_source", default=True)
    fields = {
        "category": (slug,),
        **values,
        "since": str(values.get("since", "")),
        "main_source": (sources[0],) if sources and has_main else None,
    }
    return Entry(Regulation, (slug, str(values.get("jurisdiction"))), where, fields, many={"sources": sources})


def read_questions(reader: Reader) -> Iterator[Entry]:
    for position, (where, raw) in enumerate(reader.lists("questions.yaml", "slug")):
        values = reader.take(
            raw,
            where,
            required="slug text why good_answer vague_answer follow_up",
            optional="wallet",
            parts="categories sources",
        )
        reader.text(values, where, "slug", "text", "why", "good_answer", "vague_answer", "follow_up")
        categories = [] if raw.get("categories") == "all" else reader.keys(raw, where, "categories")
        if not categories and raw.get("categories") != "all":
            reader.problem(where, "the field “categories” is missing: give slugs, or “all”.")
        fields = {
            "is_on_wallet_card": reader.flag(values, where, "wallet", default=False),
            "position": position,
            **values,
        }
        many = {"categories": categories, "sources": reader.keys(raw, where, "sources")}
        yield Entry(Question, (str(values.get("slug")),), where, fields, many=many)


def read_red_flags(reader: Reader) -> Iterator[Entry]:
    for position, (where, raw) in enumerate(reader.lists("red-flags.yaml", "slug")):
        values = reader.take(
            raw, where, required="slug name why severity", optional="question", parts="wordings sources"
        )
        reader.text(values, where, "slug", "name", "why", "question")
        question = (values.pop("question"),) if values.get("question") else None
        sources = reader.keys(raw, where, "sources")
        if not sources:
            reader.problem(where, "the field “sources” is missing.")
        yield Entry(
            RedFlag,
            (str(values.get("slug")),),
            where,
            {"question": question, "position": position, **values},
            many={"sources": sources},
            children={"wordings": reader.wordings(raw, where)},
        )


def read_reporting(reader: Reader) -> Iterator[Entry]:
    for position, (where, raw) in enumerate(reader.lists("reporting.yaml", "name")):
        values = reader.take(raw, where, required="jurisdiction name what url", parts="sources")
        reader.text(values, where, "name", "what", "url")
        yield Entry(
            ReportingBody,
            (str(values.get("jurisdiction")), str(values.get("name"))),
            where,
            {"position": position, **values},
            many={"sources": reader.keys(raw, where, "sources")},
        )


def read_ready_made(reader: Reader) -> Iterator[Entry]:
    for position, (where, raw) in enumerate(reader.lists("comparisons.yaml", "slug")):
        values = reader.take(raw, where, required="slug title description goal", parts="items")
        reader.text(values, where, "slug", "title", "description", "goal")
        goal = (str(values.pop("goal", "")),)
        items = []
        for number, (place, row) in enumerate(reader.rows(raw.get("items") or [], where, "item", "category")):
            item = reader.take(row, place, required="", optional="category concept")
            parts = {name: [str(item[name])] if item.get(name) else None for name in ("category", "concept")}
            items.append({**parts, "position": number})
        if not 2 <= len(items) <= 4:
            reader.problem(where, "the field “items” names two to four categories or concepts.")
        yield Entry(
            ReadyMade,
            (str(values.get("slug")),),
            where,
            {"position": position, **values, "goal": goal},
            children={"items": items},
        )
