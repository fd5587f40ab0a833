"""Pages with made-up content: what they cost, how they meet bad input, what they show."""

import json
import re
from datetime import date
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.urls import reverse
from PIL import Image

from config.views import styleguide
from glossary.models import Concept
from products import search_index
from products.models import Category
from tests.factories import (
    make_alias,
    make_category,
    make_concept,
    make_effect,
    make_event_count,
    make_finding,
    make_risk,
)

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


# --- Cost: the same number of queries, whatever the amount of content


def fill(more: int) -> None:
    """A concept and a product that share a route, with `more` findings, risks, names and neighbours."""
    with search_index.paused():  # hundreds of edits, of which search need learn once
        write(more)
        search_index.rebuild()


def write(more: int) -> None:
    concept = Concept.objects.filter(slug="thing").first() or make_concept(slug="thing", name="Thing")
    category = Category.objects.filter(slug="offer").first()
    for _ in range(more):
        effect = make_effect()
        make_finding(concept=concept, effect=effect, route="injected")
        make_risk(concept=concept, route="injected")
        make_alias(concept=concept)
        other = make_concept(parent=concept)
        make_finding(concept=other, effect=effect, route="injected")
        make_category(ingredients=[other], goals=[effect], route="injected")
    if category is None:
        for slug in ["offer", "second", "third"]:
            make_category(slug=slug, ingredients=[concept], goals=[effect], route="injected")


@pytest.mark.parametrize(
    ("address", "queries"),
    [
        ("/", 5),
        ("/glossary/", 7),
        ("/glossary/?q=thing", 7),
        ("/glossary/thing/", 27),
        ("/evidence/", 7),
        ("/sources/", 7),
        ("/products/", 9),
        ("/products/offer/", 30),
        ("/compare/", 11),
        ("/compare/?item=thing&item=offer", 26),
        ("/compare/?item=thing&item=offer&item=second&item=third", 26),
        ("/method/", 15),
        ("/check/", 2),
        ("/visit/?item=thing&item=offer&where=UK", 27),
        ("/search/?q=thing", 7),
        ("/search/suggest/?q=thing", 4),
        ("/api/findings", 8),
        ("/api/concepts", 6),
    ],
)
def test_page_costs_the_same_number_of_queries_however_much_there_is(
    client, address, queries, django_assert_num_queries
):
    fill(1)
    client.get(address)  # the first use in a process costs more, once
    for more in (2, 6):
        fill(more)  # after which the page has to be made anew
        with django_assert_num_queries(queries):
            assert client.get(address).status_code == 200


# --- Bad input


def test_unknown_slug_is_a_404_that_offers_what_was_meant(client):
    make_concept(slug="exosomes", name="Exosomes")
    response = client.get("/glossary/exosone/")
    assert response.status_code == 404
    assert 'href="/glossary/exosomes/"' in response.text
    assert "Claimed" in response.text


def test_draft_and_withdrawn_entries_stay_hidden(client):
    make_concept(slug="secret", name="Secretword", state="draft")
    make_concept(slug="gone", name="Goneword", state="withdrawn")
    assert client.get("/glossary/secret/").status_code == 404
    assert client.get("/glossary/gone/").status_code == 410
    assert "Secretword" not in client.get("/glossary/").text
    assert "Goneword" not in client.get("/search/?q=goneword").text.split("We found nothing")[-1]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("item=a&item=nonsense", "nothing called “nonsense”"),
        ("item=a&item=a", "named twice"),
        ("item=a&item=b&item=c&item=d&item=e", "Left out: E"),
        ("item=a&where=XX", "do not keep the rules of “XX”"),
        ("item=a&route=nose", "“nose” is not a way into the body"),
    ],
)
def test_comparison_answers_and_says_what_it_left_out(client, query, said):
    for letter in "abcde":
        make_concept(slug=letter, name=letter.upper())
    response = client.get(f"/compare/?{query}")
    assert response.status_code == 200
    assert said in response.text


def test_a_very_long_comparison_address_is_answered(client):
    make_concept(slug="a", name="A")
    response = client.get("/compare/?" + "&".join(f"item=x{n}" for n in range(1000)) + "&item=" + "y" * 5000)
    assert response.status_code == 414
    assert "This address is too long" in response.text


