"""Reading without a connection: what the service worker keeps, what it says of a kept page, what it never keeps."""

import re

import pytest
from playwright.sync_api import expect

from glossary.models import Concept
from tests.factories import make_category, make_concept, make_effect, make_finding

pytestmark = pytest.mark.django_db(transaction=True)

KEPT = """async () => {
  const pages = await (await caches.open("pages-1")).keys();
  return pages.map(request => request.url.slice(location.origin.length));
}"""


def until(page, condition):
    """Wait for a script's answer to be true; Playwright's own waiting evaluates text, which the policy forbids."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"not within 10 s: {condition}")


@pytest.fixture
def guide():
    effect = make_effect(slug="wrinkles", name="Finer lines")
    concept = make_concept(slug="exosomes", name="Exosomes")
    make_finding(concept=concept, effect=effect, route="injected", shown="What studies found.")
    make_category(slug="shots", name="Exosome shots", ingredients=[concept], goals=[effect])


@pytest.fixture
def visitor(guide, page):
    """A page under the worker's care; `kept(n)` waits until it keeps that many pages and gives their addresses."""

    def kept(count):
        until(page, f"async () => (await ({KEPT})()).length >= {count}")
        return page.evaluate(KEPT)

    page.kept = kept
    page.goto("/about/")
    page.keyboard.press("Shift")
    until(page, "navigator.serviceWorker.controller !== null")
    kept(4)
    return page


def test_visited_pages_the_glossary_and_the_visit_sheet_are_read_offline_and_say_their_date(visitor):
    page = visitor
    page.goto("/glossary/exosomes/?route=injected")
    page.kept(5)
    page.context.set_offline(True)
    for address, words in [
        ("/glossary/exosomes/?route=injected", "What studies found."),
        ("/glossary/", "Exosomes"),
        ("/visit/", "Identity card"),
        ("/about/", ""),
    ]:
        page.goto(address)
        expect(page.locator("main")).to_contain_text(words)
        expect(page.get_by_role("status").first).to_contain_text(
            re.compile(r"Saved copy from \d+ \w+ \d{4} at \d\d:\d\d; you are offline")
        )
    assert page.evaluate("getComputedStyle(document.querySelector('.site-header')).borderBottomStyle") == "solid"
    expect(page.get_by_role("link", name="Compare", exact=True)).to_be_visible()


def test_connected_visitor_gets_the_newest_page_without_a_note(visitor):
    page = visitor
    page.goto("/glossary/exosomes/")
    Concept.objects.filter(slug="exosomes").update(summary="A newer sentence.")
    page.goto("/glossary/exosomes/")
    expect(page.locator("main")).to_contain_text("A newer sentence.")
    expect(page.locator(".saved-copy")).to_have_count(0)
    until(
        page,
        "async () => (await (await caches.match('/glossary/exosomes/', {ignoreVary: true})).text()).includes('newer')",
    )


def test_entry_that_was_taken_back_is_not_shown_offline(visitor, page_problems):
    page = visitor
    page.goto("/glossary/exosomes/")
    page.kept(5)
    Concept.objects.filter(slug="exosomes").update(state="withdrawn")
    page.goto("/glossary/exosomes/")
    until(page, f"async () => !(await ({KEPT})()).includes('/glossary/exosomes/')")
    page.context.set_offline(True)
    page.goto("/glossary/exosomes/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Reading offline")
    page_problems.clear()  # the browser reports the 410


def test_page_never_visited_leads_to_what_is_saved(visitor):
    page = visitor
    page.context.set_offline(True)
    page.goto("/products/shots/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Reading offline")
    page.locator("#saved-pages").get_by_role("link", name="Glossary").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Glossary")


def test_saved_pages_can_be_removed(visitor):
    page = visitor
    page.goto("/offline/")
    page.get_by_role("button", name="Remove the saved pages").click()
    expect(page.locator("#saved-pages")).to_be_hidden()
    assert page.evaluate(KEPT) == []


def test_nothing_typed_and_nothing_of_the_desk_is_kept(visitor):
    page = visitor
    page.goto("/search/?q=secretword")
    page.goto("/check/")
    page.get_by_label(re.compile("The words of the ad")).fill("Secretword erases wrinkles")
    page.get_by_role("button", name="Check it").click()
    expect(page.locator("#result")).to_contain_text("Secretword")
    page.goto("/admin/")
    page.goto("/api/")
    page.goto("/api/findings")
    page.goto("/products/shots/")
    assert set(page.kept(5)) == {"/offline/", "/glossary/", "/visit/", "/about/", "/products/shots/"}
    everything = page.evaluate("""async () => {
      const texts = [];
      for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const request of await cache.keys()) {
          texts.push(request.url, await (await cache.match(request, {ignoreVary: true})).text());
        }
      }
      return texts.join(" ").toLowerCase();
    }""")
    assert "secretword" not in everything


def test_old_pages_make_room_and_the_glossary_stays(visitor):
    page = visitor
    page.evaluate("""async () => {
      const cache = await caches.open("pages-1");
      const page = () => new Response("<title>x</title>", {headers: {"Content-Type": "text/html"}});
      for (let n = 0; n < 70; n++) await cache.put(`/old/${n}/`, page());
    }""")
    page.goto("/products/shots/")
    until(page, f"async () => (await ({KEPT})()).includes('/products/shots/')")
    until(page, f"async () => (await ({KEPT})()).length === 63")
    kept = page.evaluate(KEPT)
    assert {"/offline/", "/glossary/", "/visit/", "/old/69/", "/products/shots/"} <= set(kept)
    assert "/old/0/" not in kept


def test_address_that_a_comparison_moved_to_is_kept_once_the_visitor_stays(visitor):
    page = visitor
    page.goto("/compare/?item=shots")
    page.get_by_label("Add an option").select_option("exosomes")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page).to_have_url(re.compile("item=exosomes"))
    address = page.evaluate("location.pathname + location.search")
    until(page, f"async () => (await ({KEPT})()).includes({address!r})")
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_role("columnheader", name=re.compile("Exosomes"))).to_be_visible()


def test_caches_of_an_older_worker_are_cleared_away(visitor):
    page = visitor
    page.evaluate("caches.open('pages-0')")
    page.evaluate("navigator.serviceWorker.getRegistration().then(r => r.unregister())")
    page.goto("/about/")
    page.keyboard.press("Shift")
    until(page, "async () => !(await caches.keys()).includes('pages-0')")


def test_worker_is_asked_for_anew_and_rules_the_whole_site(client):
    answer = client.get("/sw.js")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert "worker-src 'self'" in answer.headers["Content-Security-Policy"]


def test_manifest_names_icons_and_pages_that_exist(client):
    from django.contrib.staticfiles import finders

    answer = client.get("/site.webmanifest")
    assert answer.headers["Content-Type"] == "application/manifest+json"
    manifest = answer.json()
    assert {icon["sizes"] for icon in manifest["icons"]} >= {"192x192", "512x512"}
    for icon in manifest["icons"]:
        assert finders.find(icon["src"].removeprefix("/static/")), icon
    for address in [manifest["start_url"], *(shortcut["url"] for shortcut in manifest["shortcuts"])]:
        assert client.get(address).status_code == 200
