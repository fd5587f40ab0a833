"""Into the editors' desk with a real browser: password, phone, recovery codes; without barriers, on a tablet as well."""

import re
from base64 import b32decode

import pytest
from django.contrib.auth.models import Group, User
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import expect

from config import roles
from glossary.models import Revision
from tests.browser.test_accessibility import SMALL_TARGETS, barriers, width_of_content
from tests.factories import make_alias, make_concept, make_finding

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

PASSWORD = "four words make this"


@pytest.fixture
def editor(settings):
    settings.SECOND_FACTOR = True
    user = User.objects.create_user("anna", password=PASSWORD, is_staff=True)
    user.groups.add(Group.objects.get(name=roles.ADMINISTRATOR))
    return user


def log_in(page, address="/admin/", code=""):
    page.goto(address)
    page.get_by_label("Username").fill("anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Code from your phone").fill(code)
    page.get_by_role("button", name="Log in").click()


def set_up(page):
    expect(page.get_by_role("heading", name="Set up the second step")).to_be_visible()
    key = page.locator(".secret").inner_text().replace(" ", "")
    page.get_by_label("Code from your phone").fill(f"{totp(b32decode(key)):06d}")
    page.get_by_role("button", name="Turn it on").click()


@pytest.fixture
def desk(page, editor):
    """The desk's front page, entered with a phone."""
    phone = TOTPDevice.objects.create(user=editor, name="Phone")
    log_in(page, code=f"{totp(phone.bin_key):06d}")
    expect(page.get_by_role("heading", name="What would you like to work on?")).to_be_visible()
    return page


@pytest.mark.parametrize("kind", ["page", "page_without_javascript"])
def test_new_editor_sets_up_a_phone_keeps_the_codes_and_arrives_where_they_were_going(kind, editor, request):
    page = request.getfixturevalue(kind)
    log_in(page, "/admin/glossary/source/")
    set_up(page)
    codes = page.locator(".codes code").all_inner_texts()
    assert len(codes) == 10
    expect(page.get_by_role("button", name="Print")).to_be_visible(visible=kind == "page")
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as a file").click()
    assert codes[9] in download.value.path().read_text()
    page.get_by_role("button", name="I have kept them").click()
    expect(page).to_have_url(re.compile("/admin/glossary/source/$"))
    page.get_by_role("button", name="Log out").click()
    log_in(page, code=codes[0])
    expect(page.get_by_role("heading", name="What would you like to work on?")).to_be_visible()


def test_password_managers_know_the_fields(editor, page):
    page.goto("/admin/login/")
    for label, meaning in [
        ("Username", "username"),
        ("Password", "current-password"),
        ("Code from your phone", "one-time-code"),
    ]:
        expect(page.get_by_label(label)).to_have_attribute("autocomplete", meaning)


def test_log_in_in_another_tab_costs_no_save(desk):
    concept = make_concept(name="Before")
    desk.goto(f"/admin/glossary/concept/{concept.pk}/change/")
    desk.get_by_label("Name:", exact=True).fill("Typed for an hour")
    other = desk.context.new_page()
    other.goto("/admin/")
    other.get_by_role("button", name="Log out").click()
    TOTPDevice.objects.update(last_t=-1)
    log_in(other, code=f"{totp(TOTPDevice.objects.get().bin_key):06d}")
    expect(other.get_by_role("heading", name="What would you like to work on?")).to_be_visible()
    desk.get_by_role("button", name="Save draft", exact=True).click()
    expect(desk.get_by_text("is saved as a draft")).to_be_visible()
    assert Revision.objects.of(concept).last().content["fields"]["name"] == "Typed for an hour"


def test_way_in_has_no_barrier_that_axe_finds(editor, page, page_problems):
    page.goto("/admin/login/")
    found = barriers(page)
    page.get_by_label("Username").fill("anna")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    found += barriers(page)
    log_in(page)
    page.get_by_label("Code from your phone").fill("000000")
    page.get_by_role("button", name="Turn it on").click()
    expect(page.get_by_text("does not fit this key")).to_be_visible()
    found += barriers(page)
    set_up(page)
    found += barriers(page)
    page.goto("/admin/second-factor/")
    found += barriers(page)
    page.goto("/admin/password_change/")
    found += barriers(page)
    page.get_by_role("button", name="Log out").click()
    for _ in range(5):
        page.get_by_label("Username").fill("anna")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Too many wrong passwords")).to_be_visible()
    page_problems.clear()  # the browser reports the 429
    found += barriers(page)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "address", ["/admin/", "/admin/glossary/concept/", "/admin/glossary/finding/", "change", "add", "/admin/auth/user/"]
)
def test_desk_has_no_barrier_that_axe_finds(desk, address):
    concept = make_concept()
    make_alias(concept=concept)
    make_finding(concept=concept)
    forms = {
        "change": f"/admin/glossary/concept/{concept.pk}/change/",
        "add": "/admin/glossary/finding/add/",
    }
    desk.goto(forms.get(address, address))
    if address in forms:
        expect(desk.locator(".select2-selection[aria-label]").first).to_be_visible()
    assert not (found := barriers(desk)), "\n".join(found)


def test_desk_fits_a_tablet(desk):
    concept = make_concept(name="A name of some length, as names may be")
    make_finding(concept=concept)
    desk.set_viewport_size({"width": 768, "height": 1024})
    for address in ("/admin/", "/admin/glossary/concept/", f"/admin/glossary/concept/{concept.pk}/change/"):
        desk.goto(address)
        assert width_of_content(desk) <= 768, address
    table = desk.locator("#result_list")
    desk.goto("/admin/glossary/concept/")
    assert table.bounding_box()["width"] > 600


def test_way_in_has_targets_for_fingers(editor, page):
    page.goto("/admin/login/")
    assert page.evaluate(SMALL_TARGETS) == []
    log_in(page)
    assert page.evaluate(SMALL_TARGETS) == []
    set_up(page)
    assert page.evaluate(SMALL_TARGETS) == []
