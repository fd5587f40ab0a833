"""A week at the desk: a writer and a reviewer at one entry, each in their own browser, and a reader beside them."""

import re

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from playwright.sync_api import expect

from glossary.models import Finding, Revision
from tests.conftest import find_chromium
from tests.factories import make_concept, make_effect, make_finding, make_source

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def browser(launch):
    """With windows: without, of several pages that are open at once one may not be drawn."""
    return launch(find_chromium(with_windows=True))


@pytest.fixture
def desk_of(browser, live_server):
    """`desk_of("wren", "Writer")`: a browser page of somebody in that role, with its own cookies."""
    contexts = []

    def open_desk(name, role):
        user = User.objects.create_user(name, is_staff=True)
        user.groups.add(Group.objects.get(name=role))
        client = Client()
        client.force_login(user)
        context = browser.new_context(base_url=live_server.url)
        context.set_default_timeout(10_000)
        session = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
        context.add_cookies([session])
        contexts.append(context)
        page = context.new_page()
        page.on("dialog", lambda dialog: dialog.accept())
        return page

    yield open_desk
    for context in contexts:
        context.close()


def address(entry, what="change"):
    return f"/admin/glossary/{entry._meta.model_name}/{entry.pk}/{what}/"


def summary(page):
    return page.locator("#id_summary")


def test_a_week_of_two_editors_and_a_reader(desk_of, page):
    concept = make_concept(slug="exosomes", name="Exosomes", summary="Old words.", body="It is a small thing.")
    make_finding(concept=concept, effect=make_effect(name="Finer lines"), sources=[make_source()])
    wren, robin = desk_of("wren", "Writer"), desk_of("robin", "Reviewer")

    # Monday: the writer changes a published page and shows it to somebody outside.
    wren.goto(address(concept))
    expect(wren.get_by_role("button", name="Save and publish")).to_have_count(0)
    summary(wren).fill("New words.")
    wren.get_by_label("What you changed, and why").fill("Plainer words.")
    wren.get_by_role("button", name="Save draft and go on").click()
    expect(wren.get_by_text("draft beside the live one")).to_be_visible()
    link = wren.get_by_role("link", name="this preview link").get_attribute("href")
    page.goto(link)
    expect(page.get_by_text("New words.").first).to_be_visible()
    page.goto("/glossary/exosomes/")
    expect(page.get_by_text("Old words.").first).to_be_visible()

    # Tuesday: both have the form open; the reviewer saves first, and the writer is shown both.
    robin.goto(address(concept))
    expect(summary(robin)).to_have_value("New words.")
    wren.goto(address(concept))
    summary(robin).fill("Robin's words.")
    robin.get_by_role("button", name="Save draft", exact=True).click()
    expect(robin.get_by_text("Readers still see the live one")).to_be_visible()
    summary(wren).fill("Wren's words.")
    wren.get_by_role("button", name="Save and send to review").click()
    expect(wren.get_by_role("heading", name="Two people changed Exosomes")).to_be_visible()
    expect(wren.get_by_text("Robin", exact=False).first).to_be_visible()
    wren.get_by_label("Keep yours").check()
    wren.get_by_role("button", name="Save both together").click()
    expect(summary(wren)).to_have_value("Wren's words.")

    # Wednesday: off to review, where it waits on the reviewer's desk, and is sent back once.
    wren.get_by_role("button", name="Send to review", exact=True).click()
    expect(wren.get_by_text("is in review")).to_be_visible()
    robin.goto("/admin/")
    waiting = robin.get_by_role("region", name=re.compile("Waiting for review"))
    waiting.get_by_role("link", name="Exosomes").click()
    robin.get_by_label("Why", exact=True).fill("Say how small.")
    robin.get_by_role("button", name="Send back to the writer").click()
    wren.goto("/admin/")
    wren.get_by_role("region", name=re.compile("Your drafts")).get_by_role("link", name="Exosomes")
    wren.goto(address(concept))
    summary(wren).fill("Bubbles of 100 nanometres.")
    wren.get_by_role("button", name="Save and send to review").click()

    # Thursday: published, and readers see what changed and why.
    robin.goto(address(concept))
    robin.get_by_role("button", name="Publish", exact=True).click()
    expect(robin.get_by_text("is published.")).to_be_visible()
    page.goto("/glossary/exosomes/")
    expect(page.get_by_text("Bubbles of 100 nanometres.").first).to_be_visible()
    page.goto("/changes/")
    expect(page.get_by_role("main")).to_contain_text("Exosomes")
    expect(page.get_by_role("main")).not_to_contain_text("wren")

    # Friday: it was a mistake; an earlier save comes back, by way of review.
    robin.goto(address(concept, "history"))
    robin.get_by_role("link", name=re.compile("^2")).click()
    expect(robin.locator("ins").first).to_contain_text("New")
    robin.get_by_role("button", name="Bring back what this save held").click()
    expect(summary(robin)).to_have_value("New words.")
    assert Revision.objects.of(concept).filter(state="aside").count() == 1


def test_the_second_pair_of_eyes_on_a_verdict(desk_of):
    finding = make_finding(certainty="low", direction="benefit", sources=[make_source()])
    robin, rook = desk_of("robin", "Reviewer"), desk_of("rook", "Reviewer")
    robin.goto(address(finding))
    robin.get_by_label("Certainty:", exact=True).select_option("high")
    robin.get_by_label("What you changed, and why").fill("A large trial.")
    robin.get_by_role("button", name="Save and publish").click()
    expect(robin.get_by_text("so somebody else publishes it").first).to_be_visible()
    rook.goto(address(finding))
    rook.get_by_role("button", name="Publish", exact=True).click()
    expect(rook.get_by_text("is published.")).to_be_visible()
    assert Finding.objects.get(pk=finding.pk).certainty == "high"
