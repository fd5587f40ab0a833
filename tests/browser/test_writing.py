"""Writing at the desk in a real browser: previews while typing, picked links, nothing typed lost, no barriers."""

import re
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import expect

from glossary import revisions
from glossary.models import Concept, Finding
from tests.browser.test_accessibility import AXE_SCRIPT, EVERYTHING, RUN_AXE
from tests.factories import make_alias, make_concept, make_finding, make_risk, make_source

pytestmark = pytest.mark.django_db(transaction=True)

BODY = "Body:"


@pytest.fixture
def concept():
    concept = make_concept(slug="exosomes", name="Exosomes", summary="Tiny bubbles.", body="First line.\n\nLast line.")
    make_concept(slug="egf", name="EGF", summary="A small protein.")
    make_source(key="lee-2019", title="Needling of scars", year=2019)
    make_alias(concept=concept, text="nano bubbles")
    make_finding(concept=concept)
    make_risk(concept=concept)
    return concept


def log_in(page, live_server, name="wren"):
    """A session of an editor, put into the browser."""
    user = User.objects.filter(username=name).first() or User.objects.create_superuser(name, password="a-long-password")
    client = Client()
    client.force_login(user)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    return user


@pytest.fixture
def editor(page, live_server):
    """A browser with an editor logged in; the warning about leaving is answered with yes, as a hurried person does."""
    log_in(page, live_server)
    page.on("dialog", lambda dialog: dialog.accept())
    return page


def address(entry):
    return f"/admin/glossary/{entry._meta.model_name}/{entry.pk}/change/"


def body(page):
    return page.locator("#id_body")


def caret_after(page, words):
    page.evaluate(
        "words => { const a = document.getElementById('id_body'); a.focus();"
        " a.selectionStart = a.selectionEnd = a.value.indexOf(words) + words.length; }",
        words,
    )


def kept(page):
    return page.evaluate("Object.keys(localStorage).filter(name => name.startsWith('desk:')).length")


# --- Preview and measures


def test_typing_shows_the_preview_and_the_grade_with_one_request_for_a_pause(concept, editor):
    editor.goto(address(concept))
    asked = []
    editor.on("request", lambda request: asked.append(request) if request.method == "POST" else None)
    editor.clock.install()
    editor.clock.pause_at(datetime.now() + timedelta(seconds=1))  # however slow the machine is, the writer types fast
    body(editor).press_sequentially("## How it acts\n\nLike **EGF** in trials [@lee-2019].\n\n")
    assert asked == []
    editor.clock.resume()
    preview = editor.get_by_label("“body” as readers see it")
    expect(preview.get_by_role("heading", name="How it acts")).to_be_visible()
    expect(preview.get_by_role("link", name="EGF")).to_be_visible()
    expect(preview.get_by_role("link", name="[1]")).to_be_visible()
    expect(editor.locator("#seen-body")).to_contain_text("reads at school grade")
    assert len(asked) == 1
    # Only what the answer needs is sent, not the whole form.
    assert "change_reason" not in asked[0].post_data
    assert "First%20line" in asked[0].post_data
    body(editor).fill("A miracle.")
    expect(editor.locator("#seen-body")).to_contain_text("“miracle”")


def test_typing_a_risk_moves_the_balance(concept, editor):
    editor.goto(address(concept))
    editor.locator("#risks-group summary").first.click()
    editor.locator("#id_risks-0-known").fill("one two three")
    expect(editor.locator("#seen-body")).to_contain_text("3 on what may go wrong")


def test_preview_has_the_sites_type_and_the_admin_keeps_its_own(concept, editor):
    concept.body = "## A heading\n\nText."
    concept.save()
    editor.goto(address(concept))
    style = "([selector, what]) => getComputedStyle(document.querySelector(selector))[what]"
    assert "Source Serif 4" in editor.evaluate(style, [".desk-preview h2", "fontFamily"])
    assert editor.evaluate(style, [".desk-preview p:not(.desk-preview-name)", "fontSize"]) == "17px"
    assert editor.evaluate(style, [".form-row .help", "fontSize"]) != "17px"
    assert editor.evaluate(style, [".fieldset-heading", "fontSize"]) != editor.evaluate(
        style, [".desk-preview h2", "fontSize"]
    )


def test_link_in_a_preview_opens_beside_the_form(concept, editor):
    concept.body = "Like EGF."
    concept.save()
    editor.goto(address(concept))
    with editor.context.expect_page() as opened:
        editor.get_by_label("“body” as readers see it").get_by_role("link", name="EGF").click()
    assert opened.value.url.endswith("/glossary/egf/")
    assert editor.url.endswith(address(concept))


