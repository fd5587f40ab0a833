"""Help with writing at the desk: previews, measures, verdicts that follow the choices, links to pick."""

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from glossary import edition, revisions
from glossary.models import Finding, Source
from glossary.verdict import Certainty, Direction, Size
from tests.factories import make_alias, make_category, make_concept, make_finding, make_question, make_risk, make_source
from tests.forms import read_form

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def make_editor(*codenames):
    """Somebody on the staff with these permissions, or with all of the guide's."""
    user = User.objects.create_user("wren", password="x", is_staff=True)
    allowed = Permission.objects.filter(content_type__app_label__in=["glossary", "products"])
    user.user_permissions.set(allowed.filter(codename__in=codenames) if codenames else allowed)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def writer():
    return make_editor()


def seen(editor, text, field="body", model="glossary/concept", query="", **more):
    """What the desk answers to a text that somebody is typing."""
    return editor.post(f"/admin/{model}/seen/{field}/{query}", {field: text, **more})


def words(response):
    """The answer as it is read: without tags, white space as one space."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.text).split())


# --- Preview


def test_preview_shows_a_text_as_readers_will_see_it(writer):
    make_source(key="trial", title="A trial of needles")
    make_concept(slug="egf", name="EGF")
    answer = seen(writer, "## How it acts\n\nLike EGF, in 12 of 20 people [@trial].")
    assert answer.status_code == 200
    assert ">How it acts</h2>" in answer.text
    assert re.search(r'<a [^>]*href="/glossary/egf/"[^>]*>EGF</a>', answer.text)
    assert '<sup class="cite"><a href="#source-trial">[1]</a></sup>' in answer.text
    assert "A trial of needles" in answer.text
    assert "<html" not in answer.text


def test_preview_links_no_concept_to_itself(writer):
    concept = make_concept(slug="egf", name="EGF")
    assert 'class="term"' not in seen(writer, "EGF is small.", slug="egf").text
    assert 'class="term"' not in seen(writer, "EGF is small.", query=f"?entry={concept.pk}").text
    assert 'class="term"' in seen(writer, "EGF is small.", slug="another").text


def test_preview_lets_no_script_through(writer):
    answer = seen(writer, '<script>alert(1)</script><img src=x onerror="alert(1)"> [a](javascript:alert(1))')
    assert "<script" not in answer.text
    assert "<img" not in answer.text
    assert "javascript:" not in answer.text.replace("[a](javascript:", "")


def test_form_shows_preview_and_measures_of_what_was_saved_without_javascript(writer):
    concept = make_concept(slug="exosomes", body="## How it acts\n\nIt is a small thing.", summary="A thing.")
    page = writer.get(f"/admin/glossary/concept/{concept.pk}/change/")
    assert ">How it acts</h2>" in page.text
    assert "2 words, 8 characters" in page.text
    # The pickers do nothing without scripts, so they stay away; what is typed into them is never sent.
    assert page.text.count("data-desk-picker hidden") == 2
    assert "q" not in read_form(page, "concept_form")


def test_preview_follows_the_draft_that_is_open(writer):
    concept = make_concept(body="It is live.")
    fields = read_form(writer.get(f"/admin/glossary/concept/{concept.pk}/change/"), "concept_form")
    writer.post(f"/admin/glossary/concept/{concept.pk}/change/", fields | {"body": "It is a *draft*.", "_save": "1"})
    assert "<em>draft</em>" in writer.get(f"/admin/glossary/concept/{concept.pk}/change/").text


# --- Measures


def test_summary_that_is_too_hard_says_so_and_a_plain_one_does_not(writer):
    hard = "Heterogeneous methodological considerations necessitate comprehensive multidisciplinary reinterpretation."
    assert "Too hard:" in words(seen(writer, hard, "summary"))
    assert "9 is the most" in words(seen(writer, hard, "summary"))
    plain = words(seen(writer, "It is a small thing.", "summary"))
    assert "Too hard:" not in plain
    assert "5 words, 20 characters" in plain


def test_measures_name_every_advert_word_unknown_source_and_retracted_source(writer):
    make_source(key="gone", status=Source.Status.RETRACTED)
    answer = words(seen(writer, "A miracle, a Breakthrough, “proven” they say [@gone] [@nobody]."))
    assert "“miracle”" in answer
    assert "“breakthrough”" in answer
    assert "“proven”. Say" not in answer
    assert "No such source: [@nobody]" in answer
    assert "Retracted: [@gone]" in answer


def test_claims_may_be_in_the_words_of_adverts(writer):
    assert "Advert’s word" not in words(seen(writer, "A miracle.", "claimed", "glossary/finding"))
    assert "Advert’s word" in words(seen(writer, "A miracle.", "shown", "glossary/finding"))


def test_balance_follows_the_risks_as_they_are_typed(writer):
    concept = make_concept()
    make_finding(concept=concept, shown="one two three four five six seven eight nine ten")
    make_finding(concept=concept, shown="left out " * 9, state="withdrawn")
    make_risk(concept=concept, known="one two three four five six seven eight")
    query = f"?entry={concept.pk}"
    assert "10 words on what may get better, 8 on what may go wrong: in balance." in words(
        seen(writer, "a", query=query)
    )
    typed = {"risks-TOTAL_FORMS": "2", "risks-0-known": "one two", "risks-1-known": "three", "risks-1-DELETE": "on"}
    answer = words(seen(writer, "a", query=query, **typed))
    assert "Not in balance: 10 words on what may get better, 2 on what may go wrong: write more on the harms." in answer
    assert "one side is empty" in words(seen(writer, "a", query=query, **{"risks-TOTAL_FORMS": "0"}))
    assert "what may go wrong" not in words(seen(writer, "a", "summary", query=query))


def test_balance_of_a_product_is_that_of_its_concepts_on_its_route(writer):
    concept = make_concept()
    make_finding(concept=concept, route="injected", shown="one two three four")
    make_finding(concept=concept, route="wound", shown="not on its route")
    make_risk(concept=concept, route="injected", known="one two three")
    category = make_category(route="injected", ingredients=[concept])
    answer = seen(writer, "a", model="products/category", query=f"?entry={category.pk}")
    assert "4 words on what may get better, 3 on what may go wrong: in balance." in words(answer)


def test_entries_without_findings_and_risks_have_no_balance(writer):
    question = make_question()
    answer = seen(writer, "Because.", "why", "products/question", f"?entry={question.pk}")
    assert answer.status_code == 200
    assert "what may go wrong" not in words(answer)


# --- Bad input


def test_line_breaks_of_a_browser_change_no_text_that_nobody_touched(writer):
    concept = make_concept(body="One.\n\nTwo.")
    make_risk(concept=concept, known="Three.\n\nFour.")
    address = f"/admin/glossary/concept/{concept.pk}/change/"
    fields = read_form(writer.get(address), "concept_form")
    as_sent = {k: v.replace("\n", "\r\n") if isinstance(v, str) else v for k, v in fields.items()}
    assert "\r\n" in as_sent["risks-0-known"]
    writer.post(address, as_sent | {"body": "One.\r\n\r\nTwo, and three.", "_save": "1"})
    content = revisions.latest(concept).content
    assert content["fields"]["body"] == "One.\n\nTwo, and three."
    assert content["parts"]["risks"][0]["fields"]["known"] == "Three.\n\nFour."


def test_longest_text_is_shown_and_one_character_more_is_refused_in_words(writer):
    text = ("It is a small thing. " * 20 + "\n\n") * 150
    most = text[:60_000]
    assert "60,000 fit" not in words(seen(writer, most))
    refused = seen(writer, most + "x")
    assert refused.status_code == 200
    assert "60,001 characters; 60,000 fit" in words(refused)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 60_000,
        "[a](b " * 9_000,
        "<a " * 19_000,
        # Each paragraph for itself is harmless; the search for an end goes on to the end of the text.
        ("<a " * 30 + "\n\n") * 500,
        "1. " * 1_500,
        "word\n\n" + "> " * 2_000,
        "\n\n".join("    " * depth + "- a" for depth in range(160)),
        "x" * 5_001,
    ],
    ids=lambda text: repr(text[:9]),
)
def test_text_that_markdown_would_take_minutes_over_is_refused_at_once(writer, text):
    concept = make_concept()
    answer = seen(writer, text)
    assert "desk-refused" in answer.text
    fields = read_form(writer.get(f"/admin/glossary/concept/{concept.pk}/change/"), "concept_form")
    page = writer.post(f"/admin/glossary/concept/{concept.pk}/change/", fields | {"body": text, "_save": "1"})
    assert page.status_code == 200
    assert "errornote" in page.text
    concept.refresh_from_db()
    assert concept.body == "More about it."


@pytest.mark.parametrize(
    "text",
    [
        "p < 0.05 (as in [1] and (2)). " * 30,
        "In 12 of 20 people p < 0.05.\n\n" * 100,
        "> - 1. Deep enough\n\n" + "-" * 300 + "\n\n| a | b |\n|" + "---|" * 80,
    ],
    ids=["brackets", "less than", "lists and rules"],
)
def test_text_with_measured_brackets_and_lists_is_not_refused(writer, text):
    assert "desk-refused" not in seen(writer, text).text


@pytest.mark.parametrize("field", ["name", "history", "nonsense", "pk"])
def test_only_texts_of_the_entry_have_a_preview(writer, field):
    assert seen(writer, "a", field).status_code == 404


@pytest.mark.parametrize("query", ["?entry=999999", "?entry=", "?entry=x", "?entry=" + "9" * 400, "?entry=-1"])
def test_preview_for_an_entry_that_is_not_there_is_without_balance(writer, query):
    answer = seen(writer, "a", query=query)
    assert answer.status_code == 200
    assert "what may go wrong" not in answer.text


def test_forged_numbers_of_risks_do_no_harm(writer):
    query = f"?entry={make_concept().pk}"
    for total in ("999999999", "-1", "x", ""):
        assert seen(writer, "a", query=query, **{"risks-TOTAL_FORMS": total}).status_code == 200


def test_preview_is_asked_for_by_post_only(writer):
    assert writer.get("/admin/glossary/concept/seen/body/").status_code == 405


# --- Who may


ADDRESSES = [
    ("post", "/admin/glossary/finding/seen/shown/"),
    ("get", "/admin/glossary/finding/pick/source/?q=a"),
    ("get", "/admin/glossary/finding/pick/term/?q=a"),
    ("get", "/admin/glossary/finding/verdict/"),
]


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
def test_whoever_is_logged_out_gets_a_plain_401_and_no_log_in_page_inside_the_form(client, method, address):
    answer = getattr(client, method)(address, headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert "<" not in answer.text


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
def test_only_who_may_write_such_entries_is_answered(method, address):
    reader = make_editor("view_finding", "change_concept")
    assert getattr(reader, method)(address).status_code == 403


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
def test_answers_are_kept_by_nobody(writer, method, address):
    answer = getattr(writer, method)(address)
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]


def test_forged_post_from_another_site_is_refused():
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("wren", password="x"))
    assert client.post("/admin/glossary/concept/seen/body/", {"body": "a"}).status_code == 403


# --- Verdict


def verdict_for(editor, **chosen):
    return editor.get("/admin/glossary/finding/verdict/", chosen)


def test_verdict_follows_the_choices(writer):
    answer = verdict_for(writer, direction="benefit", size="small", certainty="low", searched_on="2026-11-01")
    assert "May improve it slightly" in answer.text
    assert "Certainty: low, 2 of 4" in answer.text
    answer = verdict_for(writer, direction="unknown", size="not-stated", certainty="none", searched_on="2026-11-01")
    assert "Not tested in people, as far as we found (searched on 1 November 2026)" in answer.text


def test_verdict_answers_every_combination_as_the_database_would(writer):
    source = make_source()
    for direction in Direction.values:
        for size in Size.values:
            for certainty in Certainty.values:
                answer = verdict_for(
                    writer, direction=direction, size=size, certainty=certainty, searched_on="2026-11-01"
                )
                assert answer.status_code == 200
                finding = Finding(
                    direction=direction, size=size, certainty=certainty, main_source=source, searched_on="2026-11-01"
                )
                about = [c for c in Finding._meta.constraints if "unknown_means" in c.name or "size_of" in c.name]
                refusals = []
                for constraint in about:
                    try:
                        constraint.validate(Finding, finding)
                    except ValidationError as refused:
                        refusals += refused.messages
                assert ("desk-refused" in answer.text) == bool(refusals)
                assert ('class="verdict' in answer.text) == (not refusals)


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({}, "Choose a direction and a certainty"),
        ({"direction": "benefit"}, "Choose a direction and a certainty"),
        (
            {"direction": "benefit", "certainty": "none", "searched_on": "2026-11-01"},
            "goes with certainty very low or none",
        ),
        ({"direction": "unknown", "certainty": "none"}, "Give the day of the search"),
        ({"direction": "unknown", "certainty": "none", "searched_on": "yesterday"}, "Give the day of the search"),
        ({"direction": "mixed", "size": "large", "certainty": "low"}, "A size is stated only for a benefit or a harm"),
        ({"direction": "sideways", "size": "huge", "certainty": "total"}, "come from the fixed vocabulary"),
        ({"direction": "'; --" * 150, "certainty": "☃"}, "come from the fixed vocabulary"),
    ],
)
def test_choices_that_make_no_verdict_are_answered_in_words(writer, chosen, said):
    answer = verdict_for(writer, **chosen)
    assert answer.status_code == 200
    assert said in answer.text


def test_finding_form_shows_its_verdict_without_javascript(writer):
    finding = make_finding(direction="harm", certainty="high")
    assert "<span>Worsens it</span>" in writer.get(f"/admin/glossary/finding/{finding.pk}/change/").text
    assert "Choose a direction and a certainty" in writer.get("/admin/glossary/finding/add/").text


# --- Pickers


def picked(editor, what, query):
    return editor.get(f"/admin/glossary/concept/pick/{what}/", {"q": query})


def test_source_is_found_by_any_of_its_words_in_any_order_and_its_retraction_is_said(writer):
    make_source(key="lee-2019", title="Needling of scars", authors="Lee A", year=2019, status="retracted")
    make_source(key="other", title="Another one")
    for query in ("scars needling", "lee 2019", "LEE-2019", "needl"):
        answer = picked(writer, "source", query)
        assert answer.text.count('data-insert="[@lee-2019]"') == 1
        assert "retracted" in answer.text
        assert "2019, randomised trial" in answer.text
        assert "Another one" not in answer.text
    assert "Nothing found for “zzz”" in picked(writer, "source", "zzz").text
    assert "<button" not in picked(writer, "source", "  ").text


def test_entry_is_found_by_any_of_its_names_products_among_them(writer):
    concept = make_concept(slug="exosomes", name="Exosomes", aliases=["tiny bubbles"])
    make_alias(concept=concept, text="外泌体", language="zh-Hans")
    make_category(slug="needled", name="Exosomes needled in")
    make_concept(slug="draft-thing", name="Exosome draft", state="draft")
    answer = picked(writer, "term", "exosomes").text
    assert 'data-link="concept:exosomes" data-name="Exosomes"' in answer
    assert 'data-link="category:needled"' in answer
    assert answer.index("concept:exosomes") < answer.index("category:needled")
    assert "draft: readers cannot open it" in picked(writer, "term", "draft").text
    for query in ("Tiny  BUBBLES", "外泌体"):
        assert 'data-link="concept:exosomes"' in picked(writer, "term", query).text


def test_picker_offers_ten_at_most(writer):
    for n in range(12):
        make_source(key=f"same-{n}")
        make_concept(name=f"Same {n}")
    assert picked(writer, "source", "same").text.count("<button") == 10
    assert picked(writer, "term", "same").text.count("<button") == 10


@pytest.mark.parametrize("query", ["%", "_", "\\", '"><script>', "a" * 3_000, "\x00", "' or 1=1 --", "[@"])
def test_picker_takes_any_letters(writer, query):
    for what in ("source", "term"):
        answer = picked(writer, what, query)
        assert answer.status_code == 200
        assert "<script" not in answer.text


# --- What it costs


def queries(action):
    with CaptureQueriesContext(
        connection,
    ) as found:
        action()
    return len(found)


def test_preview_costs_the_same_queries_however_large_the_guide_is(writer):
    concept = make_concept()
    make_finding(concept=concept)
    make_risk(concept=concept)
    for n in range(2):
        make_source(key=f"s-{n}")

    def ask():
        seen(writer, "Concept 1 [@s-0] [@s-1] [@none].", query=f"?entry={concept.pk}")

    few = queries(ask)
    for _ in range(15):
        make_finding(concept=concept)
        make_risk(concept=concept)
        make_alias()
    edition.forget()  # to find out that it is no longer true would cost a query more
    assert queries(ask) == few


def test_pickers_cost_the_same_queries_however_many_match(writer):
    for what in ("source", "term"):
        make_source(title="Same")
        make_concept(name="Same")
        few = queries(lambda what=what: picked(writer, what, "same"))
        for _ in range(8):
            make_source(title="Same")
            make_concept(name="Same")
        assert queries(lambda what=what: picked(writer, what, "same")) == few


def test_form_looks_the_names_of_the_guide_up_once(writer):
    concept = make_concept(body="Concept.", not_same_as="Another.")
    address = f"/admin/glossary/concept/{concept.pk}/change/"
    writer.get(address)
    with CaptureQueriesContext(connection) as found:
        writer.get(address)
    asked = [query["sql"] for query in found if 'FROM "glossary_alias" INNER JOIN' in query["sql"]]
    assert len(asked) <= 1
