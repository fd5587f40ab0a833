"""The editors' desk: drafts beside live entries, review, two editors at once, undo, deletion."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from glossary import revisions
from glossary.models import Concept, Finding, Revision, State
from products.models import Category
from tests.factories import (
    make_alias,
    make_category,
    make_concept,
    make_effect,
    make_finding,
    make_question,
    make_risk,
    make_source,
)
from tests.forms import read_form

pytestmark = pytest.mark.django_db


def make_editor(name, role):
    """Somebody in a role, and the browser that they are logged in with."""
    user = User.objects.create_user(name, password="x", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    client.user = user
    return client


@pytest.fixture
def writer():
    return make_editor("wren", "Writer")


@pytest.fixture
def reviewer():
    return make_editor("robin", "Reviewer")


def address(entry, what="change"):
    return f"/admin/{entry._meta.app_label}/{entry._meta.model_name}/{entry.pk}/{what}/"


def opened(editor, entry):
    """The fields of an entry's form, as this editor sees them."""
    response = editor.get(address(entry))
    assert response.status_code == 200
    return read_form(response, f"{entry._meta.model_name}_form")


def saved(editor, entry, button="_save", fields=None, **changes):
    """Change some fields of an entry and press a button; gives the page that follows."""
    data = (fields or opened(editor, entry)) | changes | {button: "1"}
    return editor.post(address(entry), data, follow=True)


def messages(response):
    return [str(message) for message in response.context["messages"]]


def latest(entry):
    return revisions.latest(entry)


def sentence(n=1):
    return "It is a small thing. " * n


# --- A draft beside the live entry


def test_what_a_writer_saves_stays_beside_the_live_page_until_a_reviewer_publishes_it(writer, reviewer, client):
    concept = make_concept(slug="exosomes", summary="Old words.", body=sentence())
    response = saved(writer, concept, summary="New words.", change_reason="Clearer.")
    assert "saved as a draft. Readers still see the live one." in messages(response)[0]
    assert "Old words." in client.get("/glossary/exosomes/").text
    assert opened(reviewer, concept)["summary"] == "New words."

    saved(writer, concept, "_submit", change_reason="Clearer.")
    assert latest(concept).state == "in-review"
    assert "Old words." in client.get("/glossary/exosomes/").text

    reviewer.post(address(concept, "move"), {"to": "publish"})
    page = client.get("/glossary/exosomes/").text
    assert "New words." in page
    assert "Old words." not in page
    assert "Clearer." in page
    states = list(Revision.objects.of(concept).values_list("state", "saved_by__username"))
    assert states == [("published", None), ("draft", "wren"), ("in-review", "wren"), ("published", "robin")]


def test_parts_of_an_entry_wait_with_its_draft(writer, reviewer, client):
    concept = make_concept(slug="exosomes", body=sentence())
    kept, gone = make_alias(concept=concept, text="kept name"), make_alias(concept=concept, text="gone name")
    make_risk(concept=concept, title="Old risk", route="injected")
    fields = opened(writer, concept)
    position = next(k for k, v in fields.items() if v == "gone name").split("-")[1]
    fields |= {
        f"aliases-{position}-DELETE": "on",
        "aliases-TOTAL_FORMS": "3",
        "aliases-2-text": "new name",
        "aliases-2-language": "en",
        "aliases-2-kind": "synonym",
        "aliases-2-concept": concept.pk,
        "risks-0-title": "New risk",
        "change_reason": "Names.",
    }
    saved(writer, concept, "_submit", fields)
    assert set(concept.aliases.values_list("text", flat=True)) == {"kept name", "gone name"}
    assert concept.risks.get().title == "Old risk"
    again = opened(reviewer, concept)
    assert {v for k, v in again.items() if re.fullmatch(r"aliases-\d+-text", k)} >= {"kept name", "new name"}
    assert "gone name" not in again.values()

    # A second save of the draft keeps what the first added.
    saved(reviewer, concept, "_publish", again, summary="Changed once more.")
    concept.refresh_from_db()
    assert concept.summary == "Changed once more."
    assert set(concept.aliases.values_list("text", flat=True)) == {"kept name", "new name"}
    assert concept.aliases.get(text="kept name").pk == kept.pk
    assert concept.risks.get().title == "New risk"
    assert concept.aliases.get(text="new name").pk < revisions.FIRST_DRAFT_ID
    assert gone.pk not in concept.aliases.values_list("pk", flat=True)


