"""Finds what a visitor's words may mean, in any of the languages, misspelt or not, and says why it matched.

Names are compared here, word by word: there are few of them, and likeness needs all of them. Running text and sources
are looked up by the database (see `products.search_index`).

The score of an entry is share_of_name ** 0.4 * share_of_query ** 0.6, both from 0 to 1. The first is how much of one of
its names the visitor has typed, the second how much of what was typed is in the entry: in that name, in another one, or
in the text. Rare words weigh more than common ones (log(1 + entries / entries with the word)).
"""

from __future__ import annotations

import math
import re
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from heapq import nsmallest

from django.db import connection
from django.urls import get_script_prefix, reverse
from django.utils.translation import gettext, gettext_lazy
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from glossary.text import fold
from products import search_index
from products.models import SearchEntry
from products.search_index import plain, words

LONGEST = 200
MOST_HITS = 100
# More words than this are not looked at.
MOST_WORDS = 16
# Of the words that begin with what was typed, so many of the shortest are looked at.
MOST_ENDINGS = 100
# Entries are left out below this score, and below this share of the best one.
LEAST_SCORE, LEAST_SHARE = 0.24, 0.3
# How alike a misspelt word (0 to 1) and a whole misspelt name (0 to 100) must be.
LEAST_LIKE_WORD, LEAST_LIKE_NAME = 0.72, 80
# What a word counts for that stands in another of the entry's names, in its summary, in its text.
OTHER_NAME, LEAD, BODY = 0.8, 0.6, 0.3
# What a word weighs that stands in no name and no text; the part that is left of a word of WEAK.
UNKNOWN, WEAKENED = 2.0, 0.3
# What a pair of Chinese, Japanese or Korean letters weighs at most.
MOST_OF_PAIR = 3.2
# The score where the whole query is one name; where it is nearly one, it counts for this times the likeness squared.
SAME, LIKE = 1.2, 0.95
# The share of a name where no name was typed, but the text fits.
TEXT_ALONE = 0.2
# A product is meant when one of its parts is named together with what it is sold for or how it is given.
NAMED_BY_PARTS, LEAST_OF_PART = 0.85, 0.75

OF_KIND = {"concept": 1.0, "category": 0.97, "effect": 0.85, "question": 0.7}
OF_NAME = {"name": 1.0, "search": 0.98, "misspelling": 0.97, "wording": 0.9}
OF_ALIAS = 0.995
# Of two names that fit about as well, the entry's own is the one to show.
OWN_NAME = 1.08

MARKS = ".,;:!?()[]\"'“”‘’"
STOPS = frozenset(
    words(
        "a about am an and any are as at be been being but by can could did do does doing from get gets getting had has "
        "have having he her his how i if in into is it its just me much my no not of on or our she should so some such "
        "than that the their them then there these they this those through to too up was we were what when where which "
        "while who whom whose why will with without would you your s t"
    )
)
# Words of a question rather than of its subject.
WEAK = frozenset(
    word
    for text in (
        "after actually alternative available bad benefit best better between buy called cheap cost danger dangerous "
        "difference does effect effective expensive explain explained find for good happens help helps learn legal "
        "mean means need people price really result review risk safe safety scam side tell thing true use used using "
        "want work works worth",
        "效果 有效 有用 安全 危险 危險 副作用 价格 價格 効果 危険 値段 副作用 효과 부작용 가격",
    )
    for word in words(text)
)
# Phrases of a question in scripts without spaces. Looked for before hiragana becomes katakana: に is a question's, ニ may be a name's.
ASKING = """
    什么是 什麼是 是什么 是什麼 怎么样 怎麼樣 怎么 怎麼 为什么 為什麼 可以 能不能 有没有 有沒有 吗 嗎 呢 的 能
    とは って何 とはなに とは何 何ですか ですか について の が は を に で
    이란 란무엇 무엇인가요 무엇 뭔가요 뭐예요 인가요 입니까
"""
ASKING_PHRASE = re.compile("|".join(sorted(fold(ASKING).split(), key=len, reverse=True)))
# A label names a plant by its Latin name and one of its parts.
PARTS_OF_PLANTS = frozenset(words("bark berry bud callus flower fruit leaf meristem petal root seed shoot sprout"))

