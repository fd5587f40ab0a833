"""The main journeys in a real browser, with scripts and without."""

import re

import pytest
from playwright.sync_api import expect

from tests.factories import make_category, make_concept, make_effect, make_finding, make_red_flag

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def guide():
    """Two products for wrinkles, one needled and one injected, and ordinary care."""
    wrinkles = make_effect(slug="wrinkles", name="Finer lines", wordings=["wrinkle*"])
    exosomes = make_concept(slug="exosomes", name="Exosomes", summary="Tiny bubbles.", body="Not like EGF at all.")
    egf = make_concept(slug="egf", name="EGF", summary="A small protein.")
    cream = make_concept(slug="sunscreen", name="Sunscreen", kind="care")
    make_finding(concept=exosomes, effect=wrinkles, route="microneedled", shown="Needled result.")
    make_finding(concept=exosomes, effect=wrinkles, route="injected", shown="Injected result.")
    make_finding(concept=egf, effect=wrinkles, route="injected", shown="EGF result.")
    make_finding(concept=cream, effect=wrinkles, route="intact-skin", shown="Sunscreen result.")
    make_category(
        slug="needled", name="Exosomes needled", route="microneedled", ingredients=[exosomes], goals=[wrinkles]
    )
    make_category(slug="shots", name="EGF shots", route="injected", ingredients=[egf], goals=[wrinkles])
    make_category(
        slug="care", name="Ordinary care", kind="comparison", route="intact-skin", ingredients=[cream], goals=[wrinkles]
    )
    make_red_flag(slug="guarantee", name="Promises a result", wordings=["guaranteed"])


def look_up_and_compare(page, set_aside):
    """Look a word up, open a product it turns up in, compare it; `set_aside` goes from the product to the comparison."""
    page.goto("/")
    page.get_by_label("Which word did you meet?").fill("exosome")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Exosomes", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Exosomes")
    page.get_by_role("link", name="Needled in", exact=True).click()
    expect(page).to_have_url(re.compile(r"route=microneedled"))
    expect(page.get_by_role("heading", name="Studied another way")).to_be_visible()
    page.get_by_role("link", name="Exosomes needled").click()
    set_aside(page)
    expect(page.get_by_role("columnheader", name=re.compile("Ordinary care"))).to_be_visible()
    page.get_by_label("Add an option").select_option("shots")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("columnheader", name=re.compile("EGF shots"))).to_be_visible()
    page.get_by_role("link", name="Remove Exosomes needled").click()
    expect(page.get_by_role("columnheader", name=re.compile("Exosomes needled"))).to_have_count(0)


def check_an_ad(page):
    page.goto("/check/")
    page.get_by_label(re.compile("The words of the ad")).fill("Exosomes erase wrinkles, guaranteed!")
    page.get_by_role("button", name="Check it").click()
    expect(page.get_by_role("heading", name="What should make you wary")).to_be_visible()
    expect(page.get_by_role("heading", name="Promises a result").first).to_be_visible()


def test_visitor_looks_a_word_up_and_compares(guide, page):
    def by_the_tray(page):
        page.get_by_role("button", name="Add to compare").click()
        page.get_by_role("region", name="Your comparison").get_by_role("link", name="Compare").click()

    look_up_and_compare(page, by_the_tray)


def test_visitor_looks_a_word_up_and_compares_without_scripts(guide, page_without_javascript):
    def by_the_link(page):
        page.get_by_role("link", name="Compare it", exact=True).click()

    look_up_and_compare(page_without_javascript, by_the_link)


def test_visitor_checks_an_ad(guide, page):
    check_an_ad(page)


def test_visitor_checks_an_ad_without_scripts(guide, page_without_javascript):
    check_an_ad(page_without_javascript)


def test_back_and_forward_show_whole_pages(guide, page):
    page.goto("/glossary/exosomes/")
    page.get_by_role("link", name="Injected", exact=True).click()
    expect(page).to_have_url(re.compile("route=injected"))
    page.get_by_role("link", name="Products", exact=True).click()
    page.go_back()
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    expect(page.get_by_role("heading", name="Studied another way")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    expect(page.get_by_role("heading", name="Studied another way")).to_have_count(0)


def test_filter_as_one_types_keeps_the_focus_and_says_what_changed(guide, page):
    page.goto("/glossary/")
    box = page.get_by_label("Filter by name")
    box.press_sequentially("egf")
    expect(page.locator("#status")).to_have_text("1 entry")
    expect(box).to_be_focused()
    expect(page).to_have_url(re.compile("q=egf"))


def test_term_explains_itself_on_focus_and_escape_closes_it(guide, page):
    page.goto("/glossary/exosomes/")
    term = page.locator(".prose a.term", has_text="EGF")
    term.focus()
    panel = page.get_by_role("dialog", name="What this word means")
    expect(panel).to_contain_text("A small protein.")
    assert panel.bounding_box()["y"] >= term.bounding_box()["y"] + term.bounding_box()["height"]
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(term).to_be_focused()


@pytest.mark.parametrize("address", ["/", "/glossary/", "/glossary/exosomes/", "/products/needled/", "/check/", "/visit/",
    "/compare/?item=needled&item=shots", "/evidence/", "/method/"])  # fmt: skip
def test_page_fits_a_narrow_phone(guide, page, address):
    page.set_viewport_size({"width": 320, "height": 700})
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