def test_what_nobody_can_see_yet_is_written_at_once_and_starts_as_a_draft(writer, client):
    data = read_form(writer.get("/admin/glossary/concept/add/"), "concept_form") | {
        "name": "Brand new",
        "slug": "brand-new",
        "kind": "molecule",
        "summary": "It is new.",
        "body": sentence(),
        "reviewed_on": "2026-11-01",
        "review_due": "2100-01-01",
        "state": "published",
        "_save": "1",
    }
    writer.post("/admin/glossary/concept/add/", data)
    concept = Concept.objects.get(slug="brand-new")
    assert concept.state == State.DRAFT
    assert client.get("/glossary/brand-new/").status_code == 404
    saved(writer, concept, summary="It is newer.")
    concept.refresh_from_db()
    assert concept.summary == "It is newer."
    assert concept.state == State.DRAFT


def test_a_draft_can_be_given_up(writer, client):
    concept = make_concept(summary="Live words.", body=sentence())
    saved(writer, concept, summary="Draft words.")
    writer.post(address(concept, "move"), {"to": "discard", "reason": "Not needed."})
    assert opened(writer, concept)["summary"] == "Live words."
    assert Revision.objects.of(concept).filter(content__fields__summary="Draft words.").exists()


def test_a_withdrawn_entry_is_gone_for_readers_and_comes_back_by_way_of_review(reviewer, client):
    concept = make_concept(slug="exosomes", body=sentence())
    response = reviewer.post(address(concept, "move"), {"to": "withdraw"}, follow=True)
    assert "Say why" in messages(response)[0]
    reviewer.post(address(concept, "move"), {"to": "withdraw", "reason": "No longer sold."})
    gone = client.get("/glossary/exosomes/")
    assert gone.status_code == 410
    assert "No longer sold." in gone.text
    response = reviewer.post(address(concept, "move"), {"to": "publish", "reason": "Sold again."}, follow=True)
    assert "no draft" in messages(response)[-1]
    saved(reviewer, concept, "_publish", summary="It is back.", change_reason="Sold again.")
    assert "It is back." in client.get("/glossary/exosomes/").text


# --- Who may publish, and when


def test_a_writer_cannot_publish_by_any_forged_request(writer, client):
    concept = make_concept(slug="exosomes", summary="Old words.", body=sentence())
    draft = make_concept(slug="unseen", state="draft", body=sentence())
    saved(writer, concept, "_publish", summary="Forged.", change_reason="Because.", state="published")
    writer.post(address(concept, "move"), {"to": "publish", "reason": "Because."})
    saved(writer, draft, "_publish", state="published", change_reason="Because.")
    writer.post(address(draft, "move"), {"to": "publish", "reason": "Because."})
    writer.post("/admin/glossary/concept/", {"action": "publish_chosen", "_selected_action": [concept.pk, draft.pk]})
    writer.post(address(concept, "move"), {"to": "withdraw", "reason": "Because."})
    assert "Old words." in client.get("/glossary/exosomes/").text
    assert client.get("/glossary/unseen/").status_code == 404


def test_the_model_itself_refuses_to_skip_review():
    concept = Concept.objects.get(pk=make_concept(state="draft").pk)
    concept.state = State.PUBLISHED
    with pytest.raises(ValidationError, match="in one step"):
        concept.save()


def test_nobody_publishes_their_own_change_of_certainty(reviewer, client, settings):
    finding = make_finding(certainty="low", direction="benefit", sources=[make_source()])
    other = make_editor("rook", "Reviewer")
    response = saved(reviewer, finding, "_publish", certainty="high", change_reason="New trial.")
    assert any("somebody else publishes it" in m for m in messages(response))
    finding.refresh_from_db()
    assert finding.certainty == "low"
    # Saving other words over it does not make it somebody else's change.
    saved(reviewer, finding, shown="In 25 people more was seen.")
    reviewer.post(address(finding, "move"), {"to": "publish", "reason": "New trial."})
    finding.refresh_from_db()
    assert finding.certainty == "low"
    other.post(address(finding, "move"), {"to": "publish", "reason": "New trial."})
    finding.refresh_from_db()
    assert finding.certainty == "high"


