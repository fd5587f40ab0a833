import threading
from datetime import date, timedelta
from itertools import pairwise

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from glossary.models import Alias, Concept, Finding, LoadedEntry, Risk, Source, cited_keys
from tests.database import refused_by
from tests.factories import (
    make_alias,
    make_concept,
    make_effect,
    make_event_count,
    make_finding,
    make_risk,
    make_save,
    make_source,
)

pytestmark = pytest.mark.django_db


def make_save_of_a_concept(**fields):
    return make_save(make_concept(), **fields)


# Constraint, factory, and the fields that it refuses; below, fields just inside each boundary.
REFUSED = [
    ("glossary_revision_state_known", make_save_of_a_concept, {"state": "lost"}),
    ("glossary_source_doi_form", make_source, {"doi": "doi:10.1000/xyz"}),
    ("glossary_source_doi_form", make_source, {"doi": "10.1000"}),
    ("glossary_source_doi_form", make_source, {"doi": "10.1000/a b"}),
    ("glossary_source_year_plausible", make_source, {"year": 1799}),
    ("glossary_source_year_plausible", make_source, {"year": 2101}),
    ("glossary_concept_review_dates_in_order", make_concept, {"review_due": date(2026, 11, 23)}),
    ("glossary_concept_review_dates_in_order", make_concept, {"review_due": date(2020, 1, 1)}),
    ("glossary_finding_needs_source", make_finding, {"main_source": None}),
    ("glossary_finding_needs_source", make_finding, {"main_source": None, "certainty": "very-low"}),
    ("glossary_finding_unknown_means_unsure", make_finding, {"direction": "unknown", "certainty": "low"}),
    ("glossary_finding_unknown_means_unsure", make_finding, {"direction": "benefit", "certainty": "none"}),
    ("glossary_finding_unknown_means_unsure", make_finding, {"direction": "mixed", "certainty": "none"}),
    ("glossary_finding_size_of_something", make_finding, {"size": "large", "direction": "mixed"}),
    ("glossary_finding_size_of_something", make_finding, {"size": "small", "direction": "no-difference"}),
    ("glossary_finding_size_of_something", make_finding, {"size": "small", "certainty": "very-low"}),
    ("glossary_finding_size_of_something", make_finding, {"size": "small", "certainty": "none"}),
    ("glossary_finding_route_known", make_finding, {"route": "by-post"}),
    ("glossary_finding_route_known", make_finding, {"route": ""}),
    ("glossary_finding_words_known", make_finding, {"direction": "better"}),
    ("glossary_finding_words_known", make_finding, {"certainty": "certain"}),
    ("glossary_event_count_within_total", make_event_count, {"events_with": 21}),
    ("glossary_event_count_within_total", make_event_count, {"events_without": 21}),
    ("glossary_event_count_groups_not_empty", make_event_count, {"events_with": 0, "total_with": 0}),
    ("glossary_event_count_groups_not_empty", make_event_count, {"events_without": 0, "total_without": 0}),
    ("glossary_risk_words_known", make_risk, {"route": "by-post"}),
    ("glossary_risk_words_known", make_risk, {"severity": "awful"}),
]
TAKEN = [
    (make_source, {"doi": ""}),
    (make_source, {"doi": "10.1000/xyz(12)3"}),
    (make_source, {"year": None}),
    (make_source, {"year": 1800}),
    (make_source, {"year": 2100}),
    (make_source, {"status": "superseded"}),
    (make_concept, {"review_due": date(2026, 11, 24)}),
    (make_finding, {"certainty": "none"}),
    (make_finding, {"direction": "unknown", "certainty": "very-low"}),
    (make_finding, {"direction": "mixed", "certainty": "very-low"}),
    (make_finding, {"direction": "no-difference", "certainty": "high"}),
    (make_finding, {"size": "large", "direction": "harm", "certainty": "high"}),
    (make_finding, {"size": "small", "direction": "benefit", "certainty": "low"}),
    (make_finding, {"route": "none"}),
    (make_finding, {"people": None}),
    (make_event_count, {"events_with": 20, "events_without": 0}),
    (make_event_count, {"events_with": 0, "total_with": 1}),
    (make_risk, {"severity": "life-threatening"}),
]


def short(value):
    if isinstance(value, dict):
        return ", ".join(f"{name} {content}" for name, content in value.items())
    return getattr(value, "__name__", None)


@pytest.mark.parametrize(("constraint", "make", "fields"), REFUSED, ids=short)
def test_database_refuses(constraint, make, fields):
    with refused_by(constraint):
        make(**fields)


@pytest.mark.parametrize(("make", "fields"), TAKEN, ids=short)
def test_database_and_admin_take(make, fields):
    make(**fields).full_clean()


