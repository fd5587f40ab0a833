"""Five journeys by keyboard alone, on a phone 320 pixels wide; and the list of what is on a page."""

import re

import pytest
from playwright.sync_api import expect

from tests.factories import (
    make_category,
    make_concept,
    make_effect,
    make_finding,
    make_question,
    make_red_flag,
    make_regulation,
)

pytestmark = pytest.mark.django_db(transaction=True)

# Of what has the focus: whether it can be seen, whole in the window, not covered, and marked.
IN_SIGHT = """() => {
  const part = document.activeElement;
  const { top, bottom, left, width } = part.getClientRects()[0];
  const inside = top < innerHeight && bottom > 0;
  const above = document.elementFromPoint(left + Math.min(width, 20) / 2, (Math.max(top, 0) + Math.min(bottom, innerHeight)) / 2);
  const style = getComputedStyle(part);
  const marked = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return { inside, covered: !(part.contains(above) || above?.contains(part)), marked };
}"""


@pytest.fixture
def guide():
    wrinkles = make_effect(slug="wrinkles", name="Finer lines", wish="fewer lines", wordings=["wrinkle*"])
    body = "Text.\n\n## How it is made\n\n" + "So.\n\n" * 60 + "## How it is sold\n\n" + "Thus.\n\n" * 60
    exosomes = make_concept(slug="exosomes", name="Exosomes", summary="Tiny bubbles.", body=body)
    cream = make_concept(slug="sunscreen", name="Sunscreen", kind="care")
    make_finding(concept=exosomes, effect=wrinkles, route="microneedled", shown="Needled result.")
    make_finding(concept=exosomes, effect=wrinkles, route="injected", shown="Injected result.")
    make_finding(concept=cream, effect=wrinkles, route="intact-skin")
    parts = {"ingredients": [exosomes], "goals": [wrinkles]}
    needled = make_category(slug="needled", name="Exosomes needled", route="microneedled", **parts)
    make_category(slug="shots", name="Exosome shots", route="injected", **parts)
    care = {"kind": "comparison", "route": "intact-skin", "ingredients": [cream], "goals": [wrinkles]}
    make_category(slug="ordinary-care-wrinkles", name="Ordinary care", **care)
    make_regulation(category=needled, jurisdiction="UK", detail="Allowed with a licence.")
    make_question(text="What is in it?", is_on_wallet_card=True)
    make_red_flag(slug="guarantee", name="Promises a result", wordings=["guaranteed"])


@pytest.fixture
def keys(page):
    """The keyboard of a visitor with a narrow phone."""
    page.set_viewport_size({"width": 320, "height": 640})
    page.emulate_media(reduced_motion="reduce")
    return Keys(page)


class Keys:
    def __init__(self, page):
        self.page = page

    def to(self, part):
        """Press Tab until `part` has the focus; each stop on the way must be in sight."""
        for _ in range(120):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("document.activeElement === document.body"):
                continue
            sight = self.page.evaluate(IN_SIGHT)
            where = self.page.evaluate("document.activeElement.outerHTML.slice(0, 160)")
            assert sight == {"inside": True, "covered": False, "marked": True}, where
            if part.evaluate_all("(parts) => parts.includes(document.activeElement)"):
                return
        pytest.fail(f"the Tab key does not get to {part}")

    def open(self, part):
        self.to(part)
        self.page.keyboard.press("Enter")

    def link(self, name):
        self.open(self.page.get_by_role("link", name=name, exact=True))

    def fits(self):
        assert self.page.evaluate("document.documentElement.scrollWidth") <= 320


def heading(page, name, level=1):
    return page.get_by_role("heading", name=name, level=level)


def test_looking_a_word_up(guide, page, keys):
    page.goto("/")
    keys.to(page.get_by_label("Which word did you meet?"))
    page.keyboard.type("exosomes")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/search/\?q=exosomes"))
    keys.link("Exosomes")
    expect(heading(page, "Exosomes")).to_be_visible()
    keys.link("Injected")
    expect(page).to_have_url(re.compile("route=injected"))
    expect(page.get_by_role("link", name="Injected", exact=True)).to_be_focused()
    expect(page.get_by_text("Injected result.")).to_be_visible()
    keys.fits()


