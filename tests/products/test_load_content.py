"""`manage.py load_content`, on a folder of tiny content files."""

import copy
import itertools
from datetime import UTC, date, datetime
from io import StringIO

import pytest
import yaml
from django.apps import apps
from django.core.management import CommandError, call_command

from glossary.content import CHANGE_REASON, fingerprint
from glossary.models import Alias, Concept, Effect, EventCount, Finding, LoadedEntry, Risk, Source
from products.models import Category, Question, RedFlag, Regulation, ReportingBody
from tests.factories import make_alias, make_finding, make_source

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 23)
LATER = date(2027, 11, 23)

SOURCES = "glossary/content/sources/d.yaml"
EFFECTS = "glossary/content/effects.yaml"
CELLS = "glossary/content/concepts/cells.yaml"
SERUM = "glossary/content/concepts/serum.yaml"
CLINIC = "products/content/categories/serum-injection.yaml"
QUESTIONS = "products/content/questions.yaml"
FLAGS = "products/content/red-flags.yaml"
REPORTING = "products/content/reporting.yaml"

FILES = {
    SOURCES: [
        {
            "key": "doe-2024",
            "kind": "rct",
            "title": "A trial",
            "authors": "Doe J, Roe R",
            "year": 2024,
            "doi": "10.1000/doe",
            "url": "https://example.org/doe",
            "read": "full-text",
            "checked_on": DAY,
        },
        {
            "key": "dull-2020",
            "kind": "news",
            "title": "A page",
            "url": "https://example.org/dull",
            "read": "page",
            "checked_on": DAY,
            "status": "superseded",
            "superseded_by": "doe-2024",
        },
    ],
    EFFECTS: [
        {
            "slug": "firmness",
            "name": "Firmness",
            "wish": "firmer skin",
            "body_area": "face",
            "description": "How tight skin is.",
            "wordings": {"en": ["tight* skin", "firm*"], "fr": ["fermeté"]},
        },
        {
            "slug": "volume",
            "name": "Volume",
            "wish": "fuller cheeks",
            "body_area": "face",
            "description": "How full skin is.",
        },
    ],
    # Named before its family, so that a parent arrives after its child.
    CELLS: {
        "name": "Cells",
        "kind": "cell",
        "parent": "serum",
        "summary": "A cell.",
        "body": "See [@doe-2024].",
        "reviewed_on": DAY,
        "review_due": LATER,
        "aliases": [{"text": "细胞", "lang": "zh-Hans", "kind": "translation"}],
    },
    SERUM: {
        "name": "Serum",
        "kind": "family",
        "summary": "A liquid.",
        "not_same_as": "Plasma.",
        "body": "What it is.",
        "reviewed_on": DAY,
        "review_due": LATER,
        "aliases": [
            {"text": "Sérum", "lang": "fr", "kind": "translation"},
            {"text": "SRM", "ambiguous": True},
        ],
        "findings": [
            {
                "effect": "firmness",
                "route": "injected",
                "claimed": "Firmer skin.",
                "shown": "In 40 people, 16 of 20 did better, against 12 of 20.",
                "population": "Adults",
                "people": 40,
                "follow_up": "12 weeks",
                "direction": "benefit",
                "size": "small",
                "certainty": "low",
                "certainty_reason": "One trial.",
                "would_change": "Another trial.",
                "searched_on": DAY,
                "sources": ["doe-2024"],
                "claim_sources": ["dull-2020"],
                "events": [
                    {
                        "outcome": "firmer",
                        "wanted": True,
                        "with": "16 of 20",
                        "without": "12 of 20",
                        "compared_with": "salt water",
                        "after": "12 weeks",
                    }
                ],
            },
            {
                "effect": "volume",
                "route": "intact-skin",
                "claimed": "Fuller skin.",
                "shown": "We found no study.",
                "population": "Nobody",
                "direction": "unknown",
                "certainty": "none",
                "certainty_reason": "No study.",
                "would_change": "Any trial.",
                "searched_on": DAY,
            },
        ],
        "risks": [
            {
                "route": "injected",
                "title": "Lumps",
                "known": "In 2 of 40 people.",
                "severity": "serious",
                "onset": "2 weeks",
                "sources": ["doe-2024"],
            }
        ],
    },
    CLINIC: {
        "name": "Serum injection",
        "kind": "treatment",
        "route": "injected",
        "sold_for": ["firmness", "volume"],
        "summary": "A needle.",
        "mechanism": "Sellers say that it wakes the skin up.",
        "body": "What is done [@doe-2024].",
        "ingredients": [
            {"concept": "serum"},
            {"concept": "cells", "role": "sometimes", "route": "intact-skin"},
        ],
        "sessions": [3, 5],
        "interval": "2 weeks",
        "followed_for": "12 weeks",
        "downtime": "A day.",
        "performed_by": "A doctor.",
        "daily_life": "Visits.",
        "course_sources": ["doe-2024"],
        "prices": [
            {
                "country": "KR",
                "low": 200000,
                "high": 500000,
                "currency": "KRW",
                "per": "session",
                "year": 2022,
                "note": "one city",
                "source": "dull-2020",
            }
        ],
        "regulation": [
            {
                "jurisdiction": "US",
                "status": "not-approved",
                "since": "2019-12",
                "detail": "It needs a licence.",
                "checked_on": DAY,
                "sources": ["doe-2024"],
            }
        ],
        "reviewed_on": DAY,
        "review_due": LATER,
    },
    QUESTIONS: [
        {
            "slug": "what-is-in-it",
            "text": "What is in it?",
            "why": "Names differ.",
            "good_answer": "A list.",
            "vague_answer": "A smile.",
            "follow_up": "May I see the label?",
            "categories": ["serum-injection"],
            "wallet": True,
            "sources": ["doe-2024"],
        }
    ],
    FLAGS: [
        {
            "slug": "guarantee",
            "name": "Promises a result",
            "why": "Nobody can.",
            "severity": "walk-away",
            "question": "what-is-in-it",
            "wordings": {"en": ["guarantee* result*"]},
            "sources": ["doe-2024"],
        }
    ],
    REPORTING: [
        {
            "jurisdiction": "US",
            "name": "Office",
            "what": "Harm.",
            "url": "https://example.org/report",
            "sources": ["doe-2024"],
        }
    ],
}