def test_every_constraint_tells_the_editor_what_to_do():
    silent = [
        constraint.name
        for model in apps.get_app_config("glossary").get_models()
        if "historical" not in model._meta.model_name and model is not LoadedEntry
        for constraint in model._meta.constraints
        if constraint.violation_error_message == constraint.default_violation_error_message
    ]
    assert silent == []


def test_every_check_constraint_is_tried_from_the_refused_side():
    tried = {name for name, _, _ in REFUSED} | {
        "glossary_source_superseded_by_another",
        "glossary_concept_not_its_own_parent",
        "glossary_edition_one_row",  # in test_edition.py
    }
    checks = {
        constraint.name
        for model in apps.get_app_config("glossary").get_models()
        for constraint in model._meta.constraints
        if hasattr(constraint, "condition") and not hasattr(constraint, "fields")
    }
    assert tried == checks


# --- Sources


def test_only_a_superseded_source_names_its_successor():
    newer = make_source()
    make_source(status="superseded", superseded_by=newer).full_clean()

    with refused_by("glossary_source_superseded_by_another"):
        make_source(status="current", superseded_by=newer)


def test_a_source_does_not_supersede_itself():
    source = make_source(status="superseded")

    with refused_by("glossary_source_superseded_by_another"):
        Source.objects.filter(pk=source.pk).update(superseded_by=source)


def test_two_sources_never_share_a_doi_but_many_may_have_none():
    make_source(doi="")
    make_source(doi="")
    make_source(doi="10.1000/first")
    make_source(doi="10.1000/second")

    with refused_by("glossary_source_doi_once", "glossary_source.doi"):
        make_source(doi="10.1000/first")


def test_two_sources_never_share_a_key():
    make_source(key="doe-2024")

    with refused_by("glossary_source_key", "glossary_source.key"):
        make_source(key="doe-2024")


def test_sources_stand_newest_first_and_undated_last():
    undated, old, new = make_source(year=None), make_source(year=1999), make_source(year=2025)

    assert list(Source.objects.in_order()) == [new, old, undated]


@pytest.mark.parametrize(
    ("authors", "container", "shown"),
    [
        ("Doe J, Roe R", "Journal", "Doe J and others"),
        ("Doe J", "Journal", "Doe J"),
        ("", "Food and Drug Administration", "Food and Drug Administration"),
        ("", "", "Unnamed"),
    ],
)
def test_source_is_called_by_its_first_author_or_publisher(authors, container, shown):
    assert make_source(authors=authors, container=container).short_authors == shown


def test_source_opens_by_doi_where_there_is_one():
    assert make_source(doi="10.1000/xyz").link == "https://doi.org/10.1000/xyz"
    assert make_source(url="https://example.org/page").link == "https://example.org/page"


# --- The family tree


def family(*names):
    """Concepts, each the child of the one before."""
    concepts, parent = [], None
    for name in names:
        parent = make_concept(slug=name, parent=parent)
        concepts.append(parent)
    return concepts


def test_a_concept_is_never_its_own_family():
    concept = make_concept()

    # Both the constraint and the trigger hold here; which of them speaks first differs between databases.
    with pytest.raises(IntegrityError, match="glossary_concept_no"), transaction.atomic():
        Concept.objects.filter(pk=concept.pk).update(parent=concept)
    concept.parent = concept
    with pytest.raises(ValidationError):
        concept.full_clean()


@pytest.mark.parametrize("depth", [2, 3, 5, 8])
def test_database_refuses_a_loop_in_the_family_tree(depth):
    ancestor, *_, descendant = family(*(f"generation-{n}" for n in range(depth)))

    with refused_by("glossary_concept_no_loop"):
        Concept.objects.filter(pk=ancestor.pk).update(parent=descendant)


def test_database_refuses_a_loop_deeper_than_the_trigger_climbs():
    generations = [make_concept() for _ in range(20)]
    # From the bottom up, so that no single step sees how deep the tree has become.
    for child, parent in pairwise(generations):
        Concept.objects.filter(pk=child.pk).update(parent=parent)

    with refused_by("glossary_concept_no_loop"):
        Concept.objects.filter(pk=generations[-1].pk).update(parent=generations[0])


def test_a_family_of_nine_generations_is_no_loop():
    *_, youngest = family(*(f"generation-{n}" for n in range(9)))

    youngest.full_clean()
    assert youngest.parent.slug == "generation-7"


def test_a_concept_may_move_to_another_family():
    grandmother, mother, child = family("grandmother", "mother", "child")

    Concept.objects.filter(pk=child.pk).update(parent=grandmother)
    Concept.objects.filter(pk=mother.pk).update(parent=child)

    assert list(Concept.objects.filter(parent=grandmother)) == [child]


