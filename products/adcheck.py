"""Reads the text of an advertisement or a label: which terms, which claims, which warning signs, and what stands behind them.

Every term and wording comes from the models. How they are found is told in `products.wordings`; here is what a find
means: whether it is denied, spoken of with care, or only reported, and which claim belongs to which term. Nothing of
the text is kept.

What an editor changes counts at once, in every process: each reading fetches the names and wordings (three queries)
and uses them as the key under which they are kept ready for matching. There is nothing to invalidate, and a change
costs one preparation of about 0.15 seconds in each process.
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from glossary import edition, pieces
from glossary.kept import findings_on
from glossary.models import Alias, Concept, Effect, EffectWording, Finding, Route
from glossary.text import fold
from products.models import RedFlag, RedFlagWording
from products.voice import Voice
from products.wordings import UNSPACED, Names, Text, Wordings, dense_form, listed, plain

MOST_CHARACTERS = 20_000
# A file of so many characters, each as long as can be, with the mark of its encoding.
MOST_BYTES = 4 * MOST_CHARACTERS + 4

# --- How sellers speak: words that belong to no entry of the guide

SELLING = frozenset(
    plain(fold(word))
    for word in listed(
        "our we your you serum serums cream formula formulas formulated contains contain containing holds enriched packed "
        "powered infused loaded delivers ampoule ampoules vial vials treatment treatments complex blend cocktail booster "
        "regenerate regenerates rejuvenate unsere unser enthalt nuestro nuestra contiene notre nos contient"
    )
)
SELLING_DENSE = tuple(
    map(
        dense_form,
        listed(
            "配方,含有,富含,蕴含,精华,原液,冻干粉,面膜,修护,焕,配合,美容液,凝縮,濃縮,たっぷり,함유,앰플,담은,가득,里有,激活,深入",
            ",",
        ),
    )
)
# So many of the most specific terms in one sentence, in a text that sells, are stacked up to impress.
STACKED = 5
STACKING = "term-stacking"
# A line or two is too little to tell what is spoken of; a longer text must name something of ours to be an advert for it.
SHORT = 80

ROUTE_WORDS = {
    Route.INJECTED: (
        "inject*", "injection*", "shot", "shots", "filler*", "jab*", "syringe*", "注射", "水光针", "水光", "注入", "주사", "스킨부스터",
        "打针", "inyec*", "Injektion*", "gespritzt", "Spritze*",
    ),
    Route.MICRONEEDLED: (
        "microneedl*", "micro needl*", "dermaroll*", "derma roller*", "needled", "needling", "vampire facial", "微针", "滚针",
        "マイクロニードル", "ダーマペン", "마이크로니들", "MTS", "微針", "microagujas", "Microneedling", "micro aiguilles",
    ),
    Route.AFTER_PROCEDURE: (
        "after (the|a|your|laser) laser", "after laser", "post laser", "post procedure", "after (a|the) (peel|procedure)",
        "after peeling", "激光后", "术后", "雷射後", "術後", "레이저 후", "시술 후", "レーザー後", "nach dem Laser", "tras el láser",
    ),
    Route.SYSTEMIC: (
        "intravenous*", "infusion*", "drip", "drips", "IV", "capsule*", "swallow*", "tablet*", "点滴", "静脉", "静滴", "回输",
        "정맥", "수액", "링거", "口服", "Infusion*", "Kapsel*", "cápsula*", "gélule*",
    ),
    Route.WOUND: ("(on|onto|to) (the|a) (wound*|ulcer*|burn*)", "wound (gel|dressing|spray)", "创面", "敷料", "창상 피복"),
    Route.INTACT_SKIN: (
        "serum*", "cream*", "lotion*", "ampoule*", "mask*", "toner*", "essence*", "moisturi*", "精华", "面膜", "面霜", "冻干粉",
        "眼霜", "美容液", "化粧水", "クリーム", "コスメ", "세럼", "크림", "앰플", "화장품", "Creme*", "crema*", "crème*", "sérum*",
    ),
}  # fmt: skip

# --- Ingredient lists

ITEM_END = re.compile(r"[,，、;；•|\n]|\.\s|\.$|。")
# What stands in nearly every list and hardly ever in prose, as words or beginnings of words.
LABEL_WORDS = (
    "aqua", "water", "glycer", "glycol", "hexanediol", "propanediol", "carbomer", "panthenol", "allantoin", "xanthan", "phenoxyethanol",
    "tocopher", "niacinamide", "dimethicone", "squalane", "cetyl", "cetearyl", "stear", "caprylic", "sodium", "disodium", "potassium",
    "acid", "extract", "oil", "butter", "juice", "gum", "alcohol", "lecithin", "betaine", "parfum", "fragrance", "edta", "ceramide",
    "cholesterol", "polysorbate", "paraben", "benzoate", "sorbate", "hyaluron", "oligopeptide", "polypeptide", "peptide", "arginine",
    "trehalose", "mannitol", "lactobacillus", "retinol", "caffeine", "bisabolol", "citrate", "oxide", "culture", "triethanolamine",
    "petrolatum", "beeswax", "adenosine", "phospholipid", "polyacrylate", "triglyceride", "ethylhexyl", "media",
)  # fmt: skip
LABEL_MARKS = tuple(
    map(
        dense_form,
        listed(
            "甘油,丁二醇,己二醇,丙二醇,卡波姆,苯氧乙醇,透明质酸钠,烟酰胺,尿囊素,泛醇,黄原胶,提取物,寡肽,六肽,五肽,三肽,氢化,聚二甲基,棕榈酰,乙酰基,"
            "グリセリン,カルボマー,フェノキシエタノール,ペプチド,エキス,グリコール,ヒアルロン酸na,キサンタンガム,トレハロース,"
            "정제수,글리세린,글라이콜,카보머,추출물,올리고펩타이드,하이알루로네이트,나이아신아마이드,판테놀,알란토인,잔탄검,펩타이드",
            ",",
        ),
    )
)
FEWEST_ITEMS = 5
LONGEST_ITEM = 70


@dataclass(frozen=True)
class Span:
    """A marked place: offsets in code points of the text as sent; `kind` is concept, effect or red_flag."""

    start: int
    end: int
    kind: str
    slug: str


@dataclass
class Claim:
    """One thing that the text says one term does, and the rows of the guide on that."""

    concept: Concept
    effect: Effect
    findings: list[Finding] = field(default_factory=list)
    other_routes: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class Item:
    """One entry of an ingredient list, and the concepts that it names."""

    text: str
    concepts: list[Concept]


@dataclass
class Reading:
    """What one text says, with the rows of the guide behind it.

    `concepts` are on offer; `also_named` is ordinary care and ways of making that the text mentions beside them.
    """

    text: str
    spans: list[Span] = field(default_factory=list)
    side_spans: list[Span] = field(default_factory=list)
    concepts: list[Concept] = field(default_factory=list)
    also_named: list[Concept] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    red_flags: list[RedFlag] = field(default_factory=list)
    routes: list[str] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)

    @property
    def route_names(self) -> list[str]:
        return [str(Route(route).label) for route in self.routes]

    @property
    def findings(self) -> list[Finding]:
        """What is shown for the claims on the route that the text tells of, or on any route when it tells none."""
        return list(dict.fromkeys(f for claim in self.claims for f in claim.findings))

    @property
    def other_routes(self) -> list[Finding]:
        """What is shown for claims that nobody has studied on the route of the text, but on another."""
        return list(dict.fromkeys(f for claim in self.claims for f in claim.other_routes))

    @property
    def unknown_pairs(self) -> list[tuple[Concept, Effect]]:
        """Claims on which the guide holds no finding."""
        return [(c.concept, c.effect) for c in self.claims if not c.findings and not c.other_routes]

    @property
    def known_items(self) -> list[Item]:
        """The listed ingredients that the guide knows."""
        return [item for item in self.items if item.concepts]

    @property
    def questions(self) -> list:
        """What to ask about the warning signs found, each question once."""
        return list(dict.fromkeys(flag.question for flag in self.red_flags if flag.question))

    def pieces(self) -> Iterator[tuple[str, list[Span]]]:
        """The text cut at every mark: (text, marks that cover it), in one sweep."""
        marks = self.spans + self.side_spans
        cuts = sorted({0, len(self.text), *(s.start for s in marks), *(s.end for s in marks)})
        starting: dict[int, list[Span]] = {}
        for mark in marks:
            starting.setdefault(mark.start, []).append(mark)
        open_marks: list[Span] = []
        for start, end in pairwise(cuts):
            open_marks = [mark for mark in open_marks if mark.end > start] + starting.get(start, [])
            yield self.text[start:end], open_marks


def text_of_file(raw: bytes) -> str | None:
    """The text of a file in UTF-8, or in UTF-16 when it starts with the mark of that; None when it is neither."""
    has_mark = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = raw.decode("utf-16" if has_mark else "utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


# --- Names and wordings, kept ready


@lru_cache(maxsize=2)
def ready_names(names: tuple[tuple[str, str, str], ...]) -> Names:
    return Names(names)


@lru_cache(maxsize=4)
def ready_wordings(wordings: tuple[tuple[str, str], ...]) -> Wordings:
    return Wordings(wordings)


@lru_cache(maxsize=1)
def route_wordings() -> Wordings:
    return Wordings((wording, route) for route, listed in ROUTE_WORDS.items() for wording in listed)


@edition.kept(1)
def concepts_by_slug() -> dict[str, Concept]:
    return {concept.slug: concept for concept in Concept.objects.published().defer("body", "not_same_as")}


@edition.kept(1)
def effects_by_slug() -> dict[str, Effect]:
    return {effect.slug: effect for effect in Effect.objects.all()}


@edition.kept(1)
def effect_wordings() -> Wordings:
    return ready_wordings(tuple(EffectWording.objects.order_by("pk").values_list("text", "effect__slug")))


@edition.kept(1)
def flag_wordings() -> Wordings:
    return ready_wordings(tuple(RedFlagWording.objects.order_by("pk").values_list("text", "red_flag__slug")))


@edition.kept(1)
def red_flags() -> list[RedFlag]:
    """All warning signs, with their sources and the question that each of them calls for."""
    return pieces.fixed(list(RedFlag.objects.select_related("question").prefetch_related("sources")))


@edition.kept(1)
def concept_names() -> Names:
    """Names and aliases of published concepts; what people only type into a search box is no name."""
    names = [(name, "name", slug) for slug, name in Concept.objects.published().values_list("slug", "name")]
    aliases = Alias.objects.filter(concept__state="published").exclude(kind=Alias.Kind.SEARCH).order_by("pk")
    return ready_names((*names, *aliases.values_list("text", "kind", "concept__slug")))


# --- Reading


def read_text(original: str) -> Reading:
    """Everything the guide can say about a text; the text itself is only read, and nothing of it is kept."""
    with edition.reading(edition.current()):
        return read_now(original)


def read_now(original: str) -> Reading:
    reading = Reading(original)
    text = Text(original)
    if not text.folded:
        return reading
    voice = Voice(text)
    concepts = concepts_by_slug()
    named = [(s, e, slug) for s, e, slugs in concept_names().find(text) for slug in slugs if slug in concepts]
    offered = [n for n in named if concepts[n[2]].kind not in (Concept.Kind.CARE, Concept.Kind.PROCESS)]
    beside = [n for n in named if concepts[n[2]].kind in (Concept.Kind.CARE, Concept.Kind.PROCESS)]
    list_places = ingredient_list(text)
    list_ends = (list_places[0][0], list_places[-1][1]) if list_places else (0, 0)

    def in_list(start: int) -> bool:
        return list_ends[0] <= start < list_ends[1]

    effects = effects_by_slug()
    said = [
        match
        for match in without_overlap(effect_wordings().find(text, longest_wins=True))
        if not in_list(match[0])
        and not voice.denies(match[0], match[1], is_effect=True)
        # An illness named where nothing is offered against it, or where a text warns, is no claim.
        and (
            effects[match[2]].body_area != Effect.BodyArea.WHOLE_BODY
            or (named and not voice.is_plain_spoken(0) and not voice.reports(match[0], match[1]))
        )
    ]
    signs = []
    if named or said or len(original) < SHORT:
        signs = [
            match
            for match in without_overlap(flag_wordings().find(text))
            if not in_list(match[0])
            and not voice.denies(match[0], match[1], is_effect=False)
            and not voice.reports(match[0], match[1])
        ]
        signs += stacked_terms(text, concepts, [match for match in offered if not in_list(match[0])], signs)
        if voice.is_plain_spoken(len({slug for _, _, slug in signs})):
            signs = []
    for kind, matches in (("concept", offered), ("effect", said), ("red_flag", signs)):
        reading.spans += [Span(*text.place(start, end), kind, slug) for start, end, slug in matches]
    reading.spans.sort(key=lambda s: (s.start, -s.end, s.kind, s.slug))
    reading.side_spans = [Span(*text.place(start, end), "beside", slug) for start, end, slug in beside]
    routes = route_wordings().find(text)
    reading.routes = list(dict.fromkeys(route for _, _, route in routes))
    reading.concepts = [concepts[slug] for slug in first_seen(offered)]
    reading.also_named = [concepts[slug] for slug in first_seen(beside)]
    reading.effects = [effects[slug] for slug in first_seen(said)]
    by_slug = {flag.slug: flag for flag in red_flags()}
    reading.red_flags = [by_slug[slug] for slug in first_seen(signs) if slug in by_slug]
    reading.spans = [s for s in reading.spans if s.kind != "red_flag" or s.slug in by_slug]
    reading.items = [
        Item(
            original[slice(*text.place(start, end))],
            [concepts[slug] for s, e, slug in named if start <= s and e <= end],
        )
        for start, end in list_places
    ]
    pairs = who_does_what(text, offered or beside, said)
    look_up(reading, [(concepts[c], effects[e], told) for c, e, told in with_routes(text, pairs, routes)])
    return reading


def first_seen(matches: Iterable[tuple[int, int, str]]) -> list[str]:
    """Each slug once, in the order in which the text comes to it."""
    return list(dict.fromkeys(slug for _, _, slug in sorted(matches)))


def without_overlap(matches: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Of matches for one slug that overlap, the first and longest; sorted as they came."""
    covered: Counter[str] = Counter()
    kept = []
    for start, end, slug in matches:
        if start >= covered[slug]:
            covered[slug] = end
            kept.append((start, end, slug))
    return kept