class Content:
    """A folder of content files: change `files`, then `load()`. Text instead of data is written as it is."""

    def __init__(self, folder):
        self.folder = folder
        self.files = copy.deepcopy(FILES)

    def load(self, **options):
        """Write the files, run the command, give what it says."""
        for path in self.folder.rglob("*.yaml"):
            path.unlink()
        for name, content in self.files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            text = content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True)
            path.write_text(text, encoding="utf-8")
        said = StringIO()
        folders = {"glossary": self.folder / "glossary/content", "products": self.folder / "products/content"}
        call_command("load_content", stdout=said, **folders | options)
        return said.getvalue()

    def refused(self):
        """The problems for which the command refuses the files, having changed nothing."""
        before = everything()
        with pytest.raises(CommandError) as refusal:
            self.load()
        assert everything() == before
        first, *problems = str(refusal.value).splitlines()
        assert first == f"Nothing was changed. Problems found: {len(problems)}"
        return [problem.strip() for problem in problems]


@pytest.fixture
def content(tmp_path):
    return Content(tmp_path)


def everything():
    """Every row of both apps, history and links included."""
    return {
        model._meta.label: list(model._base_manager.order_by("pk").values())
        for app in ("glossary", "products")
        for model in apps.get_app_config(app).get_models(include_auto_created=True)
    }


def counts(said):
    """(new, changed, removed, as before, kept) of what the command says."""
    numbers = [int(word) for word in said.replace(",", " ").split() if word.isdigit()]
    return tuple([*numbers, 0][:5])


ENTRIES = 17


# --- Loading


