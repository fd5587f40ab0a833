"""`manage.py check_content`: each promise holds on a small guide, and is reported when it is broken."""

from contextlib import suppress
from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from glossary.models import Concept, Finding, Risk, Source
from products.checks import PROMISES
from products.models import Category, ContentCheck, Jurisdiction, Regulation, ReportingBody
from tests.factories import (
    TODAY,
    make_alias,
    make_category,
    make_concept,
    make_effect,
    make_event_count,
    make_finding,
    make_question,
    make_regulation,
    make_risk,
    make_source,
)

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

DUE = TODAY + timedelta(days=365)
NOTED = {"note": "The abstract was read."}


@pytest.fixture
def guide():
    """One concept in one product, ordinary care beside it, and nothing wrong anywhere."""
    source = make_source(key="doe-2024", **NOTED)
    effect = make_effect(slug="firmness")
    for slug, kind in [("serum", "treatment"), ("plain-cream", "comparison")]:
        concept = make_concept(slug=f"the-{slug}", name=f"The {slug}", review_due=DUE)
        make_finding(concept=concept, effect=effect, sources=[source])
        make_risk(concept=concept, known="Of 40 people, 2 had red skin for a day after it.", sources=[source])
        category = make_category(
            slug=slug, name=f"A {slug}", kind=kind, ingredients=[concept], goals=[effect], review_due=DUE
        )
        for place in Jurisdiction:
            make_regulation(category=category, jurisdiction=place, sources=[source])
    for place in Jurisdiction:
        ReportingBody.objects.create(jurisdiction=place, name="Office", what="Harm.", url="https://example.org/")
    make_question()


def change(model, **fields):
    """Alter one row behind the model's back, as a slip in the content would."""
    model.objects.filter(pk=model.objects.first().pk).update(**fields)


def only_finding(**fields):
    Finding.objects.filter(concept__slug="the-serum").update(**fields)
    return Finding.objects.get(concept__slug="the-serum")


def write(concept_slug, **fields):
    Concept.objects.filter(slug=concept_slug).update(**fields)


BREAKERS = {
    "findings_without_source": lambda: only_finding(shown="People did better.").sources.clear(),
    "verdicts_without_study": lambda: only_finding().sources.set([make_source(kind=Source.Kind.NEWS, **NOTED)]),
    "verdicts_on_withdrawn_studies": lambda: only_finding().sources.set(
        [make_source(status=Source.Status.RETRACTED, **NOTED)]
    ),
    "figures_without_source": lambda: only_finding(
        certainty="none", direction="unknown", people=None, main_source=None
    ).sources.clear(),
    "counts_without_source": lambda: (
        make_event_count(finding=only_finding(certainty="none", shown="Nobody looked.", direction="unknown")),
        Finding.objects.get(concept__slug="the-serum").sources.clear(),
    ),
    "risks_without_source": lambda: Risk.objects.first().sources.clear(),
    "rules_without_source": lambda: Regulation.objects.first().sources.clear(),
    "unused_sources": lambda: make_source(**NOTED),
    "sources_without_a_word_on_reading": lambda: change(Source, note=""),
    "broken_links": lambda: write("the-serum", body="As a study says [@nobody-1999]."),
    "shared_slugs": lambda: change(Category, slug="the-serum"),
    "shared_names": lambda: [
        make_alias(concept=Concept.objects.get(slug="the-serum"), text="potion"),
        make_alias(concept=make_concept(review_due=DUE, name="Potion")),
    ],
    "effects_without_finding": lambda: make_effect(),
    "hard_summaries": lambda: write(
        "the-serum", summary="Heterogeneous extracellular nanoparticulates facilitate intercellular communication."
    ),
    "hard_bodies": lambda: write(
        "the-serum", body="Heterogeneous extracellular nanoparticulates facilitate intercellular communication."
    ),
    "advertising_words": lambda: write("the-serum", body="It is a miracle."),
    "undefined_abbreviations": lambda: write("the-serum", body="It has much QXZ in it."),
    "lopsided_categories": lambda: only_finding(shown="In 40 people, 12 of 20 did better. " * 20),
    "categories_with_nothing_beside": lambda: Category.objects.filter(kind="comparison").update(state="draft"),
    "categories_without_rules": lambda: Regulation.objects.first().delete(),
    "places_without_reporting": lambda: ReportingBody.objects.first().delete(),
    "distant_reviews": lambda: write("the-serum", review_due=date(2100, 1, 1)),
}


def problems_by_check():
    """What `check_content` finds, by the name of the check; an empty list where the promise is kept."""
    with suppress(CommandError):
        call_command("check_content", stdout=StringIO())
    return dict(
        zip(
            (check.__name__ for _, check in PROMISES),
            ContentCheck.objects.values_list("problems", flat=True),
            strict=True,
        )
    )


def test_every_promise_holds_on_a_guide_with_nothing_wrong(guide):
    assert problems_by_check() == {check.__name__: [] for _, check in PROMISES}


@pytest.mark.parametrize("check", [check.__name__ for _, check in PROMISES])
def test_a_broken_promise_is_reported(guide, check):
    BREAKERS[check]()
    assert problems_by_check()[check]


def test_the_command_prints_a_table_and_fails_on_a_problem(guide):
    out = StringIO()
    call_command("check_content", stdout=out)
    assert "Problems" in out.getvalue().splitlines()[0]
    assert len(out.getvalue().splitlines()) == len(PROMISES) + 1
    write("the-serum", body="It is a miracle.")
    with pytest.raises(CommandError, match="1 of"):
        call_command("check_content", stdout=out)
    assert "The serum: “miracle”" in out.getvalue()


@pytest.mark.parametrize(
    "words",
    [
        "Sellers call it “a miracle”.",
        "The three-letter test (QXZ) is old. QXZ is cheap.",
        "It holds CD73 and DNA.",
    ],
)
def test_words_that_break_no_promise(guide, words):
    write("the-serum", body=words)
    found = problems_by_check()
    assert not found["advertising_words"]
    assert not found["undefined_abbreviations"]


def test_a_word_shared_on_purpose_is_no_problem(guide):
    for slug in ["the-serum", "the-plain-cream"]:
        make_alias(concept=Concept.objects.get(slug=slug), text="potion", is_ambiguous=True)
    assert not problems_by_check()["shared_names"]


def test_the_method_page_shows_what_the_last_check_found(guide, client):
    assert "has not been run" in client.get("/method/").text
    problems_by_check()
    assert client.get("/method/").text.count("<td>Kept</td>") == len(PROMISES)
    write("the-serum", body="It is a miracle.")
    problems_by_check()
    assert "<td>1 to mend</td>" in client.get("/method/").text