@pytest.mark.parametrize("address", ["/glossary/?kind=%3Cb%3E", "/products/?goal=zzz", "/evidence/?sort=zzz&route=q"])
def test_unknown_filter_is_left_out_and_said(client, address):
    response = client.get(address)
    assert response.status_code == 200
    assert "so it was left out" in response.text
    assert "<b>" not in response.text.split("</header>")[1]


@pytest.mark.parametrize(
    "address",
    [
        "/search/?q=%00a",
        "/sources/?q=%00",
        "/compare/?item=%00",
        "/api/search?q=%00",
        "/api/findings?concept=%00",
        "/visit/?item=a%00",
    ],
)
def test_nul_in_an_address_is_passed_over(client, address):
    assert client.get(address).status_code == 200


def test_a_megabyte_of_text_is_refused_in_the_sites_own_layout(client):
    response = client.post("/check/", {"text": "x" * 2_000_000})
    assert response.status_code in (413, 422)
    assert "characters" in response.text
    response = client.post("/check/", "text=" + "x" * 2_000_000, "application/x-www-form-urlencoded")
    assert response.status_code == 413
    assert "20000 characters" in response.text
    assert "Claimed" in response.text


def test_script_in_a_body_is_inert(client):
    make_concept(
        slug="bad", body='Hello <script>alert(1)</script> <a href="javascript:alert(1)" onclick="x()">link</a>'
    )
    text = client.get("/glossary/bad/").text.split("<main")[1]
    assert "<script" not in text
    assert "javascript:" not in text
    assert "onclick" not in text


# --- Evidence


def test_route_switch_puts_one_route_first_and_keeps_the_others_in_sight(client):
    concept, effect = make_concept(slug="thing"), make_effect()
    make_finding(concept=concept, effect=effect, route="injected", shown="Shown by needle.")
    make_finding(concept=concept, effect=effect, route="wound", shown="Shown on wounds.")
    text = client.get("/glossary/thing/?route=wound").text
    assert text.index("Shown on wounds.") < text.index("Studied another way") < text.index("Shown by needle.")


def test_findings_of_a_product_follow_from_its_parts_and_its_route(client):
    concept, effect = make_concept(name="Stuff"), make_effect()
    make_finding(concept=concept, effect=effect, route="injected", shown="On this route.")
    make_finding(concept=concept, effect=effect, route="wound", shown="On another route.")
    category = make_category(slug="offer", ingredients=[concept], goals=[effect], route="injected")
    assert [f.shown for f in category.findings()] == ["On this route."]
    text = client.get("/products/offer/").text
    assert text.index("On this route.") < text.index("Studied another way") < text.index("On another route.")


def test_term_links_itself_once_and_never_to_its_own_page(client):
    make_concept(slug="egf", name="EGF")
    make_concept(slug="other", name="Other thing", body="EGF and EGF again. Other thing. `EGF`\n\n## EGF\n\nText.")
    body = client.get("/glossary/other/").text.split('class="prose"')[1].split("</section>")[0]
    assert body.count('href="/glossary/egf/"') == 1
    assert 'href="/glossary/other/"' not in body


def test_term_panel_explains_and_without_htmx_leads_to_the_page(client):
    make_concept(slug="egf", summary="A small protein.")
    assert "A small protein." in client.get("/glossary/egf/panel/", headers={"HX-Request": "true"}).text
    assert client.get("/glossary/egf/panel/").url == "/glossary/egf/"


def test_source_page_lists_what_rests_on_it(client):
    finding = make_finding(concept=make_concept(name="Resting thing"))
    assert "Resting thing" in client.get(finding.main_source.get_absolute_url()).text


def test_overdue_page_says_so_at_its_top(client):
    make_concept(slug="old", reviewed_on=date(2020, 1, 1), review_due=date(2021, 1, 1))
    assert "overdue for review" in client.get("/glossary/old/").text


# --- Search, ad check, API


@pytest.mark.parametrize("query", ["Ｅｘｏｓｏｍｅｓ", "exosome", "EXOSOMES", "外泌体", "exosone"])
def test_search_finds_a_word_however_it_is_written(client, query):
    concept = make_concept(slug="exosomes", name="Exosomes")
    make_concept(name="Platelets")
    make_alias(concept=concept, text="外泌体", language="zh-Hans")
    assert client.get("/api/search", {"q": query}).json()["items"][0]["slug"] == "exosomes"