def test_everything_in_the_files_arrives(content):
    assert counts(content.load()) == (ENTRIES, 0, 0, 0, 0)

    serum, cells = Concept.objects.get(slug="serum"), Concept.objects.get(slug="cells")
    doe, dull = Source.objects.get(key="doe-2024"), Source.objects.get(key="dull-2020")
    assert cells.parent == serum
    assert dull.superseded_by == doe
    assert set(serum.aliases.values_list("text", "language", "kind", "is_ambiguous")) == {
        ("Sérum", "fr", "translation", False),
        ("SRM", "en", "synonym", True),
    }

    finding = serum.findings.get(effect__slug="firmness")
    assert (finding.main_source, list(finding.sources.all()), list(finding.claim_sources.all())) == (
        doe,
        [doe],
        [dull],
    )
    event = finding.event_counts.get()
    assert (event.events_with, event.total_with, event.events_without, event.total_without) == (
        16,
        20,
        12,
        20,
    )
    untested = serum.findings.get(effect__slug="volume")
    assert (untested.main_source, untested.people, untested.size) == (None, None, "not-stated")
    assert list(serum.risks.get().sources.all()) == [doe]

    category = Category.objects.get()
    assert [goal.effect.slug for goal in category.goals.all()] == ["firmness", "volume"]
    assert [(i.concept.slug, i.role, i.route) for i in category.ingredients.all()] == [
        ("serum", "active", ""),
        ("cells", "sometimes", "intact-skin"),
    ]
    assert (category.sessions, category.prices.get().source) == ("3 to 5", dull)
    assert (category.regulations.get().main_source, category.regulations.get().since) == (doe, "2019-12")
    assert list(category.findings()) == [finding]

    question = Question.objects.get()
    assert (list(question.categories.all()), question.is_on_wallet_card) == ([category], True)
    assert RedFlag.objects.get().question == question
    assert [w.text for w in RedFlag.objects.get().wordings.all()] == ["guarantee* result*"]
    assert Effect.objects.get(slug="firmness").wordings.count() == 3
    assert ReportingBody.objects.get().jurisdiction == "US"


def test_readers_see_what_was_loaded(content):
    content.load()

    assert Concept.objects.published().count() == 2
    assert Finding.objects.published().count() == 2
    assert Category.objects.published().count() == 1


def test_a_second_run_changes_nothing(content):
    content.load()
    before = everything()

    assert counts(content.load()) == (0, 0, 0, ENTRIES, 0)
    assert everything() == before


def test_history_says_that_the_files_brought_it(content):
    content.load()

    assert Concept.objects.get(slug="serum").history.first().history_change_reason == CHANGE_REASON


def test_rows_that_were_there_already_and_agree_are_adopted(content):
    content.load()
    LoadedEntry.objects.all().delete()

    assert counts(content.load()) == (0, 0, 0, ENTRIES, 0)
    content.files[SERUM]["summary"] = "A clear liquid."
    assert counts(content.load()) == (0, 1, 0, ENTRIES - 1, 0)


# --- A file changes


def test_unedited_rows_follow_their_files(content):
    content.load()
    serum, clinic = content.files[SERUM], content.files[CLINIC]
    serum["summary"] = "A clear liquid."
    serum["findings"][0]["sources"] = ["dull-2020", "doe-2024"]
    serum["findings"][0]["events"].append(serum["findings"][0]["events"][0] | {"outcome": "happier"})
    clinic["ingredients"].reverse()
    clinic["regulation"][0]["since"] = 2020
    content.files[CELLS].pop("parent")

    assert counts(content.load()) == (0, 5, 0, ENTRIES - 5, 0)
    finding = Finding.objects.get(effect__slug="firmness")
    assert Concept.objects.get(slug="serum").summary == "A clear liquid."
    assert (finding.main_source.key, finding.sources.count(), finding.event_counts.count()) == (
        "dull-2020",
        2,
        2,
    )
    assert [i.concept.slug for i in Category.objects.get().ingredients.all()] == ["cells", "serum"]
    assert Regulation.objects.get().since == "2020"
    assert Concept.objects.get(slug="cells").parent is None
    assert counts(content.load()) == (0, 0, 0, ENTRIES, 0)


