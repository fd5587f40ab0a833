"""A source is withdrawn, doubted or replaced: what the editor is told and what readers see."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from glossary.models import Finding, Source
from tests.factories import (
    make_category,
    make_concept,
    make_effect,
    make_finding,
    make_price,
    make_question,
    make_red_flag,
    make_regulation,
    make_reporting_body,
    make_risk,
    make_source,
)

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def mark(key, **options):
    out = StringIO()
    call_command("mark_retracted", key, stdout=out, **({"reason": "The journal withdrew it."} | options))
    return out.getvalue()


# --- The command


def test_marking_lists_everything_that_rests_on_the_source():
    source = make_source(key="bad-2020")
    make_finding(concept=make_concept(name="Finding here"), sources=[source])
    make_finding(concept=make_concept(name="Draft finding"), sources=[source], state="draft")
    make_finding(concept=make_concept(name="Claim here"), claim_sources=[source])
    make_risk(title="Risk here", sources=[source])
    make_regulation(category=make_category(name="Rule here"), sources=[source])
    make_price(category=make_category(name="Price here"), source=source)
    make_category(name="Course here").course_sources.add(source)
    make_red_flag(name="Flag here", sources=[source])
    make_question(text="Question here?", sources=[source])
    make_reporting_body(name="Office here", sources=[source])
    make_concept(name="Text here", body="As shown [@bad-2020].")
    make_concept(name="Difference here", not_same_as="Unlike [@bad-2020].")
    make_category(name="Product text here", body="As shown [@bad-2020].")
    make_concept(name="Innocent", body="As shown [@bad-2020-b].")

    said = mark("bad-2020")

    for name in [
        "Finding",
        "Claim",
        "Risk",
        "Rule",
        "Price",
        "Course",
        "Flag",
        "Question",
        "Office",
        "Text",
        "Product text",
    ]:
        assert f"{name} here" in said
    assert "Difference here" in said
    assert "Draft finding" in said
    assert "(draft)" in said
    assert "Innocent" not in said
    assert said.count("Finding here") == 1


def test_marking_sets_the_standing_and_keeps_the_reason_in_the_history():
    source = make_source(key="bad-2020")
    mark("bad-2020", reason="The journal withdrew it.")
    source.refresh_from_db()
    assert source.status == "retracted"
    assert source.history.first().history_change_reason == "The journal withdrew it."


def test_a_warning_and_a_newer_edition_are_marked_as_such():
    old, new = make_source(key="old"), make_source(key="new")
    mark("old", concern=True)
    assert Source.objects.get(key="old").status == "concern"
    mark("old", superseded_by="new")
    old.refresh_from_db()
    assert (old.status, old.superseded_by) == ("superseded", new)


def test_a_retraction_forgets_the_newer_edition_that_was_named_before():
    make_source(key="old")
    make_source(key="new")
    mark("old", superseded_by="new")
    mark("old")
    assert Source.objects.get(key="old").superseded_by is None


@pytest.mark.parametrize(
    ("key", "options", "said"),
    [
        ("nothing", {}, "no source “nothing”"),
        ("bad-20", {}, "Did you mean bad-2020"),
        ("bad-2020", {"reason": "  "}, "Give a reason"),
        ("bad-2020", {"superseded_by": "nowhere"}, "no source “nowhere”"),
        ("bad-2020", {"superseded_by": "bad-2020"}, "not itself"),
    ],
)
def test_a_mistake_changes_nothing_and_is_said_in_words(key, options, said):
    make_source(key="bad-2020")
    with pytest.raises(CommandError, match=said):
        mark(key, **options)
    assert Source.objects.get().status == "current"
    assert Source.objects.get().history.count() == 1


def test_a_source_on_which_nothing_rests_says_so():
    make_source(key="idle")
    assert "Nothing in the guide rests on it" in mark("idle")


# --- What waits for judging


def test_findings_on_doubted_sources_wait_to_be_judged_again():
    retracted = make_finding(sources=[make_source(), make_source(status="retracted")])
    doubted = make_finding(sources=[make_source(status="concern")])
    make_finding(sources=[make_source(status="superseded")])
    make_finding(sources=[make_source(status="retracted")], state="draft")
    make_finding(sources=[make_source(status="retracted")], concept=make_concept(state="draft"))
    make_finding()
    assert set(Finding.objects.to_rejudge()) == {retracted, doubted}


def test_an_outdated_source_counts_as_cited_wherever_it_is_used():
    sources = [make_source(key=f"out-{n}", status="retracted") for n in range(6)]
    make_finding(sources=[sources[0]])
    make_risk(sources=[sources[1]])
    make_price(source=sources[2])
    make_concept(body="As shown [@out-3].")
    make_category(body="As shown [@out-4].")
    make_finding(sources=[make_source()])
    assert {s.key for s in Source.objects.out_of_date_but_cited()} == {f"out-{n}" for n in range(5)}


# --- The admin's form


def form_of(source, **changes):
    """What the browser sends for a source's form."""
    fields = ["key", "kind", "title", "authors", "year", "container", "doi", "pmid", "url", "read", "checked_on"]
    fields += ["funding", "funder", "note", "status"]
    return {name: getattr(source, name) for name in fields} | {"superseded_by": "", "change_reason": ""} | changes