def test_ad_check_marks_claims_and_warnings_and_combines_them_with_the_finding(client):
    effect = make_effect(slug="wrinkles", wordings=["wrinkle*"])
    make_finding(concept=make_concept(slug="exosomes", name="Exosomes"), effect=effect, shown="What studies found.")
    response = client.post("/check/", {"text": "Exosomes erase wrinkles <b>"})
    assert '<mark class="concept ">Exosomes' in response.text
    assert "What studies found." in response.text
    assert "&lt;b&gt;" in response.text
    assert response.headers["Cache-Control"] == "no-store"
    assert not response.cookies


@pytest.mark.parametrize("text", ["", " \n ", "x" * 20_001])
def test_ad_check_says_what_is_wrong_and_keeps_the_text(client, text):
    response = client.post("/check/", {"text": text})
    assert response.status_code == 422
    assert 'class="error"' in response.text
    assert text.strip() in response.text


def test_denied_claim_is_no_claim(client):
    make_effect(slug="wrinkles", wordings=["wrinkle*"])
    answer = client.post("/api/check", json.dumps({"text": "It does not erase wrinkles."}), "application/json").json()
    assert answer["effects"] == []


def test_api_check_gives_offsets_in_code_points_of_the_text_as_sent(client):
    make_concept(slug="exosomes", name="Exosomes")
    text = "😀 ｅｘｏｓｏｍｅ, Exosomes"
    spans = client.post("/api/check", json.dumps({"text": text}), "application/json").json()["spans"]
    assert [text[s["start"] : s["end"]] for s in spans] == ["ｅｘｏｓｏｍｅ", "Exosomes"]


@pytest.mark.parametrize(
    ("body", "status"), [("{", 400), ("{}", 422), ('{"text": 3}', 422), (json.dumps({"text": "x" * 20_001}), 422)]
)
def test_api_answers_bad_input_with_problem_json(client, body, status):
    response = client.post("/api/check", body, "application/json")
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["status"] == status


def test_api_lists_are_cut_by_limit_and_offset(client):
    for number in range(3):
        make_concept(slug=f"c{number}")
    answer = client.get("/api/concepts?limit=1&offset=1").json()
    assert [item["slug"] for item in answer["items"]] == ["c1"]
    assert answer["count"] == 3
    assert client.get("/api/concepts?limit=0").status_code == 422
    assert client.get("/api/nothing").headers["Content-Type"] == "application/problem+json"


def test_readyz_says_what_is_missing(client):
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "load_content" in response.text


def test_feed_and_sitemap_are_wellformed(client):
    make_concept()
    for name in ("products:change_feed", "sitemap"):
        assert len(ElementTree.fromstring(client.get(reverse(name)).content))  # noqa: S314 - our own


# --- The editors' desk


@pytest.mark.parametrize("model", ["glossary/concept", "glossary/finding", "glossary/risk", "glossary/source",
    "glossary/effect", "glossary/alias", "products/category", "products/regulation", "products/redflag",
    "products/question", "products/reportingbody", "products/readymade"])  # fmt: skip
def test_editor_finds_adds_and_searches_every_kind_of_entry(admin_client, model):
    make_category()
    make_finding()
    assert admin_client.get(f"/admin/{model}/").status_code == 200
    assert admin_client.get(f"/admin/{model}/?q=x").status_code == 200
    # What is only a part of an entry is added on the page of that entry.
    is_part = model in ("glossary/risk", "glossary/alias", "products/regulation")
    assert admin_client.get(f"/admin/{model}/add/").status_code == (403 if is_part else 200)


def test_editor_sees_the_computed_verdict(admin_client):
    finding = make_finding(direction="benefit", certainty="low", size="small")
    page = admin_client.get(f"/admin/glossary/finding/{finding.pk}/change/")
    assert "May improve it slightly" in page.text


# --- Style guide


def test_the_style_guide_draws_each_component_and_is_not_on_the_public_site(client, rf):
    make_finding(direction="benefit", certainty="low")
    make_finding(certainty="none", direction="unknown")
    make_risk()
    make_event_count()
    make_category()
    make_concept(slug="egf")
    assert client.get("/styleguide/").status_code == 404
    request = rf.get("/styleguide/")
    page = styleguide(request).content.decode()
    for part in ["May improve it", "Not tested in people", "of 100 dots are filled", 'class="risk is-minor"']:
        assert part in page


# --- Long pages


