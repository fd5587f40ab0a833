"""What a person may have meant: names near to a misspelt one."""

from __future__ import annotations

from rapidfuzz import fuzz, process

from glossary.models import Alias, Concept
from glossary.text import fold

# Below this similarity (0 to 100) a suggestion is more puzzling than helpful.
LEAST = 68


def near_concepts(word: str, limit: int = 5) -> list[Concept]:
    """Published concepts with a name or slug near to `word`, nearest first; two queries."""
    concepts = {concept.slug: concept for concept in Concept.objects.published().defer("body")}
    names = [(fold(c.name), slug) for slug, c in concepts.items()] + [(fold(slug), slug) for slug in concepts]
    names += list(Alias.objects.filter(concept__slug__in=concepts).values_list("folded", "concept__slug"))
    found = process.extract(
        fold(word), [name for name, _ in names], scorer=fuzz.WRatio, score_cutoff=LEAST, limit=limit * 4
    )
    slugs = dict.fromkeys(names[index][1] for _, _, index in found)
    return [concepts[slug] for slug in list(slugs)[:limit]]
