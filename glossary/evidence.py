"""The evidence map and its table: findings as marks in a grid, and as rows in an order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from glossary.models import Concept, Finding, Route, State
from glossary.text import fold

# What the table may be ordered by, and the verdicts from better to not tested.
SORTS = {"effect": "Effect", "concept": "Concept", "direction": "Answer", "certainty": "Certainty", "people": "People"}
ORDERS = {"asc": "ascending", "desc": "descending"}
MOST_FIRST = {"certainty", "people"}
ANSWERS = ["benefit", "no-difference", "harm", "mixed", "unknown", "untested"]

# Marks find their place by class, since the policy forbids style attributes; static/css/evidence.css knows so many.
MOST_LINES, MOST_COLUMNS = 299, 39


def sorted_findings(findings: Iterable[Finding], sort: str, order: str) -> list[Finding]:
    """Findings in one of the orders of the table, `order` being asc or desc.

    Ties keep the order of effects and names; a finding without a number of people stands last either way round.
    """
    rows = sorted(findings, key=lambda f: (f.effect.position, fold(f.concept.name), f.route))
    keys = {
        "effect": lambda f: f.effect.position,
        "concept": lambda f: fold(f.concept.name),
        "direction": lambda f: ANSWERS.index(f.verdict.shape),
        "certainty": lambda f: f.verdict.steps,
        "people": lambda f: f.people or 0,
    }
    rows.sort(key=keys[sort], reverse=order == "desc")
    return sorted(rows, key=lambda f: f.people is None) if sort == "people" else rows


def first_order(sort: str) -> str:
    """Which way round an order stands when nobody says: most first for amounts."""
    return "desc" if sort in MOST_FIRST else "asc"


def headings(sort: str, order: str) -> list[tuple[str, str, str]]:
    """The headings that order the table, as (sort, label, order that a press gives): a second press turns it round."""
    turned = {"asc": "desc", "desc": "asc"}[order]
    return [(name, label, turned if name == sort else first_order(name)) for name, label in SORTS.items()]


def counted(finding: Finding) -> str:
    """How many people were studied, for reading: “1,180”, or “not stated”."""
    return "not stated" if finding.people is None else f"{finding.people:,}"


def order_words(sort: str, order: str) -> str:
    """An order of the table in words: “in order of people, most first”."""
    if sort in MOST_FIRST:
        return f"in order of {SORTS[sort].lower()}, {'most' if order == 'desc' else 'least'} first"
    return f"in order of {SORTS[sort].lower()}{', the last first' if order == 'desc' else ''}"


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
    said = lower_first(re.split(r": |, as far", verdict.sentence)[0])
    people = f", {counted(finding)} {'person' if finding.people == 1 else 'people'}"
    if finding.people is None:
        people = "" if verdict.shape == "untested" else ", number of people not stated"
    return Mark(
        url=finding.get_absolute_url(),
        shape=verdict.shape,
        band=finding.people_band,
        concept=finding.concept.name,
        effect=lower_first(finding.effect.name),
        words=f"{lower_first(finding.get_route_display())}: {said}{people}",
    )


def lower_first(words: str) -> str:
    """Words for the middle of a sentence: “Finer lines” as “finer lines”; “PRP” stays."""
    return words[:1].lower() + words[1:] if words[1:2].islower() else words


def family_path(concept: Concept) -> list[str]:
    """Names from its family down to the concept, at most three families up: what the view has loaded."""
    path = [concept.name]
    for _ in range(3):
        if concept.parent_id is None or concept.parent.state != State.PUBLISHED:
            break
        concept = concept.parent
        path.insert(0, concept.name)
    return path


def place(line: int) -> str:
    """The classes that put something on this line of the grid: its tens and its units."""
    return f"t{line // 10} u{line % 10}"


def drawn_map(findings: list[Finding]) -> dict[str, Any]:
    """The map: `lines`, its rows; `columns`, an effect each; `is_grid`, whether a grid shows them well.

    A line is (place, words, whether it names a family). A column is (number, effect, count of marks, cells) and
    a cell (place of its line, marks). Both count from 2, after the headings. Few effects read better as a list,
    and more lines or columns than the stylesheet has places for can be nothing else.
    """
    concepts = {f.concept_id: f.concept for f in findings}
    paths = {pk: family_path(concept) for pk, concept in concepts.items()}
    relatives = Counter(path[0] for path in paths.values())

    def family(pk: int) -> tuple[int, str]:
        """Where a concept stands: families first, then what has none, then what everything is compared with."""
        if concepts[pk].kind == Concept.Kind.CARE:
            return 3, "Ordinary care"
        return (1, paths[pk][0]) if relatives[paths[pk][0]] > 1 else (2, "Others")

    lines: list[tuple[str, str, bool]] = []
    line_of = {}
    in_order = sorted(concepts, key=lambda pk: (family(pk), [fold(name) for name in paths[pk]]))
    for (_, name), members in groupby(in_order, family):
        lines.append((place(len(lines) + 2), name, True))
        for pk in members:
            line_of[pk] = len(lines) + 2
            lines.append((place(line_of[pk]), concepts[pk].name, False))

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
