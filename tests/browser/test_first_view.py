"""The first view: what is asked for before the reader does anything, what comes later, and what is fetched ahead."""

import re
from urllib.parse import urlsplit

import pytest
from django.core.signals import request_started
from playwright.sync_api import expect

from tests.conftest import find_chromium
from tests.factories import make_category, make_concept, make_finding

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def browser(launch):
    """With windows, as a reader's: the one without takes its own start for the first sign of a reader."""
    return launch(find_chromium(with_windows=True))


MOST_REQUESTS = 8
PAGES = [
    "/", "/glossary/", "/glossary/prp/", "/products/", "/products/offer/", "/compare/?item=prp&item=offer", "/check/", "/search/?q=prp",
    "/evidence/", "/evidence/?view=table", "/visit/", "/sources/", "/changes/", "/method/", "/about/", "/data/", "/api/",
]  # fmt: skip

SHIFTED = """() => new Promise(done => {
  let sum = 0;
  new PerformanceObserver(list => { for (const entry of list.getEntries()) sum += entry.value; }).observe({type: "layout-shift", buffered: true});
  setTimeout(() => done(sum), 200);
})"""
LARGEST = """() => new Promise(done => new PerformanceObserver(list => done(list.getEntries().at(-1).element?.textContent ?? ""))
  .observe({type: "largest-contentful-paint", buffered: true}))"""


@pytest.fixture
def guide():
    concept = make_concept(slug="prp", name="PRP")
    make_finding(concept=concept, route="injected")
    make_finding(concept=concept, route="intact-skin")
    make_category(slug="offer", name="Offer", route="injected", ingredients=[concept])


@pytest.fixture
def asked():
    """What the server is asked for, as (address, purpose) pairs: the worker's and the browser's own requests as well."""
    requests = []

    def note(environ, **kwargs):
        requests.append((environ["PATH_INFO"], environ.get("HTTP_SEC_PURPOSE", "")))

    request_started.connect(note)
    yield requests
    request_started.disconnect(note)


@pytest.mark.parametrize("address", PAGES)
def test_first_view_takes_few_requests_moves_nothing_and_waits_for_nothing(guide, page, address):
    fetched = []
    page.set_viewport_size({"width": 375, "height": 740})
    page.context.on("request", lambda request: fetched.append(urlsplit(request.url).path))
    answer = page.goto(address)
    page.wait_for_timeout(400)
    assert len(fetched) <= MOST_REQUESTS, fetched
    assert not [file for file in fetched if "htmx" in file or "sw.js" in file]
    assert page.evaluate("navigator.serviceWorker.getRegistrations().then(all => all.length)") == 0
    assert page.evaluate(SHIFTED) == 0
    # The largest thing of the first view stands in the first answer. On the map it may be a drawing, without text.
    words = re.findall(r"\w+", page.evaluate(LARGEST))
    assert set(words) <= set(re.findall(r"\w+", answer.text())), words


def test_first_press_waits_for_what_makes_the_page_change_in_place(guide, page):
    page.goto("/glossary/prp/")
    page.evaluate("document.body.dataset.same = 'yes'")
    page.evaluate(
        "document.getElementById('route-injected').click()"
    )  # as assistive technology presses: with no sign before
    expect(page.locator("#route-injected")).to_have_attribute("aria-current", "true")
    assert page.url.endswith("?route=injected")
    assert page.evaluate("document.body.dataset.same") == "yes"


def test_first_press_follows_the_link_where_htmx_does_not_arrive(guide, page, page_problems):
    page.route("**/htmx.min.js", lambda route: route.abort())
    page.goto("/glossary/prp/")
    page.locator("#route-injected").click()
    page.wait_for_url("**/glossary/prp/?route=injected")
    page_problems.clear()  # the browser reports the missing file


def test_who_types_before_the_page_has_all_its_files_is_answered_once_it_has(guide, page):
    held = []
    page.route("**/icon-*.png", lambda route: held.append(route))
    page.route("**/*.woff2", lambda route: held.append(route))
    page.goto("/glossary/", wait_until="domcontentloaded")
    page.get_by_label("Filter by name").press_sequentially("egf")
    page.wait_for_timeout(500)
    assert page.evaluate("document.readyState") == "interactive"
    for route in held:
        route.continue_()
    expect(page).to_have_url(re.compile("q=egf"))


def test_who_presses_before_the_page_has_all_its_files_follows_the_link(guide, page):
    held = []
    page.route("**/*.woff2", lambda route: held.append(route))
    page.goto("/glossary/prp/", wait_until="domcontentloaded")
    page.locator("#route-injected").click()
    page.wait_for_url("**/glossary/prp/?route=injected", wait_until="commit")
    for route in held:
        route.continue_()


def test_worker_takes_what_the_page_has_from_the_browser(guide, page, asked):
    page.goto("/about/")
    page.keyboard.press("Shift")
    kept = "caches.open('pages-1').then(cache => cache.keys()).then(keys => keys.length)"
    for _ in range(100):
        if page.evaluate(kept) >= 4:
            break
        page.wait_for_timeout(100)
    assert [path for path, _ in asked].count("/about/") == 1
    assert {"/offline/", "/glossary/", "/visit/"} <= {path for path, _ in asked}


def test_page_that_is_likely_next_is_fetched_ahead(guide, page, asked):
    page.goto("/glossary/")
    page.locator("main").get_by_role("link", name="PRP", exact=True).first.hover()
    for _ in range(50):
        if purposes := [purpose for path, purpose in asked if path == "/glossary/prp/"]:
            break
        page.wait_for_timeout(100)
    assert purposes, asked
    assert purposes[0].startswith("prefetch"), asked


@pytest.mark.parametrize("link", ["Check an ad", "Data"])
def test_what_must_not_run_unasked_is_not_fetched_ahead(guide, page, asked, link):
    page.goto("/glossary/")
    page.get_by_role("link", name=link, exact=True).first.hover()
    page.wait_for_timeout(1000)
    assert {path for path, _ in asked if path in ("/check/", "/data/")} == set()
