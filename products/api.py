"""The read-only JSON API. Every list answers `{"items": […], "count": n}` with `limit` and `offset`; errors are RFC 9457."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, NinjaAPI, Query, Schema
from ninja.errors import HttpError, Throttled, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.throttling import AnonRateThrottle

from glossary.models import Concept, Finding, Route, Source
from glossary.verdict import Certainty
from products import adcheck
from products.models import Category
from products.search import search as search_guide

# Two models have a `Kind`; in the description of the API each needs a name of its own, or none.
ConceptKind = Literal[*Concept.Kind.values]
SourceKind = Literal[*Source.Kind.values]


class ProblemAPI(NinjaAPI):
    """An API whose description says that errors are problem JSON, as they are."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        for verbs in schema["paths"].values():
            for operation in verbs.values():
                for status, answer in operation["responses"].items():
                    if int(status) >= 400:
                        answer["content"] = {"application/problem+json": answer["content"].pop("application/json")}
        return schema


api = ProblemAPI(
    title="Claimed & Shown",
    version="1",
    description="What sellers of regenerative treatments claim, and what studies show. Content: CC BY 4.0.",
    docs_url=None,
    openapi_url="openapi.json",
    urls_namespace="api",
)


class Page(Schema):
    """Which part of a list to answer with."""

    limit: int = Field(100, ge=1, le=500, description="How many items at most.")
    offset: int = Field(0, ge=0, le=1_000_000, description="How many items to pass over.")


class AliasOut(Schema):
    text: str
    language: str
    kind: str


class ConceptOut(Schema):
    slug: str
    name: str
    kind: str
    parent: str | None
    summary: str
    aliases: list[AliasOut]
    reviewed_on: date
    review_due: date
    url: str


class SourceOut(Schema):
    key: str
    kind: str
    title: str
    authors: str
    year: int | None
    container: str
    doi: str
    url: str
    read: str
    checked_on: date
    funding: str
    funder: str
    note: str
    status: str


class FindingOut(Schema):
    concept: str
    effect: str
    route: str
    claimed: str
    shown: str
    population: str
    people: int | None
    follow_up: str
    direction: str
    size: str
    certainty: str
    verdict: str
    certainty_reason: str
    would_change: str
    searched_on: date
    sources: list[str]
    url: str


class IngredientOut(Schema):
    concept: str
    role: str
    route: str


class RegulationOut(Schema):
    jurisdiction: str
    status: str
    since: str
    detail: str
    checked_on: date
    sources: list[str]


class CategoryOut(Schema):
    slug: str
    name: str
    kind: str
    route: str
    summary: str
    mechanism: str
    sold_for: list[str]
    ingredients: list[IngredientOut]
    sessions_low: int | None
    sessions_high: int | None
    regulations: list[RegulationOut]
    reviewed_on: date
    review_due: date
    url: str


class HitOut(Schema):
    kind: str
    slug: str
    name: str
    url: str
    summary: str
    why: str


class ConceptPage(Schema):
    items: list[ConceptOut]
    count: int


class FindingPage(Schema):
    items: list[FindingOut]
    count: int


class CategoryPage(Schema):
    items: list[CategoryOut]
    count: int


class SourcePage(Schema):
    items: list[SourceOut]
    count: int


class HitPage(Schema):
    items: list[HitOut]
    count: int


class CheckIn(Schema):
    text: str = Field(..., max_length=adcheck.MOST_CHARACTERS, description="An advertisement or a label.")


class SpanOut(Schema):
    start: int = Field(..., description="First code point of the mark in the text as sent.")
    end: int = Field(..., description="The code point after the last.")
    kind: str = Field(..., description="concept, effect or red_flag")
    slug: str


class CheckOut(Schema):
    concepts: list[str]
    effects: list[str]
    red_flags: list[str]
    spans: list[SpanOut]


class Problem(Schema):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str


def problem(request: HttpRequest, status: int, title: str, detail: str) -> HttpResponse:
    """An error as problem JSON."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    response = api.create_response(request, body, status=status)
    response.headers["Content-Type"] = "application/problem+json"
    return response


@api.exception_handler(ValidationError)
def refuse_input(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Name every wrong parameter; what was sent is not repeated."""
    details = [f"{'.'.join(str(part) for part in e['loc'] if part != 'query')}: {e['msg']}" for e in error.errors]
    return problem(request, 422, "The request has wrong values", "; ".join(details))


@api.exception_handler(HttpError)
def refuse(request: HttpRequest, error: HttpError) -> HttpResponse:
    if isinstance(error, Throttled):
        wait = max(1, round(error.wait or 1))
        response = problem(
            request, 429, "Too many requests", f"Please wait {wait} seconds. The data files have no limit."
        )
        response.headers["Retry-After"] = str(wait)
        return response
    return problem(request, error.status_code, "The request could not be read", str(error))


# Search and the ad check compute; the lists only read. Addresses are kept in memory for a minute and nowhere else.
COMPUTING = [AnonRateThrottle("60/m")]


def cut(queryset: Any, page: Page) -> tuple[list[Any], int]:
    """One page of a queryset and the size of the whole."""
    return list(queryset[page.offset : page.offset + page.limit]), queryset.count()


