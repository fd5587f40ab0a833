"""From the database to the content files: the mirror of the readers in `glossary.content`.

The same content always gives the same text, whatever its history, so that a team can review changes in a diff. What has
an order of its own keeps it; everything else is sorted. Long text stands in block scalars, one sentence a line.
"""

from __future__ import annotations

import re
import textwrap
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import yaml
from django.db import models

from glossary.content import tidy
from glossary.models import Alias, Concept, Effect, EventCount, Finding, Publishable, Risk, Source, State

WIDTH = 140
EFFECTS_HEAD = "What people want from a treatment, and how adverts say that something does it. How wordings are written: README.md."


# --- One style of YAML


class OneLine(dict):
    """A mapping that stands on one line, in braces."""


class Keys(list):
    """Slugs or source keys, on one line, in brackets."""


class Markdown(str):
    """Text whose lines stand as they are, after “|”."""


class Folded(str):
    """A long sentence or several, after “>-”."""


SENTENCE = re.compile(r"(?<=[.?!]) (?=[^ a-z])")
# What a block scalar would lose or turn into another character on the way back.
NO_BLOCK = re.compile(r"[^\n -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


class Dumper(yaml.SafeDumper):
    """Writes fields in the order given, without escapes or anchors, and chooses quotes that need none inside."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def choose_scalar_style(self) -> str:
        if self.event.style in ("|", ">"):
            return self.event.style
        style = super().choose_scalar_style()
        return '"' if style == "'" and not set(self.event.value) & {'"', "\\"} else style

    def write_folded(self, text: str) -> None:
        """One sentence a line, so that a changed one is one changed line."""
        self.write_indicator(">-", True)
        for sentence in SENTENCE.split(text):
            for line in textwrap.wrap(sentence, WIDTH, break_long_words=False, break_on_hyphens=False):
                self.write_indent()
                self.stream.write(line)
                self.column += len(line)


def represent_text(dumper: Dumper, value: str) -> yaml.Node:
    style = {Markdown: "|", Folded: ">"}.get(type(value))
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(value), style=style)


for kind in (str, Markdown, Folded):
    Dumper.add_representer(kind, represent_text)
Dumper.add_representer(
    OneLine, lambda dumper, value: dumper.represent_mapping("tag:yaml.org,2002:map", value, flow_style=True)
)
Dumper.add_representer(
    Keys, lambda dumper, value: dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)
)


def dump(value: Any) -> str:
    return yaml.dump(
        value, Dumper=Dumper, allow_unicode=True, sort_keys=False, default_flow_style=False, width=float("inf")
    )


def dump_list(rows: Iterable[dict[str, Any]], head: str = "") -> str:
    """A file that is a list, with a blank line between entries and a comment at its head."""
    parts = [f"# {head}\n"] if head else []
    return "\n".join([*parts, *(dump([row]) for row in rows)])


def markdown(text: str) -> str:
    """Markdown as a block, unless it holds what a block cannot."""
    text = tidy(text)
    return text if not text or NO_BLOCK.search(text) else Markdown(f"{text}\n")


def prose(text: str) -> str:
    """Text on one line, folded where it is long; text with line breaks as a block."""
    text = tidy(text)
    if "\n" in text:
        return markdown(text)
    is_plain = not NO_BLOCK.search(text) and "  " not in text and not text.startswith(("#", "%"))
    return Folded(text) if len(text) > 100 and " " in text and is_plain else text


def without_empty(**fields: Any) -> dict[str, Any]:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value not in ("", None, [], {})}


def unless(value: Any, usual: Any) -> Any:
    """None for the usual value, which the files leave out."""
    return None if value == usual else value


def state_of(entry: Publishable) -> str | None:
    return unless(entry.state, State.PUBLISHED)


def keys(sources: Iterable[models.Model], first: models.Model | None = None) -> Keys:
    """Natural keys in order; the one that weighs most stands first."""
    names = sorted(other.natural_key()[0] for other in sources)
    head = [first.natural_key()[0]] if first else []
    return Keys(head + [name for name in names if name not in head])


def language_order(language: str) -> tuple[bool, str]:
    """English first."""
    return (language != "en", language)


def wordings(rows: Iterable[Any]) -> dict[str, list[str]]:
    by_language: dict[str, list[str]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (language_order(row.language), row.text)):
        by_language[row.language].append(tidy(row.text))
    return dict(by_language)


# --- The entries


def glossary_files() -> dict[str, str]:
    """The text of every content file of the glossary, by its path in the content folder."""
    files = {f"concepts/{concept.slug}.yaml": dump(concept_row(concept)) for concept in concepts()}
    effects = Effect.objects.prefetch_related("wordings").order_by("position", "slug")
    files["effects.yaml"] = dump_list(map(effect_row, effects), EFFECTS_HEAD)
    by_letter: dict[str, list[Source]] = defaultdict(list)
    for source in sorted(Source.objects.select_related("superseded_by"), key=lambda source: source.key):
        by_letter[source.key[0].lower()].append(source)
    for letter, sources in by_letter.items():
        files[f"sources/{letter}.yaml"] = dump_list(map(source_row, sources))
    return files


def concepts() -> models.QuerySet[Concept]:
    return Concept.objects.select_related("parent").prefetch_related(
        "aliases",
        "risks__sources",
        models.Prefetch("findings", Finding.objects.select_related("effect", "main_source")),
        "findings__sources",
        "findings__claim_sources",
        "findings__event_counts",
    )


def source_row(source: Source) -> dict[str, Any]:
    return without_empty(
        key=source.key,
        kind=source.kind,
        title=prose(source.title),
        authors=prose(source.authors),
        year=source.year,
        container=prose(source.container),
        doi=tidy(source.doi),
        pmid=tidy(source.pmid),
        url=source.url,
        read=source.read,
        checked_on=source.checked_on,
        funding=prose(source.funding),
        funder=unless(source.funder, Source.Funder.NOT_STATED),
        note=prose(source.note),
        status=unless(source.status, Source.Status.CURRENT),
        superseded_by=source.superseded_by and source.superseded_by.key,
    )


def effect_row(effect: Effect) -> dict[str, Any]:
    return without_empty(
        slug=effect.slug,
        name=tidy(effect.name),
        wish=tidy(effect.wish),
        body_area=effect.body_area,
        description=prose(effect.description),
        wordings=wordings(effect.wordings.all()),
    )


def concept_row(concept: Concept) -> dict[str, Any]:
    routes_and_effects = sorted(concept.findings.all(), key=lambda f: (f.effect.position, f.effect.slug, f.route))
    kinds = list(Alias.Kind.values)
    aliases = sorted(
        concept.aliases.all(), key=lambda a: (language_order(a.language), kinds.index(a.kind), a.text, a.pk)
    )
    return without_empty(
        name=tidy(concept.name),
        kind=concept.kind,
        state=state_of(concept),
        parent=concept.parent and concept.parent.slug,
        summary=prose(concept.summary),
        not_same_as=markdown(concept.not_same_as),
        body=markdown(concept.body),
        reviewed_on=concept.reviewed_on,
        review_due=concept.review_due,
        aliases=[alias_row(alias) for alias in aliases],
        findings=[finding_row(finding) for finding in routes_and_effects],
        risks=[risk_row(risk) for risk in sorted(concept.risks.all(), key=lambda risk: (risk.route, risk.title))],
    )


def alias_row(alias: Alias) -> dict[str, Any]:
    return OneLine(
        without_empty(
            text=tidy(alias.text),
            lang=unless(alias.language, "en"),
            kind=unless(alias.kind, Alias.Kind.SYNONYM),
            ambiguous=unless(alias.is_ambiguous, False),
        )
    )


def finding_row(finding: Finding) -> dict[str, Any]:
    sources = keys(finding.sources.all(), finding.main_source)
    return without_empty(
        effect=finding.effect.slug,
        route=finding.route,
        state=state_of(finding),
        claimed=prose(finding.claimed),
        shown=prose(finding.shown),
        population=prose(finding.population),
        people=finding.people,
        follow_up=prose(finding.follow_up),
        direction=finding.direction,
        size=unless(finding.size, "not-stated"),
        certainty=finding.certainty,
        certainty_reason=prose(finding.certainty_reason),
        would_change=prose(finding.would_change),
        searched_on=finding.searched_on,
        main_source=False if sources and not finding.main_source else None,
        sources=sources,
        claim_sources=keys(finding.claim_sources.all()),
        events=[event_row(event) for event in finding.event_counts.all()],
    )


def event_row(event: EventCount) -> dict[str, Any]:
    arms = {
        "with": f"{event.events_with} of {event.total_with}",
        "without": f"{event.events_without} of {event.total_without}",
    }
    return OneLine(
        outcome=tidy(event.outcome),
        **without_empty(wanted=unless(event.is_wanted, True)),
        **arms,
        compared_with=tidy(event.compared_with),
        **without_empty(after=tidy(event.after)),
    )


def risk_row(risk: Risk) -> dict[str, Any]:
    return without_empty(
        route=risk.route,
        title=prose(risk.title),
        known=prose(risk.known),
        severity=risk.severity,
        onset=prose(risk.onset),
        sources=keys(risk.sources.all()),
    )
