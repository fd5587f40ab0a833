"""Rows that many pages ask for, kept for as long as the content stays what it is. Whoever gets them must not change them."""

from __future__ import annotations

from glossary import edition, pieces
from glossary.models import Finding, Risk

MOST = 400  # concepts of which a process keeps the rows; those least asked for go first


@edition.kept_each(MOST)
def findings_on(concept_ids: list[int]) -> dict[int, list[Finding]]:
    """The published findings on these concepts, by concept: four queries, however many."""
    rows: dict[int, list[Finding]] = {pk: [] for pk in concept_ids}
    for finding in pieces.fixed(list(Finding.objects.published().filter(concept__in=concept_ids).for_reading())):
        rows[finding.concept_id].append(finding)
    return rows


@edition.kept_each(MOST)
def risks_on(concept_ids: list[int]) -> dict[int, list[Risk]]:
    """Their risks, by concept: two queries."""
    rows: dict[int, list[Risk]] = {pk: [] for pk in concept_ids}
    for risk in pieces.fixed(list(Risk.objects.published().filter(concept__in=concept_ids).for_reading())):
        rows[risk.concept_id].append(risk)
    return rows
