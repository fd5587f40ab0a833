"""The home page of the editors' desk: what waits, in words, at a cost that does not grow."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from glossary.models import LinkCheck
from products import desk
from products.models import ContentCheck, MissedSearch
from tests.factories import make_category, make_concept, make_finding, make_save, make_source

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

TODAY = timezone.localdate()


def days(number):
    return TODAY + timedelta(days=number)


@pytest.fixture
def editor(admin_user):
    return admin_user


def block_of(user, name):
    """The block of that name, whether or not anything waits in it."""
    home = desk.home(user)
    return next(block for block in [*home["blocks"], *home["quiet"]] if block.id == name)


def words_in(block):
    return [words for part in block.parts for words, _, _ in part.rows]


def fill(number):
    """So many of everything that can wait."""
    user = User.objects.get()
    for n in range(number):
        for make in (make_concept, make_category):
            make_save(make(state="in-review"))
            make(reviewed_on=days(-400), review_due=days(-n - 1))
            make(reviewed_on=days(-400), review_due=days(n % 30))
        make_save(make_finding(), "in-review")
        make_save(make_finding(state="draft"), by=user)
        bad = make_source(status="retracted", checked_on=days(-500))
        make_finding(sources=[bad])
        LinkCheck.objects.create(url=bad.url, outcome="gone", checked_at=timezone.now())
        MissedSearch.objects.create(query=f"word {n} of {number}", day=TODAY)
        ContentCheck.objects.create(position=n, promise=f"Promise {n} of {number}", problems=["x"])


# --- Cost


def test_the_desk_costs_the_same_number_of_queries_however_much_waits(editor, django_assert_max_num_queries):
    counts = []
    for number in (2, 14):
        fill(number)
        fresh = User.objects.get(pk=editor.pk)
        with django_assert_max_num_queries(35) as captured:
            desk.home(fresh)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_a_block_shows_ten_and_leads_to_a_list_of_all(admin_client, editor):
    fill(14)
    block = block_of(editor, "to-rejudge")
    assert (block.count, len(words_in(block)), block.parts[0].more) == (14, 10, 4)
    text = admin_client.get("/admin/").text
    assert "See all 14 findings" in text
    for one in desk.home(editor)["blocks"]:
        for part in one.parts:
            answer = admin_client.get(part.url)
            assert answer.status_code == 200, part.url
            if "cl" in (answer.context or {}) and one.id != "broken-promises":
                assert answer.context["cl"].result_count == part.count, part.url


# --- Each block


def test_entries_in_review_wait_and_drafts_of_others_do_not(editor):
    make_save(make_concept(name="Handed in", state="in-review"))
    make_save(make_concept(name="Half written", state="draft"))
    make_save(make_finding(concept=make_concept(name="Finding beside the live one")), "in-review")
    make_save(make_category(name="Product handed in", state="in-review"))
    published = make_concept(name="Published since")
    make_save(published, "in-review")
    make_save(published, "published")
    said = " / ".join(words_in(block_of(editor, "in-review")))
    assert "Handed in" in said
    assert "Finding beside the live one" in said
    assert "Product handed in" in said
    assert "Half written" not in said
    assert "Published since" not in said


def test_my_drafts_are_those_that_i_saved_last(editor):
    other = User.objects.create_user("other")
    make_save(make_concept(name="Mine", state="draft"), by=editor)
    make_save(make_concept(name="Theirs", state="draft"), by=other)
    assert words_in(block_of(editor, "my-drafts")) == ["Mine"]


def test_overdue_and_soon_due_are_told_apart_to_the_day(editor):
    for number in (-1, 0, 30, 31):
        make_concept(name=f"Due {number}", reviewed_on=days(-400), review_due=days(number))
    make_concept(name="Draft", state="draft", reviewed_on=days(-400), review_due=days(-1))
    assert words_in(block_of(editor, "overdue")) == ["Due -1"]
    assert words_in(block_of(editor, "due-soon")) == ["Due 0", "Due 30"]


def test_a_retracted_source_waits_as_long_as_it_is_cited(editor):
    cited, idle = make_source(key="cited", status="retracted"), make_source(key="idle", status="retracted")
    finding = make_finding(sources=[cited], concept=make_concept(name="Shaken"))
    assert [f"{cited}"] == words_in(block_of(editor, "outdated-sources"))
    assert words_in(block_of(editor, "to-rejudge")) == [str(finding)]
    assert idle.title not in " ".join(words_in(block_of(editor, "outdated-sources")))


def test_a_source_is_looked_at_once_a_year(editor):
    make_source(title="Long ago", checked_on=days(-366))
    make_source(title="A year", checked_on=days(-365))
    assert ["Long ago" in words for words in words_in(block_of(editor, "unseen-sources"))] == [True]


def test_a_dead_address_leads_to_the_source_that_cites_it(editor):
    source = make_source(url="https://example.org/gone")
    LinkCheck.objects.create(url=source.url, outcome="missing", failed_days=3, checked_at=timezone.now())
    LinkCheck.objects.create(
        url="https://example.org/once", outcome="missing", failed_days=1, checked_at=timezone.now()
    )
    [part] = block_of(editor, "dead-links").parts
    assert [(words, url) for words, url, _ in part.rows] == [
        ("https://example.org/gone", f"/admin/glossary/source/{source.pk}/change/")
    ]
    assert "has no such page" in part.rows[0][2]


def test_missed_words_of_the_last_month_are_summed(editor):
    MissedSearch.objects.create(query="salmon", day=TODAY, count=2)
    MissedSearch.objects.create(query="salmon", day=days(-3), count=3)
    MissedSearch.objects.create(query="rare", day=TODAY)
    MissedSearch.objects.create(query="old", day=days(-31), count=9)
    [part] = block_of(editor, "missed-words").parts
    assert [(words, note) for words, _, note in part.rows] == [("salmon", "5 times"), ("rare", "once")]


def test_broken_promises_of_the_content_are_listed(editor):
    ContentCheck.objects.create(position=1, promise="Kept promise", problems=[])
    ContentCheck.objects.create(position=2, promise="Broken promise", problems=["EGF: 11.2"])
    block = block_of(editor, "broken-promises")
    assert words_in(block) == ["Broken promise"]
    assert "EGF: 11.2" in block.parts[0].rows[0][2]


# --- The page


def test_each_block_says_what_to_do_and_an_empty_one_that_nothing_is(admin_client):
    text = admin_client.get("/admin/").text
    assert "Nothing waits for review." in text
    assert "No address has been asked yet" in text
    assert "Never checked yet" in text
    make_save(make_concept(state="in-review"))
    text = admin_client.get("/admin/").text
    assert "Nothing waits for review." not in text
    assert "Read each against its sources" in text
    assert "Everything there is" in text
    assert "/admin/glossary/concept/add/" in text


def test_nobody_sees_what_they_may_not_open(client):
    writer = User.objects.create_user("writer", is_staff=True)
    writer.user_permissions.add(Permission.objects.get(codename="change_concept"))
    make_save(make_concept(name="For the writer", state="in-review"))
    make_save(make_finding(concept=make_concept(name="Not for the writer")), "in-review")
    client.force_login(writer)
    text = client.get("/admin/").text
    assert "For the writer" in text
    assert "Not for the writer" not in text
    assert "Dead addresses" not in text
    assert "No address has been asked yet" not in text


def test_a_text_from_outside_cannot_break_the_page(admin_client):
    MissedSearch.objects.create(query="<script>alert(1)</script>", day=TODAY)
    assert "<script>alert" not in admin_client.get("/admin/").text


# --- What readers see of a page that is overdue


@pytest.mark.parametrize("make", [make_concept, make_category])
def test_readers_are_told_from_the_day_after_a_review_was_due(client, monkeypatch, make):
    entry = make(reviewed_on=days(-100), review_due=days(5))
    for later, is_said in [(0, False), (5, False), (6, True)]:
        monkeypatch.setattr(timezone, "localdate", lambda *args, later=later: days(later))
        assert ("overdue for review" in client.get(entry.get_absolute_url()).text) is is_said


def test_what_was_saved_lately_stands_beside_with_who_and_when(admin_client, editor):
    concept = make_concept(name="Saved lately")
    make_save(concept, "draft", by=editor)
    make_save(make_concept(name="From the files"))
    text = admin_client.get("/admin/").text
    assert f'<a href="/admin/glossary/concept/{concept.pk}/history/">Saved lately</a>' in text
    assert "From the files" not in text
