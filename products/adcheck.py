"""Reads the text of an advertisement or a label: which terms, which claims, which warning signs, and what stands behind them.

Every term and wording comes from the models. Matching is one pass for names (an automaton) and one pass over words for
wordings, so that the time grows with the length of the text alone. Nothing of the text is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise, product

import ahocorasick
from django.db.models import Q

from glossary.models import Alias, Concept, Effect, EffectWording, Finding, Route
from glossary.text import fold, fold_with_offsets
from products.models import RedFlag, RedFlagWording

MOST_CHARACTERS = 20_000
WORD = re.compile(r"[^\W_]+|%")
SENTENCE_END = re.compile(r"[.!?;:](?=\s|$)|[。！？；\n]")
# Scripts that put no space between words: names in them are found inside a sentence.
UNSPACED = re.compile(r"[぀-ヿ㐀-鿿가-힯]")
GAP = 5
# How far before a claim a negation still reaches, in words.
REACH = 6
NEGATIONS = frozenset(
    [
        "no",
        "not",
        "never",
        "none",
        "nor",
        "neither",
        "cannot",
        "cant",
        "isnt",
        "arent",
        "doesnt",
        "dont",
        "wont",
        "without",
        "nobody",
        "nothing",
        "hardly",
        "kein",
        "keine",
        "nicht",
        "sin",
        "ningun",
        "pas",
        "aucun",
    ]
)
# Words that end the reach of a negation: what follows is said anew.
TURNS = frozenset(["but", "however", "instead", "although", "though", "while"])
MEASURED = tuple(
    fold(words)
    for words in (
        "may", "might", "could", "no evidence", "not proven", "limited evidence", "evidence is limited", "little evidence",
        "too early", "not approved", "not been approved", "has not", "have not", "no study", "no studies",
    )
)  # fmt: skip
# Where words are not spaced: what stands before a claim in its clause and denies it, and what denies it from behind.
DENY_BEFORE = ("不能", "没有", "沒有", "未", "並非", "并非", "不是", "并不", "並不", "所谓", "所謂")
DENY_BEHIND = ("ありません", "ない", "않", "없")
CLAUSE_BREAK = re.compile(r"[、，,。！？；;]")
ROUTE_WORDS = {
    Route.INJECTED: ("inject*", "injection*", "shot*", "filler*", "注射", "水光", "注入", "주사"),
    Route.MICRONEEDLED: ("microneedl*", "micro needl*", "dermaroll*", "derma roller*", "微针", "マイクロニードル", "ダーマペン", "마이크로니들"),
    Route.AFTER_PROCEDURE: ("after laser", "after the laser", "post laser", "post procedure", "after peeling"),
    Route.SYSTEMIC: ("intravenous*", "infusion*", "drip*", "capsule*", "swallow*", "点滴", "静脉"),
    Route.INTACT_SKIN: ("serum*", "cream*", "lotion*", "ampoule*", "mask*", "精华", "面膜", "美容液", "세럼", "크림", "앰플"),
}  # fmt: skip


@dataclass(frozen=True)
class Span:
    """A marked place: offsets in code points of the text as sent; `kind` is concept, effect or red_flag."""

    start: int
    end: int
    kind: str
    slug: str


@dataclass
class Reading:
    """What one text says, with the rows of the guide behind it."""

    text: str
    spans: list[Span] = field(default_factory=list)
    concepts: list[Concept] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    red_flags: list[RedFlag] = field(default_factory=list)
    routes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    other_routes: list[Finding] = field(default_factory=list)
    unknown_pairs: list[tuple[Concept, Effect]] = field(default_factory=list)

    def pieces(self) -> Iterator[tuple[str, list[Span]]]:
        """The text cut at every mark: (text, spans that cover it)."""
        cuts = sorted({0, len(self.text), *(s.start for s in self.spans), *(s.end for s in self.spans)})
        for start, end in pairwise(cuts):
            yield self.text[start:end], [s for s in self.spans if s.start <= start and end <= s.end]


@dataclass(frozen=True)
class Word:
    text: str
    start: int
    end: int


type Part = list[str]


class Wordings:
    """Wordings with stars, gaps and choices, looked up by their first word."""

    def __init__(self, wordings: Iterable[tuple[str, str]]) -> None:
        """`wordings` are (wording, slug) pairs."""
        self.exact: dict[str, list[tuple[list[Part], str]]] = {}
        self.prefix: dict[str, list[tuple[list[Part], str]]] = {}
        self.inside = ahocorasick.Automaton()
        for wording, slug in wordings:
            for parts in expand(wording):
                if len(parts) == 1 and UNSPACED.search(wording):
                    form = " ".join(word.rstrip("*") for word in parts[0])
                    known = self.inside.get(form, (form, set()))[1]
                    self.inside.add_word(form, (form, known | {slug}))
                    continue
                first = parts[0][0]
                table, key = (self.prefix, first[:-1]) if first.endswith("*") else (self.exact, first)
                table.setdefault(key, []).append((parts, slug))
        self.inside.make_automaton()

    def find(self, words: list[Word], folded: str) -> Iterator[tuple[int, int, str, int]]:
        """(start, end, slug, number of its first word or -1) of every match, in folded offsets."""
        for number, word in enumerate(words):
            candidates = list(self.exact.get(word.text, []))
            for length in range(2, len(word.text) + 1):
                candidates += self.prefix.get(word.text[:length], [])
            for parts, slug in candidates:
                last = match_parts(parts, words, number)
                if last is not None:
                    yield word.start, words[last].end, slug, number
        if len(self.inside):
            for last, (form, slugs) in self.inside.iter(folded):
                for slug in slugs:
                    yield last - len(form) + 1, last + 1, slug, -1


@lru_cache(maxsize=4)
def compiled(wordings: tuple[tuple[str, str], ...]) -> Wordings:
    """Wordings made ready once; the texts themselves are the key, so an editor's change counts at once."""
    return Wordings(wordings)


