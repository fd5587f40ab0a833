"""Two to four options side by side: from the address to rows and cells in order, so that the template only loops."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from copy import copy
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Case, Count, Prefetch, When
from django.http import QueryDict
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from glossary import edition, pieces
from glossary.kept import findings_on, risks_on
from glossary.models import Concept, Effect, Finding, Risk, Route, Source, State
from glossary.near import near_concepts
from products.models import (
    Category,
    Goal,
    Jurisdiction,
    Price,
    Question,
    ReadyMade,
    Regulation,
    ordinary_care_for,
)

MOST = 4
MOST_FIRST = 5
# With more findings than this in all, what stands behind one is at an address of its own; with still more, each cell has
# one in full. So many others are told in a line each, and so many sources are listed below.
IN_PLACE, IN_FULL, IN_A_LINE, SOURCES = 24, 60, 4, 40
# Options of each kind in the list to choose from.
MOST_LISTED, MOST_OFFERED = 150, 100
# An address can be made as long as one likes; what is read of it is not.
LONGEST_LIST, LONGEST_SLUG = 40, 60
DOING_NOTHING = "doing-nothing"
GAPS = {"up": "\ue000", "toggle": "\ue001"}  # signs that stand for nothing, where an address comes to stand
GROUPS = {
    "first": _("What matters most to you"),
    "what": _("What it is"),
    "evidence": _("What is claimed, what is shown"),
    "risks": _("What can go wrong"),
    "rules": _("Is it allowed"),
    "course": _("Course, days after, cost"),
    "who": _("Who does it, and what it is like"),
    "ask": _("What to ask"),
}


@dataclass
class Column:
    """One option: a category, or a concept by any route or by the one chosen.

    With its rows and its cells it is kept for as long as the queries of `kept_columns` give the same, and so its cells may rest on nothing
    else; each comparison takes a copy of it.
    """

    item: Category | Concept
    route: str = ""
    was_added: bool = False
    pairs: set[tuple[int, str]] = field(default_factory=set)
    concept_ids: set[int] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    elsewhere: list[Finding] = field(default_factory=list)
    risks: list[Risk] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    sources: dict[int, Source] = field(default_factory=dict)
    cells: dict[tuple, Cell] = field(default_factory=dict)
    # Addresses of the neighbouring comparisons: without it, with it one place further left or right.
    remove: str = ""
    left: str = ""
    right: str = ""

    def __post_init__(self) -> None:
        if self.is_withdrawn:
            return
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
    def is_withdrawn(self) -> bool:
        """Readers may not see it any more; it keeps its column, empty."""
        return self.item.state == State.WITHDRAWN

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
            return "; ".join(map(str, labels))
        return Route(self.route).label if self.route else gettext("Any: it depends on the product")

    @property
    def goal_ids(self) -> set[int]:
        """Effects this option is about: what a category is sold for, whatever a concept has findings on."""
        if self.is_withdrawn:
            return set()
        if isinstance(self.item, Category):
            return self.item.goal_ids
        return {finding.effect_id for finding in [*self.findings, *self.elsewhere]}


@dataclass(eq=False)
class Cell:
    """What one option answers to one question; `missing` is the answer in words where there is nothing."""

    text: str = ""
    note: str = ""
    entries: list[Any] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    elsewhere: list[Finding] = field(default_factory=list)
    risks: list[Risk] = field(default_factory=list)
    regulation: Regulation | None = None
    missing: str = ""
    briefly: list[Finding] = field(default_factory=list)
    left_out: int = 0
    column_name: str = ""
    is_category: bool = False
    html: dict[Hashable, SafeString] = field(default_factory=dict, compare=False)

    @cached_property
    def likeness(self) -> tuple:
        """Equal for two cells that tell a reader the same."""
        return (
            self.text,
            tuple(map(str, self.entries)),
            tuple((f.pk, f.route) for f in [*self.findings, *self.briefly]),
            tuple(r.title for r in self.risks),
            (self.regulation.status, self.regulation.detail) if self.regulation else None,
            self.missing,
        )

    @cached_property
    def made_of(self) -> Hashable:
        """See `pieces.made_of`; a cell does not change, so this is worked out once."""
        return pieces.Fixed([pieces.made_of(getattr(self, part.name)) for part in fields(self) if part.compare])

    def shown(self, *, in_place: bool) -> SafeString:
        """As the table has it."""
        key = (pieces.place(), in_place)
        if key not in self.html or settings.DEBUG:
            self.html[key] = pieces.piece(
                "components/compare_td.html", name=self.column_name, cell=self, in_place=in_place
            )
        return self.html[key]


def of_column[*A](make: Callable[[Column, *A], Cell]) -> Callable[[Column, *A], Cell]:
    """Decorator of a function that answers a question for one option, whatever it is compared with: asked once of each.

    The answer may depend on nothing but the option, the arguments and the language.
    """

    @wraps(make)
    def asked(column: Column, *args: *A) -> Cell:
        key = (make.__name__, pieces.place(), *args)
        if key not in column.cells:
            cell = make(column, *args)
            column.cells[key] = replace(cell, column_name=column.name, is_category=column.is_category)
        return column.cells[key]

    return asked


@dataclass
class Row:
    """One question. `key` names it in the address; `rank` is its place among what matters most, from 1.

    `toggle` is the address that puts it first or back, `up` the one that ranks it higher.
    """

    key: str
    label: str
    cells: list[Cell]
    rank: int = 0
    toggle: str = ""
    up: str = ""
    in_place: bool = False

    @property
    def name(self) -> SafeString:
        """The question, with what puts it first. The addresses, which no other comparison has, are put in last."""
        gaps = {name: gap for name, gap in GAPS.items() if getattr(self, name)}
        html = pieces.piece("components/compare_row_name.html", key=self.key, label=self.label, rank=self.rank, **gaps)
        for name, gap in gaps.items():
            html = html.replace(gap, escape(getattr(self, name)))
        return mark_safe(html)  # noqa: S308 - out of a template, with addresses escaped

    @property
    def shown(self) -> SafeString:
        """Its cells as the table has them, each made once for as long as it tells the same."""
        html = [cell.shown(in_place=self.in_place) for cell in self.cells]
        return mark_safe("".join(html))  # noqa: S308 - each comes out of a template

    @property
    def differs(self) -> bool:
        return len({cell.likeness for cell in self.cells}) > 1


@dataclass
class Group:
    slug: str
    rows: list[Row]
    is_closed: bool = False
    toggle: str = ""

    @property
    def title(self) -> str:
        return str(GROUPS[self.slug])


@dataclass(frozen=True)
class Settings:
    """All of an address but its items: how the comparison is laid out."""

    route: str = ""
    where: str = ""
    differences: bool = False
    turned: bool = False
    alone: bool = False
    first: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()

    def query(self, slugs: Iterable[str], **changes: Any) -> str:
        """The query string for these items, with some settings changed."""
        settings = replace(self, **changes)
        query = [("item", slug) for slug in slugs]
        query += [(name, value) for name in ("route", "where") if (value := getattr(settings, name))]
        query += [(name, "1") for name in ("alone", "differences", "turned") if getattr(settings, name)]
        query += [(name, value) for name in ("first", "closed") for value in getattr(settings, name)]
        return f"?{urlencode(query)}"


@dataclass
class Comparison:
    """What the page shows: the options, the groups of rows, and in `notices` whatever was left out and why."""

    columns: list[Column]
    notices: list[str]
    settings: Settings
    groups: list[Group] = field(default_factory=list)
    ready_made: ReadyMade | None = None
    natural_course: list[Finding] = field(default_factory=list)
    hidden_rows: int = 0
    was_renamed: bool = False

    @property
    def in_place(self) -> bool:
        """Whether there are so few findings that each can open where it stands."""
        return sum(len(column.findings) + len(column.elsewhere) for column in self.columns) <= IN_PLACE

    @property
    def slugs(self) -> list[str]:
        return [column.slug for column in self.columns]

    @property
    def chosen(self) -> list[Column]:
        """The options that the address names; the others were put beside them."""
        return [column for column in self.columns if not column.was_added]

    @property
    def title(self) -> str:
        if self.ready_made:
            return self.ready_made.title
        names = [column.name for column in self.chosen]
        if len(names) == 1:
            return gettext("%(name)s, compared") % {"name": names[0]}
        if not names:
            return gettext("Compare treatments")
        return gettext("%(others)s or %(last)s?") % {"others": ", ".join(names[:-1]), "last": names[-1]}

    @property
    def description(self) -> str:
        if self.ready_made:
            return self.ready_made.description
        names = ", ".join(column.name for column in self.columns)
        return gettext("Side by side: %(names)s. Claims, studies, risks, rules, cost and what to ask.") % {
            "names": names
        }

    def address(self, slugs: Iterable[str] | None = None, **changes: Any) -> str:
        """The query string of a neighbouring comparison: other items, other settings.

        Without `slugs` it names the same options; what was put beside them will be put there again.
        """
        return self.settings.query([c.slug for c in self.chosen] if slugs is None else slugs, **changes)

    @property
    def row_count(self) -> int:
        return sum(len(group.rows) for group in self.groups)

    @property
    def status(self) -> str:
        """What a screen reader hears after a change."""
        names = ", ".join(column.name for column in self.columns)
        if not names:
            return gettext("Nothing is compared yet.")
        if self.settings.differences:
            words = gettext("Compared: %(names)s. %(count)s rows that differ.")
        else:
            words = gettext("Compared: %(names)s. %(count)s rows.")
        return words % {"names": names, "count": self.row_count}

    @property
    def toggle_differences(self) -> str:
        return self.address(differences=not self.settings.differences)

    @property
    def toggle_turned(self) -> str:
        return self.address(turned=not self.settings.turned)

    @property
    def visit_query(self) -> str:
        """For the sheet to take along: the options themselves, and where one lives."""
        return Settings(where=self.settings.where, route=self.settings.route).query([c.slug for c in self.chosen])

    @property
    def has_concepts(self) -> bool:
        return any(not column.is_category for column in self.columns)

    @property
    def canonical(self) -> str:
        """The one address for search engines: the same items in one order, without what only changes the layout."""
        return Settings(route=self.settings.route).query(sorted(self.slugs))


@edition.kept_each(400)
def found_items(slugs: list[str]) -> dict[str, Category | Concept | None]:
    """Published and withdrawn categories and concepts by slug, with what their columns need; None for an unknown slug."""
    shown = [State.PUBLISHED, State.WITHDRAWN]
    categories = Category.objects.filter(state__in=shown, slug__in=slugs).with_ingredients()
    categories = categories.prefetch_related(
        Prefetch("prices", Price.objects.select_related("source")),
        Prefetch("regulations", Regulation.objects.for_reading()),
    )
    concepts = Concept.objects.filter(state__in=shown, slug__in=slugs).select_related("parent")
    return dict.fromkeys(slugs) | {item.slug: item for item in [*concepts, *categories]}


def there(slugs: Iterable[str]) -> dict[str, Category | Concept]:
    """Those that there are, by slug."""
    return {slug: item for slug, item in found_items(slugs).items() if item}


def pick_items(slugs: list[str]) -> tuple[list[Category | Concept], list[str], bool]:
    """The items that an address names, at most four; a sentence for each that was left out; whether one was renamed."""
    notices = []
    named = [slug.strip() for slug in slugs if slug.strip()]
    wanted = list(dict.fromkeys(named))
    if len(wanted) < len(named):
        notices.append(gettext("Something was named twice; it is shown once."))
    found = there(slug[:LONGEST_SLUG] for slug in wanted[:LONGEST_LIST])
    unknown = [slug for slug in wanted if slug not in found]
    renamed = present_slugs(unknown[:LONGEST_LIST]) if unknown else {}
    if renamed:
        moved = there(renamed.values())
        found |= {old: moved[new] for old, new in renamed.items() if new in moved}
        unknown = [slug for slug in unknown if slug not in found]
    for slug in unknown[:3]:
        near = near_concepts(slug[:LONGEST_SLUG], limit=1)
        if near:
            words = gettext("We know nothing called “%(word)s”, so it was left out. Did you mean %(near)s?")
        else:
            words = gettext("We know nothing called “%(word)s”, so it was left out.")
        notices.append(words % {"word": slug[:LONGEST_SLUG], "near": near[0].name if near else ""})
    if len(unknown) > 3:
        notices.append(gettext("%(count)s more that we do not know were left out.") % {"count": len(unknown) - 3})
    items = list({found[slug].slug: found[slug] for slug in wanted if slug in found}.values())
    if len(items) > MOST:
        left_out = ", ".join(item.name for item in items[MOST:])
        notices.append(gettext("Four fit side by side. Left out: %(names)s.") % {"names": left_out})
    notices += [
        gettext("We have withdrawn the page “%(name)s”. Its column is empty.") % {"name": item.name}
        for item in items[:MOST]
        if item.state == State.WITHDRAWN
    ]
    return items[:MOST], notices, bool(renamed)


def present_slugs(slugs: list[str]) -> dict[str, str]:
    """What entries that once had these slugs are called today: {old: present}."""
    slugs = [slug[:LONGEST_SLUG] for slug in slugs]
    return Category.objects.renamed(slugs) | Concept.objects.renamed(slugs)


def read_settings(query: QueryDict) -> tuple[Settings, list[str]]:
    """The layout that an address asks for, and a sentence for each part of it that is unknown."""
    notices = []
    route, where = query.get("route", "").strip(), query.get("where", "").strip().upper()
    if route and route not in Route.values:
        notices.append(
            gettext("“%(word)s” is not a way into the body we know, so it was left out.")
            % {"word": route[:LONGEST_SLUG]}
        )
        route = ""
    if where and where not in Jurisdiction.values:
        notices.append(
            gettext("We do not keep the rules of “%(word)s”. We keep those of %(places)s.")
            % {"word": where[:LONGEST_SLUG], "places": ", ".join(map(str, Jurisdiction.labels))}
        )
        where = ""
    first = [key[:LONGEST_SLUG] for key in dict.fromkeys(query.getlist("first")) if key][:LONGEST_LIST]
    if len(first) > MOST_FIRST:
        notices.append(
            gettext("%(count)s rows can stand first; the others are in their usual place.") % {"count": MOST_FIRST}
        )
    settings = Settings(
        route=route,
        where=where,
        differences=query.get("differences") == "1",
        turned=query.get("turned") == "1",
        alone=query.get("alone") == "1",
        first=tuple(first[:MOST_FIRST]),
        closed=tuple(slug for slug in GROUPS if slug in query.getlist("closed")),
    )
    return settings, notices


def build(query: QueryDict) -> Comparison:
    """The comparison that an address asks for; an unknown part is left out and said so, never an error."""
    items, notices, was_renamed = pick_items(query.getlist("item"))
    settings, more = read_settings(query)
    columns = columns_of(items, settings.route)
    comparison = Comparison(columns, notices + more, settings, was_renamed=was_renamed)
    if not columns:
        return comparison
    comparison.ready_made = matching_ready_made({item.slug for item in items})
    wanted = wanted_effects(items)
    care = ordinary_care_for(wanted, comparison_categories())
    if not settings.alone and not any(column.is_comparison for column in columns):
        columns += usual_neighbours(care)[: MOST - len(columns)]
    if DOING_NOTHING not in comparison.slugs:
        comparison.natural_course = without_treatment(care, wanted)
    make_groups(comparison)
    add_links(comparison)
    return comparison


def wanted_effects(items: list[Category | Concept]) -> set[int]:
    """Effects that people want from these: what a category is sold for, whatever a concept was studied for."""
    wanted = {pk for item in items if isinstance(item, Category) for pk in item.goal_ids}
    studied = findings_on(item.pk for item in items if isinstance(item, Concept)).values()
    return wanted | {finding.effect_id for findings in studied for finding in findings}


@edition.kept(1)
def comparison_categories() -> list[Category]:
    """Ordinary care for whatever it may be, and doing nothing."""
    return list(Category.objects.published().comparisons().with_ingredients())


def usual_neighbours(care: list[Category]) -> list[Column]:
    """Ordinary care for the same goals, and doing nothing: they stand beside every treatment unless taken away."""
    best = [c.slug for c in care if c.slug != DOING_NOTHING][:1]
    found = there([*best, DOING_NOTHING]) if care else {}
    columns = columns_of([found[slug] for slug in [*best, DOING_NOTHING] if slug in found])
    for column in columns:
        column.was_added = True
    return columns


def without_treatment(care: list[Category], wanted: set[int]) -> list[Finding]:
    """What the same goals do by themselves, for a comparison that leaves doing nothing out."""
    columns = columns_of([category for category in care if category.slug == DOING_NOTHING])
    return [finding for column in columns for finding in column.findings if finding.effect_id in wanted]


def matching_ready_made(slugs: set[str]) -> ReadyMade | None:
    """The ready-made comparison of exactly these items, in whatever order."""
    return next((ready for ready in every_ready_made() if set(ready.slugs) == slugs), None)


@edition.kept(1)
def every_ready_made() -> list[ReadyMade]:
    """All of them, with what they compare."""
    return list(ReadyMade.objects.with_items())


def columns_of(items: Iterable[Category | Concept], route: str = "") -> list[Column]:
    """A column for each; concepts by the route, where one is chosen. Each with its rows, two queries for all of them."""
    keys = [(item.slug, "" if isinstance(item, Category) else route) for item in items]
    kept = kept_columns(keys)
    return [copy(kept[key]) for key in keys]


@edition.kept_each(200)
def kept_columns(keys: list[tuple[str, str]]) -> dict[tuple[str, str], Column]:
    """Columns by slug and route, with their findings, effect by effect, and their risks, the gravest first."""
    items = there(slug for slug, _ in keys)
    columns = {(slug, route): Column(items[slug], route) for slug, route in keys}
    concept_ids = {pk for column in columns.values() for pk in column.concept_ids}
    findings, risks = findings_on(concept_ids), risks_on(concept_ids)
    questions = questions_on(column.item.pk for column in columns.values() if column.is_category)
    gravest_first = list(reversed(Risk.Severity.values))
    for column in columns.values():
        mine = [finding for pk in column.concept_ids for finding in findings[pk]]
        mine.sort(key=lambda f: (f.effect.position, f.route, f.concept.name))
        column.findings = [f for f in mine if column.has(f)]
        column.elsewhere = [f for f in mine if not column.has(f)]
        column.risks = [r for pk in column.concept_ids for r in risks[pk] if column.has(r)]
        column.risks.sort(key=lambda r: (gravest_first.index(r.severity), r.route, r.title))
        column.questions = questions[column.item.pk] if column.is_category else []
        column.sources = {s.pk: s for row in [*column.findings, *column.risks] for s in row.sources.all()}
    return columns


def make_groups(comparison: Comparison) -> None:
    """Fill in the groups of rows as the settings want them; rows of a closed group are made but not shown."""
    columns, settings = comparison.columns, comparison.settings
    groups = [
        Group("what", what_rows(columns)),
        Group("evidence", evidence_rows(columns)),
        Group("risks", risk_rows(columns)),
        Group("rules", rule_rows(columns, settings.where)),
        Group("course", course_rows(columns)),
        Group("who", who_rows(columns)),
        Group("ask", ask_rows(columns)),
    ]
    for number, column in enumerate(columns):
        if column.is_withdrawn:
            for row in all_rows(groups):
                row.cells[number] = withdrawn(column)
    if settings.differences:
        comparison.hidden_rows = sum(not row.differs for row in all_rows(groups))
        groups = [Group(group.slug, [row for row in group.rows if row.differs]) for group in groups]
    put_first(groups, settings.first)
    in_place = comparison.in_place
    for row in all_rows(groups):
        row.in_place = in_place
    for group in groups:
        group.is_closed = group.slug in settings.closed
    comparison.groups = [group for group in groups if group.rows]


def add_links(comparison: Comparison) -> None:
    """The address behind each control, so that every state can be reached, shared and gone back to."""
    columns, settings = comparison.columns, comparison.settings
    for number, column in enumerate(columns):
        # What was put beside the options is named in the address only where it must be, so that titles stay.
        rest = [c for c in columns if c is not column]
        if column.is_comparison:
            column.remove = comparison.address([c.slug for c in rest], alone=True)
        else:
            column.remove = comparison.address([c.slug for c in rest if not c.was_added])
        if number:
            columns[number - 1].right = column.left = comparison.address(swapped(columns, number))
    # Put together by hand, since there are as many as rows.
    before, after = comparison.address(closed=()), "".join(f"&closed={slug}" for slug in settings.closed)
    for group in comparison.groups:
        others = tuple(slug for slug in settings.closed if slug != group.slug)
        group.toggle = comparison.address(closed=others if group.is_closed else (*others, group.slug))
        for row in group.rows:
            rest = tuple(key for key in settings.first if key != row.key)
            if row.rank:
                row.toggle = comparison.address(first=rest)
            elif len(settings.first) < MOST_FIRST:
                row.toggle = f"{before}&first={row.key}{after}"
            if row.rank > 1:
                place = settings.first.index(row.key) - 1
                row.up = comparison.address(first=(*rest[:place], row.key, *rest[place:]))


def swapped(columns: list[Column], number: int) -> list[str]:
    """The slugs in the order that has column `number` one place further left."""
    pair = columns[number - 1 : number + 1]
    order = [*columns[: number - 1], *reversed(pair), *columns[number + 1 :]]
    last_named = max(place for place, column in enumerate(order) if not column.was_added or column in pair)
    return [column.slug for place, column in enumerate(order) if not column.was_added or place <= last_named]


def all_rows(groups: list[Group]) -> Iterator[Row]:
    for group in groups:
        yield from group.rows


def put_first(groups: list[Group], keys: tuple[str, ...]) -> None:
    """Move the rows that the visitor ranked to a group of their own at the top."""
    by_key = {row.key: row for row in all_rows(groups)}
    ranked = [by_key[key] for key in keys if key in by_key]
    for rank, row in enumerate(ranked, start=1):
        row.rank = rank
    for group in groups:
        group.rows = [row for row in group.rows if not row.rank]
    groups.insert(0, Group("first", ranked))


@of_column
def withdrawn(column: Column) -> Cell:
    return Cell(missing=gettext("Withdrawn."))


@of_column
def of_category(column: Column, name: str, missing: str) -> Cell:
    """A text that only categories have."""
    if not isinstance(column.item, Category):
        return Cell(missing=gettext("It depends on the product."))
    text = str(getattr(column.item, name))
    return Cell(text=text) if text else Cell(missing=missing or gettext("We found no figure."))


@of_column
def summary(column: Column) -> Cell:
    return Cell(text=column.item.summary)


@of_column
def mechanism(column: Column) -> Cell:
    if isinstance(column.item, Category):
        return Cell(text=column.item.mechanism)
    return Cell(entries=[column.item], note=gettext("Explained on its page:"))


@of_column
def way_in(column: Column) -> Cell:
    return Cell(text=column.way_in)


@of_column
def contents(column: Column) -> Cell:
    if isinstance(column.item, Category):
        return Cell(entries=[i.concept for i in column.item.ingredients.all()])
    if column.item.parent:
        return Cell(text=gettext("Part of: %(name)s") % {"name": column.item.parent})
    return Cell(missing=gettext("It is what its name says."))


def what_rows(columns: list[Column]) -> list[Row]:
    return [
        Row("summary", gettext("In one sentence"), [summary(column) for column in columns]),
        Row("mechanism", gettext("How it is said to act"), [mechanism(column) for column in columns]),
        Row("way-in", gettext("How it enters the body"), [way_in(column) for column in columns]),
        Row("contents", gettext("What is in it"), [contents(column) for column in columns]),
    ]


@of_column
def on_effect(column: Column, effect_id: int, full: int) -> Cell:
    """The findings on one effect, so many of them in full; where there is none, those by other ways into the body."""
    here = [f for f in column.findings if f.effect_id == effect_id]
    elsewhere = [] if here else [f for f in column.elsewhere if f.effect_id == effect_id]
    return Cell(
        findings=here[:full],
        briefly=here[full:][:IN_A_LINE],
        elsewhere=elsewhere[:IN_A_LINE],
        left_out=max(len(here) - full, len(elsewhere)) - IN_A_LINE,
        missing="" if here else gettext("We hold no finding on this, this way."),
    )


def evidence_rows(columns: list[Column]) -> list[Row]:
    """One row for each effect that any option is sold for; what is only compared with adds none of its own."""
    leading = [column for column in columns if not column.is_comparison] or columns
    goals = {pk for column in leading for pk in column.goal_ids}
    effects = {f.effect_id: f.effect for c in columns for f in [*c.findings, *c.elsewhere] if f.effect_id in goals}
    full = 1 if sum(len(column.findings) for column in columns) > IN_FULL else 3
    return [
        Row(f"effect-{effect.slug}", effect.name, [on_effect(column, effect.pk, full) for column in columns])
        for effect in sorted(effects.values(), key=lambda e: e.position)
    ]


@of_column
def of_severity(column: Column, severity: str) -> Cell:
    risks = [r for r in column.risks if r.severity == severity]
    return Cell(risks=risks, missing="" if risks else gettext("We found none on record."))


def risk_rows(columns: list[Column]) -> list[Row]:
    rows = [
        Row(f"risk-{severity.value}", severity.label.capitalize(), [of_severity(c, severity.value) for c in columns])
        for severity in reversed(Risk.Severity)
    ]
    return [row for row in rows if any(cell.risks for cell in row.cells)]


@of_column
def rule(column: Column, jurisdiction: str) -> Cell:
    if not isinstance(column.item, Category):
        return Cell(missing=gettext("Rules are about products: compare a product to see them."))
    found = [r for r in column.item.regulations.all() if r.jurisdiction == jurisdiction]
    return Cell(regulation=found[0]) if found else Cell(missing=gettext("We have not looked this up."))


def rule_rows(columns: list[Column], where: str) -> list[Row]:
    if not any(column.is_category for column in columns):
        return []
    places = [where] if where else Jurisdiction.values
    return [
        Row(f"rule-{place}", str(Jurisdiction(place).label), [rule(column, place) for column in columns])
        for place in places
    ]


@of_column
def prices(column: Column) -> Cell:
    if not isinstance(column.item, Category):
        return Cell(missing=gettext("It depends on the product."))
    listed = list(column.item.prices.all())
    return Cell(entries=listed) if listed else Cell(missing=gettext("We found no price on a page we could check."))


def course_rows(columns: list[Column]) -> list[Row]:
    if not any(column.is_category for column in columns):
        return []
    no_course, none = gettext("Not a course of sessions, or we found no number."), gettext("We found none.")
    followed = gettext("How long studies followed people")
    return [
        Row("sessions", gettext("Sessions"), [of_category(c, "sessions", no_course) for c in columns]),
        Row("interval", gettext("Time between sessions"), [of_category(c, "interval", none) for c in columns]),
        Row("followed", followed, [of_category(c, "followed_for", none) for c in columns]),
        Row("downtime", gettext("The days after"), [of_category(c, "downtime", "") for c in columns]),
        Row("price", gettext("Price"), [prices(c) for c in columns]),
    ]


def who_rows(columns: list[Column]) -> list[Row]:
    if not any(column.is_category for column in columns):
        return []
    return [
        Row("performer", gettext("Who does it"), [of_category(c, "performed_by", "") for c in columns]),
        Row("daily-life", gettext("What it is like"), [of_category(c, "daily_life", "") for c in columns]),
    ]


@of_column
def own_questions(column: Column) -> Cell:
    listed = column.questions[:5]
    return Cell(entries=listed, missing="" if listed else gettext("See the general questions on the visit sheet."))


def ask_rows(columns: list[Column]) -> list[Row]:
    """The questions that are particular to each option; general ones stand on the visit sheet."""
    cells = [own_questions(column) for column in columns]
    return [Row("questions", gettext("Questions of its own"), cells)] if any(cell.entries for cell in cells) else []


@edition.kept_each(400)
def questions_on(category_ids: list[int]) -> dict[int, list[Question]]:
    """The questions that are particular to these categories, by category: two queries."""
    own: dict[int, list[Question]] = {pk: [] for pk in category_ids}
    for question in Question.objects.filter(categories__in=category_ids).distinct().prefetch_related("categories"):
        for category in question.categories.all():
            if category.pk in own:
                own[category.pk].append(question)
    return own


def options_to_add(columns: list[Column]) -> list[tuple[str, SafeString]]:
    """(heading, `<option>` elements) for the list from which one adds an option: the first MOST_LISTED of each kind."""
    present = {column.slug for column in columns}
    return [
        (heading, mark_safe("".join(html for slug, html in options if slug not in present)))  # noqa: S308 - see below
        for heading, options in every_option()
    ]


@edition.kept(1)
def every_option() -> list[tuple[str, list[tuple[str, SafeString]]]]:
    """What can be compared, as (heading, [(slug, element)]); three queries."""
    categories = Category.objects.published().order_by("name")
    named = {
        gettext("To compare with"): categories.comparisons(),
        gettext("Products"): categories.treatments(),
        gettext("Concepts"): Concept.objects.published().order_by("name"),
    }
    return [
        (
            heading,
            [
                (slug, format_html('<option value="{}">{}</option>', slug, name))
                for slug, name in rows.values_list("slug", "name")[:MOST_LISTED]
            ],
        )
        for heading, rows in named.items()
    ]


@dataclass
class Offer:
    """One thing that people want, and how much is sold for it; of that, and of ordinary care, what a page has room for."""

    effect: Effect
    count: int

    def rows(self, kind: Category.Kind) -> list[Category]:
        published = Category.objects.published().filter(kind=kind, goals__effect=self.effect)
        nothing_last = Case(When(slug=DOING_NOTHING, then=1), default=0)
        return list(published.defer("body").order_by(nothing_last, "name")[:MOST_OFFERED])

    @property
    def treatments(self) -> list[Category]:
        return self.rows(Category.Kind.TREATMENT)

    @property
    def comparisons(self) -> list[Category]:
        return self.rows(Category.Kind.COMPARISON)


def ready_made() -> list[ReadyMade]:
    """Comparisons with titles of their own of which there is still something to compare."""
    return [ready for ready in every_ready_made() if len(ready.slugs) > 1]


@edition.kept(1)
def goals() -> list[Offer]:
    """Every goal that something is sold for, in the effects' order; two queries."""
    sold = Goal.objects.filter(category__state=State.PUBLISHED, category__kind=Category.Kind.TREATMENT)
    counts = dict(sold.order_by().values_list("effect").annotate(Count("category", distinct=True)))
    return [Offer(effect, counts[effect.pk]) for effect in Effect.objects.all() if effect.pk in counts]


def sources_of(columns: list[Column]) -> list[Source]:
    """Every source behind the shown findings and risks, newest first."""
    found = {pk: source for column in columns for pk, source in column.sources.items()}
    return sorted(found.values(), key=lambda s: (-(s.year or 0), s.key))