def at_a_glance(response):
    """(heading, [(address, words)]) of each group in the block above a long table; none where there is no block."""
    block = re.search(r'<section class="glance".*?</section>', response.text, re.S)
    groups = re.findall(r"<h4>.*?</svg> (.*?)</h4>\s*<ul>(.*?)</ul>", block[0], re.S) if block else []
    link = re.compile(r'<a href="(#[^"]+)"><b>(.*?)</b> <span>· (.*?)</span></a>')
    return [(heading, [(a, f"{effect}, {way}") for a, effect, way in link.findall(rows)]) for heading, rows in groups]


@pytest.fixture
def long_page():
    """A concept with a finding for each of seven effects, three injected and four on a wound, and its category."""
    prp = make_concept(slug="prp", name="PRP")
    verdicts = [
        ("benefit", "low"),
        ("benefit", "moderate"),
        ("no-difference", "low"),
        ("harm", "low"),
        ("mixed", "low"),
        ("unknown", "very-low"),
        ("unknown", "none"),
    ]
    effects = [make_effect(slug=f"e{n}", name=f"Effect {n}", position=n) for n in range(7)]
    for n, (effect, (direction, certainty)) in enumerate(zip(effects, verdicts, strict=True)):
        route = "injected" if n < 3 else "wound"
        make_finding(concept=prp, effect=effect, route=route, direction=direction, certainty=certainty)
    make_finding(concept=prp, effect=effects[3], route="injected", certainty="none")
    return prp


def test_long_concept_page_groups_its_verdicts_and_links_each_to_its_row(client, long_page):
    response = client.get("/glossary/prp/")
    groups = at_a_glance(response)
    assert [heading for heading, _ in groups] == [
        "Better",
        "Little or no difference",
        "Studies disagree",
        "Worse",
        "We do not know",
        "Not tested in people",
    ]
    assert groups[0][1] == [("#e1-injected", "Effect 1, injected"), ("#e0-injected", "Effect 0, injected")]
    assert groups[5][1] == [("#e3-injected", "Effect 3, injected"), ("#e6-wound", "Effect 6, on a wound")]
    for address in [address for _, rows in groups for address, _ in rows]:
        assert f'<tr id="{address[1:]}">' in response.text


def test_at_a_glance_follows_the_route(client, long_page):
    more = [make_effect(slug=f"m{n}", name=f"More {n}", position=10 + n) for n in range(3)]
    for effect in more:
        make_finding(concept=long_page, effect=effect, route="injected")
    response = client.get("/glossary/prp/?route=injected", headers={"HX-Request": "true"})
    rows = [row for _, rows in at_a_glance(response) for row in rows]
    assert len(rows) == 7
    assert all(words.endswith(", injected") for _, words in rows)
    assert '<a href="#elsewhere">4 more, studied another way</a>' in response.text
    assert '<h3 id="elsewhere">' in response.text


def test_short_table_needs_no_summary(client, long_page):
    assert at_a_glance(client.get("/glossary/prp/?route=wound")) == []


def test_long_category_page_names_the_concept_in_its_summary(client, long_page):
    goals = [finding.effect for finding in long_page.findings.filter(route="wound")]
    for n in range(3):
        goals.append(make_effect(slug=f"m{n}", name=f"More {n}", position=10 + n))
        make_finding(concept=long_page, effect=goals[-1], route="wound")
    make_category(slug="gel", route="wound", ingredients=[long_page], goals=goals)
    groups = at_a_glance(client.get("/products/gel/"))
    assert ("#prp-e3-wound", "Effect 3, PRP") in dict(groups)["Worse"]


@pytest.mark.parametrize("address", ["/glossary/prp/", "/products/offer/", "/method/", "/visit/?item=offer&where=UK"])
def test_contents_list_leads_to_parts_of_the_page(client, address):
    concept = make_concept(slug="prp", name="PRP", body="Text.\n\n## How it is made\n\nSo.")
    make_finding(concept=concept, route="injected")
    make_category(slug="offer", route="injected", ingredients=[concept])
    text = client.get(address).text
    contents = re.search(r'<nav class="contents".*?</nav>', text, re.S)[0]
    targets = re.findall(r'href="#([^"]+)"', contents)
    assert len(targets) > 4
    assert all(f'id="{target}"' in text for target in targets)


# --- Pictures of the guide


