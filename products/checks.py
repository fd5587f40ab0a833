"""The promises of the guide's content, each of which a machine can check. See `check_content` and `/method/`."""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property

from django.db import models, transaction

from glossary.markdown import entry_url
from glossary.models import CITATION, Concept, Effect, EventCount, Finding, Risk, Source
from glossary.reading import (
    BODY_GRADE,
    HIGHEST_RATIO,
    LOWEST_RATIO,
    SUMMARY_GRADE,
    advertising_word,
    detail_ratio,
    grade,
    plain,
)
from glossary.text import fold
from products.models import (
    Category,
    ContentCheck,
    Jurisdiction,
    Question,
    RedFlag,
    Regulation,
    ReportingBody,
    ordinary_care_for,
)

MOST_MONTHS_TO_REVIEW = 24
LINK = re.compile(r"\]\(((?:concept|category):[a-z0-9-]+)\)")
ABBREVIATION = re.compile(r"(?<![\w-])[A-Z][A-Z0-9]*[A-Z](?:-[A-Za-z0-9]+)*s?(?!\w)")
# Read and said by everyone in this form; the Roman numbers name classes of law.
EVERYDAY = {"US", "UK", "EU", "HIV", "DNA", "II", "III"}


class Published:
    """What readers can see, read once for all checks."""

    @cached_property
    def concepts(self) -> list[Concept]:
        return list(Concept.objects.published().prefetch_related("aliases"))

    @cached_property
    def categories(self) -> list[Category]:
        return list(Category.objects.published().with_ingredients())

    @cached_property
    def findings(self) -> list[Finding]:
        return list(Finding.objects.published().for_reading())

    @cached_property
    def risks(self) -> list[Risk]:
        return list(Risk.objects.published().for_reading())

    @cached_property
    def regulations(self) -> list[Regulation]:
        return list(Regulation.objects.select_related("category").prefetch_related("sources"))

    @cached_property
    def texts(self) -> list[tuple[models.Model, str]]:
        """Each text in the guide's own voice, with the entry it stands in. What sellers say is left out."""
        fields = {
            "summary body not_same_as": self.concepts,
            "summary body followed_for downtime performed_by daily_life": self.categories,
            "shown population certainty_reason would_change": self.findings,
            "title known": self.risks,
            "detail": self.regulations,
            "text why good_answer follow_up": Question.objects.all(),
            "why": RedFlag.objects.all(),
            "what": ReportingBody.objects.all(),
        }
        return [
            (row, plain(getattr(row, field)))
            for names, rows in fields.items()
            for row in rows
            for field in names.split()
        ]


def run() -> list[ContentCheck]:
    """Check everything published, keep the outcome for readers and editors, and return it in order."""
    guide = Published()
    outcome = [
        ContentCheck(position=position, promise=promise, problems=sorted(map(str, problems(guide))))
        for position, (promise, problems) in enumerate(PROMISES, start=1)
    ]
    with transaction.atomic():
        ContentCheck.objects.all().delete()
        return ContentCheck.objects.bulk_create(outcome)


# --- Sources


def findings_without_source(guide: Published) -> Iterator[str]:
    yield from (str(f) for f in guide.findings if f.certainty != "none" and not f.sources.all())


def verdicts_without_study(guide: Published) -> Iterator[str]:
    for finding in guide.findings:
        if finding.certainty != "none" and not any(source.is_study for source in finding.sources.all()):
            yield str(finding)


def verdicts_on_withdrawn_studies(guide: Published) -> Iterator[str]:
    for finding in guide.findings:
        sources = finding.sources.all()
        if sources and all(source.status == Source.Status.RETRACTED for source in sources):
            yield str(finding)


def figures_without_source(guide: Published) -> Iterator[str]:
    for finding in guide.findings:
        if re.search(r"\d", finding.shown) and not finding.sources.all() and not finding.claim_sources.all():
            yield str(finding)


def counts_without_source(guide: Published) -> Iterator[str]:
    rows = EventCount.objects.select_related("finding__concept", "finding__effect").filter(finding__sources=None)
    yield from (str(row) for row in rows)


def risks_without_source(guide: Published) -> Iterator[str]:
    yield from (str(risk) for risk in guide.risks if not risk.sources.all())


def rules_without_source(guide: Published) -> Iterator[str]:
    yield from (str(r) for r in guide.regulations if r.status != Regulation.Status.UNCLEAR and not r.sources.all())


def unused_sources(guide: Published) -> Iterator[str]:
    cited = {key for row in [*guide.concepts, *guide.categories] for key in CITATION.findall(row.body)}
    cited |= {key for concept in guide.concepts for key in CITATION.findall(concept.not_same_as)}
    relations = ["findings", "claims", "risks", "regulations", "prices", "courses"]
    relations += ["red_flags", "questions", "reporting_bodies"]
    idle = Source.objects.filter(**{f"{name}__isnull": True for name in relations}).values_list("key", flat=True)
    yield from (key for key in idle if key not in cited)


def sources_without_a_word_on_reading(guide: Published) -> Iterator[str]:
    yield from Source.objects.filter(note="").values_list("key", flat=True)


# --- Links and names


def broken_links(guide: Published) -> Iterator[str]:
    known = set(Source.objects.values_list("key", flat=True))
    pages = {row.get_absolute_url() for row in [*guide.concepts, *guide.categories]}
    for row in [*guide.concepts, *guide.categories]:
        text = f"{row.body} {getattr(row, 'not_same_as', '')}"
        yield from (f"{row}: [@{key}]" for key in CITATION.findall(text) if key not in known)
        yield from (f"{row}: {target}" for target in LINK.findall(text) if entry_url(target) not in pages)


