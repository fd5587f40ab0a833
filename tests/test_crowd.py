"""When more people ask than can be served, the rest are told at once, and nothing of theirs is lost."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from config import crowd

pytestmark = pytest.mark.one_database


class Site:
    """The site behind the middleware, with answers that wait until `go_on` is set."""

    def __init__(self):
        self.go_on = threading.Event()
        self.begun = threading.Semaphore(0)
        self.door = crowd.bounded(self.answer)

    def answer(self, request):
        self.begun.release()
        assert self.go_on.wait(10)
        return HttpResponse("served")

    def ask(self, address, **data):
        factory = RequestFactory()
        return self.door(factory.post(address, data) if data else factory.get(address))


@pytest.fixture
def full():
    """The site with every place for readers taken until the test ends."""
    site = Site()
    with ThreadPoolExecutor(crowd.AT_ONCE) as readers:
        asked = [readers.submit(site.ask, "/glossary/") for _ in range(crowd.AT_ONCE)]
        for _ in asked:
            assert site.begun.acquire(timeout=10)
        yield site
        site.go_on.set()
        assert [answer.result().status_code for answer in asked] == [200] * crowd.AT_ONCE


@pytest.fixture(autouse=True)
def calm(monkeypatch):
    """A process that had a moment's rest just now."""
    queue = crowd.Queue()
    monkeypatch.setattr(crowd, "queue", queue)
    return queue


@pytest.fixture
def queue(calm):
    """A queue that has been standing for a while."""
    calm.last_rest = time.monotonic() - 60
    calm.share_free = 0.0
    return calm


def test_who_would_stand_in_a_long_queue_is_told_when_to_come_back(full, queue):
    began = time.monotonic()
    response = full.ask("/glossary/")

    assert time.monotonic() - began < crowd.PATIENCE
    assert response.status_code == 503
    assert response.headers["Retry-After"] == str(crowd.RETRY_AFTER)
    assert response.headers["Cache-Control"] == "no-store"
    assert "Many people are here at once" in response.text


def test_without_a_queue_who_comes_waits_for_a_place_but_not_for_ever(full, monkeypatch):
    monkeypatch.setattr(crowd, "PATIENCE", 0.3)
    began = time.monotonic()
    assert full.ask("/glossary/").status_code == 503
    assert time.monotonic() - began >= 0.3


def test_who_waits_is_served_when_a_place_is_free():
    site = Site()
    with ThreadPoolExecutor(crowd.AT_ONCE + 3) as readers:
        answers = [readers.submit(site.ask, "/glossary/") for _ in range(crowd.AT_ONCE + 3)]
        for _ in range(crowd.AT_ONCE):
            assert site.begun.acquire(timeout=10)
        site.go_on.set()
        assert [answer.result(timeout=5).status_code for answer in answers] == [200] * (crowd.AT_ONCE + 3)


def test_with_a_place_free_a_queue_is_no_reason_to_say_no(queue):
    site = Site()
    site.go_on.set()
    assert site.ask("/glossary/").status_code == 200


def ask_without_pause(queue, readers):
    """So many at once, each with the next request as soon as the last is answered, for longer than a queue may stand."""
    until = time.monotonic() + crowd.STANDING + 0.3

    def reader():
        while time.monotonic() < until:
            queue.begin()
            time.sleep(0.001)
            queue.end()

    with ThreadPoolExecutor(readers) as threads:
        for done in [threads.submit(reader) for _ in range(readers)]:
            done.result()


def test_threads_that_never_rest_have_a_queue_behind_them(settings):
    queue = crowd.Queue()
    ask_without_pause(queue, settings.THREADS)
    assert queue.is_standing

    time.sleep(crowd.REST * 1.5)
    queue.begin()
    assert not queue.is_standing


def test_one_reader_who_asks_without_a_pause_is_no_queue():
    queue = crowd.Queue()
    ask_without_pause(queue, 1)
    assert not queue.is_standing


def test_while_the_queue_stands_there_is_a_pause_after_each_page(queue):
    site = Site()
    site.go_on.set()
    assert site.ask("/glossary/").status_code == 200
    time.sleep(0.1)  # the page took no time, so the pause is over
    assert site.ask("/glossary/").status_code == 200
    queue.give_back(60)
    assert site.ask("/glossary/").status_code == 503
    queue.share_free = 1.0
    assert site.ask("/glossary/").status_code == 200


def test_readers_take_no_place_from_editors_and_the_watch_needs_none(full, queue):
    with ThreadPoolExecutor(2) as others:
        answers = [others.submit(full.ask, "/admin/"), others.submit(full.ask, "/healthz")]
        for _ in answers:
            assert full.begun.acquire(timeout=10)
        full.go_on.set()
        assert [answer.result().status_code for answer in answers] == [200, 200]


def test_a_text_for_the_ad_check_is_still_there(full, queue):
    response = full.ask("/check/", text="Reverses ageing in 7 days & more")

    assert response.status_code == 503
    assert "Reverses ageing in 7 days &amp; more</textarea>" in response.text
    assert "Reverses" not in full.ask("/check/").text


def test_a_program_is_told_in_its_own_words(full, queue):
    response = full.ask("/api/concepts")

    assert response.status_code == 503
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Retry-After"]


def test_a_place_is_given_back_after_an_error(queue):
    def fails(request):
        raise RuntimeError

    door = crowd.bounded(fails)
    for _ in range(crowd.AT_ONCE + 1):
        with pytest.raises(RuntimeError):
            door(RequestFactory().get("/"))
