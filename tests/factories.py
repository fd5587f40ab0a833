"""Rows for tests: each function makes a valid published row from no arguments.

A test states only what matters to it.
"""

from datetime import date
from itertools import count

from glossary import revisions
from glossary.models import Alias, Concept, Effect, EffectWording, EventCount, Finding, Risk, Source, State
from products import search_index
from products.models import (
    Category,
    Goal,
    Ingredient,
    Price,
    Question,
    ReadyMade,
    ReadyMadeItem,
    RedFlag,
    RedFlagWording,
    Regulation,
    ReportingBody,
)

TODAY = date(2026, 11, 23)
REVIEWED = {"reviewed_on": TODAY, "review_due": date(2100, 1, 1)}

_number = count(1)


# --- Glossary


def make_source(**fields):
    n = next(_number)
    return Source.objects.create(
        **{
            "key": f"source-{n}",
            "kind": Source.Kind.RCT,
            "title": f"Trial number {n}",
            "authors": "Doe J, Roe R",
            "year": 2024,
            "container": "Journal of Tests",
            "url": f"https://example.org/{n}",
            "read": Source.Read.FULL_TEXT,
            "checked_on": TODAY,
        }
        | fields
    )


def make_effect(*, wordings=(), **fields):
    """`wordings`: English wordings that name the effect in an advert."""
    n = next(_number)
    effect = Effect.objects.create(
        **{
            "slug": f"effect-{n}",
            "name": f"Effect {n}",
            "wish": f"more of effect {n}",
            "body_area": Effect.BodyArea.FACE,
            "description": "What people want.",
            "position": n,
        }
        | fields
    )
    EffectWording.objects.bulk_create(EffectWording(effect=effect, text=text) for text in wordings)
    return effect


def make_concept(*, aliases=(), **fields):
    """`aliases`: English synonyms."""
    n = next(_number)
    concept = Concept.objects.create(
        **{
            "slug": f"concept-{n}",
            "name": f"Concept {n}",
            "kind": Concept.Kind.PREPARATION,
            "summary": "What it is.",
            "body": "More about it.",
            "state": State.PUBLISHED,
        }
        | REVIEWED
        | fields
    )
    for text in aliases:
        make_alias(concept=concept, text=text)
    return concept


def make_alias(**fields):
    n = next(_number)
    return Alias.objects.create(
        **{"concept": fields.pop("concept", None) or make_concept(), "text": f"Alias {n}"} | fields
    )


def make_finding(*, sources=None, claim_sources=(), **fields):
    """Rests on one trial, unless told of other `sources` (main one first) or that nobody has tested it."""
    untested = fields.get("certainty") == "none"
    if "main_source" not in fields:
        if sources is None:
            sources = [] if untested else [make_source()]
        fields["main_source"] = sources[0] if sources else None
    if sources is None:
        sources = [fields["main_source"]] if fields["main_source"] else []
    finding = Finding.objects.create(
        **{
            "concept": fields.pop("concept", None) or make_concept(),
            "effect": fields.pop("effect", None) or make_effect(),
            "route": "injected",
            "claimed": "That it helps.",
            "shown": "In 40 people, 12 of 20 did better, against 8 of 20 without it.",
            "population": "Adults",
            "people": None if untested else 40,
            "direction": "unknown" if untested else "benefit",
            "certainty": "low",
            "certainty_reason": "One small trial.",
            "would_change": "A larger trial.",
            "searched_on": TODAY,
            "state": State.PUBLISHED,
        }
        | fields
    )
    finding.sources.set(sources)
    finding.claim_sources.set(claim_sources)
    return finding


def make_event_count(**fields):
    return EventCount.objects.create(
        **{
            "finding": fields.pop("finding", None) or make_finding(),
            "outcome": "clearly better",
            "events_with": 12,
            "total_with": 20,
            "events_without": 8,
            "total_without": 20,
            "compared_with": "salt water",
            "after": "12 weeks",
        }
        | fields
    )


def make_risk(*, sources=None, **fields):
    n = next(_number)
    risk = Risk.objects.create(
        **{
            "concept": fields.pop("concept", None) or make_concept(),
            "route": "injected",
            "title": f"Harm {n}",
            "known": "Seen in 2 of 40 people.",
            "severity": Risk.Severity.MINOR,
        }
        | fields
    )
    risk.sources.set([make_source()] if sources is None else sources)
    return risk


# --- Products