def test_a_retraction_in_the_admin_asks_for_a_reason_and_keeps_what_was_typed(admin_client):
    source = make_source()
    url = reverse("admin:glossary_source_change", args=[source.pk])
    page = admin_client.post(url, form_of(source, status="retracted", note="Typed just now."))
    assert "say what you changed, and why" in page.text
    assert "Typed just now." in page.text
    source.refresh_from_db()
    assert source.status == "current"


def test_a_retraction_in_the_admin_says_how_much_rests_on_it_and_lists_it(admin_client):
    source = make_source(key="bad-2020")
    finding = make_finding(concept=make_concept(name="Resting thing"), sources=[source])
    url = reverse("admin:glossary_source_change", args=[source.pk])
    answer = admin_client.post(url, form_of(source, status="retracted", change_reason="Withdrawn."), follow=True)
    assert "1 entry rests on it" in answer.text
    assert f'href="{url}"' in answer.text
    form = admin_client.get(url).text
    assert f'href="/admin/glossary/finding/{finding.pk}/change/">Resting thing' in form
    source.refresh_from_db()
    assert source.history.first().history_change_reason == "Withdrawn."
    listed = admin_client.get("/admin/glossary/finding/?rejudge=yes").text
    assert "Resting thing" in listed


# --- What readers see


def test_a_finding_on_a_retracted_source_says_so_before_it_is_opened(client):
    source = make_source(status="retracted")
    make_finding(concept=make_concept(slug="thing"), sources=[source, make_source(), make_source()])
    text = client.get("/glossary/thing/").text
    row = text.split("</tbody>")[0]
    assert "1 of the 3 sources behind this was retracted" in row.split("<details")[-2] + row.split("<details")[0]
    assert "(retracted)" in row
    assert "Retracted." in text.split('id="sources-heading"')[1]


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        (["retracted"], "The source behind this was retracted."),
        (["retracted", "retracted"], "2 of the 2 sources behind this were retracted."),
        (["concern"], "The source behind this is under a warning from the publisher."),
        (["concern", "current"], "1 of the 2 sources behind this is under a warning from the publisher."),
        (
            ["retracted", "concern", "current"],
            "1 of the 3 sources behind this was retracted and 1 is under a warning from the publisher.",
        ),
        (["superseded"], ""),
        (["current"], ""),
    ],
)
def test_the_doubt_is_put_in_words(statuses, said):
    finding = make_finding(sources=[make_source(status=status) for status in statuses])
    assert finding.doubt.split(" Read this")[0] == said


def test_a_comparison_and_a_product_say_it_too(client):
    concept, effect = make_concept(slug="thing"), make_effect()
    make_finding(concept=concept, effect=effect, sources=[make_source(status="concern")])
    make_category(slug="offer", ingredients=[concept], goals=[effect])
    for address in ["/products/offer/", "/compare/?item=offer&item=thing"]:
        assert "under a warning from the publisher" in client.get(address).text


def test_a_risk_on_a_retracted_source_marks_it(client):
    make_risk(concept=make_concept(slug="thing"), sources=[make_source(status="retracted")])
    assert "(retracted)" in client.get("/glossary/thing/").text


def test_a_page_on_sound_sources_raises_no_doubt(client):
    make_finding(concept=make_concept(slug="thing"))
    text = client.get("/glossary/thing/").text
    assert "retracted" not in text
    assert "(current)" not in text
