"""What a page weighs on the wire: styles, scripts, and all that the first view needs.

How many requests that takes, and that nothing else is fetched before the reader does something, is in
`browser/test_first_view.py`.
"""

import gzip
import re
from pathlib import Path

import brotli
import pytest
from django.contrib.staticfiles.finders import find
from django.db.models import Count

from glossary.models import Concept
from products.models import Category
from tests.factories import make_category, make_concept, make_finding

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

MOST_CSS = 14_000
MOST_SCRIPT = 8_100
MOST_HTML_AND_CSS = 45_000
MOST_FIRST_VIEW = 100_000
ICON_AND_HEADERS = 7_000  # eight answers, each with up to 800 bytes of headers
PAGES = [
    "/", "/glossary/", "/glossary/prp/", "/products/", "/products/offer/", "/compare/?item=prp&item=offer", "/check/", "/search/?q=prp",
    "/evidence/", "/evidence/?view=table", "/visit/", "/sources/", "/changes/", "/method/", "/about/", "/data/", "/api/", "/offline/", "/nothing/",
]  # fmt: skip


@pytest.fixture
def linked(client):
    """Gives the files that a page links, as {path: gzipped size}; `ending` picks styles or scripts."""
    concept = make_concept(slug="prp", name="PRP")
    make_finding(concept=concept, route="injected")
    make_category(slug="offer", route="injected", ingredients=[concept])

    def linked(address, ending):
        files = re.findall(rf'(?:href|src)="/static/([^"]+\.{ending})"', client.get(address).text)
        assert files, address
        return {file: len(gzip.compress(Path(find(file)).read_bytes(), 9)) for file in files}

    return linked


@pytest.mark.parametrize("address", PAGES)
def test_styles_and_scripts_stay_small(linked, address):
    styles, scripts = linked(address, "css"), linked(address, "js")
    assert sum(styles.values()) <= MOST_CSS, styles
    assert sum(scripts.values()) <= MOST_SCRIPT, scripts


def packed(address, client):
    """The page as a browser gets it, and the bytes of the styles, scripts and fonts that it links."""
    page = client.get(address, headers={"Accept-Encoding": "br"})
    assert page.headers["Content-Encoding"] == "br"
    text = brotli.decompress(page.content).decode()
    files = {file: Path(find(file)).read_bytes() for file in re.findall(r'(?:href|src)="/static/([^"]+)"', text)}
    sizes = {
        file: len(body if file.endswith("woff2") else brotli.compress(body))
        for file, body in files.items()
        if file.endswith((".css", ".js", ".woff2"))
    }
    return len(page.content), sizes


def heaviest(objects, counted):
    """The three with the longest pages, or near enough: those with most of what a page lists."""
    return [entry.get_absolute_url() for entry in objects.annotate(n=Count(counted)).order_by("-n")[:3]]


def test_heaviest_concept_pages_fit_with_their_styles(client, shipped_content):
    for address in heaviest(Concept.objects.all(), "findings"):
        html, files = packed(address, client)
        styles = {file: size for file, size in files.items() if file.endswith("css")}
        assert html + sum(styles.values()) <= MOST_HTML_AND_CSS, (address, html, styles)


def test_first_view_fits_into_a_hundred_kilobytes(client, shipped_content):
    entries = heaviest(Concept.objects.all(), "findings") + heaviest(Category.objects.all(), "ingredients")
    for address in [
        *entries,
        "/",
        "/glossary/",
        "/evidence/",
        "/compare/?goal=wrinkles",
        "/check/",
        "/visit/",
        "/sources/",
        "/about/",
    ]:
        html, files = packed(address, client)
        assert html + sum(files.values()) + ICON_AND_HEADERS <= MOST_FIRST_VIEW, (address, html, files)


@pytest.mark.parametrize("address", ["/glossary/prp/", "/api/findings"])
def test_answers_arrive_compressed_and_still_say_when_nothing_changed(client, linked, address):
    answer = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert b"prp" in gzip.decompress(answer.content)
    again = client.get(address, headers={"Accept-Encoding": "gzip", "If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
