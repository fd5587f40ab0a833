"""What a page weighs on the wire: styles, scripts, and all that the first view needs."""

import gzip
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles.finders import find

from tests.factories import make_category, make_concept, make_finding

pytestmark = pytest.mark.django_db

MOST_CSS = 14_000
MOST_SCRIPT = 60_000
MOST_FIRST_VIEW = 100_000
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
    assert "css/print.css" in styles


def test_first_view_fits_into_a_hundred_kilobytes(client, linked):
    """The home page with made-up content is lighter than with the shipped: 15 kB are kept free for that."""
    page = client.get("/", headers={"Accept-Encoding": "gzip"})
    files = {**linked("/", "css"), **linked("/", "js")}
    fonts = sum(font.stat().st_size for font in Path(find("fonts")).glob("*.woff2"))
    assert len(page.content) + sum(files.values()) + fonts <= MOST_FIRST_VIEW - 15_000


@pytest.mark.parametrize("address", ["/glossary/prp/", "/api/findings"])
def test_answers_arrive_compressed_and_still_say_when_nothing_changed(client, linked, address):
    answer = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert b"prp" in gzip.decompress(answer.content)
    again = client.get(address, headers={"Accept-Encoding": "gzip", "If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
