"""Suggestions under the search box, in a real browser, by keyboard, by pointer and without scripts."""

import re

import pytest
from playwright.sync_api import expect

from tests.factories import make_category, make_concept

pytestmark = pytest.mark.django_db(transaction=True)

# Every page with a search box, and the label of that box.
BOXES = [
    ("/", "Which word did you meet?"),
    ("/search/", "Any word, in any of the languages"),
    ("/glossary/", "Search the guide"),
]


@pytest.fixture
def guide():
    exosomes = make_concept(slug="exosomes", name="Exosomes", aliases=["tiny bubbles"])
    make_concept(slug="egf", name="EGF")
    make_category(slug="needled", name="Exosomes with needles", ingredients=[exosomes])
    make_category(slug="rubbed", name="Exosome cream", ingredients=[exosomes])


def open_box(page, address="/", label=BOXES[0][1], typed="exos"):
    """The box with some letters typed and its suggestions on show."""
    page.goto(address)
    box = page.get_by_role("combobox", name=label)
    box.press_sequentially(typed)
    expect(page.get_by_role("listbox", name="Suggestions")).to_be_visible()
    return box


def options(page):
    return page.get_by_role("listbox", name="Suggestions").get_by_role("option")


@pytest.mark.parametrize(("address", "label"), BOXES)
def test_suggestions_come_as_one_types_and_arrows_and_enter_open_one(guide, page, address, label):
    box = open_box(page, address, label)
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(options(page)).to_have_count(3)
    assert page.locator(f"#{box.get_attribute('aria-controls')}").get_attribute("role") == "listbox"
    expect(page.locator("#status")).to_contain_text("3 suggestions")
    expect(box).not_to_have_attribute("aria-activedescendant", re.compile("."))
    page.keyboard.press("ArrowDown")
    first = options(page).first
    expect(first).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", first.get_attribute("id"))
    expect(box).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/glossary/exosomes/$"))


def test_arrows_home_and_end_go_round_the_suggestions(guide, page):
    box = open_box(page)
    selected = page.locator(".suggestions [aria-selected=true]")
    page.keyboard.press("ArrowUp")
    expect(options(page).last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Home")
    expect(options(page).first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("End")
    expect(options(page).last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(selected).to_have_count(0)  # back in the box, where Home and End move the cursor
    page.keyboard.press("Home")
    page.keyboard.type("x")
    expect(box).to_have_value("xexos")


def test_escape_closes_the_suggestions_and_keeps_the_word(guide, page):
    box = open_box(page)
    page.keyboard.press("Escape")
    expect(page.locator("[role=listbox]")).to_be_hidden()
    expect(box).to_have_value("exos")
    expect(box).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("listbox")).to_be_visible()


def test_tab_leaves_the_box_and_closes_the_suggestions(guide, page):
    open_box(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(page.locator("[role=listbox]")).to_be_hidden()
    expect(page.get_by_role("button", name="Search")).to_be_focused()


def test_enter_without_a_choice_searches(guide, page):
    open_box(page)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/search/\?q=exos$"))
    expect(page.get_by_role("heading", name="Glossary")).to_be_visible()
    expect(page.locator("[role=listbox]")).to_be_hidden()


def test_suggestion_is_a_link_that_opens_with_a_click(guide, page):
    open_box(page, typed="bubb")
    option = options(page).first
    expect(option).to_contain_text("Also called “tiny bubbles”")
    option.click()
    expect(page).to_have_url(re.compile("/glossary/exosomes/$"))


def test_word_that_leads_nowhere_has_no_list_and_says_so(guide, page):
    page.goto("/")
    box = page.get_by_role("combobox", name=BOXES[0][1])
    box.press_sequentially("zzzz")
    expect(page.locator("#status")).to_have_text("No suggestions.")
    expect(box).to_have_attribute("aria-expanded", "false")


def test_misspelt_search_says_what_it_shows_and_offers_the_literal_one(guide, page):
    page.goto("/search/")
    page.get_by_label(BOXES[1][1]).fill("exosone")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#results")).to_contain_text("Showing results for")
    expect(page).to_have_title(re.compile("^exosone"))
    page.get_by_role("link", name="Search for “exosone” as it is spelt").click()
    expect(page.locator("#results")).to_contain_text("We found nothing for “exosone”")


@pytest.mark.parametrize(("address", "label"), BOXES)
def test_open_suggestions_fit_a_narrow_phone(guide, page, address, label):
    page.set_viewport_size({"width": 320, "height": 700})
    open_box(page, address, label)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    edges = page.get_by_role("listbox").bounding_box()
    assert edges["x"] >= 0
    assert edges["x"] + edges["width"] <= 320


@pytest.mark.parametrize(("address", "label"), BOXES)
def test_box_is_a_plain_form_without_scripts(guide, page_without_javascript, address, label):
    page = page_without_javascript
    page.goto(address)
    page.get_by_role("searchbox", name=label).fill("exosomes")
    page.get_by_role("search").get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", name="Products")).to_be_visible()
    expect(page.get_by_role("link", name="Exosomes", exact=True)).to_be_visible()