# --- Pickers


def test_picking_with_the_keyboard_puts_a_source_at_the_caret_and_gives_the_focus_back(concept, editor):
    editor.goto(address(concept))
    caret_after(editor, "First line")
    editor.locator("#pick-source-body").press_sequentially("needling 2019")
    option = editor.locator("#picks-body").get_by_role("button", name=re.compile("Needling of scars"))
    expect(option).to_be_visible()
    editor.keyboard.press("Enter")
    expect(option).to_be_focused()
    editor.keyboard.press("Enter")
    expect(body(editor)).to_have_value("First line[@lee-2019].\n\nLast line.")
    expect(body(editor)).to_be_focused()
    editor.keyboard.type("!")
    expect(body(editor)).to_have_value("First line[@lee-2019]!.\n\nLast line.")
    expect(editor.get_by_role("status").filter(has_text="lee-2019 is in the text.")).to_have_count(1)
    expect(editor.locator("#seen-body .desk-cited")).to_contain_text("Needling of scars")
    for _ in range(2):
        editor.keyboard.press("Control+z")
    assert "First line" in body(editor).input_value()


def test_picked_entry_takes_the_marked_words_for_its_link(concept, editor):
    editor.goto(address(concept))
    editor.evaluate("() => { const a = document.getElementById('id_body'); a.setSelectionRange(0, 5); }")
    editor.locator("#pick-term-body").press_sequentially("egf")
    editor.locator("#picks-body").get_by_role("button", name=re.compile("EGF")).click()
    expect(body(editor)).to_have_value("[First](concept:egf) line.\n\nLast line.")


def test_arrows_go_through_what_was_found_and_escape_closes_it(concept, editor):
    make_source(key="roe-2020", title="Needling again", year=2020)
    editor.goto(address(concept))
    box = editor.locator("#pick-source-body")
    with editor.expect_response(re.compile("q=needling")):
        box.press_sequentially("needling")
    buttons = editor.locator("#picks-body button")
    expect(buttons).to_have_count(2)
    editor.keyboard.press("ArrowDown")
    expect(buttons.first).to_be_focused()
    editor.keyboard.press("ArrowDown")
    expect(buttons.last).to_be_focused()
    editor.keyboard.press("ArrowUp")
    editor.keyboard.press("ArrowUp")
    expect(box).to_be_focused()
    editor.keyboard.press("Escape")
    expect(buttons).to_have_count(0)
    expect(box).to_be_focused()


# --- Verdict


def test_choosing_a_certainty_changes_the_sentence_and_nonsense_is_said(concept, editor):
    editor.goto(address(Finding.objects.get()))
    box = editor.locator("#desk-verdict")
    expect(box).to_contain_text("May improve it")
    editor.locator("#id_certainty").select_option("high")
    expect(box).to_have_text(re.compile(r"^\s*Improves it\s*$"))
    expect(box.get_by_role("img", name="Certainty: high, 4 of 4")).to_be_visible()
    editor.locator("#id_size").select_option("large")
    expect(box).to_contain_text("Greatly improves it")
    editor.locator("#id_direction").select_option("mixed")
    expect(box).to_contain_text("A size is stated only for a benefit or a harm that studies show.")


# --- Nothing typed is lost


def type_and_wait(page, words):
    body(page).fill(words)
    expect(page.locator("#seen-body .desk-prose")).to_contain_text(words[:10])
    page.wait_for_timeout(700)  # a pause in typing
    assert kept(page) == 1


def test_what_was_typed_survives_a_log_out_and_comes_back(concept, editor, live_server, page_problems):
    editor.goto(address(concept))
    type_and_wait(editor, "A long evening of work.")
    editor.locator("#id_change_reason").fill("Clearer words.")
    editor.context.clear_cookies(name="sessionid")
    body(editor).press_sequentially(" And more.")
    expect(editor.get_by_role("alert")).to_contain_text("You are logged out.")
    expect(editor.get_by_role("alert")).to_contain_text("What you typed is kept in this browser")
    page_problems.clear()  # the browser reports the 401
    editor.get_by_role("button", name="Save draft", exact=True).click()
    editor.get_by_label("Username").fill("wren")
    editor.get_by_label("Password").fill("a-long-password")
    editor.get_by_role("button", name="Log in").click()
    expect(body(editor)).to_have_value("First line.\n\nLast line.")
    editor.get_by_role("button", name=re.compile("Bring back what you had typed on")).click()
    expect(body(editor)).to_have_value("A long evening of work. And more.")
    expect(editor.locator("#id_change_reason")).to_have_value("Clearer words.")
    expect(editor.get_by_text("It is not saved yet.").first).to_be_focused()
    # Nothing of the log-in page was kept.
    assert "a-long-password" not in editor.evaluate("JSON.stringify({...localStorage})")

    editor.get_by_role("button", name="Save draft", exact=True).click()
    expect(editor.locator(".messagelist .success")).to_contain_text("saved as a draft")
    assert revisions.latest(concept).content["fields"]["body"] == "A long evening of work. And more."
    assert kept(editor) == 0
    editor.goto(address(concept))
    expect(editor.get_by_role("button", name=re.compile("Bring back"))).to_have_count(0)