def shared_slugs(guide: Published) -> Iterator[str]:
    yield from {c.slug for c in guide.concepts} & {c.slug for c in guide.categories}


def shared_names(guide: Published) -> Iterator[str]:
    """A word that stands for two concepts without saying so: as alias of both, or as alias of one and name of another."""
    owners: dict[str, set[str]] = defaultdict(set)
    for concept in guide.concepts:
        owners[fold(concept.name)].add(concept.name)
        for alias in concept.aliases.all():
            if not alias.is_ambiguous:
                owners[alias.folded].add(concept.name)
    yield from (f"{word}: {', '.join(sorted(names))}" for word, names in owners.items() if len(names) > 1)


def effects_without_finding(guide: Published) -> Iterator[str]:
    used = {finding.effect_id for finding in guide.findings}
    yield from (str(effect) for effect in Effect.objects.exclude(pk__in=used))


# --- Words


def hard_summaries(guide: Published) -> Iterator[str]:
    for row in [*guide.concepts, *guide.categories]:
        if (level := grade(row.summary)) > SUMMARY_GRADE:
            yield f"{row}: {level:.1f}"


def hard_bodies(guide: Published) -> Iterator[str]:
    for row in [*guide.concepts, *guide.categories]:
        if (level := grade(row.body)) > BODY_GRADE:
            yield f"{row}: {level:.1f}"


def advertising_words(guide: Published) -> Iterator[str]:
    for row, text in guide.texts:
        if word := advertising_word(text):
            yield f"{row}: “{word}”"


def undefined_abbreviations(guide: Published) -> Iterator[str]:
    """Capital letters that are neither a name in the glossary nor spelt out in brackets in the same text."""
    names = {alias.folded for concept in guide.concepts for alias in concept.aliases.all()}
    names |= {fold(concept.name) for concept in guide.concepts}
    for row, text in guide.texts:
        for word in sorted(set(ABBREVIATION.findall(text)) - EVERYDAY):
            forms = {word, word.removesuffix("s"), word.split("-")[0]}
            is_spelt_out = any(f"({form}" in text or f"{form} (" in text for form in forms)
            if not is_spelt_out and not {fold(form) for form in forms} & names:
                yield f"{row}: {word}"


# --- Balance and upkeep


def lopsided_categories(guide: Published) -> Iterator[str]:
    for category in guide.categories:
        ratio = detail_ratio(category.findings(), category.risks())
        if ratio is None:
            yield f"{category}: one side is empty"
        elif not LOWEST_RATIO <= ratio <= HIGHEST_RATIO:
            yield f"{category}: {ratio:.2f}"


def categories_with_nothing_beside(guide: Published) -> Iterator[str]:
    for category in guide.categories:
        if category.kind == Category.Kind.TREATMENT and not ordinary_care_for(category.goal_ids):
            yield str(category)


def categories_without_rules(guide: Published) -> Iterator[str]:
    held = {(regulation.category_id, regulation.jurisdiction) for regulation in guide.regulations}
    for category in guide.categories:
        yield from (f"{category}: {p.label}" for p in Jurisdiction if (category.pk, p.value) not in held)


def places_without_reporting(guide: Published) -> Iterator[str]:
    held = set(ReportingBody.objects.values_list("jurisdiction", flat=True))
    yield from (place.label for place in Jurisdiction if place.value not in held)


def distant_reviews(guide: Published) -> Iterator[str]:
    """The database holds that both dates are set and in order; here that the next one is not far off."""
    for row in [*guide.concepts, *guide.categories]:
        if (row.review_due - row.reviewed_on).days > MOST_MONTHS_TO_REVIEW * 31:
            yield f"{row}: {row.review_due}"


PROMISES = [
    ("Every finding has a source, or says that nobody has tested it", findings_without_source),
    ("Every verdict rests on at least one study, review, guideline or medicine label", verdicts_without_study),
    ("No verdict rests on withdrawn studies alone", verdicts_on_withdrawn_studies),
    ("Every figure in a finding has a source", figures_without_source),
    ("Every count of people has a source", counts_without_source),
    ("Every risk has a source", risks_without_source),
    ("Every rule has a source, or says that it is unclear", rules_without_source),
    ("Every source in the list is used", unused_sources),
    ("Every source says what was read of it", sources_without_a_word_on_reading),
    ("Every link and citation leads somewhere", broken_links),
    ("No address means two things", shared_slugs),
    ("No name stands for two concepts without saying so", shared_names),
    ("Every effect has a finding", effects_without_finding),
    (f"Every summary reads at school grade {SUMMARY_GRADE} or below", hard_summaries),
    (f"Every text reads at school grade {BODY_GRADE} or below", hard_bodies),
    ("No word that only adverts use, outside quotation marks", advertising_words),
    ("Every abbreviation is in the glossary or spelt out", undefined_abbreviations),
    (
        f"What may get better and what may go wrong have like detail: {LOWEST_RATIO} to {HIGHEST_RATIO} words to one",
        lopsided_categories,
    ),
    ("Every treatment has ordinary care or doing nothing to compare with", categories_with_nothing_beside),
    ("Every product has a line on the rules of every place", categories_without_rules),
    ("Every place has an office where harm can be reported", places_without_reporting),
    (f"Every page has a review date, at most {MOST_MONTHS_TO_REVIEW} months ahead", distant_reviews),
]
