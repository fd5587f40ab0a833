from datetime import date, timedelta

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db.models import ProtectedError
from django.utils import timezone

from products.models import Category, Ingredient, Question, ReadyMadeItem, Regulation, ordinary_care_for
from tests.database import refused_by
from tests.factories import (
    make_category,
    make_concept,
    make_effect,
    make_finding,
    make_price,
    make_question,
    make_ready_made,
    make_red_flag,
    make_regulation,
    make_reporting_body,
    make_risk,
    make_source,
)

pytestmark = pytest.mark.django_db


def make_ready_made_item(*, both=False, **fields):
    category, concept = make_category(), make_concept()
    parts = {"category": category, "concept": concept if both else None} | fields
    return ReadyMadeItem.objects.create(ready_made=make_ready_made(), **parts)


def make_ingredient(**fields):
    return Ingredient.objects.create(category=make_category(), concept=make_concept(), **fields)


REFUSED = [
    ("products_category_route_known", make_category, {"route": "by-post"}),
    ("products_category_review_dates_in_order", make_category, {"review_due": date(2026, 11, 23)}),
    ("products_category_sessions_in_order", make_category, {"sessions_low": 3, "sessions_high": 2}),
    ("products_category_sessions_in_order", make_category, {"sessions_low": 0, "sessions_high": 2}),
    ("products_category_sessions_in_order", make_category, {"sessions_low": 3, "sessions_high": None}),
    ("products_category_sessions_in_order", make_category, {"sessions_low": None, "sessions_high": 3}),
    ("products_ingredient_route_known", make_ingredient, {"route": "by-post"}),
    ("products_price_in_order", make_price, {"low": 200, "high": 199}),
    ("products_price_currency_code", make_price, {"currency": "eur"}),
    ("products_price_currency_code", make_price, {"currency": "EU"}),
    ("products_price_currency_code", make_price, {"currency": "€"}),
    ("products_regulation_jurisdiction_known", make_regulation, {"jurisdiction": "XX"}),
    ("products_regulation_since_is_a_date", make_regulation, {"since": "19"}),
    ("products_regulation_since_is_a_date", make_regulation, {"since": "2019-13"}),
    ("products_regulation_since_is_a_date", make_regulation, {"since": "2019-12-32"}),
    ("products_regulation_since_is_a_date", make_regulation, {"since": "May 2019"}),
    ("products_regulation_needs_source", make_regulation, {"main_source": None}),
    ("products_reporting_jurisdiction_known", make_reporting_body, {"jurisdiction": "XX"}),
    ("products_ready_made_item_is_one_thing", make_ready_made_item, {"category": None}),
    ("products_ready_made_item_is_one_thing", make_ready_made_item, {"both": True}),
]
TAKEN = [
    (make_category, {}),
    (make_category, {"review_due": date(2026, 11, 24)}),
    (make_category, {"sessions_low": 1, "sessions_high": 1}),
    (make_category, {"sessions_low": None, "sessions_high": None}),
    (make_ingredient, {"route": ""}),
    (make_ingredient, {"route": "intact-skin"}),
    (make_price, {"low": 200, "high": 200}),
    (make_price, {"low": 200, "high": None}),
    (make_regulation, {"since": ""}),
    (make_regulation, {"since": "2019"}),
    (make_regulation, {"since": "2019-12"}),
    (make_regulation, {"since": "2019-12-31"}),
    (make_regulation, {"status": "unclear", "main_source": None}),
    (make_question, {}),
    (make_ready_made_item, {}),
    (make_red_flag, {}),
    (make_reporting_body, {}),
]


def short(value):
    if isinstance(value, dict):
        return ", ".join(f"{name} {content}" for name, content in value.items()) or "nothing special"
    return getattr(value, "__name__", None)


@pytest.mark.parametrize(("constraint", "make", "fields"), REFUSED, ids=short)
def test_database_refuses(constraint, make, fields):
    with refused_by(constraint):
        make(**fields)


