"""When more people ask than can be served, the rest are told at once, and nothing of theirs is lost."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from config import crowd


class Site:
    """The site behind the middleware, with answers that wait until `go_on` is set."""

    def __init__(self, may_begin=100):
        self.go_on = threading.Event()
        self.begun = threading.Semaphore(0)
        self.door = crowd.Crowd(self.answer)

    def answer(self, request):
        self.begun.release()
        assert self.go_on.wait(10)
        return HttpResponse("served")

    def ask(self, address, **data):
        factory = RequestFactory()
        return self.door(factory.post(address, data) if data else factory.get(address))


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setattr(crowd, "PATIENCE", 0.2)
    return Site()


@pytest.fixture
def full(site):
    """The site with every place for readers taken until the test ends."""
    with ThreadPoolExecutor(crowd.AT_ONCE) as readers:
        asked = [readers.submit(site.ask, "/glossary/") for _ in range(crowd.AT_ONCE)]
        for _ in asked:
            assert site.begun.acquire(timeout=10)
        yield site
        site.go_on.set()
        assert [answer.result().status_code for answer in asked] == [200] * crowd.AT_ONCE


def test_who_finds_no_place_is_told_when_to_come_back(full):
    response = full.ask("/glossary/")

    assert response.status_code == 503
    assert response.headers["Retry-After"] == str(crowd.RETRY_AFTER)
    assert response.headers["Cache-Control"] == "no-store"
    assert "Many people are here at once" in response.text
    assert 'href="/glossary/"' in response.text


def test_the_queue_has_an_end(full):
    with ThreadPoolExecutor(20) as crowd_of_readers:
        answers = [crowd_of_readers.submit(full.ask, "/glossary/") for _ in range(20)]
        assert {answer.result(timeout=5).status_code for answer in answers} == {503}


def test_who_waits_is_served_when_a_place_is_free():
    site = Site()
    with ThreadPoolExecutor(crowd.AT_ONCE + 1) as readers:
        answers = [readers.submit(site.ask, "/glossary/") for _ in range(crowd.AT_ONCE + 1)]
        for _ in range(crowd.AT_ONCE):
            assert site.begun.acquire(timeout=10)
        site.go_on.set()
        assert [answer.result(timeout=5).status_code for answer in answers] == [200] * (crowd.AT_ONCE + 1)


def test_readers_take_no_place_from_editors_and_the_watch_needs_none(full):
    with ThreadPoolExecutor(2) as others:
        answers = [others.submit(full.ask, "/admin/"), others.submit(full.ask, "/healthz")]
        for _ in answers:
            assert full.begun.acquire(timeout=10)
        full.go_on.set()
        assert [answer.result().status_code for answer in answers] == [200, 200]


def test_a_text_for_the_ad_check_is_still_there(full):
    response = full.ask("/check/", text="Reverses ageing in 7 days & more")

    assert response.status_code == 503
    assert "Reverses ageing in 7 days &amp; more</textarea>" in response.text


def test_a_program_is_told_in_its_own_words(full):
    response = full.ask("/api/concepts")

    assert response.status_code == 503
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Retry-After"]


def test_a_place_is_given_back_after_an_error():
    def fails(request):
        raise RuntimeError

    door = crowd.Crowd(fails)
    for _ in range(crowd.AT_ONCE + crowd.MAY_WAIT + 1):
        with pytest.raises(RuntimeError):
            door(RequestFactory().get("/"))
