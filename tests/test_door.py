"""What was handed out once is handed out again before Django has begun with the request, for exactly as long as it is true."""

import io
import sys
from wsgiref.util import setup_testing_defaults

import brotli
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from config import pages
from config.door import Door
from glossary import edition
from tests.factories import make_concept

pytestmark = pytest.mark.django_db

ADDRESS = "/glossary/exosomes/"


@pytest.fixture
def concept():
    return make_concept(slug="exosomes", name="Exosomes", summary="Small parcels.")


class Site:
    """The application as a server runs it; `began` counts the requests that got as far as Django."""

    def __init__(self):
        self.django, self.began = WSGIHandler(), 0
        self.door = Door(self.begin)

    def begin(self, environ, start_response):
        self.began += 1
        return self.django(environ, start_response)

    def ask(self, address=ADDRESS, method="GET", **environ):
        """Status, headers and body, as they go over the wire."""
        path, _, query = address.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "HTTP_HOST": "testserver",
            "HTTP_ACCEPT_ENCODING": "br",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
        } | environ
        setup_testing_defaults(environ)
        said = []
        body = b"".join(self.door(environ, lambda status, headers: said.append((status, dict(headers)))))
        ((status, headers),) = said
        return int(status[:3]), headers, body


def lasting(answer):
    """Without what belongs to one moment: a date is given once its second is over."""
    status, headers, body = answer
    return status, {k: v for k, v in headers.items() if k not in ("X-Request-ID", "Last-Modified")}, body


@pytest.fixture
def site(monkeypatch):
    # Tests share one connection, which is not to be closed between two requests.
    monkeypatch.setattr("config.door.close_old_connections", lambda: None)
    for signal in ("request_started", "request_finished"):
        monkeypatch.setattr(f"django.core.signals.{signal}.receivers", [])
    return Site()


def test_the_second_reader_costs_one_query_and_django_nothing(site, concept):
    first = site.ask()
    with CaptureQueriesContext(connection) as queries:
        second = site.ask()

    assert (site.began, len(queries)) == (1, 1)
    assert first[1]["X-Request-ID"]  # the number of one request, and of no other
    assert lasting(second) == lasting(first)
    assert "Small parcels." in brotli.decompress(second[2]).decode()
    assert second[1]["Content-Security-Policy"]


def test_what_is_published_is_there_with_the_next_request(site, concept):
    site.ask()
    concept.summary = "Larger parcels."
    concept.save()
    for _ in range(2):
        assert "Larger parcels." in brotli.decompress(site.ask()[2]).decode()
    assert site.began == 2
    assert len(site.door.ready) == 1  # nothing is left of the edition before


@pytest.mark.parametrize(
    "other",
    [
        {"HTTP_HX_REQUEST": "true"},
        {"HTTP_ACCEPT_ENCODING": "gzip"},
        {"HTTP_ACCEPT_ENCODING": ""},
        {"address": f"{ADDRESS}?route=injected"},
        {"HTTP_HOST": "elsewhere.example"},
        {"wsgi.url_scheme": "https"},
        {"SCRIPT_NAME": "/guide"},
        {"method": "POST"},
    ],
)
def test_who_asks_for_something_else_gets_that(site, concept, other):
    alone = Site().ask(**other)
    site.ask()
    answer = site.ask(**other)

    assert site.began == 2
    assert lasting(answer) == lasting(alone)


def test_who_asks_for_the_head_gets_no_body(site, concept):
    headers = lasting(site.ask())[1]
    assert lasting(site.ask(method="HEAD")) == (200, headers, b"")


def test_a_browser_whose_copy_is_good_is_told_so_in_one_query(site, concept):
    known = {"HTTP_IF_NONE_MATCH": site.ask()[1]["ETag"], "HTTP_IF_MODIFIED_SINCE": "Sat, 01 Jan 2000 00:00:00 GMT"}
    with CaptureQueriesContext(connection) as queries:
        status, headers, body = site.ask(**known)

    assert (status, body, site.began, len(queries)) == (304, b"", 1, 1)
    assert headers["ETag"] == known["HTTP_IF_NONE_MATCH"]
    assert headers["Cache-Control"] == pages.CACHE_CONTROL
    assert site.ask(HTTP_IF_NONE_MATCH='W/"other"')[0] == 200

    concept.save()
    assert site.ask(**known)[0] == 200


def test_the_day_of_a_browsers_copy_is_judged_where_all_days_are(site, concept):
    site.ask()
    assert site.ask(HTTP_IF_MODIFIED_SINCE="Sat, 01 Jan 2000 00:00:00 GMT")[0] == 200
    assert site.ask(HTTP_IF_MODIFIED_SINCE="Sat, 01 Jan 2200 00:00:00 GMT")[0] == 304
    assert site.began == 3


def test_nobody_is_handed_what_is_not_for_everybody(site, concept):
    for address in ("/admin/login/", "/healthz", "/glossary/nothing-there/", f"{ADDRESS}?utm_source=letter"):
        site.ask(address)
        site.ask(address)
    assert not site.door.ready


def test_without_a_database_the_copy_says_that_it_is_old(site, concept, monkeypatch):
    site.ask()

    def gone():
        raise OperationalError("gone")

    monkeypatch.setattr(edition, "read", gone)
    status, _, body = site.ask()
    assert status == 200
    assert "An older copy." in brotli.decompress(body).decode()


def test_what_is_kept_has_a_bound(site, concept, monkeypatch):
    monkeypatch.setattr("config.door.MOST", 2)
    for query in ("a", "b", "c"):
        site.ask(f"/glossary/?q={query}")
    assert [asked[6] for asked in site.door.ready] == ["q=b", "q=c"]

    monkeypatch.setattr("config.door.LARGEST", 10)
    site.ask("/glossary/?q=d")
    assert len(site.door.ready) == 2


def test_a_date_is_given_once_its_second_is_over_and_to_nginx_the_present_one(site, concept, monkeypatch, settings):
    now = [pages.STARTED.timestamp()]
    monkeypatch.setattr("time.time", lambda: now[0])
    settings.TRUST_PROXY_HEADERS = True
    site.ask()
    now[0] = site.ask()[1].get("Last-Modified", 0) or now[0]  # within the second of the edition there is none
    assert isinstance(now[0], float)

    now[0] += 86_400
    headers = site.ask()[1]
    assert headers["Last-Modified"]
    assert headers["X-Accel-Expires"] == f"@{int(now[0])}"