GROUPS = {
    "concept": gettext_lazy("Glossary"),
    "category": gettext_lazy("Products"),
    "effect": gettext_lazy("Effects"),
    "question": gettext_lazy("Questions to ask"),
    "source": gettext_lazy("Sources"),
}


@dataclass
class Hit:
    """One result; `because` says how it matched, `score` orders results (higher first)."""

    kind: str
    slug: str
    name: str
    url: str
    summary: str
    because: str
    score: float

    @property
    def why(self) -> str:
        return gettext("matched because: %(why)s") % {"why": self.because}

    @property
    def group(self) -> str:
        """What results of its kind are called on the page."""
        return str(GROUPS[self.kind])


@dataclass
class Results:
    """Answers to `query`; where it was misspelt, `shown_for` is the spelling that was searched for instead."""

    query: str
    hits: list[Hit] = field(default_factory=list)
    shown_for: str = ""
    has_words: bool = False

    def grouped(self) -> list[tuple[str, list[Hit]]]:
        """Hits by kind, the kind of the best hit first."""
        groups: dict[str, list[Hit]] = {}
        for hit in self.hits:
            groups.setdefault(hit.kind, []).append(hit)
        return list(groups.items())


@dataclass
class Name:
    """One name of an entry; `words` without those that say nothing, `squashed` without spaces."""

    entry: SearchEntry
    text: str
    kind: str
    words: tuple[str, ...]
    squashed: str
    weight: float = 0

    def __post_init__(self) -> None:
        self.pk = self.entry.pk
        self.counts = OF_KIND[self.entry.kind] * OF_NAME.get(self.kind, OF_ALIAS)


@dataclass
class Asked:
    """One word of the query: its weight, and the words of names that it may mean, each with how close it is (0 to 1)."""

    word: str
    shown: str
    weight: float
    near: dict[str, float]
    is_known: bool  # whether it stands anywhere as it is spelt
    meant: str = ""  # the right spelling, where it was misspelt


def squash(text: str) -> str:
    return "".join(char for char in plain(text) if char.isalnum())


def telling(found: list[str]) -> list[str]:
    """The words that say something; all of them where none does."""
    return [word for word in found if word not in STOPS] or found


# --- The names of the guide


