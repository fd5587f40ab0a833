"""The comparison, its tray and the visit sheet in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.factories import make_category, make_concept, make_effect, make_finding, make_question

pytestmark = pytest.mark.django_db(transaction=True)

PAIR = "/compare/?item=needled&item=shots"


@pytest.fixture
def guide():
    """Two products for finer lines, ordinary care and doing nothing."""
    wrinkles = make_effect(slug="wrinkles", name="Finer lines", wish="fewer lines")
    for slug, name, kind in [
        ("needled", "Needled thing", "treatment"),
        ("shots", "Shots", "treatment"),
        ("care", "Ordinary care", "comparison"),
        ("doing-nothing", "Doing nothing", "comparison"),
    ]:
        concept = make_concept(slug=f"the-{slug}", name=f"The {slug}")
        make_finding(concept=concept, effect=wrinkles, route="injected")
        make_category(slug=slug, name=name, kind=kind, ingredients=[concept], goals=[wrinkles])
    make_question(text="What is in it?", is_on_wallet_card=True)


def tray(page):
    return page.get_by_role("region", name="Your comparison")


def test_the_tray_follows_the_visitor_and_a_shared_link_leaves_it_alone(guide, page):
    page.goto("/products/needled/")
    page.get_by_role("button", name="Add to compare").click()
    expect(page.get_by_role("button", name="In your comparison")).to_have_attribute("aria-pressed", "true")
    page.goto("/glossary/the-shots/")
    expect(tray(page)).to_contain_text("Needled thing")
    page.goto("/compare/?item=shots&item=care")
    expect(tray(page)).to_contain_text("Needled thing")
    expect(tray(page)).not_to_contain_text("Shots")
    tray(page).get_by_role("link", name="Compare").click()
    expect(page).to_have_url(re.compile(r"/compare/\?item=needled$"))
    expect(tray(page)).to_be_hidden()
    page.goto("/products/needled/")
    tray(page).get_by_role("button", name="Remove Needled thing").click()
    expect(tray(page)).to_be_hidden()
    expect(page.get_by_role("button", name="Add to compare")).to_be_focused()


def test_the_tray_takes_four_and_says_so(guide, page):
    for address in ["/products/needled/", "/products/shots/", "/products/care/", "/products/doing-nothing/"]:
        page.goto(address)
        page.get_by_role("button", name="Add to compare").click()
    page.goto("/glossary/the-shots/")
    page.get_by_role("button", name="Add to compare").click()
    expect(tray(page)).to_contain_text("Four fit side by side")
    expect(tray(page).get_by_role("listitem")).to_have_count(4)


def test_every_change_keeps_the_focus_says_itself_and_can_be_gone_back_from(guide, page):
    page.goto(PAIR)
    status = page.locator("#status")
    page.get_by_role("link", name=re.compile("Matters to me.*Price")).press("Enter")
    expect(page).to_have_url(re.compile("first=price"))
    expect(page.locator("#first-price")).to_be_focused()
    expect(status).to_contain_text("Compared: Needled thing, Shots, Ordinary care, Doing nothing.")
    page.get_by_role("link", name="Hide What it is").press("Enter")
    expect(page.get_by_role("link", name="Show What it is")).to_be_focused()
    expect(page.get_by_role("rowheader", name="In one sentence")).to_have_count(0)
    page.get_by_role("link", name="Remove Shots").press("Enter")
    expect(page.get_by_role("columnheader", name=re.compile("Shots"))).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page).to_have_title(re.compile("^Needled thing, compared"))
    page.go_back()
    expect(page.get_by_role("columnheader", name=re.compile("Shots"))).to_be_visible()
    page.go_back()
    expect(page.get_by_role("rowheader", name="In one sentence")).to_be_visible()
    page.go_forward()
    expect(page.get_by_role("rowheader", name="In one sentence")).to_have_count(0)


def test_on_a_phone_each_question_stands_above_its_answers_and_nothing_scrolls_sideways(guide, page):
    page.set_viewport_size({"width": 375, "height": 800})
    page.goto(PAIR)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    question = page.get_by_role("rowheader", name=re.compile("In one sentence")).bounding_box()
    answers = [cell.bounding_box() for cell in page.locator("tr:has(#row-summary) > td").all()]
    tops = [question["y"], *(box["y"] for box in answers)]
    assert len(answers) == 4
    assert tops == sorted(set(tops))
    # It is still a table to those who hear it, and each answer names its option to those who see it.
    expect(page.get_by_role("table")).to_have_count(1)
    expect(page.get_by_role("columnheader")).to_have_count(4)
    expect(page.locator("tr:has(#row-summary) > td").nth(1)).to_contain_text("Shots")


def test_headings_stay_in_sight_while_the_table_scrolls(guide, page):
    page.set_viewport_size({"width": 1280, "height": 700})
    page.goto(PAIR)
    box = page.locator(".compare-scroll")
    box.evaluate("box => { box.scrollTop = 500; }")
    edge = box.bounding_box()["y"]
    heading = page.get_by_role("columnheader", name=re.compile("Shots")).bounding_box()
    assert edge <= heading["y"] <= edge + 5


def test_turned_round_and_chosen_by_goal_without_scripts(guide, page_without_javascript):
    page = page_without_javascript
    page.goto("/compare/")
    page.get_by_role("link", name="Fewer lines").click()
    page.get_by_label(re.compile("^Shots")).check()
    page.get_by_role("button", name="Compare these").click()
    expect(page.get_by_role("columnheader", name=re.compile("Doing nothing"))).to_be_visible()
    page.get_by_role("link", name="Swap rows and columns").click()
    expect(page.get_by_role("rowheader", name=re.compile("Doing nothing")).first).to_be_visible()
    expect(page.get_by_role("columnheader", name=re.compile("In one sentence"))).to_be_visible()


def test_notes_and_sums_on_the_visit_sheet_stay_in_the_browser(guide, page):
    page.goto("/visit/?item=shots")
    page.get_by_label("Sessions").fill("3")
    page.get_by_label("Price of each").fill("200")
    page.get_by_label("Top-ups a year").fill("1")
    expect(page.locator(".sum")).to_have_text("800")
    page.get_by_label("They stay in this browser.").fill("Ask about the lot number")
    page.reload()
    expect(page.get_by_label("They stay in this browser.")).to_have_value("Ask about the lot number")


def test_the_visit_sheet_prints_on_both_papers_without_cutting_anything_off(guide, page):
    page.goto("/visit/?item=shots&item=needled&where=UK")
    page.emulate_media(media="print")
    for width in (718, 740):  # what A4 and Letter leave between the margins, in CSS pixels
        page.set_viewport_size({"width": width, "height": 1000})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.get_by_role("heading", name="Identity card: fill in on the day")).to_be_visible()
    expect(page.locator("form.filters")).to_be_hidden()
    expect(page.locator(".qr")).to_be_visible()
