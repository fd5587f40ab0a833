"""The data for others: API, downloads, JSON-LD, references."""

import csv
import io
import json
import re
from xml.etree import ElementTree

import pytest
import rispy
from pybtex.database import parse_string

from products.models import Category
from tests.factories import make_category, make_concept, make_effect, make_finding, make_regulation, make_source

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def guide():
    """One concept in one product; a trial, a law and a page stand behind it."""
    effect = make_effect(slug="firmness")
    trial = make_source(
        key="doe-2024", title="Serum & skin: a {curly} trial", authors="Doe J, van der Berg AM", doi="10.1000/doe"
    )
    cited = make_source(key="body-2020", kind="news", title="Cited in the text", authors="")
    serum = make_concept(slug="serum", name="Serum", body="As one page says [@body-2020].", aliases=["essence"])
    make_finding(concept=serum, effect=effect, route="injected", sources=[trial])
    offer = make_category(slug="offer", ingredients=[serum], goals=[effect])
    make_regulation(category=offer, sources=[make_source(key="law-2019", kind="law")])
    make_source(key="elsewhere-2001")
    return cited


# --- API


@pytest.mark.parametrize(
    ("address", "count"),
    [
        ("/api/findings?concept=serum", 1),
        ("/api/findings?concept=other", 0),
        ("/api/findings?route=injected", 1),
        ("/api/findings?route=wound", 0),
        ("/api/findings?certainty=low&effect=firmness", 1),
        ("/api/categories?sold_for=firmness", 1),
        ("/api/categories?route=wound", 0),
        ("/api/concepts?kind=molecule", 0),
        ("/api/sources?kind=law", 1),
    ],
)
def test_lists_can_be_narrowed(guide, client, address, count):
    answer = client.get(address).json()
    assert answer["count"] == len(answer["items"]) == count


def test_an_unknown_value_is_refused_in_words(guide, client):
    response = client.get("/api/findings?route=nose")
    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"
    assert "route" in response.json()["detail"]


def test_pages_of_a_list_join_up_without_gaps_or_repeats(client):
    for _ in range(5):
        make_finding()
    whole = client.get("/api/findings").json()["items"]
    pieces = [client.get(f"/api/findings?limit=2&offset={n}").json()["items"] for n in (0, 2, 4)]
    assert [row for piece in pieces for row in piece] == whole


