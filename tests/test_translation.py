"""Ready for a second language: every word of the interface goes through the translation, and none of the content does."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from django.apps import apps
from django.conf import settings
from django.core.cache import caches
from django.db import models
from django.utils import translation

from glossary import edition, pieces, verdict
from tests.browser.test_accessibility import PAGES, guide  # noqa: F401 - a fixture: something for each part of each page

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

# Names and signs that are the same in every language.
NAMES = {
    "Claimed & Shown", "BibTeX", "RIS", "CSL-JSON", "DOI", "PubMed", "CSV", "JSON", "JSON-LD", "Atom", "CC BY 4.0", "MIT", "OpenAPI",
    "DISCERN", "IPDASi, for decision aids", "CDC Clear Communication Index", "UTF-8", "Claimed", "Shown", "UTC", "GET", "kB", "SKOS", "Turtle",
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
ADDRESS = re.compile(r"https?://\S+")
WORD = re.compile(r"[^\W\d_]{2,}")
MARKED = re.compile(rf"{OPENING}[^{OPENING}{CLOSING}]*{CLOSING}")


class Words(HTMLParser):
    """What a page says: its text from one block to the next, and the attributes that are read out."""

    INLINE = {"a", "b", "strong", "em", "span", "q", "time", "abbr", "mark", "cite", "sup", "sub", "i", "small", "bdi"}

    def __init__(self):
        super().__init__()
        self.said, self.line, self.skipping = [], "", 0

    def breathe(self, tag):
        if tag in self.INLINE:
            self.line += " "
        else:
            self.end_line()

    def end_line(self):
        self.said.append(self.line)
        self.line = ""

    def handle_starttag(self, tag, attributes):
        self.skipping += tag in SKIPPED
        self.breathe(tag)
        self.said += [
            value
            for name, value in attributes
            if name in SPOKEN and value and not (tag == "meta" and is_address(dict(attributes)))
        ]

    def handle_endtag(self, tag):
        self.skipping -= tag in SKIPPED
        self.breathe(tag)

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
    """Every word in the database."""
    words = set()
    for model in apps.get_models():
        names = [f.name for f in model._meta.concrete_fields if isinstance(f, models.CharField | models.TextField)]
        if names and model._meta.app_label in ("glossary", "products"):
            texts = " ".join(str(text) for row in model._default_manager.values_list(*names) for text in row)
            words |= set(WORD.findall(texts.casefold()))
    return words


def forget():
    """Drop what was put into words before they changed, as they otherwise do not while a process runs."""
    pieces.forget()
    edition.forget()
    verdict.kept_verdict.cache_clear()


@pytest.fixture
def another_language(monkeypatch):
    """A language in which every translated message stands in brackets."""

    def bracketed(translate):
        return lambda *asked: f"{OPENING}{translate(*asked)}{CLOSING}"

    for name in ("gettext", "ngettext", "pgettext", "npgettext"):
        monkeypatch.setattr(translation._trans, name, bracketed(getattr(translation._trans, name)))
    forget()
    yield
    forget()
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


# The page of the API is its description for programmers, which is in English.
READ = {name: address for name, address in {**PAGES, **OTHERS}.items() if name != "api"}


@pytest.mark.parametrize("address", READ.values(), ids=READ)
def test_every_word_of_the_interface_is_translated(guide, client, another_language, address):  # noqa: F811
    check(client.get(address))


def test_every_word_about_an_ad_is_translated(guide, client, another_language):  # noqa: F811
    for text in ("Exosomes erase wrinkles, guaranteed!", "", "Nothing of ours.", "x" * 30_000):
        check(client.post("/check/", {"text": text}), text)


def check(response, *typed):
    known = " ".join([*NAMES, *typed]).casefold()
    held = content() | set(WORD.findall(known))
    found = [
        words for words in unmarked(response.text) if not set(WORD.findall(ADDRESS.sub("", words).casefold())) <= held
    ]
    assert not found, "\n".join(found)


# --- What a browser says by itself, and where a translator finds it all

STATIC = settings.BASE_DIR / "static/js"
SENTENCE = re.compile(r"""(?<![\w(])["'`][A-Z][^"'`]* [^"'`]*["'`]""")


@pytest.mark.parametrize("script", ["site.js", "offline.js", "desk.js", "desk-fields.js", "desk-print.js"])
def test_every_sentence_in_a_script_is_translated(script):
    lines = [line for line in (STATIC / script).read_text().splitlines() if not line.strip().startswith("//")]
    assert not [line for line in lines if SENTENCE.search(re.sub(r'gettext\("[^"]*"(, "[^"]*")?', "", line))]


def test_in_another_language_scripts_find_their_words_before_they_run(client):
    with translation.override("fr"):
        page = client.get("/about/").text
    assert '<html lang="fr">' in page
    assert page.index('src="/words.js"') < page.index("js/site.js")
    answer = client.get("/words.js")
    assert answer.status_code == 200
    assert "gettext" in answer.text


def test_english_pages_ask_for_no_words(client):
    page = client.get("/about/").text
    assert '<html lang="en-GB">' in page
    assert "words.js" not in page


def test_a_language_from_right_to_left_says_so(client):
    with translation.override("ar"):
        assert '<html lang="ar" dir="rtl">' in client.get("/about/").text


@pytest.mark.skipif(not shutil.which("xgettext"), reason="found no gettext; install it.")
def test_a_translator_is_given_every_word(tmp_path):
    for part in ("manage.py", "Makefile", "config", "glossary", "products", "templates", "static"):
        link = tmp_path / part
        if part in ("manage.py", "Makefile"):
            shutil.copy(settings.BASE_DIR / part, link)
        else:
            ignored = shutil.ignore_patterns("__pycache__", "content", "migrations", "*.woff2", "*.jpg", "*.png")
            shutil.copytree(settings.BASE_DIR / part, link, ignore=ignored)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / ".venv/.installed").exists() or pytest.skip("started from another environment than .venv")
    done = subprocess.run(
        ["make", "--old-file", ".venv/.installed", "messages", "LANGUAGE=de"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr

    words = (tmp_path / "config/locale/de/LC_MESSAGES/django.po").read_text()
    for text in ("Skip to the content", "We hold no finding by this route.", "What sellers say, in your own words"):
        assert text in words
    assert (
        "Four fit side by side. Remove one to add another."
        in (tmp_path / "config/locale/de/LC_MESSAGES/djangojs.po").read_text()
    )