def test_after_a_log_in_in_another_tab_the_form_still_saves(concept, editor, live_server, page_problems):
    editor.goto(address(concept))
    body(editor).fill("Still here.")
    editor.context.clear_cookies()
    other = editor.context.new_page()
    other.goto("/admin/login/")
    other.get_by_label("Username").fill("wren")
    other.get_by_label("Password").fill("a-long-password")
    other.get_by_role("button", name="Log in").click()
    other.wait_for_url("**/admin/**")
    other.close()
    page_problems.clear()  # the browser reports that a preview was refused
    editor.get_by_role("button", name="Save draft", exact=True).click()
    expect(editor.locator(".messagelist .success")).to_contain_text("saved as a draft")


def test_what_was_typed_before_the_browser_went_away_is_offered_or_forgotten(concept, editor):
    editor.goto(address(concept))
    type_and_wait(editor, "Typed and not saved.")
    editor.goto("/admin/")
    editor.goto(address(concept))
    offer = editor.get_by_role("region", name="What you had typed")
    expect(offer).to_contain_text("that was not saved")
    offer.get_by_role("button", name="Forget it").click()
    expect(offer).to_have_count(0)
    assert kept(editor) == 0
    expect(body(editor)).to_have_value("First line.\n\nLast line.")


def test_rows_and_choices_come_back_as_well(concept, editor):
    editor.goto(address(concept))
    editor.locator("#aliases-group summary").first.click()
    editor.locator("#aliases-group .add-row a").click()
    editor.locator("#id_aliases-1-text").fill("bubble soup")
    editor.locator("#id_aliases-1-kind").select_option("marketing")
    editor.locator("#id_kind").select_option("family")
    type_and_wait(editor, "With a new name.")
    editor.goto("/admin/")
    editor.goto(address(concept))
    editor.get_by_role("button", name=re.compile("Bring back")).click()
    expect(editor.locator("#id_aliases-1-text")).to_have_value("bubble soup")
    expect(editor.locator("#id_aliases-1-kind")).to_have_value("marketing")
    expect(editor.locator("#id_kind")).to_have_value("family")
    expect(body(editor)).to_have_value("With a new name.")


def test_what_one_person_typed_is_not_offered_to_another(concept, editor, live_server):
    editor.goto(address(concept))
    type_and_wait(editor, "Mine alone.")
    editor.goto("/admin/")
    log_in(editor, live_server, "robin")
    editor.goto(address(concept))
    expect(editor.locator("#id_body")).to_be_visible()
    expect(editor.get_by_role("button", name=re.compile("Bring back"))).to_have_count(0)


def test_without_a_connection_nothing_is_sent_and_the_page_says_so(concept, editor, page_problems):
    editor.goto(address(concept))
    type_and_wait(editor, "On a train.")
    editor.context.set_offline(True)
    body(editor).press_sequentially(" In a tunnel.")
    expect(editor.get_by_role("alert")).to_contain_text("No connection.")
    editor.get_by_role("button", name="Save draft", exact=True).click()
    expect(editor.get_by_role("alert")).to_contain_text("Not sent")
    expect(body(editor)).to_have_value("On a train. In a tunnel.")
    editor.context.set_offline(False)
    page_problems.clear()  # the browser reports the preview that did not get through
    expect(editor.get_by_role("alert")).to_have_count(0)
    editor.get_by_role("button", name="Save draft", exact=True).click()
    expect(editor.locator(".messagelist .success")).to_contain_text("saved as a draft")


def test_leaving_with_unsaved_words_asks_first_and_leaving_without_does_not(concept, page, live_server):
    log_in(page, live_server)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.goto(address(concept))
    page.goto("/admin/")
    assert asked == []
    page.goto(address(concept))
    body(page).press_sequentially("x")
    page.goto("/admin/")
    assert asked == ["beforeunload"]


