"""What a visitor sees while an answer is awaited, and when none comes."""

import re

import pytest
from playwright.sync_api import expect

from tests.conftest import find_chromium
from tests.factories import make_category, make_concept, make_effect, make_finding, make_regulation

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def browser(launch):
    """With windows, as a reader's: the one without takes its own start for the first sign of a reader."""
    return launch(find_chromium(with_windows=True))


# The words that a busy part shows, where they stand, and whether they move.
SHOWN = """() => {
  const busy = document.querySelector("[aria-busy=true]");
  const { content, position, opacity, animationDelay, animationName } = getComputedStyle(busy, "::before");
  return { content, position, opacity: Number(opacity), delay: animationDelay.split(",")[0], animationName };
}"""


@pytest.fixture
def guide():
    wrinkles = make_effect(slug="wrinkles", name="Finer lines", wordings=["wrinkle*"])
    exosomes = make_concept(slug="exosomes", name="Exosomes")
    make_finding(concept=exosomes, effect=wrinkles, route="microneedled")
    make_finding(concept=exosomes, effect=wrinkles, route="injected")
    offer = make_category(slug="offer", name="Offer", route="injected", ingredients=[exosomes], goals=[wrinkles])
    make_regulation(category=offer, jurisdiction="UK")


def press_route(page):
    page.get_by_role("link", name="Injected", exact=True).click()


def choose_place(page):
    page.get_by_label("Where", exact=True).select_option("UK")


def filter_map(page):
    page.get_by_label("How it enters the body").select_option("injected")


def filter_glossary(page):
    page.get_by_label("Filter by name").press_sequentially("exo")


def send_ad(page):
    page.get_by_label(re.compile("The words of the ad")).fill("Exosomes erase wrinkles")
    page.get_by_role("button", name="Check it").click()


# A page, what is done on it, and the part that the answer will replace.
REQUESTS = {
    "route": ("/glossary/exosomes/", press_route, "evidence"),
    "place": ("/products/offer/", choose_place, "rules"),
    "map": ("/evidence/", filter_map, "results"),
    "glossary": ("/glossary/", filter_glossary, "results"),
    "ad": ("/check/", send_ad, "result"),
}


def is_fragment(request):
    return "hx-request" in request.headers


@pytest.mark.parametrize("name", REQUESTS)
def test_request_shows_at_once_that_it_is_on_its_way(guide, page, name):
    address, act, part = REQUESTS[name]
    page.emulate_media(reduced_motion="reduce")
    page.goto(address)
    # What is busy the moment before the request leaves.
    page.evaluate(
        """() => addEventListener("htmx:beforeSend", () => {
          window.busy = document.querySelector("[aria-busy=true]")?.id;
        }, { once: true })"""
    )
    waiting, is_held = [], True
    page.route(
        "**/*",
        lambda route: waiting.append(route) if is_held and is_fragment(route.request) else route.continue_(),
    )
    act(page)
    expect(page.locator("[aria-busy=true]")).to_have_count(1)
    assert page.evaluate("window.busy") == part
    page.wait_for_timeout(100)
    still = {"content": '"Fetching…"', "position": "fixed", "opacity": 1, "delay": "0.06s", "animationName": "appear"}
    assert page.evaluate(SHOWN) == still
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(SHOWN)["animationName"] == "appear, shuttle"
    expect(page.locator("#status")).to_have_text("Fetching…")  # to those who listen, when it takes long
    is_held = False
    for route in waiting:
        route.continue_()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)


@pytest.mark.parametrize("name", REQUESTS)
def test_request_that_fails_says_so_and_can_be_repeated(guide, page, page_problems, name):
    address, act, part = REQUESTS[name]
    page.goto(address)
    before = page.locator(f"#{part}").inner_text()
    page.route("**/*", lambda route: route.abort() if is_fragment(route.request) else route.continue_())
    act(page)
    note = page.get_by_role("alert").filter(has_text="That did not get through. What you see is unchanged.")
    expect(note).to_be_visible()
    expect(note).to_be_in_viewport()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    assert page.locator(f"#{part}").inner_text() == before
    page_problems.clear()  # the browser reports the request that failed
    page.unroute("**/*")
    with page.expect_response(lambda response: is_fragment(response.request)) as answer:
        note.get_by_role("button", name="Try again").press("Enter")
    assert answer.value.ok
    expect(note).to_have_count(0)
    expect(page.locator(":focus")).to_have_count(1)  # which is never the body
    if name == "route":
        expect(page.get_by_role("link", name="Injected", exact=True)).to_have_attribute("aria-current", "true")
        expect(page).to_have_url(re.compile("route=injected"))


def test_server_error_says_so_too(guide, page, page_problems):
    page.goto("/glossary/exosomes/")
    page.route("**/*", lambda route: route.fulfill(status=500) if is_fragment(route.request) else route.continue_())
    press_route(page)
    expect(page.get_by_role("alert").filter(has_text="That did not get through")).to_be_visible()
    page_problems.clear()
