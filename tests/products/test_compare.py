"""`/compare/` and `/visit/`: what an address shows, and how it meets bad ones."""

import re
from html import unescape
from io import BytesIO

import pytest
from PIL import Image

from products.models import Category, Question
from tests.factories import (
    make_category,
    make_concept,
    make_effect,
    make_event_count,
    make_finding,
    make_price,
    make_question,
    make_ready_made,
    make_red_flag,
    make_regulation,
    make_reporting_body,
)

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def guide():
    """Serum and Shots for firmness, with ordinary care and doing nothing to compare with."""
    effect = make_effect(slug="firmness", name="Firmness", wish="firmer skin")
    for slug, name, kind in [
        ("serum", "Serum", "treatment"),
        ("shots", "Shots", "treatment"),
        ("care", "Ordinary care", "comparison"),
        ("doing-nothing", "Doing nothing", "comparison"),
    ]:
        concept = make_concept(slug=f"the-{slug}", name=f"The {slug}")
        make_finding(concept=concept, effect=effect, route="injected", shown=f"What {slug} did.")
        make_category(slug=slug, name=name, kind=kind, ingredients=[concept], goals=[effect], summary=f"About {slug}.")


def columns(response):
    """The names over the columns, in order."""
    head = response.text.split("<thead", 1)[1].split("</thead>")[0]
    return [name.strip() for name in re.findall(r'<th scope="col">\s*(?:<a[^>]*>)?([^<]+)', head)]


def rows(response):
    """The names of the rows, in order."""
    return [
        unescape(name) for name in re.findall(r'row-name">(?:<span class="rank">\d</span> )?([^<]+)', response.text)
    ]


def link(response, label):
    """Where the link with this text, as a screen reader reads it, goes."""
    for address, inner in re.findall(r'<a [^>]*href="([^"]+)"[^>]*>(.*?)</a>', response.text, re.DOTALL):
        if " ".join(re.sub(r"<[^>]+>", "", inner).split()) == label:
            return unescape(address)
    raise AssertionError(f"no link “{label}”")


# --- What stands side by side


def test_ordinary_care_and_doing_nothing_stand_beside_what_is_chosen(guide, client):
    assert columns(client.get("/compare/?item=serum")) == ["Serum", "Ordinary care", "Doing nothing"]
    assert columns(client.get("/compare/?item=serum&item=shots")) == [
        "Serum",
        "Shots",
        "Ordinary care",
        "Doing nothing",
    ]
    assert columns(client.get("/compare/?item=the-serum")) == ["The serum", "Ordinary care", "Doing nothing"]


def test_what_was_put_beside_can_be_taken_away_for_good(guide, client):
    response = client.get("/compare/" + link(client.get("/compare/?item=serum"), "Remove Doing nothing"))
    assert columns(response) == ["Serum", "Ordinary care"]
    response = client.get("/compare/" + link(response, "Remove Ordinary care"))
    assert columns(response) == ["Serum"]
    assert columns(client.get("/compare/" + link(response, "Show only differences"))) == ["Serum"]


def test_without_doing_nothing_among_the_options_the_natural_course_stands_below(guide, client):
    response = client.get("/compare/?item=serum&alone=1")
    assert "And without any treatment?" in response.text
    assert "What doing-nothing did." in response.text
    assert "And without any treatment?" not in client.get("/compare/?item=serum").text


def test_options_move_left_and_right(guide, client):
    response = client.get("/compare/?item=serum&item=shots")
    response = client.get("/compare/" + link(response, "Move Serum right"))
    assert columns(response) == ["Shots", "Serum", "Ordinary care", "Doing nothing"]
    response = client.get("/compare/" + link(response, "Move Doing nothing left"))
    assert columns(response) == ["Shots", "Serum", "Doing nothing", "Ordinary care"]


