"""Finds what a visitor's word may mean, in any of the languages, misspelt or not, and says why it matched."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import Q
from rapidfuzz import fuzz, process

from glossary.models import Alias, Concept, Effect, Source
from glossary.text import fold
from products.models import Category, Question

LONGEST = 200
# Names at least this like the query (0 to 100) are offered where nothing matches to the letter.
LEAST = 74


@dataclass
class Hit:
    """One result; `why` says how it matched, `score` orders results (higher first)."""

    kind: str
    slug: str
    name: str
    url: str
    summary: str
    why: str
    score: float


@dataclass
class Results:
    query: str
    hits: list[Hit] = field(default_factory=list)
    was_repaired: bool = False

    def grouped(self) -> list[tuple[str, list[Hit]]]:
        """Hits by kind, the kind of the best hit first."""
        groups: dict[str, list[Hit]] = {}
        for hit in self.hits:
            groups.setdefault(hit.kind, []).append(hit)
        return list(groups.items())


def name_score(query: str, words: set[str], name: str) -> tuple[float, str]:
    """How well a folded name answers a folded query, and in which way; (0, "") when it does not."""
    if name == query or name in (f"{query}s", query.removesuffix("s")):
        return 100, "name"
    if name.startswith(query):
        return 88 - min(len(name) - len(query), 20) / 4, "start"
    parts = set(name.split())
    if words and words <= parts:
        return 84 - (len(parts) - len(words)), "words"
    if len(name) > 3 and f" {name} " in f" {query} ":
        return 74 + min(len(name), 20) / 4, "inside"
    if len(query) > 1 and query in name:
        return 66 - min(len(name) - len(query), 30) / 5, "part"
    # Scripts without spaces: a known name anywhere in the query.
    if not name.isascii() and len(name) > 1 and name in query:
        return 74 + min(len(name), 10) / 2, "inside"
    return 0, ""


def search(query: str, limit: int = 60) -> Results:
    """Everything that matches, best first. A query that matches no name is tried again by likeness, and says so."""
    query = " ".join(query.split())[:LONGEST]
    results = Results(query)
    folded = fold(query).strip("?!. ")
    if not folded:
        return results
    words = set(folded.split())
    entries: dict[tuple[str, str], Hit] = {}
    names: list[tuple[str, str, tuple[str, str]]] = []
    for concept in Concept.objects.published().only("slug", "name", "summary", "body"):
        key = ("concept", concept.slug)
        entries[key] = Hit("concept", concept.slug, concept.name, concept.get_absolute_url(), concept.summary, "", 0)
        names.append((fold(concept.name), concept.name, key))
    for category in Category.objects.published().only("slug", "name", "summary"):
        key = ("category", category.slug)
        entries[key] = Hit(
            "category", category.slug, category.name, category.get_absolute_url(), category.summary, "", 0
        )
        names.append((fold(category.name), category.name, key))
    for effect in Effect.objects.all():
        key = ("effect", effect.slug)
        entries[key] = Hit("effect", effect.slug, effect.name, effect.get_absolute_url(), effect.description, "", 0)
        names.append((fold(effect.name), effect.name, key))
    for text, form, slug in Alias.objects.values_list("text", "folded", "concept__slug"):
        if ("concept", slug) in entries:
            names.append((form, text, ("concept", slug)))

    for form, text, key in names:
        score, how = name_score(folded, words, form)
        if score > entries[key].score:
            entries[key].score = score
            own = text == entries[key].name
            entries[key].why = "" if own and how == "name" else f"matched because of the name “{text}”"
    if not any(hit.score for hit in entries.values()):
        results.was_repaired = repair(folded, names, entries)
    add_text_matches(query, entries)
    hits = [hit for hit in entries.values() if hit.score]
    hits.sort(key=lambda hit: (-hit.score, hit.name))
    results.hits = hits[:limit]
    return results


def repair(folded: str, names: list[tuple[str, str, tuple[str, str]]], entries: dict[tuple[str, str], Hit]) -> bool:
    """Give a score to names that are like the query; whether any is."""
    found = process.extract(folded, [form for form, _, _ in names], scorer=fuzz.WRatio, score_cutoff=LEAST, limit=20)
    for _, likeness, index in found:
        _, text, key = names[index]
        score = likeness / 2
        if score > entries[key].score:
            entries[key].score = score
            entries[key].why = f"nearest name: “{text}”"
    return bool(found)


def add_text_matches(query: str, entries: dict[tuple[str, str], Hit]) -> None:
    """Entries, questions and sources whose text holds every word of the query."""
    words = [word for word in query.split() if len(word) > 1][:8]
    if not words:
        return

    def holding(*fields: str) -> Q:
        condition = Q()
        for word in words:
            one = Q()
            for name in fields:
                one |= Q(**{f"{name}__icontains": word})
            condition &= one
        return condition

    for kind, queryset in (
        ("concept", Concept.objects.published()),
        ("category", Category.objects.published()),
    ):
        for slug in queryset.filter(holding("name", "summary", "body")).values_list("slug", flat=True):
            hit = entries[kind, slug]
            if not hit.score:
                hit.score, hit.why = 20, "matched in the text"
    for question in Question.objects.filter(holding("text", "why", "good_answer"))[:10]:
        url = f"/visit/#question-{question.slug}"
        entries["question", question.slug] = Hit(
            "question", question.slug, question.text, url, question.why, "matched in the text", 15
        )
    for source in Source.objects.filter(holding("title", "authors", "container", "key")).in_order()[:10]:
        entries["source", source.key] = Hit(
            "source", source.key, source.title, source.get_absolute_url(), f"{source.short_authors}, {source.year or 'undated'}",
            "matched in the source", 10,
        )  # fmt: skip