def test_comparing(guide, page, keys):
    page.goto("/products/needled/")
    keys.open(page.get_by_role("button", name="Add to compare"))
    tray = page.get_by_role("region", name="Your comparison")
    expect(tray).to_be_visible()
    keys.open(tray.get_by_role("link", name="Compare"))
    expect(page).to_have_url(re.compile(r"/compare/\?item=needled"))
    keys.to(page.get_by_label("Add an option"))
    page.keyboard.type("Exosome shots")
    keys.open(page.get_by_role("button", name="Show", exact=True))
    expect(page).to_have_url(re.compile("item=shots"))
    expect(page.get_by_text("Injected result.")).to_be_attached()
    keys.fits()


def test_checking_an_ad(guide, page, keys):
    page.goto("/check/")
    keys.to(page.get_by_label(re.compile("The words of the ad")))
    page.keyboard.type("Exosomes erase wrinkles, guaranteed!")
    keys.open(page.get_by_role("button", name="Check it"))
    expect(
        heading(page, "What should make you wary", 2).or_(heading(page, "What should make you wary", 3))
    ).to_be_visible()
    expect(page.get_by_role("heading", name="Promises a result").first).to_be_visible()
    keys.fits()


def test_making_a_sheet_for_the_appointment(guide, page, keys):
    page.goto("/visit/")
    keys.to(page.get_by_label("What were you offered?"))
    page.keyboard.type("Exosomes needled")
    keys.to(page.get_by_label("Where you live"))
    page.keyboard.type("United K")
    keys.open(page.get_by_role("button", name="Make the sheet"))
    expect(page).to_have_url(re.compile("item=needled&where=UK"))
    expect(page.get_by_text("Allowed with a licence.")).to_be_visible()
    keys.to(page.get_by_label("Price of each"))
    page.keyboard.type("100")
    keys.to(page.get_by_label("They stay in this browser."))
    page.keyboard.type("Ask twice.")
    page.reload()
    expect(page.get_by_label("They stay in this browser.")).to_have_value("Ask twice.")
    keys.fits()


def test_going_from_the_map_to_a_finding(guide, page, keys):
    page.goto("/evidence/")
    keys.to(page.get_by_label("How it enters the body"))
    page.keyboard.type("Needled")
    expect(page).to_have_url(re.compile("route=microneedled"))
    keys.open(page.get_by_role("link", name=re.compile("^Exosomes, finer lines, needled in")))
    expect(page).to_have_url(re.compile("/glossary/exosomes/.*#wrinkles-microneedled"))
    expect(page.locator("#wrinkles-microneedled")).to_be_in_viewport()
    keys.fits()


# --- On this page


def test_contents_list_unfolds_on_a_phone_and_folds_again_when_used(guide, page, keys):
    page.goto("/glossary/exosomes/")
    contents = page.get_by_role("navigation", name="On this page")
    expect(contents.get_by_role("link")).to_have_count(0)
    keys.open(contents.locator("summary"))
    keys.open(contents.get_by_role("link", name="How it is sold"))
    expect(heading(page, "How it is sold", 3).or_(heading(page, "How it is sold", 2))).to_be_in_viewport()
    expect(contents.get_by_role("link")).to_have_count(0)


def test_contents_list_stands_beside_a_wide_page_and_follows_the_reader(guide, page):
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto("/glossary/exosomes/")
    contents = page.get_by_role("navigation", name="On this page")
    for name in ["What is claimed, what is shown", "How it is sold"]:
        page.get_by_role("heading", name=name).evaluate("part => part.scrollIntoView()")
        expect(contents).to_be_in_viewport()
        current = contents.locator("[aria-current=location]")
        expect(current).to_have_text({"How it is sold": name}.get(name, "Claimed and shown"))
        assert (
            contents.bounding_box()["x"]
            >= page.locator("#evidence").bounding_box()["x"] + page.locator("#evidence").bounding_box()["width"]
        )