class Guide:
    """Every name of the guide, ready to be compared with."""

    def __init__(self, entries: Iterable[SearchEntry]) -> None:
        self.entries = {entry.pk: entry for entry in entries}
        self.names: list[Name] = []
        self.by_word: dict[str, list[int]] = defaultdict(list)
        self.by_squashed: dict[str, list[int]] = defaultdict(list)
        # The ways in which each rightly spelt word is written.
        self.spelt: dict[str, set[str]] = defaultdict(set)
        holders: dict[str, set[int]] = defaultdict(set)
        for entry in self.entries.values():
            for text, kind in entry.spellings:
                name = Name(entry, text, kind, tuple(dict.fromkeys(telling(words(text)))), squash(text))
                for word in name.words:
                    self.by_word[word].append(len(self.names))
                    holders[word].add(entry.pk)
                self.by_squashed[name.squashed].append(len(self.names))
                self.names.append(name)
                if kind != "misspelling":
                    for shown in plain(text).split():
                        shown = shown.strip(MARKS)
                        for word in words(shown):
                            self.spelt[word].add(shown)
        count = len(self.entries)
        # A rare pair of Chinese, Japanese or Korean letters is as often two halves of words as a rare word.
        self.weights = {
            word: min(math.log(1 + count / len(pks)), math.inf if word.isascii() else MOST_OF_PAIR)
            for word, pks in holders.items()
        }
        for name in self.names:
            name.weight = sum(self.weights[word] for word in name.words)
        self.words = sorted(self.by_word)
        self.right_words = [word for word in self.spelt if len(word) > 3 and word.isascii() and word.isalpha()]
        self.squashed = list(self.by_squashed)
        concepts = {entry.object_id: entry.pk for entry in self.entries.values() if entry.kind == "concept"}
        effects = {entry.object_id: entry.pk for entry in self.entries.values() if entry.kind == "effect"}
        # Of each product: the entries of its claimed actives; of what else is in it, in its name, or what it is sold for.
        self.parts: dict[int, tuple[list[int], list[int]]] = {}
        self.with_active: dict[int, list[int]] = defaultdict(list)
        for entry in self.entries.values():
            if entry.kind != "category":
                continue
            own = set(words(entry.name))
            told = sorted({index for word in own for index in self.by_word.get(word, ())})
            in_name = [
                self.names[index].entry.pk
                for index in told
                if self.names[index].entry.kind == "concept" and own.issuperset(self.names[index].words)
            ]
            others = [concepts[pk] for pk in entry.parts["others"] if pk in concepts]
            goals = [effects[pk] for pk in entry.parts["goals"] if pk in effects]
            actives = [concepts[pk] for pk in entry.parts["active"] if pk in concepts]
            self.parts[entry.pk] = actives, list(dict.fromkeys([*goals, *others, *in_name]))
            for pk in actives:
                self.with_active[pk].append(entry.pk)

    def near(self, word: str, shortest: int) -> dict[str, float]:
        """The words of names that begin with this one or that it begins with, and how close they are.

        A word with fewer than `shortest` letters is no beginning.
        """
        near = {word: 1.0} if word in self.by_word else {}
        if word.isdigit() or not word.isalnum():
            return near
        wide = not word.isascii()
        if wide or len(word) >= shortest:
            first, last = bisect_left(self.words, word), bisect_left(self.words, f"{word}\U0010ffff")
            for other in nsmallest(MOST_ENDINGS, self.words[first:last], key=len):
                if other != word:
                    near[other] = 0.75 + 0.25 * len(word) / len(other)
        if not wide:
            for length in range(max(5, len(word) - 6), len(word)):
                if (other := word[:length]) in self.by_word:
                    near[other] = 0.6 + 0.3 * length / len(word)
        if word in PARTS_OF_PLANTS:
            near.setdefault("plant", 0.7)
        return near

    def like(self, word: str) -> dict[str, float]:
        """The rightly spelt words of names that this one may be a misspelling of, and how close they are."""
        if len(word) < 4 or not word.isascii() or not word.isalpha():
            return {}
        found = process.extract(
            word, self.right_words, scorer=OSA.normalized_similarity, score_cutoff=LEAST_LIKE_WORD, limit=8
        )
        # In a short word, a wrong first letter makes another word.
        return {other: 0.95 * likeness for other, likeness, _ in found if len(word) > 5 or other[0] == word[0]}


_known: tuple[str, Guide] = ("", Guide([]))


def current_guide() -> Guide:
    """The names as they are now: read anew only after a change of the guide, which is one query to ask."""
    global _known
    with connection.cursor() as cursor:  # asked with each letter that somebody types
        cursor.execute("SELECT stamp FROM products_searchstate")
        row = cursor.fetchone()
    if row is None:
        return Guide([])
    if row[0] != _known[0]:
        entries = SearchEntry.objects.filter(kind__in=search_index.GUIDE).defer("names", "lead", "body", "pieces")
        _known = row[0], Guide(entries.order_by("pk"))
    return _known[1]


# --- Asking


def clean(query: str) -> str:
    """What is left of a query after what nobody types on purpose: at most LONGEST characters, on one line."""
    kept = []
    for char in query[: 4 * LONGEST]:
        if char.isprintable():
            kept.append(char)
        elif unicodedata.category(char) != "Cf":  # marks that nobody sees are left out, the rest parts words
            kept.append(" ")
    return " ".join("".join(kept).split())[:LONGEST].strip()


def search(query: str, *, literal: bool = False) -> Results:
    """The MOST_HITS best matches, best first; `literal` takes every word as it is spelt."""
    results = Results(clean(query))
    guide = current_guide()
    typed = typed_words(results.query)
    results.has_words = bool(typed)
    if not typed:
        return results
    found = search_index.postings([word for word, _ in typed])
    asked = understand(guide, typed, found, literal=literal)
    matches = rank(guide, results.query, asked, found, literal=literal)
    hits = [match.hit(asked) for match in matches]
    hits += source_hits(results.query, asked)
    hits.sort(key=lambda hit: (-hit.score, hit.name))
    results.hits = hits[:MOST_HITS]
    if matches and hits[0].kind != "source":
        results.shown_for = repaired(results.query, asked, matches[0])
    return results


