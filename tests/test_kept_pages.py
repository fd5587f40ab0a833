"""Public pages are kept as they went out, for exactly as long as they are true."""

import gzip
import re
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import brotli
import pytest
from django.core.cache import caches
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.http import http_date, parse_http_date

from config import pages
from glossary import edition, pieces, recorded, revisions, trail
from glossary.models import Concept, Effect, Finding, Risk, Source, State
from products.models import Category, Question
from tests.factories import make_category, make_concept, make_finding, make_question, make_risk, make_source

pytestmark = pytest.mark.django_db

ADDRESS = "/glossary/exosomes/"


@pytest.fixture
def concept():
    return make_concept(slug="exosomes", name="Exosomes", summary="Small parcels that cells give off.")


def queries(client, address, **headers):
    """How many queries it takes to answer, and the answer."""
    with CaptureQueriesContext(connection) as counted:
        response = client.get(address, headers=headers)
    return len(counted), response


# --- Kept


def test_a_page_read_before_costs_one_query(client, concept):
    first, made = queries(client, ADDRESS)
    second, kept = queries(client, ADDRESS)

    assert (first > 1, second) == (True, 1)
    assert kept.content == made.content
    assert dict(kept.headers) | {"X-Request-ID": made.headers["X-Request-ID"]} == dict(made.headers)
    assert "X-Request-ID" not in kept.headers


def test_a_kept_page_carries_every_header_of_a_new_one(client, concept):
    client.get(ADDRESS)
    kept = client.get(ADDRESS)

    for name in ("Content-Security-Policy", "X-Content-Type-Options", "Permissions-Policy", "Referrer-Policy"):
        assert kept.headers[name]


def test_anyone_may_keep_a_public_page(client, concept):
    for address in (ADDRESS, "/", "/glossary/", "/compare/", "/api/concepts", "/data/findings.csv", "/check/"):
        response = client.get(address)
        control = response.headers["Cache-Control"]
        assert {"public", "max-age=0", "s-maxage=1"} <= set(control.split(", ")), address
        assert re.search("stale-while-revalidate=0, stale-if-error=86400", control)
        assert "stale-while-revalidate=1" in response.headers["CDN-Cache-Control"]
        assert not response.cookies
        assert "cookie" not in response.headers["Vary"].lower()
        assert {"Accept-Encoding", "HX-Request"} >= set(response.headers["Vary"].split(", "))


@pytest.mark.parametrize("address", ["/search/?q=exosomes", "/search/suggest/?q=exo", "/api/search?q=exosomes"])
def test_what_somebody_looks_for_is_kept_nowhere(client, concept, address):
    response = client.get(address)

    assert "private" in response.headers["Cache-Control"]
    assert "ETag" not in response.headers
    assert not list(caches["pages"]._cache)


@pytest.mark.parametrize("address", ["/glossary/nothing-here/", "/admin/login/", "/healthz"])
def test_errors_and_the_desk_are_not_kept(client, address):
    assert "ETag" not in client.get(address).headers
    assert not list(caches["pages"]._cache)


def test_a_page_without_an_end_is_not_kept(client, concept):
    assert client.get(f"{ADDRESS}?x={'y' * 3_000}").status_code == 200
    assert not list(caches["pages"]._cache)


# --- True


def test_a_published_edit_shows_with_the_next_request(client, concept):
    assert "Small parcels" in client.get(ADDRESS).text
    tag = client.get(ADDRESS).headers["ETag"]

    Concept.objects.filter(pk=concept.pk).update(summary="Tiny bags that cells send out.")

    response = client.get(ADDRESS, headers={"If-None-Match": tag})
    assert response.status_code == 200
    assert "Tiny bags" in response.text
    assert response.headers["ETag"] != tag


def test_an_edit_anywhere_renews_the_pages_that_show_it(client, concept):
    finding = make_finding(concept=concept)
    category = make_category(name="Exosome serum", ingredients=[concept])
    address = f"/products/{category.slug}/"
    assert finding.effect.name in client.get(address).text

    finding.state = State.WITHDRAWN
    finding.save()

    assert finding.effect.name not in client.get(address).text