# --- Ingredient lists, stacked terms, claims


def ingredient_list(text: Text) -> list[tuple[int, int]]:
    """Start and end of each item of the longest ingredient list in the text; nothing where there is none."""
    items, first = [], 0
    for end in [*ITEM_END.finditer(text.folded), None]:
        stop = end.start() if end else len(text.folded)
        piece = text.folded[first:stop]
        start = first + len(piece) - len(piece.lstrip())
        # "Ingredients: Water" begins behind the colon.
        if "：" in piece or ":" in piece:
            start = first + max(piece.rfind("："), piece.rfind(":")) + 1
            start += len(text.folded[start:stop]) - len(text.folded[start:stop].lstrip())
        if start < stop:
            items.append((start, stop))
        first = end.end() if end else stop
    best: list[tuple[int, int]] = []
    run: list[tuple[int, int]] = []
    for place in [*items, None]:
        if place and is_listed(text.folded[place[0] : place[1]]):
            run.append(place)
            continue
        if len(run) > len(best):
            best = run
        run = []
    marks = sum(is_label_word(text.folded[start:end]) for start, end in best)
    return best if len(best) >= FEWEST_ITEMS and marks * 3 >= len(best) else []


def is_listed(item: str) -> bool:
    """Whether a piece between commas looks like a thing and not like a clause."""
    item = item.strip()
    if len(item) > LONGEST_ITEM:
        return False
    if UNSPACED.search(item):
        return len(item.replace(" ", "")) <= 24 and not re.search(
            r"[がをでにのは].|습니다|세요|니다$|[的了吗]|ます", item
        )
    words = item.split()
    clause = {"is", "are", "the", "your", "you", "we", "our", "it", "for", "to", "that", "which", "has", "have", "will"}
    return 0 < len(words) <= 8 and not clause & set(words)