def suggest(query: str, limit: int = 8) -> list[Hit]:
    """What a half-typed query may become: names alone, best first, one query."""
    query = clean(query)
    guide = current_guide()
    typed = typed_words(query)
    if not typed:
        return []
    asked = understand(guide, typed, [], literal=False, unfinished=True)
    return [match.hit(asked) for match in rank(guide, query, asked, [], literal=False)[:limit]]


def typed_words(query: str) -> list[tuple[str, str]]:
    """(word as looked up, as typed) of the words that say something, without repeats."""
    text = fold(query)
    without = ASKING_PHRASE.sub(" ", text)
    found: dict[str, str] = {}
    for part in (without if words(without) else text).split():
        for word in words(part):
            found.setdefault(word, part.strip(MARKS))
    return [(word, found[word]) for word in telling(list(found))][:MOST_WORDS]


def understand(
    guide: Guide,
    typed: list[tuple[str, str]],
    found: list[tuple[int, str, int]],
    *,
    literal: bool,
    unfinished: bool = False,
) -> list[Asked]:
    """Each word with what it may mean; one that stands nowhere is taken for a misspelling."""
    in_text: dict[int, set[int]] = defaultdict(set)
    for number, _, pk in found:
        in_text[number].add(pk)
    asked = []
    for number, (word, shown) in enumerate(typed):
        is_last = number == len(typed) - 1
        near = guide.near(word, 1 if unfinished and is_last else 3 if len(typed) == 1 else 4)
        meant = ""
        is_known = number in in_text or any(other in guide.spelt for other in near)
        if not literal and not is_known and (like := guide.like(word)):
            near |= like
            nearest = max(like, key=lambda other: like[other])
            meant = max(sorted(guide.spelt[nearest]), key=lambda form: OSA.normalized_similarity(form, shown))
        weights = [guide.weights[other] for other, close in near.items() if close >= 0.75 and other in guide.weights]
        if weights:
            weight = max(weights)
        else:
            weight = math.log(1 + len(guide.entries) / len(in_text[number])) if number in in_text else UNKNOWN
        asked.append(Asked(word, shown, weight * (WEAKENED if word in WEAK else 1), near, is_known, meant))
    return asked


@dataclass
class Match:
    """One entry, with the name that fits best and the place where each word of the query was found."""

    entry: SearchEntry
    score: float
    name: Name | None
    in_name: dict[int, float]
    in_text: set[int]
    whole: str = ""  # “same” or “like”, when the whole query is that name
    parts: str = ""  # of a category: what of it was named

    @property
    def standing(self) -> float:
        """The score, for choosing between the names of one entry."""
        return self.score * (OWN_NAME if self.name and self.name.kind == "name" else 1)

    def hit(self, asked: list[Asked]) -> Hit:
        entry = self.entry
        url, because = url_of(entry.kind, entry.slug, get_script_prefix()), self.because(asked)
        return Hit(entry.kind, entry.slug, entry.name, url, entry.summary, because, self.score)

    def because(self, asked: list[Asked]) -> str:
        reasons = []
        name = self.name
        if name and (self.in_name or self.whole):
            misspelt = self.whole == "like" or any(asked[number].meant for number in self.in_name)
            if misspelt:
                right = name.entry.name if name.kind == "misspelling" else name.text
                reasons.append(gettext("spelt much like “%(name)s”") % {"name": right})
            elif name.kind == "name":
                reasons.append(gettext("its name"))
            elif name.kind == "misspelling":
                reasons.append(gettext("often misspelt “%(name)s”") % {"name": name.text})
            elif name.kind == "wording":
                reasons.append(gettext("adverts say “%(name)s”") % {"name": name.text})
            else:
                reasons.append(gettext("also called “%(name)s”") % {"name": name.text})
        if self.parts:
            reasons.append(self.parts)
        elsewhere = [] if self.whole else [asked[number].shown for number in sorted(self.in_text - set(self.in_name))]
        if elsewhere:
            reasons.append(gettext("its text has %(words)s") % {"words": f"“{'”, “'.join(dict.fromkeys(elsewhere))}”"})
        return "; ".join(reasons)


URLS: dict[str, Callable[[str], str]] = {
    "concept": lambda slug: reverse("glossary:concept_detail", args=[slug]),
    "category": lambda slug: reverse("products:category_detail", args=[slug]),
    "effect": lambda slug: f"{reverse('glossary:evidence_map')}?effect={slug}",
    "question": lambda slug: f"{reverse('products:visit')}#question-{slug}",
    "source": lambda slug: reverse("glossary:source_detail", args=[slug]),
}