def test_editor_is_told_of_a_loop_by_name():
    grandmother, _, child = family("grandmother", "mother", "child")
    grandmother.parent = child

    with pytest.raises(ValidationError) as refusal:
        grandmother.full_clean()
    assert "already below" in refusal.value.message_dict["parent"][0]


def test_protection_from_loops_is_there_again_after_every_migration():
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER glossary_concept_no_loop_update")
        else:
            cursor.execute("DROP TRIGGER glossary_concept_no_loop ON glossary_concept")
    mother, child = family("mother", "child")

    call_command("migrate", verbosity=0)

    with refused_by("glossary_concept_no_loop"):
        Concept.objects.filter(pk=mother.pk).update(parent=child)


@pytest.mark.django_db(transaction=True)
def test_two_editors_at_once_cannot_close_a_loop_between_them():
    one, other = make_concept(), make_concept()
    answers = []

    def second_editor():
        try:
            Concept.objects.filter(pk=other.pk).update(parent=one)
            answers.append("saved")
        except IntegrityError as error:
            answers.append(str(error))
        finally:
            connection.close()

    thread = threading.Thread(target=second_editor)
    with transaction.atomic():
        Concept.objects.filter(pk=one.pk).update(parent=other)
        thread.start()
        thread.join(timeout=0.5)
        assert answers == [], "the second editor did not wait for the first"
    thread.join()

    assert len(answers) == 1
    assert "glossary_concept_no_loop" in answers[0]


# --- Names


def test_a_name_belongs_to_one_concept():
    make_alias(text="Secretome")

    with refused_by("glossary_alias_belongs_to_one_concept", "glossary_alias.folded, glossary_alias.language"):
        make_alias(text="secretome")


def test_a_name_may_be_shared_on_purpose():
    make_alias(text="EV", is_ambiguous=True)
    make_alias(text="EV", is_ambiguous=True)

    assert Alias.objects.filter(text="EV").count() == 2


def test_one_spelling_may_name_two_concepts_in_two_languages():
    make_alias(text="Plasma", language="en")
    make_alias(text="Plasma", language="de")

    assert Alias.objects.filter(text="Plasma").count() == 2


def test_a_concept_has_each_name_once_even_when_it_is_shared():
    concept = make_concept()
    make_alias(concept=concept, text="EV", is_ambiguous=True)

    columns = "glossary_alias.concept_id, glossary_alias.folded, glossary_alias.language"
    with refused_by("glossary_alias_once_per_concept", columns):
        make_alias(concept=concept, text="ev", is_ambiguous=True)


def test_a_name_is_looked_up_in_its_folded_form_however_it_was_saved():
    alias = make_alias(text="TGF-β")
    assert alias.folded == "tgf beta"

    alias.text = "TGF-α"
    alias.save(update_fields=["text"])

    alias.refresh_from_db()
    assert alias.folded == "tgf alpha"


def test_texts_link_by_names_but_not_by_misspellings_search_phrases_or_shared_names():
    concept = make_concept()
    names = {
        kind: make_alias(concept=concept, text=f"name {kind}", kind=kind, is_ambiguous=False)
        for kind in Alias.Kind.values
    }
    make_alias(concept=concept, text="shared", is_ambiguous=True)

    linking = set(Alias.objects.for_linking())

    assert linking == {alias for kind, alias in names.items() if kind not in ("misspelling", "search")}


def test_an_effect_lists_each_wording_once():
    effect = make_effect(wordings=["fewer wrinkles"])

    columns = "glossary_effectwording.effect_id, glossary_effectwording.language, glossary_effectwording.text"
    with refused_by("glossary_effect_wording_once", columns):
        effect.wordings.create(text="fewer wrinkles")
    effect.wordings.create(text="fewer wrinkles", language="fr")


# --- Findings and risks


def test_one_finding_for_each_concept_effect_and_route():
    finding = make_finding(route="injected")
    make_finding(concept=finding.concept, effect=finding.effect, route="wound")

    columns = "glossary_finding.concept_id, glossary_finding.effect_id, glossary_finding.route"
    with refused_by("glossary_finding_once", columns):
        make_finding(concept=finding.concept, effect=finding.effect, route="injected")


def test_one_risk_of_a_name_for_each_concept_and_route():
    risk = make_risk(title="Lumps", route="injected")
    make_risk(concept=risk.concept, title="Lumps", route="wound")

    columns = "glossary_risk.concept_id, glossary_risk.route, glossary_risk.title"
    with refused_by("glossary_risk_once", columns):
        make_risk(concept=risk.concept, title="Lumps", route="injected")