def test_a_ready_made_comparison_has_its_own_title_in_any_order(guide, client):
    serum, shots = Category.objects.get(slug="serum"), Category.objects.get(slug="shots")
    ready = make_ready_made(serum, shots, title="Jar or needle?", description="Two ways to firmer skin.")
    assert ready.get_absolute_url() == "/compare/?item=serum&item=shots"
    for address in ["/compare/?item=serum&item=shots", "/compare/?item=shots&item=serum&differences=1"]:
        response = client.get(address)
        assert "<title>Jar or needle? Compared" in response.text
        assert "Two ways to firmer skin." in response.text
    assert "Jar or needle?" in client.get("/compare/").text
    assert "Jar or needle?" in client.get("/").text


def test_a_goal_shows_what_is_sold_for_it_beside_ordinary_care(guide, client):
    response = client.get("/compare/?goal=firmness")
    assert "I want firmer skin" in response.text
    assert re.findall(r'name="item" value="([^"]+)" id="choose-[^"]+"( checked)?', response.text) == [
        ("serum", ""),
        ("shots", ""),
        ("care", " checked"),
        ("doing-nothing", " checked"),
    ]
    assert "so it was left out" in client.get("/compare/?goal=happiness").text


# --- Rows


def test_rows_that_matter_come_first_in_the_visitors_order(guide, client):
    response = client.get("/compare/?item=serum")
    response = client.get("/compare/" + link(response, "Matters to me: Price"))
    response = client.get("/compare/" + link(response, "Matters to me: Firmness"))
    assert rows(response)[:2] == ["Price", "Firmness"]
    assert rows(response).count("Price") == 1
    response = client.get("/compare/" + link(response, "Move Firmness up"))
    assert rows(response)[:2] == ["Firmness", "Price"]
    response = client.get("/compare/" + link(response, "Put Firmness back"))
    assert rows(response)[0] == "Price"


def test_five_rows_can_come_first(guide, client):
    keys = ["price", "summary", "way-in", "contents", "downtime", "interval"]
    response = client.get("/compare/?item=serum&" + "&".join(f"first={key}" for key in keys))
    assert "5 rows can stand first" in response.text
    assert rows(response)[:5] == [
        "Price",
        "In one sentence",
        "How it enters the body",
        "What is in it",
        "The days after",
    ]
    assert "Matters to me" not in response.text


def test_a_group_closes_and_opens(guide, client):
    response = client.get("/compare/" + link(client.get("/compare/?item=serum"), "Hide What it is"))
    assert "In one sentence" not in rows(response)
    assert "In one sentence" in rows(client.get("/compare/" + link(response, "Show What it is")))


def test_only_differences_hides_what_is_the_same_and_counts_it(guide, client):
    response = client.get("/compare/?item=serum&item=shots&alone=1&differences=1")
    assert "In one sentence" in rows(response)
    assert "The days after" not in rows(response)
    assert "the same for all and hidden" in response.text


def test_turned_round_each_option_is_a_row(guide, client):
    response = client.get("/compare/?item=serum&item=shots&turned=1")
    assert response.text.count('<th scope="row">') >= 4
    assert "What serum did." in response.text
    assert 'scope="col" id="row-summary"' in response.text


def test_a_missing_answer_is_said_in_words(guide, client):
    assert "We found no price on a page we could check." in client.get("/compare/?item=serum").text


# --- Addresses


def test_search_engines_get_one_address_in_one_order(guide, client):
    one = client.get("/compare/?item=serum&item=shots&differences=1&first=price")
    other = client.get("/compare/?item=shots&item=serum&turned=1&where=UK")
    canonical = re.compile(r'<link rel="canonical" href="([^"]+)"')
    assert canonical.search(one.text)[1] == canonical.search(other.text)[1]
    assert unescape(canonical.search(one.text)[1]).endswith("?item=care&item=doing-nothing&item=serum&item=shots")


def test_a_shared_link_shows_a_picture_that_says_what_is_compared(guide, client):
    response = client.get("/compare/?item=serum&item=shots")
    assert '<meta property="og:title" content="Serum or Shots?">' in response.text
    address = unescape(re.search(r'og:image" content="http://testserver([^"]+)"', response.text)[1])
    picture = client.get(address)
    assert picture.headers["Content-Type"] == "image/png"
    assert Image.open(BytesIO(picture.content)).size == (1200, 630)
    assert picture.content != client.get("/compare/card.png?item=serum").content
    assert client.get("/compare/card.png").status_code == 200