def test_a_rehearsed_draft_neither_shows_nor_renews_anything(client, concept):
    tag = client.get(ADDRESS).headers["ETag"]
    with revisions.rehearsal():
        Concept.objects.filter(pk=concept.pk).update(summary="Only a draft.")

    response = client.get(ADDRESS)
    assert "Only a draft" not in response.text
    assert response.headers["ETag"] == tag


def test_a_page_is_made_anew_on_another_day(client, concept, monkeypatch):
    tag = client.get(ADDRESS).headers["ETag"]

    tomorrow = timezone.localdate() + timedelta(days=1)
    monkeypatch.setattr(pages.timezone, "localdate", lambda: tomorrow)
    assert client.get(ADDRESS).headers["ETag"] != tag


def test_a_fragment_is_not_taken_for_the_page(client, concept):
    whole = client.get(ADDRESS)
    part = client.get(ADDRESS, headers={"HX-Request": "true"})

    assert "<html" in whole.text
    assert "<html" not in part.text
    assert client.get(ADDRESS).text == whole.text
    assert client.get(ADDRESS, headers={"HX-Request": "true"}).text == part.text
    assert whole.headers["ETag"] != part.headers["ETag"]


def test_a_page_kept_for_one_host_is_not_shown_on_another(concept):
    assert "http://testserver/" in Client().get(ADDRESS).text
    other = Client(headers={"host": "localhost"}).get(ADDRESS)
    assert "http://testserver/" not in other.text


def test_who_sent_the_reader_makes_no_other_page(client, concept):
    tag = client.get(f"{ADDRESS}?route=topical").headers["ETag"]
    for tracked in ("?fbclid=abc&route=topical", "?route=topical&utm_source=tv&utm_medium=x", "?route=topical&gclid=1"):
        count, response = queries(client, ADDRESS + tracked)
        assert (count, response.headers["ETag"]) == (1, tag)


# --- The browser's own copy


def test_a_copy_that_is_still_true_is_not_sent_again(client, concept):
    tag = client.get(ADDRESS).headers["ETag"]
    count, response = queries(client, ADDRESS, if_none_match=f'W/"other", {tag}')

    assert (count, response.status_code, response.content) == (1, 304, b"")
    assert response.headers["ETag"] == tag
    assert "public" in response.headers["Cache-Control"]


def test_a_date_alone_tells_as_well(client, concept, monkeypatch):
    monkeypatch.setattr(pages.time, "time", lambda: datetime.now(UTC).timestamp() + 2)
    modified = client.get(ADDRESS).headers["Last-Modified"]
    assert client.get(ADDRESS, headers={"If-Modified-Since": modified}).status_code == 304
    earlier = http_date(parse_http_date(modified) - 1)
    assert client.get(ADDRESS, headers={"If-Modified-Since": earlier}).status_code == 200
    assert client.get(ADDRESS, headers={"If-Modified-Since": "yesterday"}).status_code == 200
    # The tag tells more than the date.
    both = {"If-Modified-Since": modified, "If-None-Match": '"another"'}
    assert client.get(ADDRESS, headers=both).status_code == 200


def test_a_second_that_is_not_over_dates_nothing(client, concept):
    Concept.objects.filter(pk=concept.pk).update(summary="Just now.")
    now = edition.read().changed_at.timestamp()
    pages_time = client.get(ADDRESS).headers.get("Last-Modified")
    assert pages_time is None or parse_http_date(pages_time) + 1 <= now + 2


def test_nginx_is_told_to_ask_again_with_the_next_second(client, concept, settings):
    assert "X-Accel-Expires" not in client.get(ADDRESS).headers
    settings.TRUST_PROXY_HEADERS = True
    for _ in range(2):
        until = int(client.get(ADDRESS).headers["X-Accel-Expires"].removeprefix("@"))
        assert abs(until - datetime.now(UTC).timestamp()) < 2


def test_a_missing_page_is_missing_whatever_the_browser_has(client, concept):
    future = http_date(datetime.now(UTC).timestamp() + 3600)
    response = client.get("/glossary/nothing-here/", headers={"If-Modified-Since": future, "If-None-Match": "*"})
    assert response.status_code == 404


# --- On the wire


