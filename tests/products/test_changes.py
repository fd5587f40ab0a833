"""The public trail: what /changes/, the feed and each page say of what changed, when and why."""

import re
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.factories import (
    make_category,
    make_concept,
    make_effect,
    make_finding,
    make_red_flag,
    make_regulation,
    make_risk,
    make_source,
)

pytestmark = pytest.mark.django_db


def edit(row, reason="", user=None, **fields):
    """Save a row as an editor does, or set its state as the content files may."""
    row.state_before = None
    for name, value in fields.items():
        setattr(row, name, value)
    row._change_reason = reason
    if user:
        row._history_user = user
    row.save()
    return row


def backdate(row, days):
    """As if all that happened to a row until now had happened so many days ago."""
    for record in row.history.all():
        record.history_date -= timedelta(days=days)
        record.save()


def text_of(client, address="/changes/"):
    """A page's own words, without marks."""
    text = client.get(address).text.split("<main")[1].split("</main>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)).replace("&#x27;", "’")


def section_of(client, entry):
    """The part of a page that says what changed."""
    return text_of(client, entry.get_absolute_url()).split("Reviewed and changed")[1]


EVERYWHERE = ["/changes/", "/changes/feed.xml", "/changes/?kind=corrections"]


# --- What is told


def test_a_change_is_told_with_its_page_and_its_reason(client):
    concept = make_concept(name="Exosomes")
    edit(concept, "A clearer summary.", summary="Better.")
    said = text_of(client)
    assert "Exosomes : page changed — A clearer summary." in said
    assert "page changed — A clearer summary." in section_of(client, concept)
    assert "A clearer summary." in client.get("/changes/feed.xml").text


def test_what_happened_to_one_page_for_one_reason_on_one_day_is_one_entry(client):
    concept = make_concept(name="Exosomes")
    backdate(concept, 3)
    for _ in range(3):
        edit(make_finding(concept=concept), "New trials.", shown="Now more.")
    edit(make_risk(concept=concept), "New trials.", known="Now more.")
    assert "3 findings changed, 1 risk changed — New trials." in text_of(client)


def test_a_finding_with_many_sources_is_added_once(client):
    concept = make_concept(name="Exosomes")
    make_finding(concept=concept, sources=[make_source(), make_source()])
    said = text_of(client)
    assert "page added, 1 finding added" in said
    assert "finding changed" not in said
    assert "findings" not in said


def test_rules_warning_signs_and_changed_sources_are_told_and_new_sources_are_not(client):
    category = make_category(name="Injections")
    make_regulation(category=category)
    make_red_flag(name="Too cheap")
    edit(make_source(title="A trial"), "The journal withdrew it.", status="retracted")
    make_source(title="Another trial")
    said = text_of(client)
    assert "Injections : page added, 1 rule added" in said
    assert "Too cheap : page added" in said
    assert "A trial : page changed — The journal withdrew it." in said
    assert "Another trial" not in said


def test_newest_day_stands_first(client):
    backdate(make_concept(name="Old one"), 4)
    make_concept(name="New one")
    said = text_of(client)
    assert said.index("New one") < said.index("Old one")


def test_nobody_is_named(client):
    user = User.objects.create_user("editor-nine", "nine@example.org", first_name="Nina", last_name="Niner")
    concept = make_concept(name="Exosomes")
    edit(make_finding(concept=concept), "New trials.", user, certainty="moderate")
    edit(concept, "A clearer summary.", user, summary="Better.")
    for address in [*EVERYWHERE, concept.get_absolute_url()]:
        text = client.get(address).text
        for name in ["editor-nine", "nine@example.org", "Nina", "Niner"]:
            assert name not in text


def test_a_reason_is_text_and_nothing_else(client):
    edit(make_concept(name="Exosomes"), "<script>alert(1)</script>", summary="Better.")
    for address in EVERYWHERE:
        assert "<script>alert" not in client.get(address).text


# --- Verdicts


def test_a_changed_verdict_is_told_in_words(client):
    concept, effect = make_concept(name="Exosomes"), make_effect(name="Wrinkles")
    finding = make_finding(concept=concept, effect=effect, direction="benefit", certainty="low")
    edit(finding, "Two new trials.", certainty="moderate")
    words = "Finding on wrinkles, injected: certainty low → moderate, now “Probably improves it”"
    assert words in text_of(client)
    assert words in section_of(client, concept)
    assert words[1:] in client.get("/changes/feed.xml").text


def test_direction_and_size_are_told_as_well_and_steps_of_one_day_are_told_as_one(client):
    finding = make_finding(effect=make_effect(name="Wrinkles"), direction="benefit", certainty="low", size="small")
    edit(finding, "New.", certainty="moderate")
    edit(finding, "New.", direction="no-difference", size="not-stated")
    said = text_of(client)
    assert "certainty low → moderate, direction better → little or no difference, size small → not stated, now" in said
    assert said.count("Finding on wrinkles") == 1


def test_a_verdict_that_came_back_to_where_it_was_is_not_told(client):
    finding = make_finding(effect=make_effect(name="Wrinkles"), certainty="low")
    edit(finding, "New.", certainty="moderate")
    edit(finding, "New.", certainty="low")
    assert "Finding on wrinkles" not in text_of(client)


# --- Corrections


def test_corrections_are_marked_and_can_be_read_alone(client):
    edit(make_concept(name="Exosomes"), "Correction: 20 people, not 200.", summary="Right.")
    edit(make_concept(name="Platelets"), "A clearer summary.", summary="Better.")
    everything = client.get("/changes/").text
    assert '<strong class="chip strong">Correction</strong> page changed — 20 people, not 200.' in everything
    assert everything.count(">Correction</strong>") == 1
    alone = text_of(client, "/changes/?kind=corrections")
    assert "Exosomes" in alone
    assert "Platelets" not in alone
    assert "Correction: Exosomes: page changed" in client.get("/changes/feed.xml").text


def test_without_corrections_the_page_says_so_and_an_unknown_kind_is_left_out(client):
    make_concept(name="Exosomes")
    assert "nothing to correct so far" in text_of(client, "/changes/?kind=corrections")
    said = text_of(client, "/changes/?kind=zzz")
    assert "so it was left out" in said
    assert "Exosomes" in said


# --- What is not told


def test_a_draft_is_not_told_nor_its_history_once_it_is_published(client):
    concept = make_concept(name="Secretword", state="draft")
    edit(concept, "Draft remark one.", body="Half.")
    make_risk(concept=concept, title="Draft risk")
    edit(make_finding(concept=concept), "Draft remark two.", shown="Half.")
    backdate(concept, 1)
    for address in EVERYWHERE:
        assert "Secretword" not in client.get(address).text

    edit(concept, "First published.", state="published")

    for address in [*EVERYWHERE, concept.get_absolute_url()]:
        assert "Draft remark" not in client.get(address).text
    assert "Secretword : page added — First published." in text_of(client)


def test_an_unpublished_finding_of_a_published_concept_is_not_told(client):
    concept = make_concept(name="Exosomes")
    finding = make_finding(concept=concept, effect=make_effect(name="Secretword"), state="draft")
    edit(finding, "Draft remark.", certainty="moderate")
    edit(finding, "Handed in.", state="in-review")
    for address in [*EVERYWHERE, concept.get_absolute_url()]:
        for word in ["Draft remark", "Handed in", "finding", "Secretword"]:
            assert word not in client.get(address).text.split("Reviewed and changed")[-1].replace("findings.", "")

    edit(finding, "Two trials.", state="published")

    said = text_of(client)
    assert "1 finding added — Two trials." in said
    assert "Draft remark" not in said
    assert "certainty" not in said


def test_of_a_page_withdrawn_later_only_that_a_page_went_is_told(client):
    concept = make_concept(name="Secretword", slug="secretword")
    edit(make_finding(concept=concept), "Remark on a finding.", shown="More.")
    edit(concept, "Remark on the page.", summary="Better.")
    edit(concept, "Nobody sells it any more.", state="withdrawn")
    edit(concept, "Edited while withdrawn.", summary="Other.")
    for address in EVERYWHERE:
        text = client.get(address).text.lower()
        for word in ["secretword", "remark", "while withdrawn"]:
            assert word not in text
    assert "A page of the glossary: page withdrawn — Nobody sells it any more." in text_of(client)


def test_a_deleted_page_is_told_without_its_name(client):
    category = make_category(name="Secretword")
    category._change_reason = "Two pages on one thing."
    category.delete()
    said = text_of(client)
    assert "A product page: page removed — Two pages on one thing." in said
    assert "Secretword" not in said


def test_a_draft_that_is_deleted_or_given_up_was_never_there(client):
    make_concept(name="Secretword", state="draft").delete()
    edit(make_concept(name="Other", state="in-review"), "Given up.", state="withdrawn")
    said = text_of(client)
    assert "A page of the glossary" not in said
    assert "Given up" not in said


def test_withdrawn_and_restored_findings_and_pages_are_told_as_such(client):
    concept = make_concept(name="Exosomes")
    finding = make_finding(concept=concept)
    edit(finding, "The trial was withdrawn.", state="withdrawn")
    edit(finding, "It is back.", state="published")
    edit(concept, "Checked anew.", state="withdrawn")
    edit(concept, "In order.", state="published")
    said = section_of(client, concept)
    for words in [
        "1 finding withdrawn — The trial was withdrawn.",
        "1 finding restored — It is back.",
        "page withdrawn — Checked anew.",
        "page restored — In order.",
    ]:
        assert words in said


def test_a_removed_finding_is_told_on_its_page(client):
    concept = make_concept(name="Exosomes")
    finding = make_finding(concept=concept)
    finding._change_reason = "Said twice."
    finding.delete()
    assert "1 finding removed — Said twice." in section_of(client, concept)


def test_a_page_tells_of_itself_alone(client):
    one, other = make_concept(name="One"), make_concept(name="Other")
    edit(other, "About the other.", summary="Better.")
    edit(make_category(name="Offer", ingredients=[one]), "About the offer.", summary="Better.")
    assert "About the" not in section_of(client, one)


# --- How much


def fill(number):
    """So many pages with a changed finding each."""
    for n in range(number):
        concept = make_concept()
        edit(make_finding(concept=concept), f"Reason {n} of {number}.", certainty="moderate")
        edit(make_category(ingredients=[concept]), f"Reason {n}.", summary="Better.")
        make_regulation(category=concept.categories.get())


def test_the_trail_costs_the_same_number_of_queries_however_long_it_is(client, django_assert_max_num_queries):
    for address, most in [("/changes/", 14), ("/changes/feed.xml", 14), ("/changes/?kind=corrections", 3)]:
        counts = []
        client.get(address)
        for number in (2, 9):
            fill(number)
            with django_assert_max_num_queries(most) as captured:
                assert client.get(address).status_code == 200
            counts.append(len(captured))
        assert counts[0] == counts[1]


def test_the_trail_is_cut_into_pages_of_fifty(client):
    for n in range(60):
        make_concept(name=f"Thing {n:03}")
    first, second = text_of(client), text_of(client, "/changes/?page=2")
    assert len(re.findall(r"Thing \d{3}", first)) == 50
    assert len(re.findall(r"Thing \d{3}", second)) == 10
    assert "Page 1 Older" in first
    assert "Newer Page 2" in second
    assert "Older" not in second
    assert set(re.findall(r"Thing \d{3}", first)).isdisjoint(re.findall(r"Thing \d{3}", second))
    assert 'rel="prev"' in client.get("/changes/?page=2").text


@pytest.mark.parametrize("number", ["99", "0", "-1", "x", "9" * 40, "²", "%00"])
def test_a_page_that_there_is_not_is_said_in_words(client, number):
    make_concept(name="Thing")
    said = text_of(client, f"/changes/?page={number}")
    assert "Thing" in said
    if number != "%00":
        assert "There is no page" in said


def test_a_page_shows_its_latest_changes_only(client):
    concept = make_concept()
    for n in range(12):
        edit(concept, f"Reason {n:02}.", summary=f"{n}")
        backdate(concept, 1)
    said = section_of(client, concept)
    assert "Reason 11." in said
    assert said.count("Reason") == 6


def test_each_entry_of_the_feed_has_its_own_lasting_name(client):
    concept = make_concept(name="Exosomes")
    edit(concept, "One reason.", summary="A")
    edit(concept, "Another reason.", summary="B")

    def ids():
        root = ElementTree.fromstring(client.get("/changes/feed.xml").content)  # noqa: S314 - our own
        return [entry.findtext("{*}id") for entry in root.iterfind("{*}entry")]

    once = ids()
    assert len(once) == len(set(once)) == 3
    assert all(name.startswith("urn:uuid:") for name in once)
    edit(concept, "A third reason.", summary="C")
    assert set(once) < set(ids())


def test_days_are_told_apart_by_the_clock_of_the_site(client):
    concept = make_concept(name="Exosomes")
    record = concept.history.get()
    record.history_date = timezone.make_aware(timezone.datetime(2026, 3, 31, 23, 59))
    record.save()
    assert "31 March 2026 Exosomes : page added" in text_of(client)
