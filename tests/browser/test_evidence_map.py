"""The evidence map and the list of sources in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.factories import make_concept, make_effect, make_finding

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def drawn():
    """Four effects and two concepts, enough for a grid."""
    egf, prp = make_concept(slug="egf", name="EGF"), make_concept(slug="prp", name="PRP")
    for position, name in enumerate(["Lines", "Hair", "Scars", "Knees"]):
        effect = make_effect(slug=name.lower(), name=name, position=position)
        # Not in every field, so that a mark out of place stands out.
        if name != "Hair":
            make_finding(concept=egf, effect=effect, route="injected", people=28)
        if name != "Lines":
            make_finding(concept=prp, effect=effect, route="wound", people=2000)


def test_wide_screen_shows_rows_and_columns_and_reads_out_the_mark_in_focus(drawn, page):
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto("/evidence/")
    boxes = page.evaluate(
        """Object.fromEntries([...document.querySelectorAll(".evidence-map li a, .map-lines span, .map-effect h3")]
        .map((e) => [e.textContent.trim(), e.getBoundingClientRect().toJSON()]))"""
    )
    checked = 0
    for words, mark in boxes.items():
        if ":" in words:
            concept, effect, _ = words.split(", ", 2)
            line = boxes[concept]
            column = next(box for said, box in boxes.items() if said.lower().startswith(f"{effect} "))
            assert line["top"] <= mark["top"] <= mark["bottom"] <= line["bottom"] + 1, words
            assert column["left"] <= mark["left"] <= mark["right"] <= column["right"], words
            assert min(mark["width"], mark["height"]) >= 24, words
            checked += 1
    assert checked == 6
    page.get_by_role("link", name="PRP, hair, on a wound: may improve it, 2,000 people", exact=True).focus()
    said = page.locator(".map-said")
    expect(said).to_have_text("PRP, hair, on a wound: may improve it, 2,000 people")


@pytest.mark.parametrize("address", ["/evidence/", "/evidence/?view=table", "/sources/"])
def test_narrow_phone_shows_it_all_without_sideways_scrolling(drawn, page, address):
    page.set_viewport_size({"width": 320, "height": 700})
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_phone_shows_the_words_beside_each_mark(drawn, page):
    page.set_viewport_size({"width": 375, "height": 700})
    page.goto("/evidence/")
    words = page.get_by_role("link", name="EGF, knees, injected: may improve it, 28 people", exact=True).locator("span")
    assert words.bounding_box()["width"] > 100
    assert words.inner_text().startswith("EGF")


def test_order_pressed_by_keyboard_keeps_the_focus_and_the_filters_keep_the_order(drawn, page):
    page.goto("/evidence/?view=table")
    page.get_by_role("link", name="People", exact=True).press("Enter")
    page.wait_for_url(re.compile("sort=people"))
    header = page.get_by_role("columnheader", name=re.compile("People"))
    expect(header).to_have_attribute("aria-sort", "descending")
    expect(page.locator("#sort-people")).to_be_focused()
    page.get_by_label("How it enters the body").select_option("wound")
    page.wait_for_url(re.compile("route=wound"))
    assert "sort=people" in page.url
    assert "view=table" in page.url


def test_filters_are_a_form_without_scripts(drawn, page_without_javascript):
    page = page_without_javascript
    page.goto("/evidence/?view=table&sort=people")
    page.get_by_label("Effect").select_option("hair")
    page.get_by_role("button", name="Show", exact=True).click()
    assert "effect=hair" in page.url
    assert "sort=people" in page.url
    assert page.get_by_role("row").count() == 2
