"""What a person may have meant: names near to a misspelt one."""

from __future__ import annotations

from rapidfuzz import fuzz, process

from glossary import edition
from glossary.models import Alias, Concept
from glossary.text import fold

# Below this similarity (0 to 100) a suggestion is more puzzling than helpful.
LEAST = 68


def near_concepts(word: str, limit: int = 5) -> list[Concept]:
    """Published concepts with a name or slug near to `word`, nearest first; one query."""
    names, slugs = every_name()
    found = process.extract(fold(word), names, scorer=fuzz.WRatio, score_cutoff=LEAST, limit=limit * 4)
    nearest = list(dict.fromkeys(slugs[index] for _, _, index in found))[:limit]
    concepts = {concept.slug: concept for concept in Concept.objects.published().filter(slug__in=nearest).defer("body")}
    return [concepts[slug] for slug in nearest if slug in concepts]


@edition.kept(1)
def every_name() -> tuple[list[str], list[str]]:
    """Names and slugs of published concepts, folded, and the slug that each stands for."""
    concepts = list(Concept.objects.published().order_by("pk").values_list("name", "slug"))
    names = [(fold(name), slug) for name, slug in concepts] + [(fold(slug), slug) for _, slug in concepts]
    names += Alias.objects.filter(concept__state="published").order_by("pk").values_list("folded", "concept__slug")
    return [name for name, _ in names], [slug for _, slug in names]
