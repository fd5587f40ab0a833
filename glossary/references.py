"""Sources as reference managers take them: CSL-JSON, RIS and BibTeX."""

import re
from collections.abc import Callable, Iterable
from typing import Any

import rispy
from pybtex.database import BibliographyData, Entry, Person

from glossary.models import Source

Kind = Source.Kind
ARTICLES = {
    Kind.RCT,
    Kind.META_ANALYSIS,
    Kind.SYSTEMATIC_REVIEW,
    Kind.COHORT,
    Kind.CASE_SERIES,
    Kind.CASE_REPORT,
    Kind.NARRATIVE_REVIEW,
    Kind.LAB_STUDY,
    Kind.ANIMAL_STUDY,
}
# “Doe J” or “van der Berg A-M”: a family name, then initials.
NAME = re.compile(r"^(?P<family>[^\d,]+?) (?P<given>[A-Z](?:[-.]?[A-Z]){0,3}\.?)$")


def authors(source: Source) -> list[dict[str, str]]:
    """CSL names; one that is not a family name with initials stays as it is written."""
    parts = re.split(r",\s*|;\s*|\s+and\s+", re.sub(r"\s+(et al\.?|and others)$", "", source.authors.strip()))
    names = [(NAME.match(part), part) for part in parts if part]
    return [match.groupdict() if match else {"literal": part} for match, part in names]


def csl(source: Source) -> dict[str, Any]:
    """One source in CSL-JSON 1.0."""
    row: dict[str, Any] = {
        "id": source.key,
        "type": "article-journal" if source.kind in ARTICLES else "webpage",
        "title": source.title,
        "author": authors(source),
        "container-title": source.container,
        "issued": {"date-parts": [[source.year]]} if source.year else None,
        "DOI": source.doi,
        "URL": source.url,
        "accessed": {"date-parts": [[source.checked_on.year, source.checked_on.month, source.checked_on.day]]},
        "note": source.note,
    }
    return {name: value for name, value in row.items() if value}


class PlainRisWriter(rispy.RisWriter):
    """RIS without the line that counts the records, which some programs stumble over."""

    def set_header(self, count: int) -> str:
        return ""


def as_ris(sources: Iterable[Source]) -> str:
    rows = []
    for source in sources:
        row = {
            "type_of_reference": "JOUR" if source.kind in ARTICLES else "ELEC",
            "id": source.key,
            "title": source.title,
            "authors": [n.get("literal") or f"{n['family']}, {n['given']}" for n in authors(source)],
            "journal_name": source.container,
            "year": str(source.year or ""),
            "doi": source.doi,
            "urls": [source.url] if source.url else [],
            "access_date": source.checked_on.strftime("%Y/%m/%d"),
            "notes": [source.note] if source.note else [],
        }
        rows.append({name: value for name, value in row.items() if value})
    return rispy.dumps(rows, implementation=PlainRisWriter).lstrip()


def as_bibtex(sources: Iterable[Source]) -> str:
    entries = {}
    for source in sources:
        is_article = source.kind in ARTICLES
        fields = {
            "title": f"{{{source.title}}}",
            "journal" if is_article else "howpublished": source.container,
            "year": str(source.year or ""),
            "doi": source.doi,
            "url": source.url,
            "urldate": source.checked_on.isoformat(),
            "note": source.note,
        }
        people = [
            Person(last=n["family"], first=n["given"]) if "family" in n else Person(last=f"{{{n['literal']}}}")
            for n in authors(source)
        ]
        entries[source.key] = Entry(
            "article" if is_article else "misc",
            fields={name: clean(value) for name, value in fields.items() if value},
            persons={"author": people} if people else {},
        )
    return BibliographyData(entries).to_string("bibtex")


def clean(text: str) -> str:
    """Braces that do not pair would end the entry early."""
    return text if text.count("{") == text.count("}") else text.replace("{", "(").replace("}", ")")


def as_csl_json(sources: Iterable[Source]) -> list[dict[str, Any]]:
    return [csl(source) for source in sources]


# Ending of the address: (media type, writer).
FORMATS: dict[str, tuple[str, Callable[[Iterable[Source]], Any]]] = {
    "bib": ("application/x-bibtex; charset=utf-8", as_bibtex),
    "ris": ("application/x-research-info-systems; charset=utf-8", as_ris),
    "json": ("application/vnd.citationstyles.csl+json", as_csl_json),
}