@lru_cache(maxsize=5_000)
def url_of(kind: str, slug: str, prefix: str) -> str:
    """The address of an entry of a site that lies at that prefix."""
    return URLS[kind](slug)


# Of each entry, the name that was typed most completely: its share, what each word of the query counts for, itself.
type Named = dict[int, tuple[float, dict[int, float], Name]]


def rank(
    guide: Guide, query: str, asked: list[Asked], found: list[tuple[int, str, int]], *, literal: bool
) -> list[Match]:
    """The entries that match, best first; how is told at the head of this file."""
    weights = [ask.weight for ask in asked]
    whole = sum(weights) or 1
    # For each name: how close its words, and those of the query, came to one another.
    of_name: dict[int, dict[str, float]] = defaultdict(dict)
    of_query: dict[int, dict[int, float]] = defaultdict(dict)
    # For each entry: what each word of the query counts for there.
    of_entry: dict[int, dict[int, float]] = defaultdict(dict)
    in_text: dict[int, set[int]] = defaultdict(set)

    def better[K](held: dict[K, float], key: K, value: float) -> None:
        if value > held.get(key, 0):
            held[key] = value

    for number, ask in enumerate(asked):
        for word, close in ask.near.items():
            for index in guide.by_word.get(word, ()):
                better(of_name[index], word, close)
                better(of_query[index], number, close)
                better(of_entry[guide.names[index].pk], number, close * OTHER_NAME)
    for number, place, pk in found:
        if place != "source" and pk in guide.entries:
            better(of_entry[pk], number, LEAD if place == "lead" else BODY)
            in_text[pk].add(number)

    best: dict[int, Match] = {}

    def consider(pk: int, match: Match) -> None:
        held = best.get(pk)
        if held is None or match.standing > held.standing:
            best[pk] = match
        if held is not None:
            best[pk].score = max(match.score, held.score)

    named: Named = {}
    for index, close in of_name.items():
        name, of_words = guide.names[index], of_query[index]
        share = sum([guide.weights[word] * value for word, value in close.items()]) / name.weight
        if share > named.get(name.pk, (0,))[0]:
            named[name.pk] = share, of_words, name
        beside = of_entry[name.pk]
        covered = sum([weights[n] * max(value, of_words.get(n, 0)) for n, value in beside.items()]) / whole
        score = share**0.4 * covered**0.6 * name.counts
        consider(name.pk, Match(name.entry, score, name, of_words, in_text[name.pk]))
    for pk, beside in of_entry.items():
        entry = guide.entries[pk]
        covered = sum([weights[n] * value for n, value in beside.items()]) / whole
        _, of_words, name = named.get(pk, (0, {}, None))
        consider(pk, Match(entry, TEXT_ALONE**0.4 * covered**0.6 * OF_KIND[entry.kind], name, of_words, in_text[pk]))
    for pk in {pk: None for active in named for pk in guide.with_active.get(active, ())}:
        if match := by_parts(guide, pk, asked, named, of_entry, in_text[pk], whole):
            consider(pk, match)
    for match in by_whole_name(guide, query, asked, literal=literal):
        consider(match.entry.pk, match)
    matches = sorted(best.values(), key=lambda match: (-match.score, match.entry.name))
    floor = max(LEAST_SCORE, LEAST_SHARE * matches[0].score) if matches else 0
    return [match for match in matches if match.score >= floor]


