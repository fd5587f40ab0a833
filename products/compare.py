"""Two to four options side by side: from the address to rows and cells in order, so that the template only loops."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Prefetch
from django.http import QueryDict

from glossary.models import Concept, Finding, Risk, Route, Source
from glossary.near import near_concepts
from products.models import Category, Jurisdiction, Price, Question, Regulation, ordinary_care_for

MOST = 4


@dataclass
class Column:
    """One option: a category, or a concept by any route or by the one chosen."""

    item: Category | Concept
    route: str = ""
    was_added: bool = False
    pairs: set[tuple[int, str]] = field(default_factory=set)
    concept_ids: set[int] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    elsewhere: list[Finding] = field(default_factory=list)
    risks: list[Risk] = field(default_factory=list)

    def __post_init__(self) -> None:
        if isinstance(self.item, Category):
            parts = self.item.ingredients.all()
            self.pairs = {(i.concept_id, i.route or self.item.route) for i in parts}
            self.concept_ids = {i.concept_id for i in parts}
        else:
            self.concept_ids = {self.item.pk}

    def has(self, row: Finding | Risk) -> bool:
        """Whether this row is about this option on its route."""
        if self.pairs:
            return (row.concept_id, row.route) in self.pairs
        return row.concept_id in self.concept_ids and (not self.route or row.route == self.route)

    @property
    def slug(self) -> str:
        return self.item.slug

    @property
    def name(self) -> str:
        return self.item.name

    @property
    def is_category(self) -> bool:
        return isinstance(self.item, Category)

    @property
    def is_comparison(self) -> bool:
        """Ordinary care or doing nothing: what every other option is held against."""
        if isinstance(self.item, Category):
            return self.item.kind == Category.Kind.COMPARISON
        return self.item.kind == Concept.Kind.CARE

    @property
    def way_in(self) -> str:
        if isinstance(self.item, Category):
            labels = [Route(route).label for route in sorted({route for _, route in self.pairs} or {self.item.route})]
            return "; ".join(labels)
        return Route(self.route).label if self.route else "Any: it depends on the product"

    @property
    def goal_ids(self) -> set[int]:
        """Effects this option is about: what a category is sold for, whatever a concept has findings on."""
        if isinstance(self.item, Category):
            return {goal.effect_id for goal in self.item.goals.all()}
        return {finding.effect_id for finding in [*self.findings, *self.elsewhere]}


@dataclass
class Cell:
    """What one option answers to one question; `missing` is the answer in words where there is nothing."""

    text: str = ""
    entries: list[Any] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    elsewhere: list[Finding] = field(default_factory=list)
    risks: list[Risk] = field(default_factory=list)
    regulation: Regulation | None = None
    missing: str = ""

    @property
    def likeness(self) -> tuple:
        """Equal for two cells that tell a reader the same."""
        return (
            self.text,
            tuple(map(str, self.entries)),
            tuple((f.pk, f.route) for f in self.findings),
            tuple(r.title for r in self.risks),
            (self.regulation.status, self.regulation.detail) if self.regulation else None,
            self.missing,
        )


@dataclass
class Row:
    label: str
    cells: list[Cell]
    note: str = ""

    @property
    def differs(self) -> bool:
        return len({cell.likeness for cell in self.cells}) > 1


@dataclass
class Group:
    slug: str
    title: str
    rows: list[Row]


@dataclass
class Comparison:
    """What the page shows: the options, the groups of rows, and in `notices` whatever was left out and why."""

    columns: list[Column]
    groups: list[Group]
    notices: list[str]
    route: str
    where: str
    only_differences: bool
    hidden_rows: int = 0

    @property
    def title(self) -> str:
        names = [column.name for column in self.columns]
        return " or ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} or {names[-1]}"

    def address(self, slugs: Iterable[str], **changes: str) -> str:
        """The query string of a neighbouring comparison: other items, other settings."""
        settings = {
            "route": self.route,
            "where": self.where,
            "differences": "1" if self.only_differences else "",
        }
        query = QueryDict(mutable=True)
        query.setlist("item", list(slugs))
        for name, value in (settings | changes).items():
            if value:
                query[name] = value
        return f"?{query.urlencode()}"


def published_items(slugs: list[str]) -> dict[str, Category | Concept]:
    """Published categories and concepts by slug, with what their columns need."""
    categories = Category.objects.published().filter(slug__in=slugs).with_ingredients()
    categories = categories.prefetch_related(
        Prefetch("prices", Price.objects.select_related("source")),
        Prefetch("regulations", Regulation.objects.for_reading()),
    )
    concepts = Concept.objects.published().filter(slug__in=slugs).select_related("parent")
    return {item.slug: item for item in [*concepts, *categories]}


def pick_items(slugs: list[str]) -> tuple[list[Category | Concept], list[str]]:
    """The items that an address names, at most four, and a sentence for each that was left out."""
    notices = []
    wanted = list(dict.fromkeys(slug.strip() for slug in slugs if slug.strip()))
    if len(wanted) < len([slug for slug in slugs if slug.strip()]):
        notices.append("Something was named twice; it is shown once.")
    # An address can be made as long as one likes; what is looked up is not.
    found = published_items([slug[:60] for slug in wanted[:40]])
    unknown = [slug for slug in wanted if slug not in found]
    for slug in unknown[:3]:
        near = near_concepts(slug, limit=1)
        hint = f" Did you mean {near[0].name}?" if near else ""
        notices.append(f"We know nothing called “{slug[:60]}”, so it was left out.{hint}")
    if len(unknown) > 3:
        notices.append(f"{len(unknown) - 3} more that we do not know were left out.")
    items = [found[slug] for slug in wanted if slug in found]
    if len(items) > MOST:
        left_out = ", ".join(item.name for item in items[MOST:])
        notices.append(f"Four fit side by side. Left out: {left_out}.")
    return items[:MOST], notices


def read_settings(query: QueryDict) -> tuple[str, str, list[str]]:
    """The route and the jurisdiction of an address, and a sentence for each that is unknown."""
    notices = []
    route, where = query.get("route", "").strip(), query.get("where", "").strip().upper()
    if route and route not in Route.values:
        notices.append(f"“{route[:60]}” is not a way into the body we know, so it was left out.")
        route = ""
    if where and where not in Jurisdiction.values:
        notices.append(
            f"We do not keep the rules of “{where[:60]}”. We keep those of {', '.join(Jurisdiction.labels)}."
        )
        where = ""
    return route, where, notices


def build(query: QueryDict) -> Comparison:
    """The comparison that an address asks for; an unknown part is left out and said so, never an error."""
    items, notices = pick_items(query.getlist("item"))
    route, where, more = read_settings(query)
    columns = [Column(item, route="" if isinstance(item, Category) else route) for item in items]
    if columns and len(columns) < MOST and not query.get("alone") and not any(c.is_comparison for c in columns):
        columns += usual_neighbour(columns)
    fill(columns)
    comparison = Comparison(columns, [], notices + more, route, where, query.get("differences") == "1")
    if columns:
        comparison.groups = make_groups(columns, where)
        if comparison.only_differences:
            hide_same(comparison)
    return comparison


def usual_neighbour(columns: list[Column]) -> list[Column]:
    """Ordinary care for the same goals, which stands beside every treatment unless taken away."""
    categories = [column.item for column in columns if isinstance(column.item, Category)]
    if not categories:
        return []
    care = [c for c in ordinary_care_for(categories) if c.slug != "doing-nothing"]
    if not care:
        return []
    item = published_items([care[0].slug])[care[0].slug]
    return [Column(item, was_added=True)]


def fill(columns: list[Column]) -> None:
    """Give each column its findings and risks: six queries, however many columns and rows."""
    concept_ids = {pk for column in columns for pk in column.concept_ids}
    findings = list(Finding.objects.published().filter(concept__in=concept_ids).for_reading())
    risks = list(Risk.objects.published().filter(concept__in=concept_ids).for_reading())
    for column in columns:
        mine = [f for f in findings if f.concept_id in column.concept_ids]
        column.findings = [f for f in mine if column.has(f)]
        column.elsewhere = [f for f in mine if not column.has(f)]
        column.risks = [r for r in risks if column.has(r)]


def make_groups(columns: list[Column], where: str) -> list[Group]:
    groups = [
        Group("what", "What it is", what_rows(columns)),
        Group("evidence", "What is claimed, what is shown", evidence_rows(columns)),
        Group("risks", "What can go wrong", risk_rows(columns)),
        Group("rules", "Is it allowed", rule_rows(columns, where)),
        Group("course", "Course, downtime, cost", course_rows(columns)),
        Group("who", "Who does it, and what it is like", who_rows(columns)),
        Group("ask", "What to ask", ask_rows(columns)),
    ]
    return [group for group in groups if group.rows]


def of_category(column: Column, name: str, missing: str = "We found no figure.") -> Cell:
    """A text that only categories have."""
    if not isinstance(column.item, Category):
        return Cell(missing="It depends on the product.")
    text = str(getattr(column.item, name))
    return Cell(text=text) if text else Cell(missing=missing)


def what_rows(columns: list[Column]) -> list[Row]:
    def contents(column: Column) -> Cell:
        if isinstance(column.item, Category):
            return Cell(entries=[i.concept for i in column.item.ingredients.all()])
        return (
            Cell(text=f"Part of: {column.item.parent}")
            if column.item.parent
            else Cell(missing="It is what its name says.")
        )

    return [
        Row("In one sentence", [Cell(text=column.item.summary) for column in columns]),
        Row("How it enters the body", [Cell(text=column.way_in) for column in columns]),
        Row("What is in it", [contents(column) for column in columns]),
    ]


def evidence_rows(columns: list[Column]) -> list[Row]:
    """One row for each effect that any option is sold for; what is only compared with adds none of its own."""
    leading = [column for column in columns if not column.is_comparison] or columns
    goals = {pk for column in leading for pk in column.goal_ids}
    effects = {f.effect for c in columns for f in [*c.findings, *c.elsewhere] if f.effect_id in goals}
    rows = []
    for effect in sorted(effects, key=lambda e: e.position):
        cells = []
        for column in columns:
            here = [f for f in column.findings if f.effect_id == effect.pk]
            elsewhere = [] if here else [f for f in column.elsewhere if f.effect_id == effect.pk]
            cells.append(
                Cell(
                    findings=here,
                    elsewhere=elsewhere,
                    missing="" if here else "We hold no finding on this, this way.",
                )
            )
        rows.append(Row(effect.name, cells))
    return rows


def risk_rows(columns: list[Column]) -> list[Row]:
    rows = []
    for severity in reversed(Risk.Severity):
        cells = []
        for column in columns:
            risks = [r for r in column.risks if r.severity == severity]
            cells.append(Cell(risks=risks, missing="" if risks else "We found none on record."))
        if any(cell.risks for cell in cells):
            rows.append(Row(severity.label.capitalize(), cells))
    return rows


def rule_rows(columns: list[Column], where: str) -> list[Row]:
    def rule(column: Column, jurisdiction: str) -> Cell:
        if not isinstance(column.item, Category):
            return Cell(missing="Rules are about products: compare a product to see them.")
        found = [r for r in column.item.regulations.all() if r.jurisdiction == jurisdiction]
        return Cell(regulation=found[0]) if found else Cell(missing="We have not looked this up.")

    if not any(column.is_category for column in columns):
        return []
    places = [where] if where else Jurisdiction.values
    return [Row(Jurisdiction(place).label, [rule(column, place) for column in columns]) for place in places]


def course_rows(columns: list[Column]) -> list[Row]:
    if not any(column.is_category for column in columns):
        return []

    def prices(column: Column) -> Cell:
        if not isinstance(column.item, Category):
            return Cell(missing="It depends on the product.")
        listed = list(column.item.prices.all())
        return Cell(entries=listed) if listed else Cell(missing="We found no price on a page we could check.")

    return [
        Row(
            "Sessions",
            [of_category(c, "sessions", "Not a course of sessions, or we found no number.") for c in columns],
        ),
        Row("Time between sessions", [of_category(c, "interval", "We found none.") for c in columns]),
        Row(
            "How long studies followed people",
            [of_category(c, "followed_for", "We found none.") for c in columns],
        ),
        Row("The days after", [of_category(c, "downtime") for c in columns]),
        Row("Price", [prices(c) for c in columns]),
    ]


def who_rows(columns: list[Column]) -> list[Row]:
    if not any(column.is_category for column in columns):
        return []
    return [
        Row("Who does it", [of_category(c, "performed_by") for c in columns]),
        Row("What it is like", [of_category(c, "daily_life") for c in columns]),
    ]


def ask_rows(columns: list[Column]) -> list[Row]:
    """The questions that are particular to each option; general ones stand on the visit sheet."""
    categories = [c.item for c in columns if isinstance(c.item, Category)]
    own: dict[int, list[Question]] = {category.pk: [] for category in categories}
    asked = Question.objects.filter(categories__in=categories).distinct().prefetch_related("categories")
    for question in asked:
        for category in question.categories.all():
            if category.pk in own:
                own[category.pk].append(question)
    cells = []
    for column in columns:
        questions = own.get(column.item.pk, []) if isinstance(column.item, Category) else []
        cells.append(
            Cell(
                entries=questions[:5],
                missing="" if questions else "See the general questions on the visit sheet.",
            )
        )
    return [Row("Questions of its own", cells)] if any(cell.entries for cell in cells) else []


def hide_same(comparison: Comparison) -> None:
    """Keep only the rows in which the options differ, and count the rest."""
    for group in comparison.groups:
        kept = [row for row in group.rows if row.differs]
        comparison.hidden_rows += len(group.rows) - len(kept)
        group.rows = kept
    comparison.groups = [group for group in comparison.groups if group.rows]


def options_to_add(columns: list[Column]) -> list[tuple[str, list[tuple[str, str]]]]:
    """(heading, [(slug, name)]) for the list from which one adds an option; three queries."""
    present = {column.slug for column in columns}

    def rows(names: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        return [(slug, name) for slug, name in names if slug not in present]

    categories = Category.objects.published().order_by("name")
    return [
        ("To compare with", rows(categories.comparisons().values_list("slug", "name"))),
        ("Products", rows(categories.treatments().values_list("slug", "name"))),
        ("Concepts", rows(Concept.objects.published().order_by("name").values_list("slug", "name"))),
    ]


def ready_made() -> list[tuple[str, list[tuple[str, list[Category]]]]]:
    """Comparisons by goal: each goal with the treatments sold for it first, beside its ordinary care and doing nothing.

    (goal, [(title, categories)]) pairs; three queries.
    """
    categories = list(Category.objects.published().with_ingredients().order_by("name"))
    treatments = [c for c in categories if c.kind == Category.Kind.TREATMENT]
    comparisons = [c for c in categories if c.kind == Category.Kind.COMPARISON]
    by_goal: dict[Any, list[Category]] = {}
    for category in treatments:
        goals = list(category.goals.all())
        if goals:
            by_goal.setdefault(goals[0].effect, []).append(category)
    sets = []
    for effect, offered in sorted(by_goal.items(), key=lambda pair: pair[0].position):
        beside = [c for c in comparisons if any(g.effect_id == effect.pk for g in c.goals.all())]
        beside.sort(key=lambda c: (c.slug == "doing-nothing", [g.effect_id for g in c.goals.all()].index(effect.pk)))
        chosen = []
        for start in range(0, len(offered), 2):
            pair = offered[start : start + 2]
            chosen.append((" or ".join(c.name for c in pair), [*pair, *beside[: MOST - len(pair)]]))
        sets.append((effect.name, chosen))
    return sets


def sources_of(columns: list[Column]) -> list[Source]:
    """Every source behind the shown findings and risks, newest first."""
    found = {s for c in columns for row in [*c.findings, *c.risks] for s in row.sources.all()}
    return sorted(found, key=lambda s: (-(s.year or 0), s.key))
