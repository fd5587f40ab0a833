"""The clock jumps, and what came later is still what came later."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.utils import timezone

from glossary import edition, revisions
from glossary.desk import PREVIEW_SALT
from tests.factories import make_concept

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def clock(monkeypatch):
    """`clock(days=-1)`: from now on it is a day before the test began, for whatever asks Python for the time."""

    def clock(**by):
        moment = NOW + timedelta(**by)
        monkeypatch.setattr("django.utils.timezone.now", lambda: moment)
        monkeypatch.setattr("django.core.signing.time.time", moment.timestamp)

    return clock


def draft(concept, words):
    content = revisions.snapshot(concept)
    content["fields"]["summary"] = words
    return revisions.save(concept, content, revisions.working_copy(concept), User.objects.first(), words)


def test_the_newest_save_is_the_last_one_whatever_the_clock_said(clock):
    concept = make_concept()
    clock(days=400)
    draft(concept, "First.")
    clock(days=-400)
    draft(concept, "Second.")

    assert revisions.latest(concept).content["fields"]["summary"] == "Second."
    assert [r.reason for r in revisions.Revision.objects.of(concept)] == [
        "As the content files say",
        "First.",
        "Second.",
    ]


def test_an_edition_is_a_new_one_whatever_the_clock_says(clock, client):
    concept = make_concept(slug="exosomes", summary="Before.")
    first = edition.read()
    assert "Before." in client.get("/glossary/exosomes/").text
    clock(days=-400)
    concept.summary = "After."
    concept.save()

    assert edition.read().token != first.token
    assert edition.read().number > first.number
    assert "After." in client.get("/glossary/exosomes/").text


def test_a_preview_link_made_by_a_clock_that_was_ahead_still_opens_and_still_ends(clock, client):
    concept = make_concept()
    clock(days=3)
    link = f"/preview/{signing.dumps([concept._meta.label_lower, concept.pk], salt=PREVIEW_SALT)}/"
    clock(days=0)
    assert client.get(link).status_code == 200
    clock(days=18)
    assert client.get(link).status_code == 410