def test_a_team_of_one_may_be_set_to_publish_its_own_weighing(reviewer, settings):
    settings.PUBLISH_OWN_CERTAINTY = True
    finding = make_finding(certainty="low", direction="benefit", sources=[make_source()])
    saved(reviewer, finding, "_publish", certainty="high", change_reason="New trial.")
    finding.refresh_from_db()
    assert finding.certainty == "high"


def test_other_words_of_ones_own_finding_may_be_published(reviewer):
    finding = make_finding(certainty="low", direction="benefit", sources=[make_source()])
    saved(reviewer, finding, "_publish", shown="Clearer words.", change_reason="Clearer.")
    finding.refresh_from_db()
    assert finding.shown == "Clearer words."


def test_what_is_missing_is_listed_with_a_link_to_the_field(reviewer, client):
    concept = make_concept(slug="exosomes", body=sentence())
    response = saved(
        reviewer,
        concept,
        "_publish",
        body="A miracle. See [@no-such-source].",
        review_due="2026-11-27",
        reviewed_on="2026-11-01",
        change_reason="x",
    )
    assert "cannot be published yet" in messages(response)[-1]
    text = response.text
    assert "Cannot be published because" in text
    for words, field in [
        ("“miracle”", "id_body"),
        ("[@no-such-source]", "id_body"),
        ("lies in the past", "id_review_due"),
    ]:
        assert re.search(rf'<a href="#{field}">[^<]*{re.escape(words)}', text), words
        assert f'id="{field}"' in text
    assert "miracle" not in client.get("/glossary/exosomes/").text


def test_a_risk_without_a_source_keeps_its_concept_from_being_published(reviewer):
    concept = make_concept(state="draft", body=sentence())
    make_risk(concept=concept, title="Lumps", sources=[])
    assert '<a href="#risks-group">The risk “Lumps” has no source.</a>' in reviewer.get(address(concept)).text


def test_a_category_needs_the_rules_of_every_place(reviewer):
    category = make_category(slug="shots", ingredients=[make_concept()], goals=[make_effect()])
    assert "No line on the rules of: United States" in reviewer.get(address(category)).text


def test_a_change_to_what_readers_saw_needs_a_reason(reviewer, client):
    concept = make_concept(slug="exosomes", summary="Old words.", body=sentence())
    response = saved(reviewer, concept, "_publish", summary="New words.")
    assert "say what you changed, and why" in messages(response)[-1]
    assert "Old words." in client.get("/glossary/exosomes/").text


def test_a_change_that_is_live_at_once_needs_a_reason(reviewer):
    source = make_source(title="A title")
    page = saved(reviewer, source, title="Another title")
    assert "This is live at once: say what you changed, and why." in page.text
    assert "Another title" in page.text
    source.refresh_from_db()
    assert source.title == "A title"
    saved(reviewer, source, title="Another title", change_reason="Misspelt.")
    source.refresh_from_db()
    assert source.title == "Another title"
    assert source.history.first().history_change_reason == "Misspelt."


def test_a_correction_is_marked_as_such(reviewer):
    concept = make_concept(body=sentence())
    saved(reviewer, concept, "_publish", summary="Right.", change_reason="The dose was wrong.", is_correction="on")
    assert concept.history.first().history_change_reason == "Correction: The dose was wrong."


def test_a_changed_name_alone_is_told_to_readers_as_well(reviewer, client):
    concept = make_concept(slug="exosomes", body=sentence(), aliases=["old name"])
    fields = opened(reviewer, concept) | {"aliases-0-text": "new name"}
    saved(reviewer, concept, "_publish", fields, change_reason="The name was misspelt.")
    assert [alias.text for alias in concept.aliases.all()] == ["new name"]
    assert "The name was misspelt." in client.get("/glossary/exosomes/").text


# --- Two at once


