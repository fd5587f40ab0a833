import re
from collections.abc import Iterator
from typing import Any

import textstat
from django.core.management.base import BaseCommand, CommandError

from glossary.markdown import entry_url
from glossary.models import CITATION, Concept, Effect, Finding, Risk, Source
from glossary.text import fold
from products.models import Category, Jurisdiction, Regulation, ordinary_care_for

SUMMARY_GRADE, BODY_GRADE = 9, 10
BANNED = re.compile(r"\b(miracles?|proven|safe|cure-all|revolutionary|breakthrough|game-changer)\b", re.IGNORECASE)
LINK = re.compile(r"\]\(((?:concept|category):[a-z0-9-]+)\)")


def plain(markdown: str) -> str:
    """Markdown as it is read aloud: no marks, no citations; headings end in a full stop."""
    text = CITATION.sub("", markdown)
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"^\s*#+\s*(.*)$", r"\1.", text, flags=re.MULTILINE)
    text = re.sub(r"^\s*(?:[-*]|\d+\.)\s+", "", text, flags=re.MULTILINE)
    return re.sub(r"[*_`>|]", "", text)


def grade(text: str) -> float:
    """Flesch-Kincaid school grade."""
    return textstat.flesch_kincaid_grade(plain(text))


class Command(BaseCommand):
    help = "Check that the guide keeps its promises: sources, links, words, reading grade, review dates."

    def handle(self, *args: Any, **options: Any) -> None:
        failed = 0
        for name, problems in self.checks():
            found = list(problems)
            failed += bool(found)
            self.stdout.write(f"{'FAIL' if found else 'ok':4}  {name}" + (f": {len(found)}" if found else ""))
            for problem in found:
                self.stdout.write(f"        {problem}")
        if failed:
            raise CommandError(f"{failed} checks failed.")

    def checks(self) -> Iterator[tuple[str, Iterator[str]]]:
        """(what is promised, each case where it is broken)."""
        concepts = list(Concept.objects.published())
        categories = list(Category.objects.published().with_ingredients())
        findings = list(Finding.objects.published().for_reading())
        risks = list(Risk.objects.published().for_reading())
        yield "every finding has a source, or nobody has tested it", self.unsourced(findings)
        yield "a verdict rests on at least one study", self.without_study(findings)
        yield "every risk has a source", (str(r) for r in risks if not r.sources.all())
        yield "every source is used", self.unused(concepts, categories)
        yield "every link and citation leads somewhere", self.broken(concepts, categories)
        yield f"summaries read at grade {SUMMARY_GRADE} or below", self.hard_summaries([*concepts, *categories])
        yield f"bodies read at grade {BODY_GRADE} or below", self.hard_bodies([*concepts, *categories])
        yield "no word that only adverts use", self.banned(concepts, categories, findings, risks)
        yield "every product has something ordinary to compare with", self.alone(categories)
        yield "every product has a line for every place", self.without_rules(categories)
        yield "no slug means both a concept and a product", self.shared_slugs(concepts, categories)
        yield "no name of one concept is another's", self.shared_names(concepts)
        yield "every effect has a finding", self.idle_effects()

    def unsourced(self, findings: list[Finding]) -> Iterator[str]:
        yield from (str(f) for f in findings if f.certainty != "none" and not f.sources.all())

    def without_study(self, findings: list[Finding]) -> Iterator[str]:
        for finding in findings:
            if finding.certainty != "none" and not any(source.is_study for source in finding.sources.all()):
                yield str(finding)

    def unused(self, concepts: list[Concept], categories: list[Category]) -> Iterator[str]:
        cited = {key for row in [*concepts, *categories] for key in CITATION.findall(row.body)}
        cited |= {key for concept in concepts for key in CITATION.findall(concept.not_same_as)}
        relations = ["findings", "claims", "risks", "regulations", "prices", "courses"]
        relations += ["red_flags", "questions", "reporting_bodies"]
        idle = Source.objects.filter(**{f"{name}__isnull": True for name in relations}).values_list("key", flat=True)
        yield from (key for key in idle if key not in cited)

    def broken(self, concepts: list[Concept], categories: list[Category]) -> Iterator[str]:
        known = set(Source.objects.values_list("key", flat=True))
        pages = {c.get_absolute_url() for c in [*concepts, *categories]}
        for row in [*concepts, *categories]:
            text = f"{row.body} {getattr(row, 'not_same_as', '')}"
            yield from (f"{row}: [@{key}]" for key in CITATION.findall(text) if key not in known)
            yield from (f"{row}: {target}" for target in LINK.findall(text) if entry_url(target) not in pages)

    def hard_summaries(self, rows: list[Concept | Category]) -> Iterator[str]:
        for row in rows:
            if (level := grade(row.summary)) > SUMMARY_GRADE:
                yield f"{row}: {level:.1f}"

    def hard_bodies(self, rows: list[Concept | Category]) -> Iterator[str]:
        for row in rows:
            if (level := grade(row.body)) > BODY_GRADE:
                yield f"{row}: {level:.1f}"

    def banned(
        self, concepts: list[Concept], categories: list[Category], findings: list[Finding], risks: list[Risk]
    ) -> Iterator[str]:
        texts = [(c, c.summary) for c in concepts] + [(c, c.body) for c in concepts]
        texts += [(c, c.summary) for c in categories] + [(c, c.body) for c in categories]
        texts += [(f, f.shown) for f in findings] + [(f, f.certainty_reason) for f in findings]
        texts += [(r, r.known) for r in risks]
        for row, text in texts:
            if match := BANNED.search(plain(text)):
                yield f"{row}: “{match[0]}”"

    def alone(self, categories: list[Category]) -> Iterator[str]:
        for category in categories:
            if category.kind == Category.Kind.TREATMENT and not ordinary_care_for([category]):
                yield str(category)

    def without_rules(self, categories: list[Category]) -> Iterator[str]:
        held = set(Regulation.objects.values_list("category", "jurisdiction"))
        for category in categories:
            for place in Jurisdiction:
                if (category.pk, place.value) not in held:
                    yield f"{category}: {place.label}"

    def shared_slugs(self, concepts: list[Concept], categories: list[Category]) -> Iterator[str]:
        yield from {c.slug for c in concepts} & {c.slug for c in categories}

    def shared_names(self, concepts: list[Concept]) -> Iterator[str]:
        by_name = {fold(concept.name): concept for concept in concepts}
        for concept in Concept.objects.published().prefetch_related("aliases"):
            for alias in concept.aliases.all():
                other = by_name.get(alias.folded)
                if other and other.pk != concept.pk and not alias.is_ambiguous:
                    yield f"{alias.text}: an alias of {concept} and the name of {other}"

    def idle_effects(self) -> Iterator[str]:
        yield from (str(effect) for effect in Effect.objects.filter(findings__isnull=True))
