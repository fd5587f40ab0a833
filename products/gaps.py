"""What keeps a category from being published."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from glossary.gaps import Gap, find_gaps, reading_gaps, review_gaps, text_gaps
from glossary.models import Finding, Risk
from glossary.reading import HIGHEST_RATIO, LOWEST_RATIO, detail_ratio
from glossary.writing import evidence_of
from products.models import Category, Jurisdiction, Regulation, ordinary_care_for


@evidence_of.register
def evidence_of_category(category: Category) -> tuple[Iterable[Finding], Iterable[Risk]]:
    return category.findings(), category.risks()


@find_gaps.register
def category_gaps(category: Category) -> Iterator[Gap]:
    yield from text_gaps(category, "summary mechanism body downtime performed_by daily_life")
    yield from reading_gaps(category)
    yield from review_gaps(category)
    if not category.goals.all():
        yield Gap("It does not say which effects it is sold for.", "goals-group")
    if not category.ingredients.all():
        yield Gap("It names no concept, so it has neither findings nor risks.", "ingredients-group")
        return
    rules = list(category.regulations.prefetch_related("sources"))
    if missing := [place.label for place in Jurisdiction if place.value not in {rule.jurisdiction for rule in rules}]:
        yield Gap(f"No line on the rules of: {', '.join(map(str, missing))}.", "regulations-group")
    for rule in rules:
        if rule.status != Regulation.Status.UNCLEAR and not rule.sources.all():
            yield Gap(f"The rule of {rule.get_jurisdiction_display()} has no source.", "regulations-group")
    ratio = detail_ratio(category.findings(), category.risks())
    if ratio is None:
        yield Gap(
            "Its concepts have no finding, or no risk, on its route: one side of the page is empty.",
            "ingredients-group",
        )
    elif not LOWEST_RATIO <= ratio <= HIGHEST_RATIO:
        yield Gap(
            f"What may get better has {ratio:.1f} words for each on what may go wrong; "
            f"{LOWEST_RATIO} to {HIGHEST_RATIO} keeps the two in balance.",
            "ingredients-group",
        )
    if category.kind == Category.Kind.TREATMENT and not ordinary_care_for(category.goal_ids):
        yield Gap("No ordinary care shares a goal with it, so there is nothing to compare it with.", "goals-group")