def test_a_row_of_the_files_is_remembered_once():
    LoadedEntry.objects.create(model="glossary.concept", key="prp", fingerprint="1")

    columns = "glossary_loadedentry.model, glossary_loadedentry.key"
    with refused_by("glossary_loaded_entry_once", columns):
        LoadedEntry.objects.create(model="glossary.concept", key="prp", fingerprint="2")


@pytest.mark.parametrize("state", ["draft", "in-review", "withdrawn"])
def test_readers_see_published_entries_only(state):
    shown, hidden = make_concept(), make_concept(state=state)
    kept_back = make_finding(concept=shown, state=state)
    of_hidden_concept, hidden_risk = make_finding(concept=hidden), make_risk(concept=hidden)
    finding, risk = make_finding(concept=shown), make_risk(concept=shown)

    assert list(Concept.objects.published()) == [shown]
    assert list(Finding.objects.published()) == [finding]
    assert list(Risk.objects.published()) == [risk]
    assert {kept_back, of_hidden_concept} == set(Finding.objects.all()) - {finding}
    assert hidden_risk in Risk.objects.all()


def test_a_new_entry_is_a_draft():
    assert Concept().state == "draft"
    assert Finding().state == "draft"


def test_gravest_risks_come_first():
    minor, fatal, serious = (make_risk(severity=s) for s in ("minor", "life-threatening", "serious"))

    assert list(Risk.objects.for_reading()) == [fatal, serious, minor]


def test_findings_are_read_in_four_queries_however_many(django_assert_num_queries):
    for _ in range(5):
        make_event_count(finding=make_finding(claim_sources=[make_source()]))

    with django_assert_num_queries(4):
        for finding in Finding.objects.for_reading():
            (
                str(finding),
                finding.who_paid,
                list(finding.claim_sources.all()),
                list(finding.event_counts.all()),
            )


def test_concepts_are_listed_without_regard_to_capitals():
    for name in ["Zinc", "aloe", "Minoxidil"]:
        make_concept(name=name)

    assert [concept.name for concept in Concept.objects.for_listing()] == ["aloe", "Minoxidil", "Zinc"]


def test_overdue_starts_the_day_after_the_review_date():
    today = timezone.localdate()
    reviewed_on = today - timedelta(days=365)

    assert not make_concept(reviewed_on=reviewed_on, review_due=today).is_overdue
    assert make_concept(reviewed_on=reviewed_on, review_due=today - timedelta(days=1)).is_overdue


PAID = "Makers or sellers paid for or took part in"


@pytest.mark.parametrize(
    ("funders", "kinds", "said"),
    [
        (
            ["maker", "mixed", "independent"],
            "rct",
            f"{PAID} 2 of 3 studies.",
        ),
        (["independent"], "rct", f"{PAID} 0 of 1 study."),
        (
            ["maker", "not-stated"],
            "rct",
            f"{PAID} 1 of 2 studies. For 1, what we read does not say who paid.",
        ),
        (["maker"], "news", "Not stated."),
    ],
)
def test_reader_is_told_who_paid(funders, kinds, said):
    sources = [make_source(kind=kinds, funder=funder) for funder in funders]

    assert make_finding(sources=sources).who_paid == said


def test_where_nobody_tested_it_nobody_paid():
    assert make_finding(certainty="none").who_paid == "No study in people to pay for."


def test_counts_are_shown_out_of_a_hundred():
    counts = make_event_count(events_with=1, total_with=3, events_without=2, total_without=3)

    assert (counts.per_hundred_with, counts.per_hundred_without) == (33, 67)


# --- Natural keys and history


@pytest.mark.parametrize(
    "make", [make_source, make_effect, make_concept, make_alias, make_finding, make_risk], ids=short
)
def test_natural_key_finds_the_row_again(make):
    row = make()
    make()

    assert type(row).objects.get_by_natural_key(*row.natural_key()) == row


@pytest.mark.parametrize("make", [make_source, make_concept, make_finding, make_risk], ids=short)
def test_history_keeps_what_stood_there_before(make):
    row = make()
    field = "title" if hasattr(row, "title") else "summary" if hasattr(row, "summary") else "shown"
    before = getattr(row, field)
    setattr(row, field, "New words.")
    row.save()

    newest, *_, oldest = row.history.all()
    assert (getattr(newest, field), getattr(oldest, field)) == ("New words.", before)


def test_history_keeps_the_sources_as_well():
    finding = make_finding()
    finding.sources.add(make_source(key="late-2026"))

    assert "late-2026" in {row.source.key for row in finding.history.first().sources.all()}


def test_citations_are_found_in_order_and_once():
    text = "One [@roe-2020]. Two [@doe-2024]. One again [@roe-2020]; not [@Bad Key] or [doe]."

    assert cited_keys(text, "Three [@law-eu].") == ["roe-2020", "doe-2024", "law-eu"]