def test_each_browser_gets_what_it_can_read(client, concept):
    plain = client.get(ADDRESS)
    for accepted, encoding, decode in (
        ("gzip, deflate, br, zstd", "br", brotli.decompress),
        ("gzip, deflate", "gzip", gzip.decompress),
        ("gzip;q=1.0, br;q=0", "gzip", gzip.decompress),
    ):
        for _ in range(2):
            response = client.get(ADDRESS, headers={"Accept-Encoding": accepted})
            assert response.headers["Content-Encoding"] == encoding
            assert decode(response.content) == plain.content
            assert int(response.headers["Content-Length"]) == len(response.content)
    assert "Content-Encoding" not in plain.headers
    assert len(client.get(ADDRESS, headers={"Accept-Encoding": "br"}).content) < len(plain.content) / 2


def test_what_is_not_kept_is_compressed_all_the_same(client, concept):
    response = client.get("/search/?q=exosomes", headers={"Accept-Encoding": "br"})
    assert response.headers["Content-Encoding"] == "br"
    assert "Exosomes" in brotli.decompress(response.content).decode()


def test_asking_for_the_headers_alone(client, concept):
    client.get(ADDRESS)
    head = client.head(ADDRESS)
    assert head.content == b""
    assert int(head.headers["Content-Length"]) > 1_000


def test_a_picture_goes_out_as_it_is(client):
    response = client.get("/compare/card.png", headers={"Accept-Encoding": "br"})
    assert "Content-Encoding" not in response.headers
    assert response.content.startswith(b"\x89PNG")
    assert client.get("/compare/card.png").content == response.content


# --- Without a database


@pytest.fixture
def no_database(monkeypatch):
    """From here on, whoever asks for the edition hears that nobody answers."""

    def nobody():
        raise OperationalError("connection refused")

    return lambda: monkeypatch.setattr(edition, "read", nobody)


def test_without_a_database_kept_pages_go_on_and_say_so(client, concept, no_database):
    client.get(ADDRESS)
    edition_then = edition.read()
    no_database()

    for headers in ({}, {"Accept-Encoding": "br"}):
        response = client.get(ADDRESS, headers=headers)
        body = brotli.decompress(response.content) if headers else response.content
        assert response.status_code == 200
        assert b"Our database does not answer just now" in body
        assert f'as it stood on <time datetime="{edition_then.changed_at:%Y-%m-%d}'.encode() in body
        assert b"Small parcels" in body


def test_a_page_of_the_desk_is_never_an_old_copy(client, concept, no_database):
    no_database()
    assert "does not answer just now" not in client.get("/admin/login/").text


# --- After an edit elsewhere


def was_made(response):
    """A page that was made for this very request carries the number of it."""
    return "X-Request-ID" in response.headers


@pytest.fixture
def guide(concept):
    """A concept with a finding and a product, and one that has nothing to do with them."""
    finding = make_finding(concept=concept)
    make_category(slug="offer", ingredients=[concept], goals=[finding.effect])
    return make_concept(slug="other", name="Quite other", body="Of no concern to the rest.")


PLACES = [
    ADDRESS,
    "/",
    "/glossary/",
    "/products/offer/",
    "/compare/?item=offer&item=exosomes",
    "/evidence/",
    "/data/findings.json",
]


@pytest.mark.parametrize("address", PLACES)
def test_a_page_that_an_edit_did_not_touch_is_not_made_anew_and_looks_as_if_it_were(
    client, guide, address, monkeypatch
):
    monkeypatch.setattr(timezone, "now", lambda: datetime(2031, 5, 6, 7, 8, tzinfo=UTC))
    with connection.cursor() as cursor:  # the pages are made on one day, and the edit comes on another
        cursor.execute("UPDATE glossary_edition SET changed_at = '2020-01-02 03:04:05', token = 'earlier'")
    before = client.get(address)
    assert was_made(before)
    Concept.objects.filter(pk=guide.pk).update(body="Changed, of no concern still.")

    after = client.get(address)
    assert not was_made(after)
    assert after.headers["ETag"] != before.headers["ETag"]

    caches["pages"].clear()
    anew = Client().get(address)
    assert was_made(anew)
    assert after.content == anew.content
    assert after.headers["ETag"] == anew.headers["ETag"]