def test_unedited_rows_that_left_the_files_leave_the_site(content):
    content.load()
    serum = content.files[SERUM]
    serum["findings"].pop(0)
    serum["aliases"].pop(0)
    content.files[EFFECTS][0].pop("wordings")

    assert counts(content.load())[2] == 2
    assert [finding.effect.slug for finding in Finding.objects.all()] == ["volume"]
    assert set(Alias.objects.values_list("text", flat=True)) == {"SRM", "细胞"}
    assert not Effect.objects.get(slug="firmness").wordings.exists()
    assert not EventCount.objects.exists()


def test_the_last_row_of_a_kind_leaves_as_well(content):
    content.load()
    content.files[SERUM].pop("risks")
    del content.files[REPORTING]

    assert counts(content.load())[2] == 2
    assert not Risk.objects.exists()
    assert not ReportingBody.objects.exists()


def test_a_family_leaves_together(content):
    content.load()
    for name in (SERUM, CELLS, CLINIC, QUESTIONS, FLAGS):
        del content.files[name]

    assert counts(content.load()) == (0, 0, 12, 5, 0)
    assert not Concept.objects.exists()


def test_a_row_that_left_the_files_may_come_back(content):
    content.load()
    risks = content.files[SERUM].pop("risks")
    content.load()
    content.files[SERUM]["risks"] = risks

    assert counts(content.load())[0] == 1
    assert Risk.objects.get().title == "Lumps"


@pytest.mark.parametrize(("home", "text"), [(SERUM, "srm"), (CELLS, "Sérum")], ids=["respelt", "moved"])
def test_a_name_may_be_respelt_or_move_to_another_concept(content, home, text):
    content.load()
    aliases = content.files[SERUM]["aliases"]
    del aliases[1 if text == "srm" else 0]
    content.files[home]["aliases"].append({"text": text, "lang": "en" if text == "srm" else "fr"})

    assert counts(content.load()) == (1, 0, 1, ENTRIES - 1, 0)
    assert Alias.objects.get(text=text).concept.slug == home.split("/")[-1].removesuffix(".yaml")


# --- An editor was there


def set_field(model, name, value):
    def edit():
        row = model.objects.order_by("pk").first()
        setattr(row, name, value)
        row.save()

    return edit


EDITS = {
    "a source's note": set_field(Source, "note", "Mine."),
    "an effect's name": set_field(Effect, "name", "Mine"),
    "an effect's wordings": lambda: Effect.objects.first().wordings.create(text="mine"),
    "a concept's summary": set_field(Concept, "summary", "Mine."),
    "a concept's parent": set_field(Concept, "parent", None),
    "a concept's state": set_field(Concept, "state", "withdrawn"),
    "an alias's kind": set_field(Alias, "kind", "marketing"),
    "a finding's certainty": set_field(Finding, "certainty", "moderate"),
    "a finding's sources": lambda: Finding.objects.first().sources.add(make_source()),
    "a finding's claim sources": lambda: Finding.objects.first().claim_sources.clear(),
    "a finding's counts": lambda: EventCount.objects.update(events_with=1),
    "a risk's severity": set_field(Risk, "severity", "minor"),
    "a category's route": set_field(Category, "route", "wound"),
    "a category's goals": lambda: Category.objects.first().goals.first().delete(),
    "a category's ingredients": lambda: Category.objects.first().ingredients.update(role="carrier"),
    "a category's prices": lambda: Category.objects.first().prices.update(low=1),
    "a rule's detail": set_field(Regulation, "detail", "Mine."),
    "a question's text": set_field(Question, "text", "Mine?"),
    "a question's categories": lambda: Question.objects.first().categories.clear(),
    "a red flag's question": set_field(RedFlag, "question", None),
    "a reporting body's address": set_field(ReportingBody, "url", "https://example.org/mine"),
}


