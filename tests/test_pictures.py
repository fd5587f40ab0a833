"""Pictures that explain: where they stand, what they say in words, and what they rest on."""

import re
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from glossary.models import Concept, Source
from glossary.views import PICTURES
from products.models import Category
from products.timeline import GAP, timeline
from products.views import DRAWN_ROUTES
from tests.factories import make_category, make_concept, make_regulation

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
TODAY = date(2026, 11, 25)


class Drawings(HTMLParser):
    """What a page's drawings are called: `labels` of each, `texts` by id, and every `id` in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.labels, self.texts, self.ids, self.open_id = [], {}, [], None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "svg" and attrs.get("class") == "drawing":
            assert attrs["role"] == "img"
            self.labels.append(attrs["aria-labelledby"].split())
        if "id" in attrs:
            self.ids.append(attrs["id"])
        self.open_id = attrs.get("id") if tag in ("title", "desc") else None

    def handle_data(self, data):
        if self.open_id:
            self.texts[self.open_id] = data.strip()

    def handle_endtag(self, tag):
        self.open_id = None


def assert_drawings_are_named(html: str) -> None:
    drawings = Drawings(html)
    assert drawings.labels
    for title, description in drawings.labels:
        assert drawings.texts[title]
        assert drawings.texts[description]
    assert len(drawings.ids) == len(set(drawings.ids))
    assert "style=" not in html


@pytest.mark.parametrize("slug", PICTURES)
def test_each_drawing_of_a_concept_has_a_title_and_a_description(client, slug):
    html = client.get(make_concept(slug=slug).get_absolute_url()).text
    for name in PICTURES[slug]:
        assert f'id="picture-{name}"' in html
    if PICTURES[slug] != ["family"]:
        assert_drawings_are_named(html)


def test_a_concept_without_a_picture_shows_none(client):
    assert "picture" not in client.get(make_concept(slug="thing").get_absolute_url()).text.split("<main")[1]


# --- How deep each way in goes


@pytest.mark.parametrize("route", sorted(DRAWN_ROUTES))
def test_a_product_marks_its_own_way_in_and_no_other(client, route):
    category = make_category(route=route)
    make_regulation(category=category)
    html = client.get(category.get_absolute_url()).text
    assert_drawings_are_named(html)
    own = re.findall(r'<li class="own"><strong>(.*?)\.</strong>', html)
    assert own == [category.get_route_display()]
    assert html.count("This is the way on this page.") == 1
    assert html.count('class="heavy accent"') == 1


@pytest.mark.parametrize("route", ["none", "way-of-life", "device"])
def test_what_does_not_pass_through_skin_has_no_cross_section(client, route):
    assert "picture-depth" not in client.get(make_category(route=route).get_absolute_url()).text


def test_only_prp_products_show_how_prp_is_made(client):
    assert "picture-prp" in client.get(make_category(slug="prp-hair").get_absolute_url()).text
    assert "picture-prp" not in client.get(make_category(slug="prf-filler").get_absolute_url()).text


# --- What regulators said, and when


def test_timeline_tells_dated_rules_in_order_and_lists_the_undated_below(client):
    category = make_category()
    make_regulation(category=category, jurisdiction="US", since="2019-12-06", status="not-approved")
    make_regulation(category=category, jurisdiction="KR", since="2001-06", status="approved")
    make_regulation(category=category, jurisdiction="UK", since="", status="unclear")
    text = client.get(f"{category.get_absolute_url()}?where=US").text.split('id="picture-timeline"')[1]
    words = text.split("<figcaption>")[1]
    first, second = words.index("June 2001, South Korea"), words.index("6 December 2019, United States")
    assert first < second < words.index("No date in what we read") < words.index("United Kingdom")
    assert "not approved" in words[second:]
    assert "6 Dec 2019" in text.split("<figcaption>")[0]


def test_there_is_no_timeline_without_a_date(client):
    category = make_category()
    make_regulation(category=category, since="")
    assert "picture-timeline" not in client.get(category.get_absolute_url()).text


@pytest.mark.parametrize(
    "dates",
    [
        ["1997", "2025-01", "2026-09", "2026-10", "2026-10-31"],
        ["1997", "1997-02", "1997-02-03", "1997-03", "2025"],
        ["2026", "2026-01", "2026-01-02"],
    ],
)
def test_words_on_the_timeline_keep_apart_and_inside_when_dates_crowd(dates):
    category = make_category()
    for place, since in zip(["US", "EU", "UK", "KR", "JP"], dates, strict=False):
        make_regulation(category=category, jurisdiction=place, since=since)
    drawn = timeline(category.regulations.all(), TODAY)
    entries = drawn["entries"]
    assert all(b.label_y - a.label_y >= GAP for a, b in pairwise(entries))
    assert entries[0].label_y > 12
    assert entries[-1].label_y + 15 < drawn["height"]


def test_rules_of_one_year_stand_in_the_order_of_their_dates():
    category = make_category()
    for place, since in [("US", "2026-09"), ("EU", "2026-10-31"), ("UK", "2026-10")]:
        make_regulation(category=category, jurisdiction=place, since=since)
    drawn = timeline(category.regulations.all(), TODAY)
    assert [e.rule.since for e in drawn["entries"]] == ["2026-09", "2026-10", "2026-10-31"]


def test_length_on_the_timeline_is_time():
    category = make_category()
    for place, since in [("US", "2000"), ("EU", "2010"), ("UK", "2020")]:
        make_regulation(category=category, jurisdiction=place, since=since)
    drawn = timeline(category.regulations.all(), TODAY)
    first, second, third = (e.y for e in drawn["entries"])
    assert abs((second - first) - (third - second)) <= 1
    assert dict(drawn["years"])[2010] == second
    assert drawn["first"] == 2000
    assert drawn["last"] == 2026


# --- The cytokine family


def test_family_follows_the_parents_and_leaves_drafts_out(client):
    root = make_concept(slug="cytokines", name="Cytokines")
    below = make_concept(slug="growth-factors", name="Growth factors", parent=root, kind="family")
    make_concept(slug="egf", name="EGF", parent=below)
    make_concept(slug="secret", parent=below, state="draft")
    make_concept(slug="platelet", name="Platelet")
    family = client.get("/glossary/growth-factors/").text.split('class="family"')[1].split("</figure>")[0]
    assert re.findall(r'href="/glossary/([\w-]+)/"', family) == ["cytokines", "growth-factors", "egf"]
    assert 'href="/glossary/growth-factors/" class="is-family" aria-current="page"' in family
    assert family.count("aria-current") == 1


# --- What ships


FIGURES = {
    "prp": [("prp", "150,000 to 350,000"), ("prp", "4 to 7 times"), ("prp", "0.21 to 5.43 billion")],
    "sizes": [
        ("skin-barrier", "500 dalton"),
        ("egf", "6,200"),
        ("bfgf", "17,000"),
        ("vegf", "23 kDa"),
        ("hyaluronic-acid", "2 kDa"),
        ("nucleic-acids", "50 to 1,500 kilodaltons"),
        ("exosomes", "30 to 150"),
        ("extracellular-vesicles", "microvesicles of 100 to 1,000"),
    ],
    "family": [("cytokines", "More than 130 cytokines")],
}


def test_figures_in_pictures_still_stand_in_the_guide(shipped_content):
    texts = dict(Concept.objects.values_list("slug", "body"))
    gone = [(picture, *f) for picture, figures in FIGURES.items() for f in figures if f[1] not in texts[f[0]]]
    assert not gone


def test_links_in_pictures_lead_to_entries_that_are_there(client, shipped_content):
    addresses = [f"/glossary/{slug}/" for slug in PICTURES] + [
        c.get_absolute_url() for c in Category.objects.published()
    ]
    linked = set()
    for address in addresses:
        for section in client.get(address).text.split('<section class="picture"')[1:]:
            linked |= set(re.findall(r'href="(/[^"#]+)"', section.split("</section>")[0]))
    concepts = {c.get_absolute_url() for c in Concept.objects.published()}
    assert len(linked) > 20
    assert linked <= concepts | {s.get_absolute_url() for s in Source.objects.all()}