def test_a_page_names_the_edition_that_it_is_true_for(client, guide):
    first = re.search(r'as of <time datetime="([^"]+)">', client.get(ADDRESS).text)[1]
    with connection.cursor() as cursor:  # as if it had been long ago
        cursor.execute("UPDATE glossary_edition SET changed_at = '2020-01-02 03:04:05', token = 'earlier'")
    assert f'as of <time datetime="{first}">' not in client.get(ADDRESS).text
    assert 'as of <time datetime="2020-01-02">2 January 2020</time>' in client.get(ADDRESS).text


@pytest.mark.parametrize(
    "edit",
    [
        lambda concept: Concept.objects.filter(slug="exosomes").update(summary="New words."),
        lambda concept: concept.findings.update(shown="New words."),
        lambda concept: Concept.objects.filter(slug="other").update(name="New words"),  # names become links everywhere
        lambda concept: make_finding(concept=concept, shown="New words."),
        lambda concept: concept.findings.all().delete(),
    ],
)
def test_a_page_that_an_edit_did_touch_is_made_anew(client, concept, guide, edit):
    client.get(ADDRESS)
    Concept.objects.filter(slug="exosomes").update(body="It is not New words.")
    before = client.get(ADDRESS)
    edit(concept)
    after = client.get(ADDRESS)

    assert was_made(after)
    assert after.content != before.content


def test_what_a_page_owes_to_what_was_kept_for_another_counts_as_well(client, guide):
    client.get("/compare/")
    client.get("/compare/?goal=nothing")  # shows the same list, which was read for the first
    make_concept(slug="newcomer", name="A newcomer")
    assert "A newcomer" in client.get("/compare/?goal=nothing").text


def test_what_is_published_while_a_page_is_made_is_not_missed_afterwards(client, guide, monkeypatch):
    """The page was told the old words, and the new ones bring an edition of their own."""
    real = pages.Pages.remember

    def late(self, place, recipe):
        monkeypatch.setattr(pages.Pages, "remember", real)
        Concept.objects.filter(slug="exosomes").update(summary="New words.")
        real(self, place, recipe)

    monkeypatch.setattr(pages.Pages, "remember", late)
    assert "New words." not in client.get(ADDRESS).text
    assert "New words." in client.get(ADDRESS).text


def test_a_query_that_writes_is_never_asked_again(db):
    with recorded.recording("none") as recording:
        Concept.objects.filter(slug="none").update(name="New")
    assert not recording.is_repeatable

    with recorded.recording("none") as recording:
        list(Concept.objects.all())
        list(Concept.objects.all())
    assert recording.is_repeatable
    assert len(recording.answers) == 1
    assert recording.is_true("one")
    make_concept()
    assert not recording.is_true("another")


def test_a_query_is_asked_again_only_if_a_table_that_it_reads_changed(db, django_assert_num_queries):
    concept = make_concept()
    with recorded.recording(edition.read().token) as recording:
        list(Concept.objects.filter(aliases__text="none"))
        list(Effect.objects.all())
    make_source()
    token = edition.read().token
    with django_assert_num_queries(1):  # which tables changed
        assert recording.is_true(token)
    concept.aliases.create(text="Another", language="en")
    token = edition.read().token
    with django_assert_num_queries(2):
        assert recording.is_true(token)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT name FROM glossary_historicalconcept ORDER BY history_id",  # of which nobody is told when it changes
        "SELECT c.name FROM glossary_effect e, glossary_historicalconcept c",
        "SELECT e.name FROM glossary_effect AS e , glossary_historicalconcept c",
        "SELECT name FROM glossary_effect UNION SELECT name FROM glossary_historicalconcept",
        "SELECT name FROM glossary_effect WHERE EXISTS (SELECT 1 FROM\n glossary_historicalconcept)",
    ],
)
def test_a_query_is_asked_again_where_a_change_would_not_be_noticed(db, sql):
    assert recorded.state_of(sql, {"glossary_effect": "one"}) is None
    assert recorded.state_of(
        'SELECT name FROM "glossary_effect" e ORDER BY name, slug', {"glossary_effect": "one"}
    ) == ("one",)


