"""What keeps an entry from being published, in words, each with the field to mend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import singledispatch

from django.db import models
from django.utils import timezone

from glossary.models import CITATION, Concept, Finding, Source
from glossary.reading import BODY_GRADE, SUMMARY_GRADE, advertising_word, grade


@dataclass(frozen=True)
class Gap:
    """One thing to mend: what, and the name of the form's field where."""

    words: str
    field: str


def gaps(entry: models.Model) -> list[Gap]:
    """Everything that keeps this entry from being published, as it stands in the database."""
    return list(find_gaps(entry))


@singledispatch
def find_gaps(entry: models.Model) -> Iterator[Gap]:
    """Per kind of entry; other apps register theirs."""
    yield from ()


def text_gaps(entry: models.Model, names: str) -> Iterator[Gap]:
    """What any text must keep: filled, without an advert's words, every citation leading somewhere."""
    texts = {name: getattr(entry, name) for name in names.split()}
    cited = {name: CITATION.findall(text) for name, text in texts.items()}
    known = set(
        Source.objects.filter(key__in=[key for keys in cited.values() for key in keys]).values_list("key", flat=True)
    )
    for name, text in texts.items():
        label = entry._meta.get_field(name).verbose_name
        if not text.strip():
            yield Gap(f"“{label}” is empty.", name)
        # What sellers claim is in their words.
        if name != "claimed" and (word := advertising_word(text)):
            yield Gap(f"“{label}” uses “{word}”, a word that only adverts use.", name)
        for key in cited[name]:
            if key not in known:
                yield Gap(f"“{label}” cites [@{key}], and there is no such source.", name)


def reading_gaps(entry: models.Model) -> Iterator[Gap]:
    """Summary and body read at the grade that the guide promises."""
    for name, most in (("summary", SUMMARY_GRADE), ("body", BODY_GRADE)):
        if (level := grade(getattr(entry, name))) > most:
            label = entry._meta.get_field(name).verbose_name
            yield Gap(f"“{label}” reads at school grade {level:.0f}; {most} is the most. Shorter sentences help.", name)


def review_gaps(entry: models.Model) -> Iterator[Gap]:
    if entry.review_due <= timezone.localdate():
        yield Gap("The next review lies in the past.", "review_due")
    if entry.reviewed_on > timezone.localdate():
        yield Gap("The last review lies in the future.", "reviewed_on")


@find_gaps.register
def concept_gaps(concept: Concept) -> Iterator[Gap]:
    yield from text_gaps(concept, "summary body" + (" not_same_as" if concept.not_same_as else ""))
    yield from reading_gaps(concept)
    yield from review_gaps(concept)
    for risk in concept.risks.prefetch_related("sources"):
        if not risk.sources.all():
            yield Gap(f"The risk “{risk.title}” has no source.", "risks-group")
    if concept.parent and concept.parent.state != "published":
        yield Gap(f"Its family, {concept.parent}, is not published.", "parent")


@find_gaps.register
def finding_gaps(finding: Finding) -> Iterator[Gap]:
    yield from text_gaps(finding, "claimed shown population certainty_reason would_change")
    sources = list(finding.sources.all())
    if finding.certainty != "none" and not any(source.is_study for source in sources):
        yield Gap("No source that may carry a verdict: add a study, review, guideline or medicine label.", "sources")
    for source in sources:
        if source.status == Source.Status.RETRACTED:
            yield Gap(f"It rests on {source.key}, which was retracted. Weigh it again without.", "sources")
    if finding.searched_on > timezone.localdate():
        yield Gap("The day of the search lies in the future.", "searched_on")
    if any(count.isdigit() for count in finding.shown) and not sources:
        yield Gap("“Shown” gives figures, and no source backs them.", "sources")
