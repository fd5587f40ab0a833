"""Template tags of the guide; available in every template without loading."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from django import template
from django.core.paginator import Page
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from glossary import pieces
from glossary.models import EventCount, Finding
from glossary.text import by_tongue
from glossary.verdict import SHAPES

register = template.Library()

# `{% piece "components/meter.html" verdict=verdict %}`: as `include … only`, made once for the same values.
register.simple_tag(pieces.piece, name="piece")


@register.filter
def lookup(mapping: Mapping[Any, Any], key: Any) -> Any:
    """`numbers|lookup:key`: the value under a key that is itself a variable; empty when there is none."""
    return mapping.get(key, "")


@register.filter
def number_of(numbers: Mapping[str, int] | None, key: str) -> int | str:
    """`numbers|number_of:key`: the number of a source in the page's list; empty where there is no list or not that source."""
    return numbers.get(key, "") if numbers else ""


@register.filter
def at(cells: Sequence[Any], number: int) -> Any:
    """`cells|at:number`: the member at a place that is itself a variable."""
    return cells[number]


@register.filter
def tongues(text: str) -> SafeString:
    """`title|tongues`: the text with Chinese, Japanese and Korean words marked as such, so that they are read out rightly."""
    if text.isascii():
        return conditional_escape(text)
    pieces = (
        format_html('<span lang="{}">{}</span>', tongue, words) if tongue else words
        for words, tongue in by_tongue(text)
    )
    return format_html_join("", "{}", ((piece,) for piece in pieces))


@register.filter
def in_a_list(value: Any) -> list[Any]:
    """`finding|in_a_list`: for a component that takes several."""
    return [value]


@register.filter
def near_pages(page: Page) -> Iterator[int | str]:
    """`page|near_pages`: the numbers of the first, the last and the neighbouring pages, with “…” for the others."""
    return page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1)


MARKS = {"concept": _("term"), "beside": _("term"), "effect": _("claimed effect"), "red_flag": _("warning sign")}


@register.filter
def marked(pieces: Iterable[tuple[str, Sequence[Any]]]) -> SafeString:
    """`reading.pieces|marked`: a text with what was found in it marked. In Python, since there may be thousands."""
    html = []
    called = {kind: str(words) for kind, words in MARKS.items()}
    for text, spans in pieces:
        if spans:
            classes = "".join([f"{'concept' if span.kind == 'beside' else span.kind} " for span in spans])
            words = ", ".join([called[span.kind] for span in spans])
            html.append(f'<mark class="{classes}">{escape(text)}<span class="visually-hidden"> ({words})</span></mark>')
        else:
            html.append(escape(text))
    return mark_safe("".join(html))  # noqa: S308 - the text is escaped, the rest is ours


@register.filter
def by_verdict(findings: Sequence[Finding]) -> list[tuple[str, str, list[Finding]]]:
    """`rows|by_verdict`: (shape, its words, findings) for each shape that occurs, the surest finding first."""
    groups: dict[str, list[Finding]] = {shape: [] for shape in SHAPES}
    for finding in sorted(findings, key=lambda f: -f.verdict.steps):
        groups[finding.verdict.shape].append(finding)
    return [(shape, words, groups[shape]) for shape, words in SHAPES.items() if groups[shape]]


def dots(start: int, stop: int) -> str:
    """SVG path over the dots `start` to `stop` of a ten by ten grid, row by row; each is stroked as dashes ten apart."""
    moves = []
    for row in range(10):
        first, last = max(start, 10 * row), min(stop, 10 * row + 10)
        if first < last:
            # A hair longer than to the last dot, since some browsers draw nothing of no length.
            moves.append(f"M{10 * (first % 10) + 5} {10 * row + 5}h{10 * (last - first - 1)}.1")
    return "".join(moves)


@register.inclusion_tag("components/icon_array.html")
def icon_array(count: EventCount) -> dict[str, Any]:
    """Both groups of a study out of 100 people, drawn side by side."""
    groups = [
        (gettext("with it"), count.events_with, count.total_with, count.per_hundred_with),
        (
            gettext("with %(what)s") % {"what": count.compared_with},
            count.events_without,
            count.total_without,
            count.per_hundred_without,
        ),
    ]
    return {
        "count": count,
        "groups": [
            {"label": label, "events": events, "total": total, "n": n, "filled": dots(0, n), "empty": dots(n, 100)}
            for label, events, total, n in groups
        ],
    }
