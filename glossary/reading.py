"""How hard a text is to read, and the words that only adverts use."""

from __future__ import annotations

import re
from collections.abc import Iterable

import textstat

from glossary.models import CITATION, Finding, Risk

SUMMARY_GRADE, BODY_GRADE = 9, 10
LOWEST_RATIO, HIGHEST_RATIO = 0.5, 2
BANNED = re.compile(
    r"\b(miracles?|miraculous|proven|safe|cure-alls?|panacea|revolutionary|breakthroughs?|game-chang\w+|magic(?:al)?|"
    r"wonder (?:drug|cure)|holy grail|fountain of youth|cutting-edge|state-of-the-art|amazing|incredible|guaranteed to|"
    r"clinically tested|world-class|unique formula|risk-free)\b",
    re.IGNORECASE,
)
QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"")


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


def advertising_word(text: str) -> str:
    """The first word of a text, outside quotation marks, that only adverts use; empty when there is none."""
    match = BANNED.search(QUOTED.sub("", plain(text)))
    return match[0] if match else ""


def word_count(texts: Iterable[str]) -> int:
    """Words in all of these."""
    return sum(len(text.split()) for text in texts)


def detail(findings: Iterable[Finding], risks: Iterable[Risk]) -> tuple[int, int]:
    """Words on what may get better, and words on what may go wrong; a finding of harm counts as the latter."""
    rows = list(findings)
    good = word_count(f.shown for f in rows if f.direction != "harm")
    return good, word_count(f.shown for f in rows if f.direction == "harm") + word_count(r.known for r in risks)


def detail_ratio(findings: Iterable[Finding], risks: Iterable[Risk]) -> float | None:
    """Words on what may get better to words on what may go wrong; None where one side is empty."""
    good, bad = detail(findings, risks)
    return good / bad if good and bad else None
