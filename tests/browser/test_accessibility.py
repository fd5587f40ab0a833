"""No barriers: every kind of page, narrow and wide, light and dark, with axe-core; and what axe cannot see."""

import re

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import expect

from tests.factories import (
    make_alias,
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
    make_risk,
    make_source,
)

pytestmark = pytest.mark.django_db(transaction=True)

PAIR = "item=needled&item=shots&where=UK"
PAGES = {
    "home": "/",
    "glossary": "/glossary/",
    "concept": "/glossary/exosomes/?route=injected",
    "products": "/products/",
    "category": "/products/needled/",
    "compare table": f"/compare/?{PAIR}",
    "compare turned": f"/compare/?{PAIR}&turned=1",
    "compare start": "/compare/",
    "goal": "/compare/?goal=wrinkles",
    "check": "/check/",
    "visit": f"/visit/?{PAIR}",
    "search with results": "/search/?q=exosomes",
    "search without results": "/search/?q=zzzzqqqq",
    "evidence": "/evidence/",
    "sources": "/sources/",
    "source": "/sources/trial/",
    "changes": "/changes/",
    "method": "/method/",
    "standards": "/method/standards/",
    "about": "/about/",
    "privacy": "/privacy/",
    "data": "/data/",
    "api": "/api/",
    "offline": "/offline/",
    "nothing there": "/glossary/exosomez/",
}
# All of WCAG 2.2 A and AA, and what axe calls best practice.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EVERYTHING = {"runOnly": RULES, "rules": {"target-size": {"enabled": True}}, "resultTypes": ["violations"]}
RUN_AXE = """async (options) => {
  return (await axe.run(document, options)).violations.flatMap(
    (rule) => rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 200)} -- ${node.failureSummary}`)
  );
}"""


@pytest.fixture
def guide():
    """Something for each part of each page: every shape of verdict, risks, rules, prices, questions, warnings."""
    wrinkles = make_effect(slug="wrinkles", name="Finer lines", wish="fewer lines", wordings=["wrinkle*"])
    firmness = make_effect(slug="firmness", name="Firmer skin", wish="firmer skin")
    redness, scars = make_effect(name="Less redness"), make_effect(name="Flatter scars")
    trial = make_source(key="trial", title="A trial of needling")
    body = "Not like EGF.\n\n## How it is made\n\nFirst one, then the other.\n\n## What is in it\n\n- Bubbles\n\nMore."
    family = make_concept(slug="derivatives", name="Cell products", kind="family")
    exosomes = make_concept(
        slug="exosomes", name="Exosomes", summary="Tiny bubbles.", body=body, parent=family, aliases=["nano bubbles"]
    )
    make_alias(concept=exosomes, text="外泌体", language="zh-Hans", kind="translation")
    egf = make_concept(slug="egf", name="EGF", kind="molecule", summary="A small protein.")
    cream = make_concept(slug="sunscreen", name="Sunscreen", kind="care")
    sources = [
        trial,
        *(
            make_source(title="A long title that goes on and on for a while", authors=f"{n} Doe J, Roe R")
            for n in "ABC"
        ),
    ]
    finding = make_finding(concept=exosomes, effect=wrinkles, route="microneedled", sources=sources)
    make_finding(concept=exosomes, effect=wrinkles, route="wound")
    make_event_count(finding=finding)
    make_finding(concept=exosomes, effect=wrinkles, route="injected", certainty="none")
    make_finding(concept=exosomes, effect=firmness, route="microneedled", direction="mixed")
    make_finding(concept=exosomes, effect=redness, route="microneedled", direction="harm", certainty="moderate")
    make_finding(concept=exosomes, effect=scars, route="microneedled", direction="unknown", certainty="very-low")
    make_finding(concept=egf, effect=wrinkles, route="injected", direction="no-difference", certainty="high")
    make_finding(concept=cream, effect=wrinkles, route="intact-skin", certainty="high", size="large")
    make_risk(concept=exosomes, route="microneedled", severity="serious")
    make_risk(concept=egf)
    parts = {"ingredients": [exosomes], "goals": [wrinkles, firmness]}
    needled = make_category(slug="needled", name="Exosomes needled", route="microneedled", **parts)
    shots = make_category(slug="shots", name="EGF shots", route="injected", ingredients=[egf], goals=[wrinkles])
    for slug, name in [("ordinary-care-wrinkles", "Ordinary care"), ("doing-nothing", "Doing nothing")]:
        parts = {"ingredients": [cream], "goals": [wrinkles]}
        make_category(slug=slug, name=name, kind="comparison", route="intact-skin", **parts)
    for where in ("UK", "US"):
        make_regulation(category=needled, jurisdiction=where)
        make_reporting_body(jurisdiction=where)
    make_price(category=needled)
    make_question(is_on_wallet_card=True)
    make_red_flag(slug="guarantee", name="Promises a result", wordings=["guaranteed"], severity="walk-away")
    make_ready_made(needled, shots, goal=wrinkles)


def barriers(page):
    """What axe finds on a phone in light colours and on a desk in dark ones: sentences, none where all is well."""
    page.evaluate(AXE_SCRIPT)
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    found = []
    for width, scheme in ((320, "light"), (1280, "dark")):
        page.set_viewport_size({"width": width, "height": 800})
        # Without motion: a colour half-way between two schemes would be measured else.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        # What is out of sight has no layout yet (content-visibility), and axe would measure a guess.
        add_style(page, "* { content-visibility: visible !important; }")
        found += [f"{width} px, {scheme}: {barrier}" for barrier in page.evaluate(RUN_AXE, EVERYTHING)]
    return found


