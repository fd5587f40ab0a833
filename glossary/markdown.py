"""Markdown to HTML for readers: sanitised, cited, and with glossary terms that explain themselves.

This is the only place that marks text as safe.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from xml.etree.ElementTree import Element

import ahocorasick
import markdown
import nh3
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString, mark_safe
from markdown.extensions import Extension
from markdown.extensions.toc import TocExtension
from markdown.inlinepatterns import InlineProcessor
from markdown.treeprocessors import Treeprocessor

from glossary import edition
from glossary.models import CITATION, Alias, Concept, cited_keys
from glossary.pieces import keep
from glossary.text import by_tongue, fold, fold_with_offsets

TAGS = {
    "a", "abbr", "blockquote", "br", "code", "dd", "del", "dl", "dt", "em", "h2", "h3", "h4", "hr", "li", "ol", "p",
    "pre", "span", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "title", "id", "data-panel"},
    "h2": {"id"},
    "h3": {"id"},
    "span": {"lang"},
    "th": {"scope"},
    "sup": {"id"},
}
CLASSES = {"a": {"term"}, "sup": {"cite"}}
BETWEEN_TAGS = re.compile(r"(?<=>)[^<]+")
NO_LINKS_IN = {"a", "h1", "h2", "h3", "h4", "h5", "h6", "code", "pre", "sup"}
# A capital-letter name this short is a word to a reader only when it is written in capitals.
SHORT = 4


class Citations:
    """Numbers the sources of one page in the order in which they are first named."""

    def __init__(self, known: Iterable[str]) -> None:
        self.known = set(known)
        self.numbers: dict[str, int] = {}

    def number(self, key: str) -> int | None:
        """The number of a source on this page; None for one that does not exist."""
        if key not in self.known:
            return None
        return self.numbers.setdefault(key, len(self.numbers) + 1)


@dataclass
class Terms:
    """The names that link themselves on one page: each concept at its first mention only.

    `names` maps the folded name to (concept slug, name as written). `linked` starts with the page's own concept.
    """

    names: dict[str, tuple[str, str]]
    linked: set[str] = field(default_factory=set)

    @classmethod
    def on_page(cls, own_slug: str = "") -> Terms:
        """All names of published concepts, read once for each edition; the page's own concept never links to itself."""
        names, automaton = every_name()
        terms = cls(names, {own_slug})
        terms.automaton = automaton
        return terms

    @cached_property
    def automaton(self) -> ahocorasick.Automaton:
        """Finds all names in one pass; the very same one as long as the names are the same."""
        return automaton_of(tuple(self.names.items()))

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """(start, end, slug) of each name to link in `text`: longest first at each place, never overlapping."""
        if not self.names:
            return
        plain, offsets = fold_with_offsets(text)
        hits = []
        for last, (form, slug, written) in self.automaton.iter(plain):
            first, after = last - len(form) + 1, last + 1
            if plain[first - 1 : first].isalnum() or plain[after : after + 1].isalnum():
                continue
            start, end = offsets[first], offsets[last + 1]
            end = start + len(text[start:end].rstrip())
            found = text[start:end]
            if len(written) <= SHORT and written.upper() == written and found.rstrip("s").upper() != found.rstrip("s"):
                continue
            hits.append((start, -end, slug))
        position = 0
        for start, end, slug in sorted(hits):
            if start >= position:
                position = -end
                if slug not in self.linked:
                    self.linked.add(slug)
                    yield start, -end, slug


@edition.kept(2)
def every_name() -> tuple[dict[str, tuple[str, str]], ahocorasick.Automaton]:
    """The names of published concepts as `Terms` holds them, with what finds them; two queries."""
    aliases = Alias.objects.for_linking().filter(language="en", concept__state="published")
    names = {fold(text): (slug, text) for slug, text in aliases.values_list("concept__slug", "text")}
    names |= {fold(name): (slug, name) for slug, name in Concept.objects.published().values_list("slug", "name")}
    return names, automaton_of(tuple(names.items()))


@lru_cache(maxsize=4)
def automaton_of(names: tuple[tuple[str, tuple[str, str]], ...]) -> ahocorasick.Automaton:
    """What finds these names, with their plurals and singulars, in one pass through a text."""
    automaton = ahocorasick.Automaton()
    for folded, (slug, written) in names:
        other = folded[:-1] if folded.endswith("s") else f"{folded}s"
        for form in (folded, other):
            if len(form) > 1 and form not in automaton:
                automaton.add_word(form, (form, slug, written))
    automaton.make_automaton()
    return automaton


class CitationPattern(InlineProcessor):
    """`[@key]` becomes the number of that source on the page, linking to it in the list of sources."""

    def __init__(self, citations: Citations | None) -> None:
        super().__init__(CITATION.pattern)
        self.citations = citations

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[Element | str, int, int]:
        number = self.citations.number(m[1]) if self.citations else None
        if number is None:
            return "", m.start(0), m.end(0)
        sup = Element("sup", {"class": "cite"})
        link = Element("a", {"href": f"#source-{m[1]}"})
        link.text = f"[{number}]"
        sup.append(link)
        return sup, m.start(0), m.end(0)