def test_saving_with_an_error_keeps_what_was_typed(concept, editor):
    editor.goto(address(concept))
    type_and_wait(editor, "Words with an error elsewhere.")
    editor.locator("#id_name").fill("")
    editor.get_by_role("button", name="Save draft", exact=True).click()
    expect(editor.locator(".errornote")).to_be_visible()
    assert kept(editor) == 1
    editor.goto("/admin/")
    editor.goto(address(concept))
    editor.get_by_role("button", name=re.compile("Bring back")).click()
    expect(body(editor)).to_have_value("Words with an error elsewhere.")


# --- Without scripts, and without barriers


def test_writing_works_without_scripts(concept, page_without_javascript, live_server):
    page = page_without_javascript
    log_in(page, live_server)
    page.goto(address(concept))
    expect(page.locator("#pick-source-body")).to_be_hidden()
    body(page).fill("## A heading\n\nWithout scripts.")
    page.get_by_role("button", name="Save draft and go on").click()
    expect(page.locator("#seen-body").get_by_role("heading", name="A heading")).to_be_visible()
    assert Concept.objects.get(pk=concept.pk).body == "First line.\n\nLast line."
    assert revisions.latest(concept).content["fields"]["body"] == "## A heading\n\nWithout scripts."


# What stands around the content is the admin's own, and tested with it.
# So is the list that select2 makes of chosen rows: it puts a button beside the items of a list.
INSIDE = "{include: ['#content'], exclude: ['.select2-selection--multiple ul']}"
RUN_AXE_INSIDE = RUN_AXE.replace("axe.run(document,", f"axe.run({INSIDE},")


def barriers(page):
    """What axe finds in the content of a page of the admin, on a small tablet in light colours and on a desk in dark ones."""
    page.evaluate(AXE_SCRIPT)
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    found = []
    for width, scheme in ((768, "light"), (1280, "dark")):
        page.set_viewport_size({"width": width, "height": 1000})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found += [f"{width} px, {scheme}: {barrier}" for barrier in page.evaluate(RUN_AXE_INSIDE, EVERYTHING)]
    return found


def drafted(concept, user):
    """A draft beside the live entry, and one set aside because somebody else had saved first."""
    base = revisions.working_copy(concept)
    one = revisions.snapshot(concept)
    one["fields"]["body"] = "Theirs is this line.\n\nLast line."
    revisions.save(concept, one, base, user, "Theirs.")
    two = revisions.snapshot(concept)
    two["fields"]["body"] = "Mine is that line.\n\nLast line."
    two["fields"]["summary"] = "Tiny, tiny bubbles."
    with pytest.raises(revisions.Conflict) as conflict:
        revisions.save(concept, two, base, user, "Mine.")
    return conflict.value.aside.number


@pytest.mark.parametrize("what", ["change", "finding", "add", "history", "version", "merge", "deleted", "offer"])
def test_editing_page_has_no_barrier_that_axe_finds(concept, editor, live_server, what):
    user = User.objects.get()
    aside = drafted(concept, user)
    gone = make_concept(name="Gone")
    revisions.keep_deleted(gone, user)
    gone.delete()
    begin = f"/admin/glossary/concept/{concept.pk}/"
    finding = Finding.objects.get()
    pages = {
        "change": f"{begin}change/",
        "offer": f"{begin}change/",
        "finding": f"/admin/glossary/finding/{finding.pk}/change/",
        "add": "/admin/glossary/concept/add/",
        "history": f"{begin}history/",
        "version": f"{begin}history/{aside}/",
        "merge": f"{begin}merge/{aside}/",
        "deleted": "/admin/glossary/concept/deleted/",
    }
    editor.goto(pages[what])
    if what == "change":
        editor.locator("#pick-source-body").press_sequentially("needling")
        expect(editor.locator("#picks-body button")).to_have_count(1)
        body(editor).fill("A miracle [@none].")
        expect(editor.locator("#seen-body")).to_contain_text("No such source")
    if what == "offer":
        type_and_wait(editor, "Typed and left.")
        editor.goto("/admin/")
        editor.goto(pages[what])
        expect(editor.get_by_role("button", name=re.compile("Bring back"))).to_be_visible()
    assert not (found := barriers(editor)), "\n".join(found)


def test_form_fits_a_tablet(concept, editor):
    editor.set_viewport_size({"width": 768, "height": 1024})
    editor.goto(address(concept))
    assert (
        editor.evaluate(
            "document.querySelector('#content').scrollWidth - document.querySelector('#content').clientWidth"
        )
        <= 1
    )
    box = body(editor).bounding_box()
    assert box["width"] > 350
    assert box["height"] > 300