def expand(wording: str) -> list[list[Part]]:
    """A wording as lists of parts (between gaps) of words; one list for each choice in `(a|b)`."""
    pieces = re.split(r"\(([^()]*)\)", wording)
    choices = [piece.split("|") if index % 2 else [piece] for index, piece in enumerate(pieces)]
    results = []
    for combination in product(*choices):
        parts = []
        for segment in "".join(combination).split("…"):
            folded = fold(segment.replace("*", "\ue000")).replace("\ue000", "*")
            part = re.findall(r"[^\W_]+\*?|%", folded)
            if part:
                parts.append(part)
        if parts:
            results.append(parts)
    return results


def same_word(pattern: str, word: str) -> bool:
    return word.startswith(pattern[:-1]) if pattern.endswith("*") else word == pattern


def match_parts(parts: list[Part], words: list[Word], first: int) -> int | None:
    """The number of the last word when all parts stand in order from word `first`, each gap at most five words."""
    position = first
    for number, part in enumerate(parts):
        starts = range(position, position + 1) if number == 0 else range(position, position + GAP + 1)
        for start in starts:
            chunk = words[start : start + len(part)]
            if len(chunk) == len(part) and all(same_word(p, w.text) for p, w in zip(part, chunk, strict=True)):
                position = start + len(part)
                break
        else:
            return None
    return position - 1


class Names:
    """Names and aliases of published concepts, found in one pass; the longest name wins."""

    def __init__(self) -> None:
        self.automaton = ahocorasick.Automaton()
        names = [(name, slug, "synonym") for slug, name in Concept.objects.published().values_list("slug", "name")]
        aliases = Alias.objects.filter(concept__state="published").exclude(kind=Alias.Kind.SEARCH)
        names += aliases.values_list("text", "concept__slug", "kind")
        for text, slug, kind in names:
            folded = fold(text)
            forms = {folded}
            if not UNSPACED.search(folded):
                forms |= {f"{folded}s", folded.removesuffix("s")}
            for form in forms:
                if len(form) > 1 and (form == folded or form not in self.automaton):
                    shouted = text if kind == Alias.Kind.ABBREVIATION and len(text) <= 3 else ""
                    self.automaton.add_word(form, (form, slug, shouted))
        self.automaton.make_automaton()

    def find(self, folded: str, original: str, offsets: list[int]) -> list[tuple[int, int, str]]:
        """(start, end, slug) in folded offsets; longest first at each place, never overlapping."""
        if not len(self.automaton):
            return []
        hits = []
        for last, (form, slug, shouted) in self.automaton.iter(folded):
            start, end = last - len(form) + 1, last + 1
            if not UNSPACED.search(form) and (folded[start - 1 : start].isalnum() or folded[end : end + 1].isalnum()):
                continue
            # A two- or three-letter abbreviation is one only where it is written in capitals.
            if shouted and original[offsets[start] : offsets[end]].strip()[:1].islower():
                continue
            hits.append((start, end, slug))
        hits.sort(key=lambda hit: (hit[0], -hit[1]))
        kept: list[tuple[int, int, str]] = []
        # Longest first over the whole text, so that "mesenchymal stem cells" is not also "stem cells".
        for start, end, slug in sorted(hits, key=lambda hit: (hit[0] - hit[1], hit[0])):
            if not any(start < e and s < end for s, e, _ in kept[-200:]):
                kept.append((start, end, slug))
        return sorted(kept)


def sentence_bounds(folded: str, original: str, offsets: list[int]) -> list[int]:
    """Folded offsets at which a new sentence starts; ends are read in the original, where punctuation still stands."""
    ends = [m.end() for m in SENTENCE_END.finditer(original)]
    bounds, position = [0], 0
    for index in range(len(folded)):
        while position < len(ends) and offsets[index] >= ends[position]:
            bounds.append(index)
            position += 1
    return bounds