def test_pictures_of_the_guide_are_current_in_size_and_light(client):
    shown = re.findall(
        r'<img src="/static/([^"]+)" width="(\d+)" height="(\d+)" loading="lazy" alt="([^"]+)"',
        client.get("/about/").text,
    )
    assert len(shown) == 4
    readme = (settings.BASE_DIR / "README.md").read_text()
    for name, width, height, words in shown:
        file = settings.BASE_DIR / "static" / name
        assert file.stat().st_size < 150_000, name
        assert len(words) > 20
        assert f"static/{name}" in readme
        with Image.open(file) as picture:
            assert picture.size == (int(width), int(height)), name


# --- Long lists, and pages that do not grow with what the database holds


def test_the_glossary_shows_its_entries_in_pages_and_keeps_its_filters(client):
    for n in range(151):
        make_concept(name=f"Word {n:03}", kind="molecule")
    first = client.get("/glossary/?kind=molecule").text
    assert "Word 149" in first
    assert "Word 150" not in first
    assert "/glossary/?kind=molecule&amp;page=2" in first
    second = client.get("/glossary/?kind=molecule&page=2").text
    assert "Word 150" in second
    assert "Word 149" not in second
    assert "There is no page “9”; this is page 2 of 2." in client.get("/glossary/?page=9").text


def test_products_stand_in_pages(client):
    concept = make_concept()
    for n in range(101):
        make_category(name=f"Offer {n:03}", ingredients=[concept])
    assert "Offer 100" not in client.get("/products/").text
    assert "Offer 100" in client.get("/products/?page=2").text


def test_a_page_with_many_findings_leads_to_what_stands_behind_each(client):
    concept = make_concept(slug="thing")
    findings = [make_finding(concept=concept, certainty_reason=f"Because of {n}.") for n in range(13)]
    page = client.get("/glossary/thing/").text
    address = findings[0].own_url
    assert f'href="{address}"' in page
    assert "Because of 0." not in page
    assert "Because of 0." in client.get(address).text
    part = client.get(address, headers={"HX-Request": "true"}).text
    assert part.strip().startswith("<details")
    assert "Because of 0." in part
    assert client.get("/glossary/thing/effect-of-nothing/injected/").status_code == 404


def test_what_stands_behind_a_finding_stands_open_on_its_own_page(client):
    finding = make_finding(population="Adults with dry skin.")
    page = client.get(finding.own_url).text
    assert '<details class="more" open>' in page
    assert "Adults with dry skin." in page
    assert '<details class="more">' in client.get(finding.concept.get_absolute_url()).text


def test_a_concept_with_very_many_findings_shows_them_in_pages(client):
    concept = make_concept(slug="thing")
    for n in range(31):
        make_finding(concept=concept, shown=f"Shown number {n:02}.")
    assert "Shown number 30." not in client.get("/glossary/thing/").text
    assert "Shown number 30." in client.get("/glossary/thing/?page=2").text


def test_a_large_guide_has_no_large_page(client):
    from tests.bench import scale
    from tests.bench.generate import fill as fill_guide

    fill_guide(100)
    sizes = {
        name: len(client.get(address).content) for name, address in scale.addresses().items() if "data" not in address
    }
    del sizes["sitemap"], sizes["API, list"]
    assert {name: size for name, size in sizes.items() if size > scale.MOST_BYTES} == {}


def test_many_addresses_stand_in_several_sitemaps(client, monkeypatch):
    from products import sitemaps

    monkeypatch.setattr(sitemaps, "MOST_AT_ONCE", 1)
    make_concept(slug="one")
    make_concept(slug="two")
    index = client.get("/sitemap.xml").text
    assert "<sitemapindex" in index
    assert "/sitemap-concepts.xml" in index
    assert "/glossary/two/" in client.get("/sitemap-concepts.xml").text


@pytest.mark.parametrize(
    "address", ["/data/findings.csv", "/data/findings.json", "/data/sources.csv", "/data/sources.json"]
)
def test_a_large_file_is_the_same_when_it_is_sent_in_parts(client, monkeypatch, address):
    from products import exports

    for _ in range(3):
        make_finding()
    whole = client.get(address)
    monkeypatch.setattr(exports, "MOST_AT_ONCE", 1)
    # Another address, since the first answer is kept.
    parts = client.get(f"{address}?again=1")
    assert parts.streaming
    assert b"".join(parts.streaming_content) == whole.content