def make_category(*, ingredients=None, goals=None, **fields):
    """Sold for one effect with one active concept, unless told otherwise.

    `ingredients`: concepts, or dictionaries as in `{"concept": …, "role": "carrier"}`; `goals`: effects, the
    main one first.
    """
    n = next(_number)
    ingredients = [make_concept()] if ingredients is None else ingredients
    goals = [make_effect()] if goals is None else goals
    with search_index.paused():  # three edits, of which search need learn once
        category = Category.objects.create(
            **{
                "slug": f"category-{n}",
                "name": f"Category {n}",
                "route": "injected",
                "summary": "What it is.",
                "body": "More about it.",
                "mechanism": "Sellers say that it wakes the skin up.",
                "downtime": "A day of redness.",
                "performed_by": "A doctor.",
                "daily_life": "Three visits.",
                "state": State.PUBLISHED,
            }
            | REVIEWED
            | fields
        )
        for position, item in enumerate(ingredients):
            parts = item if isinstance(item, dict) else {"concept": item}
            Ingredient.objects.create(category=category, position=position, **parts)
        for position, effect in enumerate(goals):
            Goal.objects.create(category=category, effect=effect, position=position)
    search_index.write(Category, [category.pk])
    return category


def make_price(**fields):
    return Price.objects.create(
        **{
            "category": fields.pop("category", None) or make_category(),
            "source": fields.pop("source", None) or make_source(kind=Source.Kind.NEWS),
            "country": "DE",
            "low": 200,
            "high": 400,
            "currency": "EUR",
            "per": "session",
            "year": 2025,
        }
        | fields
    )


def make_regulation(*, sources=None, **fields):
    """Rests on one law, unless told of other `sources` (the main one first)."""
    if "main_source" not in fields:
        if sources is None:
            sources = [make_source(kind=Source.Kind.LAW)]
        fields["main_source"] = sources[0] if sources else None
    if sources is None:
        sources = [fields["main_source"]] if fields["main_source"] else []
    regulation = Regulation.objects.create(
        **{
            "category": fields.pop("category", None) or make_category(),
            "jurisdiction": "US",
            "status": Regulation.Status.NOT_APPROVED,
            "since": "2019-12",
            "detail": "It needs a licence, and none was given.",
            "checked_on": TODAY,
        }
        | fields
    )
    regulation.sources.set(sources)
    return regulation


def make_question(*, categories=(), sources=(), **fields):
    """Asked of every treatment, unless told of `categories`."""
    n = next(_number)
    question = Question.objects.create(
        **{
            "slug": f"question-{n}",
            "text": f"Question {n}?",
            "why": "Because it matters.",
            "good_answer": "A plain one.",
            "vague_answer": "A vague one.",
            "follow_up": "Could you show me?",
            "position": n,
        }
        | fields
    )
    question.categories.set(categories)
    question.sources.set(sources)
    return question


def make_red_flag(*, wordings=(), sources=None, **fields):
    """`wordings`: English wordings, or `{language: [wording, …]}`."""
    n = next(_number)
    flag = RedFlag.objects.create(
        **{
            "slug": f"flag-{n}",
            "name": f"Warning sign {n}",
            "why": "Nobody can promise that.",
            "severity": RedFlag.Severity.WARNING,
            "position": n,
        }
        | fields
    )
    by_language = wordings if isinstance(wordings, dict) else {"en": wordings}
    RedFlagWording.objects.bulk_create(
        RedFlagWording(red_flag=flag, language=language, text=text)
        for language, texts in by_language.items()
        for text in texts
    )
    flag.sources.set([make_source()] if sources is None else sources)
    return flag


def make_reporting_body(*, sources=None, **fields):
    n = next(_number)
    body = ReportingBody.objects.create(
        **{
            "jurisdiction": "US",
            "name": f"Office {n}",
            "what": "Harm from a treatment.",
            "url": "https://example.org/report",
            "position": n,
        }
        | fields
    )
    body.sources.set([make_source()] if sources is None else sources)
    return body


def make_ready_made(*items, **fields):
    """A ready-made comparison of these categories and concepts, in order."""
    n = next(_number)
    ready = ReadyMade.objects.create(
        **{"slug": f"ready-{n}", "title": f"Which of {n}?", "description": "Side by side.", "position": n}
        | {"goal": fields.pop("goal", None) or make_effect()}
        | fields
    )
    for position, item in enumerate(items):
        name = "category" if isinstance(item, Category) else "concept"
        ReadyMadeItem.objects.create(ready_made=ready, position=position, **{name: item})
    return ready


# --- The desk


def make_save(entry, state="", by=None):
    """Keep an entry as it stands as somebody's newest save; without a state, in that of the entry."""
    return revisions.record(entry, state or entry.state, revisions.snapshot(entry), by)