@pytest.mark.parametrize(("make", "fields"), TAKEN, ids=short)
def test_database_and_admin_take(make, fields):
    make(**fields).full_clean()


def test_every_check_constraint_is_tried_from_the_refused_side():
    checks = {
        constraint.name
        for model in apps.get_app_config("products").get_models()
        for constraint in model._meta.constraints
        if hasattr(constraint, "condition") and not hasattr(constraint, "fields")
    }
    assert {name for name, _, _ in REFUSED} == checks


def test_one_rule_for_each_category_and_place():
    rule = make_regulation(jurisdiction="US")
    make_regulation(category=rule.category, jurisdiction="EU")

    columns = "products_regulation.category_id, products_regulation.jurisdiction"
    with refused_by("products_regulation_once", columns):
        make_regulation(category=rule.category, jurisdiction="US")


def test_a_category_names_each_goal_and_ingredient_once():
    concept, effect = make_concept(), make_effect()
    category = make_category(ingredients=[concept], goals=[effect])

    columns = "products_goal.category_id, products_goal.effect_id"
    with refused_by("products_goal_once", columns):
        category.goals.create(effect=effect)
    columns = "products_ingredient.category_id, products_ingredient.concept_id"
    with refused_by("products_ingredient_once", columns):
        category.ingredients.create(concept=concept, role="carrier")


def test_a_red_flag_lists_each_wording_once():
    flag = make_red_flag(wordings=["guaranteed"])

    columns = "products_redflagwording.red_flag_id, products_redflagwording.language"
    with refused_by("products_red_flag_wording_once", columns):
        flag.wordings.create(text="guaranteed")


def test_a_place_has_each_reporting_body_once():
    make_reporting_body(jurisdiction="US", name="Office")
    make_reporting_body(jurisdiction="UK", name="Office")

    columns = "products_reportingbody.jurisdiction, products_reportingbody.name"
    with refused_by("products_reporting_body_once", columns):
        make_reporting_body(jurisdiction="US", name="Office")


def test_editor_cannot_give_a_category_the_slug_of_a_concept():
    make_concept(slug="exosomes")

    with pytest.raises(ValidationError, match="could not tell them apart"):
        make_category(slug="exosomes").full_clean()


def test_a_concept_that_a_category_contains_cannot_be_deleted():
    concept = make_concept()
    make_category(ingredients=[concept])

    with pytest.raises(ProtectedError):
        concept.delete()


@pytest.mark.parametrize(
    "make",
    [make_category, make_regulation, make_question, make_red_flag, make_reporting_body],
    ids=short,
)
def test_natural_key_finds_the_row_again(make):
    row = make()
    make()

    assert type(row).objects.get_by_natural_key(*row.natural_key()) == row


# --- What is derived


def test_findings_and_risks_are_those_of_the_ingredients_on_the_route():
    concept = make_concept()
    category = make_category(ingredients=[concept], route="microneedled")
    finding = make_finding(concept=concept, route="microneedled")
    risk = make_risk(concept=concept, route="microneedled")
    make_finding(concept=concept, effect=finding.effect, route="intact-skin")
    make_risk(concept=concept, route="intact-skin")
    make_finding(route="microneedled")
    make_risk(route="microneedled")

    assert list(category.findings()) == [finding]
    assert list(category.risks()) == [risk]


def test_an_ingredient_may_go_another_way_than_the_rest():
    injected, on_the_skin = make_concept(), make_concept()
    category = make_category(ingredients=[injected, {"concept": on_the_skin, "route": "intact-skin"}], route="injected")
    expected = {make_finding(concept=injected), make_finding(concept=on_the_skin, route="intact-skin")}
    make_finding(concept=injected, route="intact-skin")
    make_finding(concept=on_the_skin, route="injected")

    assert set(category.findings()) == expected


def test_a_category_without_ingredients_has_no_findings_or_risks():
    category = make_category(ingredients=[])
    make_finding()
    make_risk()

    assert not category.findings().exists()
    assert not category.risks().exists()