@pytest.mark.parametrize("what", EDITS)
def test_an_editors_change_is_never_overwritten(content, what):
    content.load()
    EDITS[what]()
    before = everything()

    assert counts(content.load()) == (0, 0, 0, ENTRIES - 1, 1)
    assert everything() == before


def test_an_editors_change_stays_when_the_file_changes_too(content):
    content.load()
    Finding.objects.filter(effect__slug="firmness").update(shown="Mine.")
    content.files[SERUM]["findings"][0]["shown"] = "Something new."
    content.files[SERUM]["findings"][1]["shown"] = "Something new."

    assert counts(content.load()) == (0, 1, 0, ENTRIES - 2, 1)
    assert set(Finding.objects.values_list("shown", flat=True)) == {"Mine.", "Something new."}


def test_an_entry_follows_its_file_again_once_the_editor_has_put_it_back(content):
    content.load()
    Concept.objects.filter(slug="serum").update(summary="Mine.")
    content.load()
    Concept.objects.filter(slug="serum").update(summary="A liquid.")
    content.files[SERUM]["summary"] = "A clear liquid."

    assert counts(content.load()) == (0, 1, 0, ENTRIES - 1, 0)
    assert Concept.objects.get(slug="serum").summary == "A clear liquid."


def test_an_entry_that_an_editor_wrote_first_is_kept(content):
    make_source(key="doe-2024", title="Mine")

    assert counts(content.load()) == (ENTRIES - 1, 0, 0, 0, 1)
    assert Source.objects.get(key="doe-2024").title == "Mine"


@pytest.mark.parametrize("model", [Alias, Finding, Risk, Regulation, RedFlag, ReportingBody, Category])
def test_what_an_editor_deleted_is_not_made_again(content, model):
    content.load()
    model.objects.order_by("pk").first().delete()
    before = everything()

    said = content.load()

    assert counts(said)[0] == 0
    assert counts(said)[4] >= 1
    assert everything() == before


def test_new_parts_of_a_deleted_concept_do_not_stop_the_load(content):
    del content.files[CLINIC], content.files[QUESTIONS], content.files[FLAGS]
    content.load()
    Concept.objects.get(slug="cells").delete()
    content.files[CELLS]["aliases"].append({"text": "Zelle", "lang": "de"})
    content.files[SERUM]["summary"] = "A clear liquid."

    said = content.load()

    assert "Zelle" not in set(Alias.objects.values_list("text", flat=True))
    assert counts(said)[1] == 1


def test_a_change_that_rests_on_a_deleted_source_does_not_stop_the_load(content):
    content.load()
    Category.objects.get().prices.all().delete()
    Source.objects.get(key="dull-2020").delete()
    content.files[SERUM]["findings"][1]["claim_sources"] = ["dull-2020"]
    content.files[SERUM]["summary"] = "A clear liquid."

    said = content.load()

    assert Concept.objects.get(slug="serum").summary == "A clear liquid."
    assert not Source.objects.filter(key="dull-2020").exists()
    assert counts(said)[:3] == (0, 1, 0)


def test_an_edited_row_stays_when_it_leaves_the_files(content):
    content.load()
    Risk.objects.update(severity="minor")
    Alias.objects.filter(text="SRM").update(kind="marketing")
    content.files[SERUM].pop("risks")
    content.files[SERUM].pop("aliases")

    said = content.load()

    assert counts(said)[2] == 1
    assert Risk.objects.exists()
    assert Alias.objects.filter(text="SRM").exists()


def test_a_concept_that_left_stays_while_an_editor_has_something_on_it(content):
    content.load()
    cells = Concept.objects.get(slug="cells")
    mine = make_alias(concept=cells, text="Mine")
    del content.files[CELLS]
    content.files[CLINIC]["ingredients"].pop()

    content.load()

    assert Alias.objects.filter(pk=mine.pk).exists()
    mine.delete()
    assert counts(content.load())[2] == 1
    assert not Concept.objects.filter(slug="cells").exists()