def is_label_word(item: str) -> bool:
    if UNSPACED.search(item):
        dense = dense_form(item)
        return dense in ("水", "bg") or any(mark in dense for mark in LABEL_MARKS)
    return any(word.startswith(LABEL_WORDS) for word in item.split())


def stacked_terms(
    text: Text,
    concepts: dict[str, Concept],
    offered: list[tuple[int, int, str]],
    signs: list[tuple[int, int, str]],
) -> list[tuple[int, int, str]]:
    """A selling sentence that stacks up at least five specific terms, from the first to the last of them.

    A family named beside its members counts once, with them. Nothing where a wording has found the sign already.
    """
    if any(slug == STACKING for _, _, slug in signs):
        return []
    by_id = {concept.pk: concept for concept in concepts.values()}
    by_sentence: dict[int, list[tuple[int, int, str]]] = {}
    for match in offered:
        by_sentence.setdefault(text.numbers[match[0]], []).append(match)
    for number, matches in by_sentence.items():
        slugs = {slug for _, _, slug in matches}
        for slug in list(slugs):
            parent = by_id.get(concepts[slug].parent_id)
            while parent is not None:
                slugs.discard(parent.slug)
                parent = by_id.get(parent.parent_id)
        if len(slugs) >= STACKED and is_selling(text.folded[slice(*text.sentence(number))]):
            return [(matches[0][0], matches[-1][1], STACKING)]
    return []