def test_what_has_not_changed_is_not_sent_again(guide, client):
    first = client.get("/api/concepts")
    again = client.get("/api/concepts", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    make_concept()
    assert client.get("/api/concepts", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


@pytest.mark.parametrize(
    "address", ["/api/findings", "/api/openapi.json", "/data/findings.csv", "/data/datapackage.json"]
)
def test_scripts_on_other_sites_may_read(guide, client, address):
    assert client.get(address).headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in client.get("/glossary/serum/").headers


def test_the_computing_endpoints_have_a_limit_that_says_when_to_come_back(guide, client):
    def ask():
        return client.post("/api/check", {"text": "Serum"}, content_type="application/json")

    answers = [ask() for _ in range(61)]
    assert {answer.status_code for answer in answers[:60]} == {200}
    assert answers[60].status_code == 429
    assert answers[60].headers["Content-Type"] == "application/problem+json"
    assert int(answers[60].headers["Retry-After"]) >= 1
    assert client.get("/api/findings").status_code == 200


# --- Downloads


def test_the_data_package_describes_what_the_files_hold(guide, client):
    package = client.get("/data/datapackage.json").json()
    assert {resource["name"] for resource in package["resources"]} == {"findings", "sources"}
    for resource in package["resources"]:
        path = resource["path"].removeprefix("http://testserver")
        rows = list(csv.DictReader(io.StringIO(client.get(path).text)))
        assert list(rows[0]) == [field["name"] for field in resource["schema"]["fields"]]
        keys = [tuple(row[name] for name in resource["schema"]["primaryKey"]) for row in rows]
        assert len(keys) == len(set(keys))
        as_json = client.get(path.replace(".csv", ".json")).json()
        assert as_json["count"] == len(rows)


def test_the_data_page_leads_to_every_file_and_says_the_licence(guide, client):
    page = client.get("/data/").text
    for address in re.findall(r'href="(/data/[^"]+|/api/|/changes/feed.xml)"', page):
        assert client.get(address).status_code == 200, address
    assert "Creative Commons Attribution 4.0" in page


# --- References


def test_the_sources_of_a_page_go_into_a_reference_manager(guide, client):
    for address, keys in [
        ("/glossary/serum/sources", {"doe-2024", "body-2020"}),
        ("/products/offer/sources", {"doe-2024", "law-2019"}),
        ("/sources/doe-2024/source", {"doe-2024"}),
    ]:
        bibtex = parse_string(client.get(f"{address}.bib").text, "bibtex")
        assert set(bibtex.entries) == keys
        ris = rispy.loads(client.get(f"{address}.ris").text)
        assert {row["id"] for row in ris} == keys
        csl = client.get(f"{address}.json").json()
        assert {row["id"] for row in csl} == keys
    assert client.get("/glossary/serum/sources.doc").status_code == 404
    assert client.get("/sources/doe-2024/source.doc").status_code == 404


def test_a_reference_carries_names_title_and_doi(guide, client):
    row = client.get("/sources/doe-2024/source.json").json()[0]
    assert row["author"] == [{"family": "Doe", "given": "J"}, {"family": "van der Berg", "given": "AM"}]
    assert row["DOI"] == "10.1000/doe"
    entry = parse_string(client.get("/sources/doe-2024/source.bib").text, "bibtex").entries["doe-2024"]
    assert "Serum" in entry.fields["title"]
    assert entry.fields["doi"] == "10.1000/doe"
    ris = rispy.loads(client.get("/sources/doe-2024/source.ris").text)[0]
    assert ris["authors"] == ["Doe, J", "van der Berg, AM"]


# --- For search engines and browsers


def json_ld(response):
    return json.loads(re.search(r'<script type="application/ld\+json">(.*?)</script>', response.text, re.DOTALL)[1])[
        "@graph"
    ]


def test_json_ld_says_what_the_page_shows(guide, client):
    response = client.get("/glossary/serum/")
    things = {thing["@type"]: thing for thing in json_ld(response)}
    assert things["DefinedTerm"]["alternateName"] == ["essence"]
    assert "essence" in response.text
    assert things["MedicalWebPage"]["citation"] == [guide.link, "https://doi.org/10.1000/doe"]
    assert [item["name"] for item in things["BreadcrumbList"]["itemListElement"]] == ["Glossary", "Serum"]
    assert "MedicalWebPage" in {thing["@type"] for thing in json_ld(client.get("/products/offer/"))}
    assert json_ld(client.get("/glossary/"))[0]["@type"] == "DefinedTermSet"
    assert json_ld(client.get("/data/"))[0]["@type"] == "Dataset"


def test_json_ld_cannot_end_its_element(client):
    make_concept(slug="odd", name="</script><b>odd</b>")
    response = client.get("/glossary/odd/")
    assert "</script><b>" not in response.text
    assert json_ld(response)[1]["name"] == "</script><b>odd</b>"


def test_browsers_can_offer_the_search(client):
    assert 'href="/opensearch.xml"' in client.get("/").text
    tree = ElementTree.fromstring(client.get("/opensearch.xml").text)  # noqa: S314 - our own answer
    space = "{http://a9.com/-/spec/opensearch/1.1/}"
    assert tree.find(f"{space}Url[@type='text/html']").get("template") == "http://testserver/search/?q={searchTerms}"


def test_withdrawn_pages_offer_nothing(guide, client):
    Category.objects.update(state="withdrawn")
    assert client.get("/products/offer/sources.bib").status_code == 404