def by_parts(
    guide: Guide,
    pk: int,
    asked: list[Asked],
    named: Named,
    of_entry: dict[int, dict[int, float]],
    in_text: set[int],
    whole: float,
) -> Match | None:
    """A product that was named by a claimed active together with what it is sold for, what else is in it, or its name."""
    entry = guide.entries[pk]
    actives, others = guide.parts[pk]
    matches = []
    for active in actives:
        share, of_words, _ = named.get(active, (0, {}, None))
        if share < LEAST_OF_PART:
            continue
        beside = dict(of_entry.get(pk, {})) | of_words
        said = []
        for other in others:
            share, values, _ = named.get(other, (0, {}, None))
            if share >= LEAST_OF_PART and not values.keys() <= of_words.keys():
                for number, value in values.items():
                    beside[number] = max(value, beside.get(number, 0))
                said.append(guide.entries[other].name)
        if any(n not in of_words and value >= LEAD and asked[n].word not in WEAK for n, value in beside.items()):
            covered = sum(asked[n].weight * value for n, value in beside.items()) / whole
            score = NAMED_BY_PARTS**0.4 * covered**0.6 * OF_KIND[entry.kind]
            about = ", ".join(dict.fromkeys([guide.entries[active].name, *said]))
            matches.append(Match(entry, score, None, {}, in_text - set(of_words), parts=f"it is about {about}"))
    return max(matches, key=lambda match: match.score, default=None)


def by_whole_name(guide: Guide, query: str, asked: list[Asked], *, literal: bool) -> list[Match]:
    """Entries with a name that is the query but for spaces and dashes; or, where a word is unknown, nearly so."""
    squashed = squash(query)
    every = dict.fromkeys(range(len(asked)), 1.0)
    matches = []
    for index in guide.by_squashed.get(squashed, ()):
        name = guide.names[index]
        score = SAME * OF_KIND[name.entry.kind] * OF_NAME.get(name.kind, OF_ALIAS)
        matches.append(Match(name.entry, score, name, every, set(), whole="same"))
    if matches or literal or len(squashed) < 4 or all(ask.is_known for ask in asked):
        return matches
    digits = [char for char in squashed if char.isdigit()]
    for other, likeness, _ in process.extract(
        squashed, guide.squashed, scorer=fuzz.ratio, score_cutoff=LEAST_LIKE_NAME, limit=10
    ):
        # Another number is another thing, however alike the rest.
        if digits == [char for char in other if char.isdigit()]:
            for index in guide.by_squashed[other]:
                name = guide.names[index]
                score = LIKE * (likeness / 100) ** 2 * OF_KIND[name.entry.kind]
                matches.append(Match(name.entry, score, name, every, set(), whole="like"))
    return matches


def repaired(query: str, asked: list[Asked], match: Match) -> str:
    """The query as it was understood, where that is not how it was spelt; else nothing."""
    if match.whole == "same":
        return match.entry.name if match.name and match.name.kind == "misspelling" else ""
    if match.whole == "like" and match.name:
        return match.entry.name if match.name.kind == "misspelling" else match.name.text
    wrong = {ask.shown: ask.meant for ask in asked if ask.meant}
    if not wrong:
        return ""
    return " ".join(wrong.get(part.strip(MARKS), part) for part in plain(query).split())


def source_hits(query: str, asked: list[Asked]) -> list[Hit]:
    """Sources with every telling word of the query, as it was understood, in their title, authors or note."""
    wanted = [ask for ask in asked if ask.word not in WEAK] or asked
    looked_for = [words(ask.meant)[0] if ask.meant else ask.word for ask in wanted]
    looked_for = [word for word in looked_for if len(word) > 1 or not word.isascii()]
    pks = search_index.matching_sources(looked_for, 10)
    piece = "" if pks else plain(query)
    if piece:
        pks = search_index.holding(piece, 10)
    rows = SearchEntry.objects.only("kind", "slug", "name", "summary").in_bulk(pks) if pks else {}
    hits = []
    squashed = squash(query)
    # One that was deleted between the two queries is passed over.
    for place, entry in enumerate(rows[pk] for pk in pks if pk in rows):
        title = set(words(entry.name))
        # A title that was typed out comes first; a few of its words come after what the guide itself says.
        share = len(title & set(looked_for)) / len(title) if title else 0
        if squashed in (squash(entry.name), squash(entry.slug)):
            score = 1.1
        else:
            score = (0.5 if piece else 0.3 + 0.5 * share**2) * (1 - place / 100)
        if piece:
            because = gettext("title, authors or number: “%(word)s”") % {"word": piece}
        else:
            because = gettext("title, authors or text: %(words)s") % {
                "words": f"“{'”, “'.join(ask.meant or ask.shown for ask in wanted)}”"
            }
        url = url_of("source", entry.slug, get_script_prefix())
        hits.append(Hit("source", entry.slug, entry.name, url, entry.summary, because, score))
    return hits
