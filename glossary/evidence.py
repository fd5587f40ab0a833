"""The evidence map and its table: findings as marks in a grid, and as rows in an order."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext, gettext_lazy, ngettext

from glossary import edition
from glossary.models import Concept, Finding, Route
from glossary.text import fold
from glossary.verdict import verdict

# What the table may be ordered by, and the verdicts from better to not tested.
SORTS = {
    "effect": gettext_lazy("Effect"),
    "concept": gettext_lazy("Concept"),
    "direction": gettext_lazy("Answer"),
    "certainty": gettext_lazy("Certainty"),
    "people": gettext_lazy("People"),
}
ORDERS = {"asc": "ascending", "desc": "descending"}
MOST_FIRST = {"certainty", "people"}
ANSWERS = ["benefit", "no-difference", "harm", "mixed", "unknown", "untested"]

# Marks find their place by class, since the policy forbids style attributes; static/css/evidence.css knows so many.
MOST_LINES, MOST_COLUMNS = 299, 39
# On one page of the map; a mark takes about 300 bytes of HTML.
MOST_MARKS = 350


type Filters = tuple[tuple[str, str], ...]


@edition.kept(16)
def in_order(filters: Filters, sort: str, order: str) -> array[int]:
    """The findings that fit, by their primary keys, in one of the orders of the table; `order` is asc or desc.

    Ties keep the order of effects and names; a finding without a number of people stands last either way round.
    """
    fields = (
        "effect__position",
        "concept__name",
        "route",
        "pk",
        "people",
        "direction",
        "size",
        "certainty",
        "searched_on",
    )
    rows = list(Finding.objects.published().filter(**dict(filters)).values_list(*fields))
    folded = {name: fold(name) for name in {row[1] for row in rows}}
    rows.sort(key=lambda row: (row[0], folded[row[1]], row[2]))
    keys: dict[str, Callable[[tuple], Any]] = {
        "effect": lambda row: row[0],
        "concept": lambda row: folded[row[1]],
        "direction": lambda row: ANSWERS.index(verdict(*row[5:]).shape),
        "certainty": lambda row: verdict(*row[5:]).steps,
        "people": lambda row: row[4] or 0,
    }
    rows.sort(key=keys[sort], reverse=order == "desc")
    if sort == "people":
        rows.sort(key=lambda row: row[4] is None)
    return array("q", [row[3] for row in rows])


def first_order(sort: str) -> str:
    """Which way round an order stands when nobody says: most first for amounts."""
    return "desc" if sort in MOST_FIRST else "asc"


def headings(sort: str, order: str) -> list[tuple[str, str, str]]:
    """The headings that order the table, as (sort, label, order that a press gives): a second press turns it round."""
    turned = {"asc": "desc", "desc": "asc"}[order]
    return [(name, label, turned if name == sort else first_order(name)) for name, label in SORTS.items()]


def counted(finding: Finding) -> str:
    """How many people were studied, for reading: “1,180”, or “not stated”."""
    return gettext("not stated") if finding.people is None else f"{finding.people:,}"


def order_words(sort: str, order: str) -> str:
    """An order of the table in words: “in order of people, most first”."""
    if sort in MOST_FIRST:
        words = (
            gettext("in order of %(sort)s, most first")
            if order == "desc"
            else gettext("in order of %(sort)s, least first")
        )
    else:
        words = gettext("in order of %(sort)s, the last first") if order == "desc" else gettext("in order of %(sort)s")
    return words % {"sort": SORTS[sort].lower()}


@dataclass(frozen=True)
class Mark:
    """One finding on the map: where it leads, its shape and size, and its words for those who do not see them.

    `words` go on after the concept and the effect: “needled in: may improve it, 28 people”.
    """

    url: str
    shape: str
    band: str
    concept: str
    effect: str
    words: str


def mark_of(finding: Finding) -> Mark:
    """The mark of one finding; reads its concept and effect."""
    verdict = finding.verdict
    # The gist: the legend says why we do not know, and the finding's own page when the search was made.
    said = lower_first(verdict.gist)
    words = f"{lower_first(finding.get_route_display())}: {said}"
    if finding.people is not None:
        people = ngettext("%(words)s, %(count)s person", "%(words)s, %(count)s people", finding.people)
        words = people % {"words": words, "count": counted(finding)}
    elif verdict.shape != "untested":
        words = gettext("%(words)s, number of people not stated") % {"words": words}
    return Mark(
        url=finding.get_absolute_url(),
        shape=verdict.shape,
        band=finding.people_band,
        concept=finding.concept.name,
        effect=lower_first(finding.effect.name),
        words=words,
    )


def lower_first(words: str) -> str:
    """Words for the middle of a sentence: “Finer lines” as “finer lines”; “PRP” stays."""
    return words[:1].lower() + words[1:] if words[1:2].islower() else words


@edition.kept(1)
def every_path() -> dict[int, tuple[str, list[str]]]:
    """Of each published concept its kind, and the names from its family down to itself: at most three families up."""
    rows = Concept.objects.published().order_by("pk").values_list("pk", "name", "kind", "parent")
    concepts = {pk: (name, kind, parent) for pk, name, kind, parent in rows}
    paths = {}
    for pk, (name, kind, parent) in concepts.items():
        path = [name]
        while parent in concepts and len(path) < 4:
            above, _, parent = concepts[parent]
            path.insert(0, above)
        paths[pk] = kind, path
    return paths


def in_families(pks: Iterable[int]) -> list[tuple[str, int]]:
    """Concepts as (family, primary key): families first, then what has none, then what everything is compared with."""
    every = every_path()
    paths = {pk: every[pk] for pk in pks if pk in every}
    relatives = Counter(path[0] for _, path in paths.values())

    def family(pk: int) -> tuple[int, str]:
        kind, path = paths[pk]
        if kind == Concept.Kind.CARE:
            return 3, gettext("Ordinary care")
        return (1, path[0]) if relatives[path[0]] > 1 else (2, gettext("Others"))

    order = sorted(paths, key=lambda pk: (family(pk), [fold(name) for name in paths[pk][1]]))
    return [(family(pk)[1], pk) for pk in order]


@edition.kept(16)
def map_pages(filters: Filters) -> tuple[int, list[list[tuple[str, int]]]]:
    """How many findings fit, and the concepts that they are about as (family, primary key), cut into pages of the map."""
    counted = (
        Finding.objects.published().filter(**dict(filters)).order_by().values_list("concept").annotate(Count("pk"))
    )
    marks = dict(counted)
    pages: list[list[tuple[str, int]]] = []
    room = 0
    for family, pk in in_families(marks):
        if marks[pk] > room or not pages:
            pages.append([])
            room = MOST_MARKS
        pages[-1].append((family, pk))
        room -= marks[pk]
    return sum(marks.values()), pages


def place(line: int) -> str:
    """The classes that put something on this line of the grid: its tens and its units."""
    return f"t{line // 10} u{line % 10}"


def drawn_map(findings: list[Finding], concepts: list[tuple[str, int]]) -> dict[str, Any]:
    """The map: `lines`, its rows; `columns`, an effect each; `is_grid`, whether a grid shows them well.

    A line is (place, words, whether it names a family). A column is (number, effect, count of marks, cells) and
    a cell (place of its line, marks). Both count from 2, after the headings. Few effects read better as a list,
    and more lines or columns than the stylesheet has places for can be nothing else.
    """
    names = {f.concept_id: f.concept.name for f in findings}
    lines: list[tuple[str, str, bool]] = []
    line_of = {}
    for family, members in groupby(concepts, lambda concept: concept[0]):
        lines.append((place(len(lines) + 2), family, True))
        for _, pk in members:
            line_of[pk] = len(lines) + 2
            lines.append((place(line_of[pk]), names.get(pk, ""), False))

    routes = Route.values
    by_effect = sorted(
        findings,
        key=lambda f: (f.effect.position, f.effect.name, line_of[f.concept_id], routes.index(f.route)),
    )
    columns = []
    for number, (effect, group) in enumerate(groupby(by_effect, lambda f: f.effect), 2):
        cells = [
            (place(line), [mark_of(f) for f in cell]) for line, cell in groupby(group, lambda f: line_of[f.concept_id])
        ]
        columns.append((number, effect, sum(len(marks) for _, marks in cells), cells))
    is_grid = 3 < len(columns) < MOST_COLUMNS and len(lines) < MOST_LINES
    return {"lines": lines, "columns": columns, "is_grid": is_grid}