def test_a_source_that_left_stays_while_an_editors_finding_cites_it(content):
    content.load()
    mine = make_finding()
    mine.sources.add(Source.objects.get(key="dull-2020"))
    content.files[SOURCES].pop()
    content.files[SERUM]["findings"][0].pop("claim_sources")
    content.files[CLINIC].pop("prices")

    content.load()

    assert "dull-2020" in set(mine.sources.values_list("key", flat=True))


def test_command_names_what_it_kept_when_asked(content):
    content.load()
    Concept.objects.filter(slug="serum").update(summary="Mine.")

    assert "kept as an editor left it: concept serum" in content.load(verbosity=2)
    assert "kept as an editor left it" not in content.load(verbosity=1).split("\n", 1)[1]


# --- Bad input


def change(name, *path, to):
    """A change of the files: the value at `path` becomes `to`; None takes it away."""

    def apply(files):
        place = files[name]
        for step in path[:-1]:
            place = place[step]
        if to is None:
            del place[path[-1]]
        elif path[-1] == "+":
            place.append(to)
        else:
            place[path[-1]] = to

    return apply


def text(name, content):
    return lambda files: files.update({name: content})


BAD = {
    "missing source in a finding": (
        change(SERUM, "findings", 0, "sources", 0, to="gone-2020"),
        [
            "concepts/serum.yaml",
            "finding firmness",
            "injected",
            "“sources”",
            "“gone-2020”, which does not exist",
        ],
    ),
    "missing source in a body": (
        change(SERUM, "body", to="As shown [@gone-2020]."),
        ["concepts/serum.yaml", "“body”", "“gone-2020”"],
    ),
    "finding without sources": (
        change(SERUM, "findings", 0, "sources", to=None),
        ["concepts/serum.yaml", "finding firmness", "“sources” is missing"],
    ),
    "unknown effect": (
        change(SERUM, "findings", 0, "effect", to="beauty"),
        ["concepts/serum.yaml", "finding beauty", "“effect”", "“beauty”, which does not exist"],
    ),
    "unknown parent": (
        change(CELLS, "parent", to="gone"),
        ["concepts/cells.yaml", "“parent”", "“gone”, which does not exist"],
    ),
    "unknown concept in a category": (
        change(CLINIC, "ingredients", 0, "concept", to="gone"),
        ["categories/serum-injection.yaml", "“ingredients.concept”", "“gone”"],
    ),
    "unknown category of a question": (
        change(QUESTIONS, 0, "categories", to=["gone"]),
        ["questions.yaml what-is-in-it", "“categories”", "“gone”"],
    ),
    "unknown question of a red flag": (
        change(FLAGS, 0, "question", to="gone"),
        ["red-flags.yaml guarantee", "“question”", "“gone”"],
    ),
    "loop in the family tree": (
        change(SERUM, "parent", to="cells"),
        ["concepts/", "“parent”", "already below"],
    ),
    "slug of both a concept and a category": (
        lambda files: files.update({CLINIC.replace("serum-injection", "serum"): files.pop(CLINIC)}),
        ["categories/serum.yaml", "“slug”", "A concept has this slug"],
    ),
    "unknown field of a concept": (
        change(SERUM, "colour", to="red"),
        ["concepts/serum.yaml", "no field “colour”"],
    ),
    "unknown field of a source": (
        change(SOURCES, 0, "colour", to="red"),
        ["sources/d.yaml doe-2024", "no field “colour”"],
    ),
    "unknown field of a count": (
        change(SERUM, "findings", 0, "events", 0, "colour", to="red"),
        ["concepts/serum.yaml", "finding firmness", "event firmer", "no field “colour”"],
    ),
    "missing name": (change(SERUM, "name", to=None), ["concepts/serum.yaml", "“name” is missing"]),
    "empty name": (change(SERUM, "name", to=""), ["concepts/serum.yaml", "“name” is missing"]),
    "missing date": (
        change(SOURCES, 1, "checked_on", to=None),
        ["d.yaml dull-2020", "“checked_on” is missing"],
    ),
    "missing goals": (change(CLINIC, "sold_for", to=None), ["serum-injection.yaml", "“sold_for” is missing"]),
    "missing wording sources": (change(FLAGS, 0, "sources", to=None), ["guarantee", "“sources” is missing"]),
    "question for nobody": (
        change(QUESTIONS, 0, "categories", to=None),
        ["what-is-in-it", "“categories” is missing"],
    ),
    "broken YAML": (
        text(SERUM, "name: [Serum\nkind: family"),
        ["concepts/serum.yaml", "not valid YAML", "line 2"],
    ),
    "text instead of fields": (text(SERUM, "Serum"), ["concepts/serum.yaml", "expected fields with values"]),
    "fields instead of a list": (text(EFFECTS, "slug: firmness"), ["effects.yaml", "expected a list"]),
    "list of texts": (
        change(SERUM, "risks", to=["Lumps"]),
        ["serum.yaml, risk 1", "expected fields with values"],
    ),
    "number instead of text": (change(SERUM, "summary", to=2019), ["serum.yaml", "“summary” is not text"]),
    "word instead of a date": (
        change(SERUM, "reviewed_on", to="soon"),
        ["serum.yaml", "“reviewed_on”", "soon"],
    ),
    "time instead of a date": (
        change(SERUM, "reviewed_on", to=datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ["serum.yaml", "“reviewed_on”"],
    ),
    "mapping instead of text": (change(SERUM, "summary", to={"x": 1}), ["serum.yaml", "“summary” is not text"]),
    "ingredient twice": (
        change(CLINIC, "ingredients", "+", to={"concept": "serum", "role": "carrier"}),
        ["serum-injection.yaml"],
    ),
    "year instead of a date": (change(SERUM, "reviewed_on", to=2026), ["serum.yaml", "“reviewed_on”"]),
    "word instead of a number": (change(SOURCES, 0, "year", to="recent"), ["d.yaml doe-2024", "“year”"]),
    "word outside the vocabulary": (
        change(SERUM, "findings", 0, "certainty", to="certain"),
        ["serum.yaml", "finding firmness", "“certainty”", "certain"],
    ),
    "size of something that is not known": (
        change(SERUM, "findings", 1, "size", to="small"),
        ["serum.yaml", "finding volume", "A size is stated only"],
    ),
    "one key instead of a list": (
        change(SERUM, "findings", 0, "sources", to="doe-2024"),
        ["serum.yaml", "finding firmness", "“sources” is not a list of keys"],
    ),
    "yes in quotes": (change(QUESTIONS, 0, "wallet", to="no"), ["questions.yaml what-is-in-it", "“wallet”"]),
    "counts that are not counts": (
        change(SERUM, "findings", 0, "events", 0, "with", to="most"),
        ["serum.yaml", "event firmer", "as in “16 of 25”"],
    ),
    "more events than people": (
        change(SERUM, "findings", 0, "events", 0, "with", to="21 of 20"),
        ["serum.yaml", "finding firmness", "No more people"],
    ),
    "sessions as text": (change(CLINIC, "sessions", to="3 to 5"), ["serum-injection.yaml", "“sessions”"]),
    "currency as a sign": (
        change(CLINIC, "prices", 0, "currency", to="€"),
        ["serum-injection.yaml", "three capital"],
    ),
    "bad address": (change(SOURCES, 0, "url", to="example"), ["d.yaml doe-2024", "“url”"]),
    "bad slug": (
        lambda files: files.update({CELLS.replace("cells", "two words"): files.pop(CELLS)}),
        ["concepts/two words.yaml", "“slug”"],
    ),
    "source twice": (
        change(SOURCES, "+", to=FILES[SOURCES][0] | {"doi": "10.1000/other"}),
        ["sources/d.yaml doe-2024", "stands there 2 times"],
    ),
    "finding twice": (
        change(SERUM, "findings", "+", to=FILES[SERUM]["findings"][0]),
        ["serum.yaml", "finding firmness", "stands there 2 times"],
    ),
    "name of two concepts": (
        change(CELLS, "aliases", "+", to={"text": "sérum", "lang": "fr"}),
        ["concepts/serum.yaml", "Another concept has this name"],
    ),
    "DOI twice": (
        change(SOURCES, 1, "doi", to="10.1000/doe"),
        ["sources/d.yaml dull-2020", "already a source with this DOI"],
    ),
    "source twice in one list": (
        change(SERUM, "risks", 0, "sources", to=["doe-2024", "doe-2024"]),
        ["serum.yaml", "risk Lumps", "“sources” names “doe-2024” 2 times"],
    ),
    "field twice": (
        text(EFFECTS, "- {slug: firmness, name: One, name: Two, body_area: face, description: x}"),
        ["effects.yaml", "“name”", "line 1"],
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_refused_by_file_entry_and_field(content, what):
    spoil, words = BAD[what]
    spoil(content.files)

    problems = content.refused()

    assert any(all(word in problem for word in words) for problem in problems), "\n".join(problems)


@pytest.mark.parametrize("what", ["missing name", "broken YAML", "missing source in a finding", "source twice"])
def test_bad_input_leaves_a_loaded_guide_as_it_was(content, what):
    content.load()
    content.files[CELLS]["summary"] = "A change that is fine."
    BAD[what][0](content.files)

    assert content.refused()


def test_every_problem_is_named_at_once(content):
    for what in ("missing name", "unknown parent", "word instead of a number", "missing goals"):
        BAD[what][0](content.files)

    files = {problem.split(":")[0].split(",")[0].split(" ")[0] for problem in content.refused()}

    assert files >= {
        "content/concepts/serum.yaml",
        "content/concepts/cells.yaml",
        "content/sources/d.yaml",
        "content/categories/serum-injection.yaml",
    }


def test_a_folder_that_is_not_there_is_refused(content, tmp_path):
    with pytest.raises(CommandError, match="nowhere"):
        content.load(glossary=tmp_path / "nowhere")


def places(value, path=()):
    """The path of every value inside the files."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*path, step)
        yield from places(inner, (*path, step))


STRANGE = [7, [["x"]], True]


@pytest.mark.one_database
@pytest.mark.parametrize("name", FILES)
def test_a_value_of_a_strange_type_is_refused_in_words_or_loads_for_good(content, name):
    """No value makes the command stumble, and none is kept in another form than the one it stands in. By turns, one at every other place."""
    good = content.files
    for path, strange in zip(itertools.islice(places(FILES[name]), 0, None, 2), itertools.cycle(STRANGE)):
        content.files = copy.deepcopy(good)
        change(name, *path, to=strange)(content.files)
        said = ""
        try:
            content.load()
        except CommandError as refusal:
            said = str(refusal)
        if said:
            assert name.split("/", 1)[1] in said, path
        else:
            created, changed, removed, _, kept = counts(content.load())
            assert (created, changed, removed, kept) == (0, 0, 0, 0), path


def test_a_field_that_a_new_version_adds_empty_does_not_count_as_an_edit():
    before = fingerprint({"name": "Serum"}, {"sources": ["doe-2024"]}, {"prices": [{"low": 5}]})
    after = fingerprint(
        {"name": "Serum", "wish": ""}, {"sources": ["doe-2024"], "more": []}, {"prices": [{"low": 5, "high": None}]}
    )
    assert after == before
    assert fingerprint({"name": "Serum", "wish": "more"}, {"sources": ["doe-2024"]}, {"prices": [{"low": 5}]}) != before


def test_a_row_whose_last_state_was_forgotten_follows_the_files(content):
    content.load()
    LoadedEntry.objects.update(fingerprint="")
    Category.objects.update(mechanism="Left by an older version.")
    assert "1 changed" in content.load()
    assert Category.objects.get().mechanism == content.files[CLINIC]["mechanism"]