def read_an_ad(page):
    page.goto("/check/")
    page.get_by_label(re.compile("The words of the ad")).fill("Exosomes erase wrinkles, guaranteed!")
    page.get_by_role("button", name="Check it").click()
    expect(page.get_by_role("heading", name="What should make you wary")).to_be_visible()


def test_no_page_has_a_barrier_that_axe_finds(guide, page, page_problems):
    found = []
    for name, address in PAGES.items():
        page.goto(address)
        if name == "nothing there":
            page_problems.clear()  # the browser reports the 404
        found += [f"{name}: {barrier}" for barrier in barriers(page)]
    assert not found, "\n".join(found)


def test_ad_that_was_read_has_no_barrier_that_axe_finds(guide, page):
    read_an_ad(page)
    assert not (found := barriers(page)), "\n".join(found)


def test_open_term_panel_and_tray_have_no_barrier_that_axe_finds(guide, page):
    page.goto("/products/needled/")
    page.get_by_role("button", name="Add to compare").click()
    page.goto("/glossary/exosomes/")
    page.locator(".prose a.term", has_text="EGF").focus()
    expect(page.get_by_role("dialog")).to_contain_text("A small protein.")
    assert not (found := barriers(page)), "\n".join(found)


# --- What axe does not see

# A link in a line of text may be as small as its letters (WCAG 2.5.8); axe measures how far those are apart.
SMALL_TARGETS = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary")].map((part) => {
  const { width, height } = part.getBoundingClientRect();
  const isText = part.matches("a") && getComputedStyle(part).display === "inline";
  const isSmall = part.checkVisibility() && !isText && !part.matches(".skip") && (width < 24 || height < 24);
  return isSmall && `${width} by ${height}: ${part.outerHTML.slice(0, 160)}`;
}).filter(Boolean)"""

# The spacing of WCAG 1.4.12, as a visitor's own style sheet would set it.
SPACED = """* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; }
  p { margin-block-end: 2em !important; }"""
CLIPPED = """() => [...document.querySelectorAll("body *")].filter((part) => {
  const { overflowX, overflowY } = getComputedStyle(part);
  const clips = [overflowX, overflowY].some((value) => value === "hidden" || value === "clip");
  const overflows = part.scrollWidth > part.clientWidth + 1 || part.scrollHeight > part.clientHeight + 1;
  // What is hidden from sight on purpose is one pixel in size.
  return clips && overflows && part.checkVisibility() && part.clientWidth > 1 && !part.closest("svg");
}).map((part) => part.outerHTML.slice(0, 160))"""


def add_style(page, rules):
    """A style sheet of the visitor's, which no policy of the site stops."""
    page.evaluate(
        "rules => { const sheet = new CSSStyleSheet(); sheet.replaceSync(rules); document.adoptedStyleSheets = [sheet]; }",
        rules,
    )


def width_of_content(page):
    return page.evaluate("document.documentElement.scrollWidth")


@pytest.fixture
def every_page(guide, page, page_problems):
    """Opens one kind of page after the other at a width: gives its name and the browser's page."""

    def every_page(width):
        page.set_viewport_size({"width": width, "height": 800})
        for name, address in PAGES.items():
            page.goto(address)
            if name == "nothing there":
                page_problems.clear()
            yield name, page

    return every_page


def test_targets_are_24_pixels_or_more(every_page):
    assert not {name: small for name, page in every_page(320) if (small := page.evaluate(SMALL_TARGETS))}


def test_spaced_out_text_is_neither_cut_off_nor_wider_than_the_phone(every_page):
    for name, page in every_page(320):
        add_style(page, SPACED)
        assert width_of_content(page) <= 320, name
        assert page.evaluate(CLIPPED) == [], name


def test_text_at_200_percent_needs_no_scrolling_sideways(every_page):
    for name, page in every_page(1280):
        add_style(page, "html { font-size: 200% !important; }")
        assert width_of_content(page) <= 1280, name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_forced_colours_keep_meters_links_and_buttons_in_sight(guide, page, scheme):
    page.emulate_media(forced_colors="active", color_scheme=scheme)
    page.goto("/glossary/exosomes/")

    def colour(selector, what):
        script = "([selector, what]) => getComputedStyle(document.querySelector(selector))[what]"
        return page.evaluate(script, [selector, what])

    def system(name):
        script = "name => { const p = document.createElement('p'); p.style.color = name; document.body.append(p); return getComputedStyle(p).color; }"
        return page.evaluate(script, name)

    text, paper, link = system("CanvasText"), system("Canvas"), system("LinkText")
    assert len({text, paper, link}) == 3
    assert colour("body", "backgroundColor") == paper
    for shape in ["benefit", "mixed", "harm", "unknown", "untested"]:
        assert colour(f".is-{shape} svg", "color") == text
    paints = "[...document.querySelectorAll('.shapes [fill], .shapes [stroke]')].flatMap(p => [p.getAttribute('fill'), p.getAttribute('stroke')])"
    assert set(page.evaluate(paints)) <= {"currentColor", "none", None}
    assert colour(".crumbs a", "color") == link
    assert colour(".prose a.term", "textDecorationLine") == "underline"
    assert colour(".header-search button", "borderTopStyle") == "solid"
    assert colour(".routes a[aria-current]", "outlineStyle") == "solid"
