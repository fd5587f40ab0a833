"""Texts made to upset programs: in the editors' Markdown, in search, in the ad check, in addresses."""

import re
import unicodedata
from html.parser import HTMLParser

import pytest
from django.urls import reverse
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from glossary import text as folding
from glossary.markdown import Citations, Terms, render
from glossary.writing import tangle
from products.adcheck import MOST_CHARACTERS
from tests.factories import make_category, make_concept

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

MANY = hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
MARKS = "\u0301\u0323"  # above and below: each pair wants to be put in order
BOMBS = {
    "marks piled on one letter": "a" + MARKS * 600_000,
    "marks piled on every letter": ("e" + MARKS * 30) * 20_000,
    "a letter that is eighteen": "\ufdfa" * 400_000,
    "directions turned and turned": "\u202e\u2066" * 500_000,
    "families joined without end": "\U0001f469\u200d" * 400_000,
    "nothing to be seen": "\u200b" * 500_000,
    "brackets": "[" * 500_000,
    "stars": "*a_" * 300_000,
    "quotes in quotes": "> " * 300_000 + "a",
}
SCRIPTS = [
    "<script>alert(1)</script>",
    "[a](javascript:alert(1))",
    "[a](JaVa\tScript:alert(1))",
    "[a](data:text/html;base64,PHNjcmlwdD4=)",
    "![a](x onerror=alert(1))",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "[a]: javascript:alert(1)\n\n[a]",
    "<a href='java&#115;cript:alert(1)'>a</a>",
    "[[source:x]]",
    "concept:exosomes",
    "`<b>`",
    "| a | b |\n|---|---|\n| <i onclick=x> | [b](vbscript:x) |",
    "<!-- -->",
    "<math><mtext></mtext><mglyph><style><img src=x onerror=alert(1)>",
]
MARKDOWN = st.lists(
    st.one_of(st.sampled_from(SCRIPTS), st.sampled_from([*"[]()<>*_`#>|!&;\"'\n\\"]), st.text(max_size=12)), max_size=14
).map("".join)


class Seen(HTMLParser):
    """What a browser would take from markup: anything that could act is put into `acting`."""

    def __init__(self, markup):
        super().__init__()
        self.acting = []
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        if tag in {
            "script",
            "style",
            "iframe",
            "object",
            "embed",
            "svg",
            "math",
            "form",
            "input",
            "base",
            "meta",
            "link",
            "img",
        }:
            self.acting.append(tag)
        for name, value in attrs:
            address = re.sub(r"^[\x00-\x20]+|[\t\n\r]", "", value or "").lower()
            if name.startswith("on") or name in {"style", "srcdoc"}:
                self.acting.append(f"{tag} {name}")
            is_plain = address.startswith(("/", "#", "http://", "https://", "mailto:"))
            if name in {"href", "src"} and not is_plain and re.match(r"[a-z][a-z0-9+.-]*:", address):
                self.acting.append(f"{tag} {name}={value}")


@given(MARKDOWN)
@example("".join(SCRIPTS))
@MANY
@example("[a](java\tscript:alert(1))<a href='&#106;avascript:x'>b</a>")
@example("\u0301" * 60_000)
@example(("\ufdfa " * 2_000 + "\n\n") * 10)
def test_no_markdown_becomes_something_that_acts(text):
    if tangle(text):  # the desk refuses it
        return
    assert Seen(str(render(text, Terms({"egf": ("egf", "EGF")}), Citations(["trial"])).html)).acting == []


@given(st.one_of(MARKDOWN, st.text(max_size=300)))
@MANY
def test_whatever_is_searched_for_the_answer_is_a_page_that_shows_it_as_text(client, text):
    answer = client.get("/search/", {"q": text})

    assert answer.status_code in {200, 414}
    assert not [found for found in Seen(answer.text).acting if " on" in found or "javascript" in found]


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_answered_wherever_it_is_put(client, bomb):
    make_category(ingredients=[make_concept()])

    assert client.post("/check/", {"text": bomb}).status_code in {413, 422}
    assert client.post("/check/", {"text": bomb[:MOST_CHARACTERS]}).status_code == 200
    assert client.get("/search/", {"q": bomb[:300]}).status_code == 200
    assert client.get(f"/glossary/{bomb[:60]}/").status_code == 404


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_no_bomb_has_more_put_in_order_at_once_than_a_letter_can_bear(monkeypatch, bomb):
    sizes = []
    real = unicodedata.normalize

    def normalize(form, text):
        sizes.append(len(text))
        return real(form, text)

    monkeypatch.setattr(folding.unicodedata, "normalize", normalize)
    folding.fold_letter.cache_clear()
    folding.fold_with_offsets(bomb[:MOST_CHARACTERS])

    assert max(sizes, default=0) <= 20


def test_an_address_too_long_is_refused_in_the_site_s_own_words(client):
    page = client.get("/search/", {"q": "a" * 5_000})
    api = client.get("/api/search", {"q": "a" * 5_000})

    assert (page.status_code, api.status_code) == (414, 414)
    assert "This address is too long" in page.text
    assert reverse("products:home") in page.text
    assert api.headers["Content-Type"] == "application/problem+json"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_privacy_page_is_true(client):
    make_category(ingredients=[make_concept(slug="exosomes")])
    for address in (
        "/",
        "/glossary/exosomes/",
        "/check/",
        "/visit/",
        "/search/?q=exosomes",
        "/compare/",
        "/privacy/",
        "/nothing/",
    ):
        answer = client.get(address)
        assert not answer.cookies, address
        loaded = re.findall(
            r"""<(?:script|img|source|iframe|video|audio)\b[^>]*\bsrc(?:set)?=["'](?:https?:)?//""", answer.text
        )
        loaded += re.findall(
            r"""<link rel="(?:stylesheet|preload|icon|manifest|apple-touch-icon)"[^>]*href="(?:https?:)?//""",
            answer.text,
        )
        assert not loaded, address
    answer = client.post("/check/", {"text": "Our exosomes make wrinkles vanish."})
    assert not answer.cookies
    assert "/privacy/" in answer.text