def read_text(text: str) -> Reading:
    """Everything the guide can say about a text; the text itself is only read."""
    reading = Reading(text)
    folded, offsets = fold_with_offsets(text)
    words = [Word(m[0], m.start(), m.end()) for m in WORD.finditer(folded)]
    bounds = sentence_bounds(folded, text, offsets)
    sentence_of = sentence_numbers(bounds, len(folded))

    def span(start: int, end: int, kind: str, slug: str) -> Span:
        first, last = offsets[start], offsets[end]
        return Span(first, first + len(text[first:last].rstrip(" \t\r\n-–—")), kind, slug)

    for start, end, slug in Names().find(folded, text, offsets):
        reading.spans.append(span(start, end, "concept", slug))

    effects = compiled(tuple(EffectWording.objects.values_list("text", "effect__slug")))
    flags = compiled(tuple(RedFlagWording.objects.values_list("text", "red_flag__slug")))
    said: list[tuple[int, str]] = []
    for kind, wordings in (("effect", effects), ("red_flag", flags)):
        matches = sorted(wordings.find(words, folded), key=lambda m: (m[2], m[0], -m[1]))
        covered: dict[str, int] = {}
        for start, end, slug, number in matches:
            if start < covered.get(slug, 0) or sentence_of[start] != sentence_of[end - 1]:
                continue
            if is_denied(words, folded, number, start, end, bounds[sentence_of[start]]):
                continue
            if kind == "red_flag" and is_measured(folded, bounds, sentence_of[start]):
                continue
            covered[slug] = end
            reading.spans.append(span(start, end, kind, slug))
            if kind == "effect":
                said.append((sentence_of[start], slug))
    reading.spans.sort(key=lambda s: (s.start, -s.end, s.kind, s.slug))
    routes = Wordings((wording, route) for route, listed in ROUTE_WORDS.items() for wording in listed)
    reading.routes = list(dict.fromkeys(slug for _, _, slug, _ in sorted(routes.find(words, folded))))
    look_up(reading)
    return reading


def sentence_numbers(bounds: list[int], length: int) -> list[int]:
    """For each folded character the number of its sentence."""
    numbers, current = [], 0
    starts = set(bounds[1:])
    counts = {bound: bounds.count(bound) for bound in starts}
    for index in range(length):
        current += counts.get(index, 0)
        numbers.append(current)
    return numbers


def is_denied(words: list[Word], folded: str, number: int, start: int, end: int, sentence: int) -> bool:
    """Whether a negation shortly before, in the same sentence, turns the claim round."""
    if number < 0:
        before = CLAUSE_BREAK.split(folded[max(sentence, start - 20) : start])[-1]
        behind = CLAUSE_BREAK.split(folded[end : end + 12])[0]
        return any(word in before for word in DENY_BEFORE) or any(word in behind for word in DENY_BEHIND)
    if any(word.text in ("not", "never", "cannot") for word in words[number : number + 16] if word.end <= end):
        return True
    for word in reversed(words[max(0, number - REACH) : number]):
        if word.start < sentence or word.text in TURNS:
            return False
        if word.text in NEGATIONS:
            return True
        # "doesn't" is read as two words, "doesn" and "t".
        if word.text == "t":
            return True
    return False


def is_measured(folded: str, bounds: list[int], sentence: int) -> bool:
    """Whether the sentence speaks with care ("may", "evidence is limited"): such wording raises no flag."""
    start = bounds[sentence]
    later = [bound for bound in bounds[sentence + 1 :] if bound > start]
    said = f" {folded[start : later[0] if later else len(folded)]} "
    said = re.sub(r"[^\w%]+", " ", said)
    return any(f" {words} " in said for words in MEASURED)


def look_up(reading: Reading) -> None:
    """Fetch what the guide holds on the terms, claims and signs found: nine queries, however long the text."""
    slugs = {kind: [s.slug for s in reading.spans if s.kind == kind] for kind in ("concept", "effect", "red_flag")}

    def in_order(queryset: Iterable, kind: str) -> list:
        first = {slug: number for number, slug in reversed(list(enumerate(slugs[kind])))}
        return sorted(queryset, key=lambda row: first[row.slug])

    reading.concepts = in_order(Concept.objects.published().filter(slug__in=slugs["concept"]), "concept")
    reading.effects = in_order(Effect.objects.filter(slug__in=slugs["effect"]), "effect")
    flags = RedFlag.objects.filter(slug__in=slugs["red_flag"]).select_related("question").prefetch_related("sources")
    reading.red_flags = in_order(flags, "red_flag")
    about = Q(concept__in=reading.concepts, effect__in=reading.effects)
    found = (
        list(Finding.objects.published().filter(about).for_reading()) if reading.concepts and reading.effects else []
    )
    on_route = [f for f in found if not reading.routes or f.route in reading.routes]
    pairs_on_route = {(f.concept_id, f.effect_id) for f in on_route}
    reading.findings = on_route
    reading.other_routes = [f for f in found if (f.concept_id, f.effect_id) not in pairs_on_route]
    known = {(f.concept_id, f.effect_id) for f in found}
    reading.unknown_pairs = [
        (concept, effect)
        for concept in reading.concepts
        for effect in reading.effects
        if (concept.pk, effect.pk) not in known
    ]