def entry_url(reference: str) -> str | None:
    """The address behind `concept:slug` or `category:slug`; None for anything else."""
    kind, _, slug = reference.partition(":")
    name = {"concept": "glossary:concept_detail", "category": "products:category_detail"}.get(kind)
    if name is None:
        return None
    try:
        return reverse(name, args=[slug])
    except NoReverseMatch:
        return None


class Links(Treeprocessor):
    """Resolves `concept:…` links and links the first mention of each term."""

    def __init__(self, md: markdown.Markdown, terms: Terms | None) -> None:
        super().__init__(md)
        self.terms = terms

    def run(self, root: Element) -> None:
        for link in root.iter("a"):
            if url := entry_url(link.get("href", "")):
                link.set("href", url)
                if self.terms:
                    self.terms.linked.add(link.get("href", "").rstrip("/").rsplit("/", 1)[-1])
        if self.terms:
            self.link_terms(root)

    def link_terms(self, element: Element) -> None:
        if element.tag in NO_LINKS_IN:
            return
        children = list(element)
        element.text, new = self.split(element.text)
        for number, link in enumerate(new):
            element.insert(number, link)
        for child in children:
            self.link_terms(child)
            child.tail, new = self.split(child.tail)
            position = list(element).index(child) + 1
            for number, link in enumerate(new):
                element.insert(position + number, link)

    def split(self, text: str | None) -> tuple[str | None, list[Element]]:
        """`text` up to its first term, and the links (with the text between as tails) that follow."""
        if not text or not text.strip() or not self.terms:
            return text, []
        hits = list(self.terms.find(text))
        links: list[Element] = []
        for number, (start, end, slug) in enumerate(hits):
            url = reverse("glossary:concept_detail", args=[slug])
            link = Element("a", {"href": url, "class": "term"})
            link.text = text[start:end]
            link.tail = text[end : hits[number + 1][0] if number + 1 < len(hits) else None]
            links.append(link)
        return (text[: hits[0][0]] if hits else text), links


class Guide(Extension):
    """What this guide adds to Markdown."""

    def __init__(self, terms: Terms | None, citations: Citations | None) -> None:
        super().__init__()
        self.terms = terms
        self.citations = citations

    def extendMarkdown(self, md: markdown.Markdown) -> None:
        # Before links and references (priority 170 and below), after backtick code (190).
        md.inlinePatterns.register(CitationPattern(self.citations), "citation", 175)
        # After inline patterns (20), so that links and code are already elements; before the contents list (5).
        md.treeprocessors.register(Links(md, self.terms), "guide_links", 10)


@dataclass(frozen=True)
class Rendered:
    """`html` is safe to show; `headings` are (id, text) of its second-level headings, for a contents list."""

    html: SafeString
    headings: list[tuple[str, str]]

    def __str__(self) -> str:
        return self.html


def with_languages(found: re.Match[str]) -> str:
    """The text between two tags with its Chinese, Japanese and Korean words marked as such."""
    pieces = by_tongue(found[0])
    return "".join(f'<span lang="{tongue}">{words}</span>' if tongue else words for words, tongue in pieces)


def render(text: str, terms: Terms | None = None, citations: Citations | None = None) -> Rendered:
    """HTML for readers from an editor's Markdown.

    Whatever the text holds, the result has no script, no style, no event handler and no address but http(s), mailto
    and links within the site. Terms link themselves when `terms` is given; `[@key]` becomes a number when `citations` is.
    """
    # All that the result depends on. What a text leaves behind for the next one on its page is kept along with it.
    key = (
        "markdown",
        text,
        (terms.automaton, frozenset(terms.linked)) if terms and terms.names else None,
        (tuple(citations.numbers.items()), frozenset(citations.known.intersection(cited_keys(text))))
        if citations
        else None,
    )

    def make() -> tuple[Rendered, frozenset[str], dict[str, int]]:
        rendered = convert(text, terms, citations)
        return rendered, frozenset(terms.linked if terms else ()), dict(citations.numbers if citations else {})

    rendered, linked, numbers = keep(key, make)
    if terms:
        terms.linked |= linked
    if citations:
        citations.numbers.update(numbers)
    return rendered


def convert(text: str, terms: Terms | None, citations: Citations | None) -> Rendered:
    md = markdown.Markdown(
        extensions=[
            "tables",
            "sane_lists",
            TocExtension(toc_depth="2", anchorlink=False),
            Guide(terms, citations),
        ],
        output_format="html",
    )
    html = nh3.clean(
        BETWEEN_TAGS.sub(with_languages, md.convert(text)),
        tags=TAGS,
        attributes=ATTRIBUTES,
        allowed_classes=CLASSES,
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
    )
    headings = [(token["id"], token["name"]) for token in getattr(md, "toc_tokens", [])]
    return Rendered(mark_safe(html), headings)  # noqa: S308
