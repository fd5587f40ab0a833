"""What a visitor's words find in the shipped guide: the queries of queries.yaml, and the order of the results."""

import re
from pathlib import Path

import pytest
import yaml

from products import search_index

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("shipped_content"),
    pytest.mark.content,
    pytest.mark.postgresql,
]

QUERIES = yaml.safe_load((Path(__file__).parent / "queries.yaml").read_text(encoding="utf-8"))


def links(client, query):
    """The addresses of the results of the search page, from top to bottom."""
    page = client.get("/search/", {"q": query}).text.split('id="results"')[1].split("</main>")[0]
    return re.findall(r'<li><a href="([^"]+)"', page)


def is_of(slug, address):
    """Whether the address is that of a concept, a category or an effect."""
    return address in (f"/glossary/{slug}/", f"/products/{slug}/", f"/evidence/?effect={slug}")


def test_first_result_is_right_for_92_of_100_queries(client):
    wrong = [
        row["q"]
        for row in QUERIES
        if not any(is_of(slug, address) for address in links(client, row["q"])[:1] for slug in row["expect"])
    ]
    assert len(wrong) <= 0.08 * len(QUERIES), wrong


def test_page_and_api_give_the_same_results_with_the_best_first(client):
    for row in QUERIES[::8]:
        found = client.get("/api/search", {"q": row["q"]}).json()["items"]
        kinds = list(dict.fromkeys(item["kind"] for item in found))
        assert [i["url"] for kind in kinds for i in found if i["kind"] == kind] == links(client, row["q"])


def test_every_result_says_why(client):
    for row in QUERIES[::4]:
        for item in client.get("/api/search", {"q": row["q"]}).json()["items"]:
            assert item["why"].startswith("matched because: ")


def test_load_leaves_search_in_step():
    assert search_index.is_in_step()