def is_selling(sentence: str) -> bool:
    """Whether a folded sentence offers something, and does not only explain."""
    if any(plain(word) in SELLING for word in re.findall(r"[^\W_]+", sentence)):
        return True
    dense = dense_form(sentence)
    return any(word in dense for word in SELLING_DENSE)


def who_does_what(
    text: Text, terms: list[tuple[int, int, str]], said: list[tuple[int, int, str]]
) -> dict[tuple[str, str], set[int]]:
    """Which term is said to do what, by (concept, effect): the sentences in which it is said.

    A claim belongs to the terms of its own sentence; where there is none, to those of the last sentence before that
    names any, or else of the first after it.
    """
    by_sentence: dict[int, list[str]] = {}
    for start, _, slug in terms:
        of_sentence = by_sentence.setdefault(text.numbers[start], [])
        if slug not in of_sentence:
            of_sentence.append(slug)
    order = sorted(by_sentence)
    pairs: dict[tuple[str, str], set[int]] = {}
    for start, _, effect in said if order else ():
        number = text.numbers[start]
        nearest = order[max(0, bisect_right(order, number) - 1)]
        for concept in by_sentence[nearest]:
            pairs.setdefault((concept, effect), set()).add(number)
    return pairs


def with_routes(
    text: Text, pairs: dict[tuple[str, str], set[int]], routes: list[tuple[int, int, str]]
) -> Iterator[tuple[str, str, set[str]]]:
    """(concept, effect, routes told): those of the sentence of the claim, or else those of the whole text."""
    anywhere = {route for _, _, route in routes}
    by_sentence: dict[int, set[str]] = {}
    for start, _, route in routes:
        by_sentence.setdefault(text.numbers[start], set()).add(route)
    for (concept, effect), sentences in pairs.items():
        told = set().union(*(by_sentence.get(number, set()) for number in sentences))
        yield concept, effect, told or anywhere


def look_up(reading: Reading, pairs: list[tuple[Concept, Effect, set[str]]]) -> None:
    """Put the claims of the text beside what the guide holds on them: four queries at most, however many claims."""
    held = findings_on(concept.pk for concept, _, _ in pairs)
    for concept, effect, told in pairs:
        found = [finding for finding in held[concept.pk] if finding.effect_id == effect.pk]
        on_route = [f for f in found if not told or f.route in told]
        reading.claims.append(Claim(concept, effect, on_route, [] if on_route else found))
