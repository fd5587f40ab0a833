"""From the database to the content files of the products: the mirror of `products.content`."""

from collections.abc import Iterable
from typing import Any

import yaml

from glossary.content import tidy
from glossary.content_export import (
    Keys,
    OneLine,
    dump,
    dump_list,
    keys,
    markdown,
    prose,
    state_of,
    unless,
    without_empty,
    wordings,
)
from products.models import (
    Category,
    Ingredient,
    Jurisdiction,
    Price,
    Question,
    ReadyMade,
    RedFlag,
    Regulation,
    ReportingBody,
)

QUESTIONS_HEAD = "What to ask a clinic or a seller. The most useful first. Exactly five carry wallet: true."
FLAGS_HEAD = "Warning signs in adverts and on clinic pages. How wordings are written: glossary/content/README.md."
REPORTING_HEAD = "Where to report harm and misleading adverts."
COMPARISONS_HEAD = "Comparisons that many people look for. Format: glossary/content/README.md."


def products_files() -> dict[str, str]:
    """The text of every content file of the products, by its path in the content folder."""
    categories = Category.objects.prefetch_related(
        "course_sources",
        "goals__effect",
        "ingredients__concept",
        "prices__source",
        "regulations__main_source",
        "regulations__sources",
    )
    questions = Question.objects.prefetch_related("categories", "sources").order_by("position", "slug")
    flags = RedFlag.objects.select_related("question").prefetch_related("wordings", "sources")
    bodies = ReportingBody.objects.prefetch_related("sources").order_by("position", "jurisdiction", "name")
    comparisons = ReadyMade.objects.with_items().order_by("position", "slug")
    return {f"categories/{category.slug}.yaml": dump(category_row(category)) for category in categories} | {
        "questions.yaml": dump_list(map(question_row, questions), QUESTIONS_HEAD),
        "red-flags.yaml": dump_list(map(red_flag_row, flags.order_by("position", "slug")), FLAGS_HEAD),
        "reporting.yaml": dump_list(map(reporting_row, bodies), REPORTING_HEAD),
        "comparisons.yaml": dump_list(map(ready_made_row, comparisons), COMPARISONS_HEAD),
    }


def in_order(parts: Iterable[Any]) -> list[Any]:
    """By place; of several on one place, the one that came first."""
    return sorted(parts, key=lambda part: (part.position, part.pk))


def category_row(category: Category) -> dict[str, Any]:
    places = list(Jurisdiction.values)
    prices = sorted(category.prices.all(), key=lambda p: (p.country, p.low, p.high or 0, p.source.key, p.pk))
    return without_empty(
        name=tidy(category.name),
        kind=category.kind,
        state=state_of(category),
        route=category.route,
        sold_for=Keys(goal.effect.slug for goal in in_order(category.goals.all())),
        summary=prose(category.summary),
        mechanism=prose(category.mechanism),
        body=markdown(category.body),
        ingredients=[ingredient_row(ingredient) for ingredient in in_order(category.ingredients.all())],
        sessions=Keys([category.sessions_low, category.sessions_high]) if category.sessions_low else None,
        interval=prose(category.interval),
        followed_for=prose(category.followed_for),
        downtime=prose(category.downtime),
        performed_by=prose(category.performed_by),
        daily_life=prose(category.daily_life),
        course_sources=keys(category.course_sources.all()),
        prices=[price_row(price) for price in prices],
        regulation=[
            regulation_row(rule)
            for rule in sorted(category.regulations.all(), key=lambda rule: places.index(rule.jurisdiction))
        ],
        reviewed_on=category.reviewed_on,
        review_due=category.review_due,
    )


def ingredient_row(ingredient: Ingredient) -> dict[str, Any]:
    return OneLine(without_empty(concept=ingredient.concept.slug, role=ingredient.role, route=ingredient.route))


def price_row(price: Price) -> dict[str, Any]:
    return OneLine(
        without_empty(
            country=tidy(price.country),
            low=price.low,
            high=price.high,
            currency=price.currency,
            per=tidy(price.per),
            year=price.year,
            note=tidy(price.note),
            source=price.source.key,
        )
    )


def unquoted(text: str) -> Any:
    """A date or a year as YAML writes it, where the reader gets the same text back."""
    value = yaml.safe_load(text)
    return value if str(value) == text else text


def regulation_row(rule: Regulation) -> dict[str, Any]:
    sources = keys(rule.sources.all(), rule.main_source)
    return without_empty(
        jurisdiction=rule.jurisdiction,
        status=rule.status,
        since=unquoted(rule.since),
        detail=prose(rule.detail),
        checked_on=rule.checked_on,
        main_source=False if sources and not rule.main_source else None,
        sources=sources,
    )


def question_row(question: Question) -> dict[str, Any]:
    return without_empty(
        slug=question.slug,
        text=prose(question.text),
        why=prose(question.why),
        good_answer=prose(question.good_answer),
        vague_answer=prose(question.vague_answer),
        follow_up=prose(question.follow_up),
        categories=keys(question.categories.all()) or "all",
        wallet=unless(question.is_on_wallet_card, False),
        sources=keys(question.sources.all()),
    )


def red_flag_row(flag: RedFlag) -> dict[str, Any]:
    return without_empty(
        slug=flag.slug,
        name=tidy(flag.name),
        why=prose(flag.why),
        severity=flag.severity,
        question=flag.question and flag.question.slug,
        wordings=wordings(flag.wordings.all()),
        sources=keys(flag.sources.all()),
    )


def reporting_row(body: ReportingBody) -> dict[str, Any]:
    return without_empty(
        jurisdiction=body.jurisdiction,
        name=tidy(body.name),
        what=prose(body.what),
        url=body.url,
        sources=keys(body.sources.all()),
    )


def ready_made_row(ready: ReadyMade) -> dict[str, Any]:
    return without_empty(
        slug=ready.slug,
        title=tidy(ready.title),
        description=prose(ready.description),
        goal=ready.goal.slug,
        items=[
            without_empty(category=item.category and item.category.slug, concept=item.concept and item.concept.slug)
            for item in in_order(ready.items.all())
        ],
    )