@api.get("/concepts", response={200: ConceptPage, 422: Problem}, summary="Entries of the glossary")
def concepts(request: HttpRequest, page: Query[Page], kind: ConceptKind | None = None) -> dict[str, Any]:
    queryset = Concept.objects.published().select_related("parent").prefetch_related("aliases").order_by("slug")
    rows, count = cut(queryset.filter(kind=kind) if kind else queryset, page)
    items = [
        {
            "slug": c.slug,
            "name": c.name,
            "kind": c.kind,
            "parent": c.parent.slug if c.parent else None,
            "summary": c.summary,
            "aliases": [{"text": a.text, "language": a.language, "kind": a.kind} for a in c.aliases.all()],
            "reviewed_on": c.reviewed_on,
            "review_due": c.review_due,
            "url": c.get_absolute_url(),
        }
        for c in rows
    ]
    return {"items": items, "count": count}


@api.get("/findings", response={200: FindingPage, 422: Problem}, summary="Claims beside verdicts")
def findings(
    request: HttpRequest,
    page: Query[Page],
    concept: str = Query("", max_length=60),
    effect: str = Query("", max_length=60),
    route: Route | None = None,
    certainty: Certainty | None = None,
) -> dict[str, Any]:
    queryset = Finding.objects.published().for_reading().order_by("concept__slug", "effect__slug", "route")
    wanted = {"concept__slug": concept, "effect__slug": effect, "route": route, "certainty": certainty}
    rows, count = cut(queryset.filter(**{name: value for name, value in wanted.items() if value}), page)
    items = [
        {
            "concept": f.concept.slug,
            "effect": f.effect.slug,
            "route": f.route,
            "claimed": f.claimed,
            "shown": f.shown,
            "population": f.population,
            "people": f.people,
            "follow_up": f.follow_up,
            "direction": f.direction,
            "size": f.size,
            "certainty": f.certainty,
            "verdict": f.verdict.sentence,
            "certainty_reason": f.certainty_reason,
            "would_change": f.would_change,
            "searched_on": f.searched_on,
            "sources": [s.key for s in f.sources.all()],
            "url": f.get_absolute_url(),
        }
        for f in rows
    ]
    return {"items": items, "count": count}


@api.get(
    "/categories",
    response={200: CategoryPage, 422: Problem},
    summary="What is sold, and what to compare with",
)
def categories(
    request: HttpRequest,
    page: Query[Page],
    route: Route | None = None,
    sold_for: str = Query("", max_length=60, description="Slug of an effect."),
) -> dict[str, Any]:
    queryset = Category.objects.published().with_ingredients().prefetch_related("regulations__sources").order_by("slug")
    wanted = {"route": route, "goals__effect__slug": sold_for}
    rows, count = cut(queryset.filter(**{name: value for name, value in wanted.items() if value}), page)
    items = [
        {
            "slug": c.slug,
            "name": c.name,
            "kind": c.kind,
            "route": c.route,
            "summary": c.summary,
            "mechanism": c.mechanism,
            "sold_for": [g.effect.slug for g in c.goals.all()],
            "ingredients": [
                {"concept": i.concept.slug, "role": i.role, "route": i.route or c.route} for i in c.ingredients.all()
            ],
            "sessions_low": c.sessions_low,
            "sessions_high": c.sessions_high,
            "regulations": [
                {
                    "jurisdiction": r.jurisdiction,
                    "status": r.status,
                    "since": r.since,
                    "detail": r.detail,
                    "checked_on": r.checked_on,
                    "sources": [s.key for s in r.sources.all()],
                }
                for r in c.regulations.all()
            ],
            "reviewed_on": c.reviewed_on,
            "review_due": c.review_due,
            "url": c.get_absolute_url(),
        }
        for c in rows
    ]
    return {"items": items, "count": count}


@api.get("/sources", response={200: SourcePage, 422: Problem}, summary="What everything rests on")
def sources(request: HttpRequest, page: Query[Page], kind: SourceKind | None = None) -> dict[str, Any]:
    queryset = Source.objects.order_by("key")
    rows, count = cut(queryset.filter(kind=kind) if kind else queryset, page)
    items = [{name: getattr(source, name) for name in SourceOut.model_fields} for source in rows]
    return {"items": items, "count": count}


@api.get(
    "/search", response={200: HitPage, 422: Problem, 429: Problem}, summary="Search, best first", throttle=COMPUTING
)
def search(
    request: HttpRequest, page: Query[Page], response: HttpResponse, q: str = Query("", max_length=200)
) -> dict[str, Any]:
    hits = search_guide(q).hits
    response.headers["Cache-Control"] = "private, no-cache"
    return {"items": hits[page.offset : page.offset + page.limit], "count": len(hits)}


@api.post(
    "/check",
    response={200: CheckOut, 400: Problem, 413: Problem, 422: Problem, 429: Problem},
    summary="What an advertisement names, claims and gives away",
    description="The text is read and forgotten: it is not stored, logged or cached.",
    throttle=COMPUTING,
)
def check(request: HttpRequest, body: CheckIn, response: HttpResponse) -> dict[str, Any]:
    reading = adcheck.read_text(body.text)
    response.headers["Cache-Control"] = "no-store"
    return {
        "concepts": [c.slug for c in reading.concepts],
        "effects": [e.slug for e in reading.effects],
        "red_flags": [f.slug for f in reading.red_flags],
        "spans": [{"start": s.start, "end": s.end, "kind": s.kind, "slug": s.slug} for s in reading.spans],
    }
