"""What the pages say, as JSON-LD for search engines: the same as is visible, in schema.org's terms."""

import json
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from glossary.models import Alias, Concept, Source

LICENCE = "https://creativecommons.org/licenses/by/4.0/"
ESCAPES = {ord(">"): "\\u003E", ord("<"): "\\u003C", ord("&"): "\\u0026"}


def script(*things: dict[str, Any]) -> SafeString:
    """The things as one JSON text that is at home inside a script element."""
    body = {"@context": "https://schema.org", "@graph": list(things)}
    text = json.dumps(body, ensure_ascii=False, default=str).translate(ESCAPES)
    return mark_safe(text)  # noqa: S308 - nothing in it can end the element


def term_set(root: str) -> dict[str, Any]:
    return {
        "@type": "DefinedTermSet",
        "@id": f"{root}/glossary/#set",
        "name": "Claimed & Shown: glossary",
        "license": LICENCE,
    }


def term(root: str, concept: Concept, names: list[Alias]) -> dict[str, Any]:
    """One concept; `names` are those that its page shows."""
    address = f"{root}{concept.get_absolute_url()}"
    return {
        "@type": "DefinedTerm",
        "@id": f"{address}#term",
        "name": concept.name,
        "alternateName": [alias.text for alias in names],
        "description": concept.summary,
        "url": address,
        "inDefinedTermSet": {"@id": f"{root}/glossary/#set"},
    }


def page(root: str, entry: Any, about: str, sources: list[Source]) -> dict[str, Any]:
    """A page on a concept or a category; `about` is what it is about, by name."""
    address = f"{root}{entry.get_absolute_url()}"
    return {
        "@type": "MedicalWebPage",
        "@id": address,
        "url": address,
        "name": entry.name,
        "description": entry.summary,
        "about": {"@type": "Thing", "name": about},
        "audience": {"@type": "MedicalAudience", "audienceType": "Patient"},
        "inLanguage": "en-GB",
        "lastReviewed": entry.reviewed_on,
        "license": LICENCE,
        "publishingPrinciples": f"{root}/method/",
        "citation": [source.link for source in sources],
    }


def crumbs(root: str, *places: tuple[str, str]) -> dict[str, Any]:
    """`places` are (name, path) from the outside in."""
    return {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": position, "name": name, "item": f"{root}{path}"}
            for position, (name, path) in enumerate(places, start=1)
        ],
    }


def dataset(root: str, files: list[tuple[str, str]], modified: Any) -> dict[str, Any]:
    """The open data; `files` are (path, media type)."""
    return {
        "@type": "Dataset",
        "name": "Claimed & Shown: claims, findings and sources",
        "description": "What sellers of regenerative treatments claim beside what studies show, with sources.",
        "url": f"{root}/data/",
        "license": LICENCE,
        "dateModified": modified,
        "distribution": [
            {"@type": "DataDownload", "contentUrl": f"{root}{path}", "encodingFormat": kind} for path, kind in files
        ],
    }