def test_the_later_of_two_editors_is_shown_both_and_loses_nothing(writer, reviewer):
    concept = make_concept(name="Name", summary="A summary.", not_same_as="Not that.", body=sentence())
    hers, his = opened(writer, concept), opened(reviewer, concept)
    saved(reviewer, concept, fields=his, summary="His summary.", not_same_as="Not his.")
    page = saved(writer, concept, fields=hers, summary="Her summary.", name="Her name")
    assert "merge" in page.request["PATH_INFO"]
    text = re.sub(r"<[^>]+>", "", page.text)
    assert "You both changed" in text
    assert "Only they changed" in text
    assert "Only you changed" in text
    assert latest(concept).content["fields"]["summary"] == "His summary."

    choice = read_form(page, None) | {"choice-0": "both", "_continue": "1"}
    writer.post(page.request["PATH_INFO"], choice)
    fields = latest(concept).content["fields"]
    assert fields["summary"] == "His summary.\n\nHer summary."
    assert fields["name"] == "Her name"
    assert fields["not_same_as"] == "Not his."
    kept = Revision.objects.of(concept).get(state="aside")
    assert kept.content["fields"]["summary"] == "Her summary."


def test_a_choice_is_asked_for_and_a_third_save_meanwhile_is_noticed(writer, reviewer):
    concept = make_concept(summary="A summary.", body=sentence())
    hers = opened(writer, concept)
    saved(reviewer, concept, summary="His summary.")
    page = saved(writer, concept, fields=hers, summary="Her summary.")
    where = page.request["PATH_INFO"]
    posted = read_form(page, None)
    answer = writer.post(where, posted)
    assert "Choose one for each field" in messages(answer)[-1]
    saved(reviewer, concept, summary="His third.")
    answer = writer.post(where, posted | {"choice-0": "mine"})
    assert "newer save" in messages(answer)[-1]
    assert latest(concept).content["fields"]["summary"] == "His third."


def test_a_step_in_between_that_changes_no_words_is_no_conflict(writer, reviewer):
    concept = make_concept(summary="A summary.", body=sentence())
    saved(writer, concept, summary="Draft.")
    hers = opened(writer, concept)
    writer.post(address(concept, "move"), {"to": "submit"})
    reviewer.post(address(concept, "move"), {"to": "send-back", "reason": "Shorter, please."})
    page = saved(writer, concept, fields=hers, summary="Shorter.")
    assert "merge" not in page.request["PATH_INFO"]
    assert latest(concept).content["fields"]["summary"] == "Shorter."


def test_sources_are_kept_from_being_overwritten_as_well(writer, reviewer):
    source = make_source(title="A title", note="A note.")
    his, hers = opened(reviewer, source), opened(reviewer, source)
    saved(reviewer, source, fields=his, title="His title", change_reason="x")
    page = saved(reviewer, source, fields=hers, title="Her title", change_reason="x")
    assert "merge" in page.request["PATH_INFO"]
    source.refresh_from_db()
    assert source.title == "His title"


@pytest.mark.django_db(transaction=True)
def test_of_many_who_save_at_the_same_moment_one_is_taken_and_every_text_is_kept():
    concept = make_concept(summary="A summary.", body=sentence())
    editors = [make_editor(f"editor {n}", "Writer") for n in range(4)]
    fields = [opened(editor, concept) for editor in editors]

    def save(n):
        try:
            data = fields[n] | {"summary": f"Words of {n}.", "_save": "1"}
            return editors[n].post(address(concept), data).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(save, range(4))) == {302}
    saves = Revision.objects.of(concept)
    assert sorted(saves.values_list("state", flat=True)) == ["aside", "aside", "aside", "draft", "published"]
    words = {save.content["fields"]["summary"] for save in saves.exclude(state="published")}
    assert words == {f"Words of {n}." for n in range(4)}


# --- Nothing lost


def test_every_save_is_in_the_history_word_by_word_and_can_be_brought_back(writer, client):
    concept = make_concept(summary="One two three.", body=sentence())
    saved(writer, concept, summary="One four three.")
    saved(writer, concept, summary="Something else.")
    history = writer.get(address(concept, "history"))
    assert history.text.count("wren") >= 2
    version = writer.get(f"{address(concept, 'history')}2/").text
    assert re.search(r"<del>.*?two.*?</del>", version)
    assert re.search(r"<ins>.*?four.*?</ins>", version)
    writer.post(address(concept, "move"), {"to": "restore", "number": "2"})
    assert opened(writer, concept)["summary"] == "One four three."
    assert latest(concept).state == "draft"


