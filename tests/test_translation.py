"""Ready for a second language: every word of the interface goes through the translation, and none of the content does."""

import re
from html.parser import HTMLParser

import pytest
from django.apps import apps
from django.core.cache import caches
from django.db import models
from django.utils import translation

from glossary import pieces
from tests.browser.test_accessibility import PAGES, guide  # noqa: F401 - a fixture: something for each part of each page

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

# Names and signs that are the same in every language.
NAMES = {
    "Claimed & Shown", "BibTeX", "RIS", "CSL-JSON", "DOI", "PubMed", "CSV", "JSON", "JSON-LD", "Atom", "CC BY 4.0", "MIT", "OpenAPI",
    "UTF-8", "Claimed", "Shown", "UTC", "GET", "kB", "SKOS", "Turtle",
}  # fmt: skip
SPOKEN = {
    "aria-label",
    "alt",
    "title",
    "placeholder",
    "content",
    "data-status",
    "data-title",
    "aria-description",
    "label",
}
SKIPPED = {"script", "style", "code", "pre"}
OPENING, CLOSING = "⟦", "⟧"
MARKED = re.compile(rf"{OPENING}[^{OPENING}{CLOSING}]*{CLOSING}")


class Words(HTMLParser):
    """What a page says: its text from one block to the next, and the attributes that are read out."""

    INLINE = {"a", "b", "strong", "em", "span", "q", "time", "abbr", "mark", "cite", "sup", "sub", "i", "small", "bdi"}

    def __init__(self):
        super().__init__()
        self.said, self.line, self.skipping = [], "", 0

    def end_line(self):
        self.said.append(self.line)
        self.line = ""

    def handle_starttag(self, tag, attributes):
        self.skipping += tag in SKIPPED
        if tag not in self.INLINE:
            self.end_line()
        self.said += [
            value
            for name, value in attributes
            if name in SPOKEN and value and not (tag == "meta" and is_address(dict(attributes)))
        ]

    def handle_endtag(self, tag):
        self.skipping -= tag in SKIPPED
        if tag not in self.INLINE:
            self.end_line()

    def handle_data(self, data):
        if not self.skipping:
            self.line += data


def is_address(meta):
    """Of what a page says about itself, only its title and description are for people."""
    return not re.search("title|description|alt", meta.get("name") or meta.get("property") or "")


def unmarked(html):
    """What the page says outside of everything that was translated."""
    words = Words()
    words.feed(html)
    words.end_line()
    for said in words.said:
        while MARKED.search(said):
            said = MARKED.sub("\0", said)
        for part in said.split("\0"):
            yield " ".join(part.split()).strip(" .,;:·–—()“”‘’›|/+%")


def content():
    """Every text in the database."""
    texts = set()
    for model in apps.get_models():
        names = [f.name for f in model._meta.concrete_fields if isinstance(f, models.CharField | models.TextField)]
        if names and model._meta.app_label in ("glossary", "products"):
            texts |= {text for row in model._default_manager.values_list(*names) for text in row if text}
    return " \n ".join(" ".join(text.split()) for text in texts)


@pytest.fixture
def another_language(monkeypatch):
    """A language in which every translated message stands in brackets."""

    def bracketed(translate):
        return lambda *asked: f"{OPENING}{translate(*asked)}{CLOSING}"

    for name in ("gettext", "ngettext", "pgettext", "npgettext"):
        monkeypatch.setattr(translation._trans, name, bracketed(getattr(translation._trans, name)))
    pieces.forget()
    yield
    pieces.forget()
    caches["pages"].clear()


OTHERS = {
    "a finding": "/glossary/exosomes/wrinkles/microneedled/",
    "changes of content": "/changes/?page=9",
    "evidence as a table": "/evidence/?view=table",
    "comparison with faults": "/compare/?item=needled&item=nonsense&item=needled&where=XX&route=yy&differences=1",
    "visit without items": "/visit/",
    "glossary without results": "/glossary/?q=zzzz",
    "sources without results": "/sources/?q=zzzz",
    "withdrawn": "/glossary/gone/",
    "wrong page": "/products/?page=7",
}


@pytest.mark.parametrize("address", [*PAGES.values(), *OTHERS.values()], ids=[*PAGES, *OTHERS])
def test_every_word_of_the_interface_is_translated(guide, client, another_language, address):  # noqa: F811
    check(client.get(address))


def test_every_word_about_an_ad_is_translated(guide, client, another_language):  # noqa: F811
    for text in ("Exosomes erase wrinkles, guaranteed!", "", "Nothing of ours.", "x" * 30_000):
        check(client.post("/check/", {"text": text}))


def check(response):
    held = content()
    found = [
        words
        for words in unmarked(response.text)
        if re.search(r"[^\W\d_]{2}", words) and words not in NAMES and words not in held
    ]
    assert not found, "\n".join(found)