def test_unpublished_findings_stay_out_of_categories():
    concept, draft = make_concept(), make_concept(state="draft")
    category = make_category(ingredients=[concept, draft])
    make_finding(concept=concept, state="in-review")
    make_finding(concept=draft)
    make_risk(concept=draft)

    assert not category.findings().exists()
    assert not category.risks().exists()


def test_studies_of_another_route_stay_in_sight_for_the_claimed_actives_and_goals():
    active, carrier, goal = make_concept(), make_concept(), make_effect()
    category = make_category(
        ingredients=[active, {"concept": carrier, "role": "carrier"}], goals=[goal], route="intact-skin"
    )
    elsewhere = make_finding(concept=active, effect=goal, route="wound")
    make_finding(concept=active, effect=goal, route="intact-skin")
    make_finding(concept=active, route="wound")
    make_finding(concept=carrier, effect=goal, route="wound")

    assert list(category.findings_elsewhere()) == [elsewhere]


def test_general_questions_are_asked_of_every_category_and_its_own_of_one():
    category, other = make_category(), make_category()
    general = make_question()
    own = make_question(categories=[category, other])
    make_question(categories=[make_category()])

    assert list(Question.for_categories([category, other])) == [general, own]


def test_ordinary_care_is_found_by_shared_goals_most_first():
    hair, skin, knees = make_effect(), make_effect(), make_effect()
    chosen = make_category(goals=[hair, skin])
    one_goal = make_category(kind="comparison", goals=[skin])
    both_goals = make_category(kind="comparison", goals=[skin, hair])
    make_category(kind="comparison", goals=[knees])
    make_category(kind="comparison", goals=[hair, skin], state="draft")
    make_category(kind="treatment", goals=[hair, skin])

    assert ordinary_care_for(chosen.goal_ids) == [both_goals, one_goal]


def test_ordinary_care_costs_the_same_however_many_there_are(django_assert_num_queries):
    effect = make_effect()
    make_category(goals=[effect])
    for _ in range(5):
        make_category(kind="comparison", goals=[effect])
    with django_assert_num_queries(5):
        ordinary_care_for({effect.pk})


def test_treatments_and_comparisons_are_told_apart():
    treatment, comparison = make_category(), make_category(kind="comparison")

    assert list(Category.objects.treatments()) == [treatment]
    assert list(Category.objects.comparisons()) == [comparison]


def test_categories_are_listed_without_regard_to_capitals():
    for name in ["Zinc cream", "aloe gel", "Minoxidil foam"]:
        make_category(name=name)

    assert [category.name for category in Category.objects.for_listing()] == [
        "aloe gel",
        "Minoxidil foam",
        "Zinc cream",
    ]


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(None, None, ""), (1, 1, "1"), (3, 5, "3 to 5")],
    ids=["unknown", "one", "range"],
)
def test_sessions_are_said_in_words(low, high, words):
    assert make_category(sessions_low=low, sessions_high=high).sessions == words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (1200, None, "1,200 EUR per session"),
        (1200, 1200, "1,200 EUR per session"),
        (900, 1200, "900 to 1,200 EUR per session"),
    ],
)
def test_price_is_said_in_words(low, high, words):
    assert str(make_price(low=low, high=high)) == words


def test_overdue_starts_the_day_after_the_review_date():
    today = timezone.localdate()
    reviewed_on = today - timedelta(days=365)

    assert not make_category(reviewed_on=reviewed_on, review_due=today).is_overdue
    assert make_category(reviewed_on=reviewed_on, review_due=today - timedelta(days=1)).is_overdue


def test_rules_are_read_in_two_queries_however_many(django_assert_num_queries):
    for _ in range(5):
        make_regulation(sources=[make_source(), make_source()])

    with django_assert_num_queries(2):
        assert [len(rule.sources.all()) for rule in Regulation.objects.for_reading()] == [2] * 5