def test_a_deleted_entry_can_be_brought_back_with_its_parts(reviewer):
    concept = make_concept(slug="gone", body=sentence(), aliases=["old name"])
    reviewer.post(address(concept, "delete"), {"post": "yes"})
    assert not Concept.objects.filter(slug="gone").exists()
    listed = reviewer.get("/admin/glossary/concept/deleted/")
    number = re.search(r'name="number" value="(\d+)"', listed.text)[1]
    reviewer.post("/admin/glossary/concept/deleted/", {"number": number})
    back = Concept.objects.get(slug="gone")
    assert (back.pk, back.state) == (concept.pk, State.DRAFT)
    assert [alias.text for alias in back.aliases.all()] == ["old name"]


@pytest.mark.parametrize("kind", ["source", "concept", "effect", "question"])
def test_what_others_use_is_not_deleted_and_the_users_are_listed(reviewer, kind):
    source, effect = make_source(key="trial"), make_effect()
    concept = make_concept(slug="egf", name="EGF")
    make_finding(concept=concept, effect=effect, sources=[source])
    reader = make_concept(name="The reader", body="See [EGF](concept:egf) and [@trial].")
    question = make_question()
    entry = {"source": source, "concept": concept, "effect": effect, "question": question}[kind]
    response = reviewer.post(address(entry, "delete"), {"post": "yes"})
    present = type(entry).objects.filter(pk=entry.pk).exists()
    if kind == "question":
        assert not present
        return
    assert present
    assert "cannot be deleted" in response.text
    if kind != "effect":
        assert str(reader) in response.text
    rest = reviewer.post(
        f"/admin/glossary/{kind}/", {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"}
    )
    assert type(entry).objects.filter(pk=entry.pk).exists(), rest.text


def test_a_changed_slug_keeps_leading_to_the_page(reviewer, client):
    concept = make_concept(slug="old-slug", body=sentence())
    saved(reviewer, concept, "_publish", slug="new-slug", change_reason="Renamed.")
    assert client.get("/glossary/old-slug/", follow=True).redirect_chain[-1][0] == "/glossary/new-slug/"


def test_the_content_files_and_a_draft_do_not_overwrite_each_other(writer, reviewer):
    concept = make_concept(summary="From the files.", body=sentence())
    saved(writer, concept, "_submit", summary="Draft.", change_reason="x")
    Concept.objects.get(pk=concept.pk)
    loaded = Concept.objects.get(pk=concept.pk)
    loaded.summary = "Newer files."
    loaded.save()
    response = reviewer.post(address(concept, "move"), {"to": "publish", "reason": "x"}, follow=True)
    assert "have changed the live entry" in messages(response)[-1]
    concept.refresh_from_db()
    assert concept.summary == "Newer files."


# --- Looking at a draft from outside


def preview_link(editor, entry):
    return re.search(r'href="(http://testserver/preview/[^"]+)"', editor.get(address(entry)).text)[1].removeprefix(
        "http://testserver"
    )


def test_a_preview_link_shows_the_draft_to_anybody_and_publishes_nothing(writer, client):
    concept = make_concept(slug="exosomes", summary="Old words.", body=sentence())
    saved(writer, concept, summary="New words.")
    link = preview_link(writer, concept)
    response = client.get(link)
    assert "New words." in response.text
    assert "Preview." in response.text
    assert "no-store" in response.headers["Cache-Control"]
    assert "noindex" in response.headers["X-Robots-Tag"]
    assert "Old words." in client.get("/glossary/exosomes/").text
    concept.refresh_from_db()
    assert concept.summary == "Old words."
    assert client.get(link.replace("preview/", "preview/x")).status_code == 404


def test_a_preview_of_what_was_never_published_shows_it_in_its_page(writer, client):
    concept = make_concept(slug="unseen", state="draft", body=sentence())
    finding = make_finding(concept=concept, state="draft", shown="A draft of numbers.")
    assert "A draft of numbers." in client.get(preview_link(writer, finding)).text
    assert client.get("/glossary/unseen/").status_code == 404
    assert Finding.objects.get(pk=finding.pk).state == State.DRAFT
    category = make_category(slug="shots", state="draft", ingredients=[concept], goals=[make_effect()])
    assert client.get(preview_link(writer, category)).status_code == 200
    assert Category.objects.get(pk=category.pk).state == State.DRAFT


def test_a_preview_link_expires(writer, client, settings):
    concept = make_concept(body=sentence())
    link = preview_link(writer, concept)
    settings.PREVIEW_DAYS = -1
    response = client.get(link)
    assert response.status_code == 410
    assert "Ask whoever sent you this link" in response.text


# --- Bad input


WORD = """<p class=MsoNormal><span style='color:red'>Pasted <b>words</b> &amp; more.</span><o:p></o:p></p><style>p{}</style>"""


def test_pasted_formatting_is_taken_out_and_that_is_said(writer):
    concept = make_concept(body=sentence())
    response = saved(writer, concept, body=WORD)
    assert any("formatting was taken out of: Body" in m for m in messages(response))
    assert latest(concept).content["fields"]["body"] == "Pasted words & more."


def test_a_text_with_a_less_than_sign_stays_as_it_is(writer):
    concept = make_concept(body=sentence())
    saved(writer, concept, body="If p < 0.05 and a > b, then <5 people.")
    assert latest(concept).content["fields"]["body"] == "If p < 0.05 and a > b, then <5 people."


def test_a_text_that_is_too_long_is_refused_and_stays_in_the_form(writer):
    concept = make_concept(body=sentence())
    response = saved(writer, concept, body="words " * 20_000)
    assert "60,000 fit" in response.text
    assert "words words words" in response.text
    assert Revision.objects.of(concept).filter(state="draft").count() == 0


def test_an_invalid_form_keeps_what_was_typed_and_the_save_it_began_from(writer, reviewer):
    concept = make_concept(summary="A summary.", body=sentence())
    hers = opened(writer, concept)
    saved(reviewer, concept, summary="His summary.")
    page = writer.post(address(concept), hers | {"name": "", "summary": "Her summary.", "_save": "1"})
    again = read_form(page, "concept_form")
    assert again["summary"] == "Her summary."
    assert again["base"] == hers["base"]
    assert "merge" in saved(writer, concept, fields=again, name="Name").request["PATH_INFO"]


@pytest.mark.parametrize("base", ["", "x", "-1", "99999999999999999999", "0"])
def test_a_nonsense_base_is_no_error(writer, base):
    concept = make_concept(body=sentence())
    response = saved(writer, concept, base=base, summary="New.")
    assert response.status_code == 200


@pytest.mark.parametrize(
    "data", [{}, {"to": "fly"}, {"to": "restore"}, {"to": "restore", "number": "999999999999"}, {"to": "send-back"}]
)
def test_a_nonsense_step_is_refused_in_words(reviewer, data):
    concept = make_concept(body=sentence())
    response = reviewer.post(address(concept, "move"), data, follow=True)
    assert messages(response)
    assert Revision.objects.of(concept).count() <= 1


def test_nobody_without_permission_sees_or_moves_anything(client):
    concept = make_concept()
    user = User.objects.create_user("visitor", password="x", is_staff=True)
    client.force_login(user)
    for what in ["change", "history", "history/1", "merge/1", "move"]:
        assert client.get(address(concept, what)).status_code in (403, 404)
    assert client.post(address(concept, "move"), {"to": "withdraw", "reason": "x"}).status_code == 403


# --- Cost


def test_a_form_costs_the_same_number_of_queries_however_many_findings_and_names_there_are(
    reviewer, django_assert_num_queries
):
    def many(n):
        concept = make_concept(body=sentence(), aliases=[f"name {n} {i}" for i in range(n)])
        for _ in range(n):
            make_finding(concept=concept, effect=make_effect(), sources=[make_source()])
        reviewer.get(address(concept))
        return concept

    few, lots = many(2), many(6)
    with CaptureQueriesContext(connection) as first:
        reviewer.get(address(few))
    with django_assert_num_queries(len(first)):
        reviewer.get(address(lots))