def test_what_pages_have_in_common_is_made_anew_only_when_it_changed_or_a_day_is_over(db, monkeypatch):
    made = []

    @edition.kept_each(10)
    def names(pks):
        made.append(pks)
        return dict(Concept.objects.filter(pk__in=pks).values_list("pk", "name"))

    first, second = make_concept(name="First"), make_concept(name="Second")
    assert names([first.pk]) == {first.pk: "First"}
    assert names([first.pk, second.pk]) == {first.pk: "First", second.pk: "Second"}
    Concept.objects.filter(pk=second.pk).update(summary="Of no concern.")
    make_finding()
    assert names([second.pk, first.pk]) == {second.pk: "Second", first.pk: "First"}
    assert made == [[first.pk], [second.pk]]

    Concept.objects.filter(pk=second.pk).update(name="Renamed")
    assert names([first.pk, second.pk]) == {first.pk: "First", second.pk: "Renamed"}
    assert made == [[first.pk], [second.pk], [second.pk]]

    tomorrow = timezone.localdate() + timedelta(days=1)
    monkeypatch.setattr(timezone, "localdate", lambda: tomorrow)
    names([first.pk])
    assert made[3:] == [[first.pk]]


def test_two_answers_to_one_query_are_never_taken_for_one(db):
    make_concept(name="First")
    with recorded.recording("none") as before:
        list(Concept.objects.values_list("name"))
    Concept.objects.update(name="Renamed")
    with recorded.recording("none") as page:
        list(Concept.objects.values_list("name"))
        recorded.add(before)
    assert not page.is_true(edition.read().token)


@pytest.mark.parametrize(
    "change",
    [
        lambda question: Question.objects.filter(pk=question.pk).update(text="Who checks it?"),
        lambda question: question.delete(),
        lambda question: question.categories.clear(),
        lambda question: make_question(text="And who pays?", categories=question.categories.all()),
        lambda question: Finding.objects.update(shown="Quite another result."),
        lambda question: Risk.objects.update(title="Another risk"),
        lambda question: Category.objects.filter(slug="offer").update(performed_by="A nurse."),
        lambda question: Concept.objects.filter(slug="exosomes").update(name="Renamed"),
        lambda question: Concept.objects.filter(slug="other").update(state=State.WITHDRAWN),
    ],
)
def test_a_comparison_after_an_edit_is_what_it_would_be_without_anything_kept(client, guide, concept, change):
    make_risk(concept=concept)
    question = make_question(text="Who made it?", categories=Category.objects.filter(slug="offer"))
    address = "/compare/?item=offer&item=other"
    before = client.get(address)
    client.get("/compare/?item=offer")
    change(question)

    after = client.get(address)
    assert after.content != before.content
    caches["pages"].clear()
    edition.forget()
    pieces.forget()
    assert Client().get(address).content == after.content


def test_a_withdrawn_page_that_is_renamed_is_called_so_at_once(client, guide):
    Concept.objects.filter(pk=guide.pk).update(state=State.WITHDRAWN)
    address = "/compare/?item=offer&item=other"
    assert "Quite other" in client.get(address).text
    Concept.objects.filter(pk=guide.pk).update(name="Renamed since")
    assert "Renamed since" in client.get(address).text


def test_a_page_never_tells_of_a_save_that_was_only_tried_out(client, concept):
    """SQLite gives the number of a record that was undone to the next one."""
    for reason, undone in (("Never said.", True), ("Because of a new trial.", False)):
        with revisions.rehearsal() if undone else nullcontext():
            concept.summary = "New words."
            concept._change_reason = reason
            concept.save()
            if undone:
                trail.of_page(Concept.objects.get(pk=concept.pk))
    text = client.get(ADDRESS).text
    assert "Because of a new trial." in text
    assert "Never said." not in text


def test_what_two_pages_ask_alike_is_asked_once_for_an_edition(db, django_assert_num_queries):
    with recorded.recording("none") as first:
        list(Concept.history.all())
    with recorded.recording("none") as second:
        list(Concept.history.all())
        list(Source.history.all())
    with django_assert_num_queries(3):  # one of them for the tables that changed
        assert first.is_true("one")
        assert second.is_true("one")
    with django_assert_num_queries(2):
        assert first.is_true("another")
