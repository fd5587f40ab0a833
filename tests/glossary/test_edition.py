"""Every change that readers can see makes a new edition, and no other does."""

import pytest
from django.db import IntegrityError, connection, transaction

from glossary import edition, revisions
from glossary.models import Concept, Edition, Source, State
from products.models import ContentCheck, MissedSearch
from tests.factories import make_category, make_concept, make_finding, make_source

pytestmark = pytest.mark.django_db


def changed(before):
    """Whether there is a new edition, with a number above and another token."""
    now = edition.read()
    assert (now.number > before.number) == (now.token != before.token)
    return now != before


def test_a_published_change_makes_a_new_edition():
    concept = make_concept()
    before = edition.read()

    concept.summary = "Another summary."
    concept.save()

    assert changed(before)
    assert edition.read().changed_at >= before.changed_at


def test_a_change_past_the_models_makes_a_new_edition():
    concept = make_concept()
    before = edition.read()
    Concept.objects.filter(pk=concept.pk).update(summary="By a command.")
    assert changed(before)

    before = edition.read()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE glossary_concept SET summary = %s", ["By hand."])
    assert changed(before)


def test_links_parts_sources_and_outcomes_of_checks_make_a_new_edition():
    finding = make_finding()
    category = make_category()
    for change in (
        lambda: finding.sources.add(make_source()),
        lambda: finding.sources.clear(),
        lambda: category.goals.create(effect=finding.effect, position=1),
        lambda: category.goals.all().delete(),
        lambda: Source.objects.update(title="Another title"),
        lambda: ContentCheck.objects.create(position=1, promise="Every finding has a source."),
    ):
        before = edition.read()
        change()
        assert changed(before), change


def test_withdrawing_and_deleting_make_a_new_edition():
    concept = make_concept()
    before = edition.read()
    Concept.objects.filter(pk=concept.pk).update(state=State.WITHDRAWN)
    assert changed(before)

    before = edition.read()
    Concept.objects.filter(pk=make_concept().pk).delete()
    assert changed(before)


def test_a_published_entry_can_be_saved_even_if_there_is_no_edition_to_renew():
    """As while all tables are emptied, in whatever order."""
    concept = make_concept()
    Edition.objects.all().delete()
    concept.summary = "Saved all the same."
    concept.save()
    concept.delete()


def test_a_draft_makes_none_until_it_is_published():
    before = edition.read()
    draft = make_concept(state=State.DRAFT)
    draft.summary = "Still being written."
    draft.save()
    assert not changed(before)

    Concept.objects.filter(pk=draft.pk).update(state=State.PUBLISHED)
    assert changed(before)


def test_what_readers_never_see_makes_none():
    before = edition.read()
    MissedSearch.note("snail mucin")
    assert not changed(before)


def test_no_edition_comes_twice_even_when_a_change_is_undone():
    concept = make_concept()
    seen = [edition.read()]
    for summary in ("One.", "Two."):
        with revisions.rehearsal():
            Concept.objects.filter(pk=concept.pk).update(summary=summary)
            seen.append(edition.current())
        assert edition.read() == seen[0]

    assert len({each.token for each in seen}) == 3
    assert seen[1].number == seen[2].number


def test_a_request_holds_to_the_edition_it_began_with():
    concept = make_concept()
    with edition.reading(edition.read()):
        before = edition.current()
        Concept.objects.filter(pk=concept.pk).update(summary="Meanwhile.")
        assert edition.current() == before
    assert edition.current() != before


def test_there_is_one_edition():
    with pytest.raises(IntegrityError, match="glossary_edition_one_row"), transaction.atomic():
        Edition.objects.create(pk=2, token="two", changed_at=edition.read().changed_at)


@pytest.mark.django_db(transaction=True)
def test_the_edition_counts_from_the_moment_the_change_does():
    concept = make_concept()
    before = edition.read()
    with transaction.atomic():
        Concept.objects.filter(pk=concept.pk).update(summary="Never.")
        transaction.set_rollback(True)
    assert not changed(before)