def test_a_renamed_item_is_redirected_to_its_new_address(guide, client):
    serum = Category.objects.get(slug="serum")
    serum.slug = "essence"
    serum.save()
    response = client.get("/compare/?item=serum&item=shots&where=UK")
    assert response.status_code == 301
    assert response.headers["Location"] == "/compare/?item=essence&item=shots&where=UK"
    assert client.get("/visit/?item=serum").headers["Location"] == "/visit/?item=essence"
    assert client.get("/products/serum/").headers["Location"] == "/products/essence/"


def test_a_renamed_concept_keeps_its_old_address(client):
    concept = make_concept(slug="old-name", name="Thing")
    concept.slug = "new-name"
    concept.save()
    response = client.get("/glossary/old-name/?route=injected")
    assert response.status_code == 301
    assert response.headers["Location"] == "/glossary/new-name/?route=injected"


def test_a_withdrawn_item_keeps_its_column_and_says_so(guide, client):
    Category.objects.filter(slug="shots").update(state="withdrawn")
    response = client.get("/compare/?item=serum&item=shots")
    assert columns(response)[:2] == ["Serum", "Shots"]
    assert "We have withdrawn the page “Shots”" in response.text
    assert "About shots." not in response.text
    assert "What shots did." not in response.text


@pytest.mark.parametrize(
    "address",
    [
        "/compare/?" + "&".join(f"item=thing-{n}" for n in range(40)),
        "/compare/?item=" + "x" * 10_000,
        "/compare/?item=serum&first=" + "y" * 10_000 + "&closed=" + "z" * 5_000,
        "/compare/?item=serum&" + "&".join(f"first=row-{n}&closed=g{n}" for n in range(500)),
        "/compare/?item=serum&item=%00%ff&route='%20OR%201=1--&where=%3Cscript%3E",
        "/compare/card.png?item=" + "x" * 10_000,
        "/visit/?item=" + "x" * 10_000 + "&where=%00",
    ],
)
def test_hostile_addresses_are_answered(guide, client, address):
    response = client.get(address)
    assert response.status_code in (200, 301, 414)
    assert "<script>" not in response.text if "text/html" in response.headers["Content-Type"] else True


# --- Out of a hundred


def test_counts_in_both_groups_are_drawn_out_of_a_hundred_side_by_side(guide, client):
    finding = Category.objects.get(slug="serum").findings().get()
    make_event_count(finding=finding, events_with=16, total_with=25, events_without=12, total_without=25)
    for address in ["/compare/?item=serum", "/products/serum/", "/glossary/the-serum/"]:
        text = client.get(address).text
        assert 'aria-label="64 of 100 dots are filled"' in text
        assert 'aria-label="48 of 100 dots are filled"' in text
        assert "16 of 25 people" in text


# --- The sheet for the appointment


def test_the_sheet_has_all_that_one_needs_on_the_day(guide, client):
    serum = Category.objects.get(slug="serum")
    make_regulation(category=serum, jurisdiction="UK", detail="It needs a licence there.")
    make_reporting_body(jurisdiction="UK", name="The watchdog")
    make_question(text="What is in the vial?", good_answer="Here is the label.", is_on_wallet_card=True)
    make_question(text="Who pays you?", vague_answer="Why do you ask?", follow_up="May I see that in writing?")
    make_red_flag(name="Promises a result", severity="walk-away")
    make_price(category=serum, low=300, high=300, currency="GBP")
    text = client.get("/visit/?item=serum&where=UK").text
    for words in ["That it helps.", "It needs a licence there.", "The watchdog",
                  "What is in the vial?", "Here is the label.", "Why do you ask?", "May I see that in writing?",
                  "Promises a result", "Lot number and expiry", "300 GBP per session", "<svg"]:  # fmt: skip
        assert words in text, words
    wallet = text.split('class="wallet"')[1].split("</section>")[0]
    assert "What is in the vial?" in wallet
    assert "Who pays you?" not in wallet
    assert Question.objects.count() == 2
