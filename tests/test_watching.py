"""What whoever runs the site can see of it: lines in the log, numbers, reports; and that no visitor is in them."""

import gzip
import json
import logging
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import brotli
import pytest
from django.conf import settings
from django.db import InternalError, OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from config import logs, views
from products import search_index
from tests.factories import make_category, make_concept

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

NUMBER = re.compile(r"[0-9a-f]{16}")


class Lines(logging.Handler):
    """Everything that is logged, as it would be written in production."""

    def __init__(self):
        super().__init__()
        self.text = []

    def emit(self, record):
        self.text.append(logs.JsonLines().format(record))

    def requests(self):
        return [line for line in map(json.loads, self.text) if line["message"] == "answered"]


@pytest.fixture
def lines():
    handler = Lines()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def broken(monkeypatch):
    """`broken(error)`: from now on, whoever looks at a concept meets this error."""

    def broken(error):
        def fails(*args, **kwargs):
            raise error

        monkeypatch.setattr("glossary.models.ConceptQuerySet.published", fails)

    return broken


@pytest.fixture
def visitor():
    """A visitor who gets to see the error page, where the test client would raise the error."""
    return Client(raise_request_exception=False, headers={"user-agent": "Browser of a visitor"})


# --- Lines


def test_each_request_is_one_line_with_number_route_status_and_time(client, lines):
    concept = make_concept()
    response = client.get(f"/glossary/{concept.slug}/?q=secret-words", REMOTE_ADDR="203.0.113.7")

    [line] = lines.requests()
    assert NUMBER.fullmatch(line["request"])
    assert response.headers["X-Request-ID"] == line["request"]
    assert (line["level"], line["logger"]) == ("INFO", "config.logs")
    assert (line["method"], line["route"], line["status"]) == ("GET", "glossary:concept_detail", 200)
    assert line["ms"] > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert "secret-words" not in "".join(lines.text)
    assert "203.0.113.7" not in "".join(lines.text)


def test_a_page_kept_from_before_has_neither_line_nor_number(client, lines):
    make_concept(slug="exosomes")
    client.get("/glossary/exosomes/")
    response = client.get("/glossary/exosomes/")

    assert "X-Request-ID" not in response.headers
    assert len(lines.requests()) == 1


@pytest.mark.parametrize(
    ("method", "address", "data"),
    [
        ("post", "/check/", {"text": "reverses secret-words in 7 days"}),
        ("get", "/search/?q=secret-words", {}),
        ("get", "/secret-words/", {}),
        ("get", "/api/secret-words", {}),
        ("get", "/glossary/secret-words/", {}),
        ("post", "/admin/login/", {"username": "secret-words", "password": "secret-words"}),
    ],
)
def test_no_line_holds_what_a_visitor_typed(visitor, lines, method, address, data):
    getattr(visitor, method)(address, data)

    assert lines.requests()
    assert "secret-words" not in "".join(lines.text)


def test_a_host_name_or_an_error_quotes_no_visitor_either(visitor, lines, broken):
    assert visitor.get("/glossary/", headers={"host": "secret-words.example.org"}).status_code == 400
    broken(ValueError("invalid literal for int(): 'secret-words'"))
    visitor.get("/glossary/")

    text = "".join(lines.text)
    assert "secret-words" not in text
    [refused, error] = [line for line in map(json.loads, lines.text) if line.get("error")]
    assert refused["message"] == "Refused: DisallowedHost"
    assert error["message"] == "Internal Server Error"
    assert error["error"] == "ValueError"
    assert any("glossary/views.py" in place for place in error["where"])


def test_who_only_watches_leaves_no_line(client, lines):
    client.get("/healthz")

    assert not lines.requests()


def test_a_proxy_may_give_the_number_if_it_is_trusted_and_the_number_is_one(client, settings):
    make_concept()
    given = "3f1c9a70-77b2-4f6e-9b0e-1d2f3a4b5c6d"
    assert client.get("/search/", headers={"x-request-id": given}).headers["X-Request-ID"] != given
    settings.TRUST_PROXY_HEADERS = True
    assert client.get("/search/", headers={"x-request-id": given}).headers["X-Request-ID"] == given
    for bad in ("short", "with space in it", "<script>alert(1)</script>", "x" * 65):
        assert NUMBER.fullmatch(client.get("/search/", headers={"x-request-id": bad}).headers["X-Request-ID"])


def test_the_error_page_says_the_number_of_the_line(visitor, lines, broken):
    broken(RuntimeError())
    response = visitor.get("/glossary/")

    assert response.status_code == 500
    assert response.headers["X-Request-ID"] in response.text
    assert response.headers["X-Request-ID"] == lines.requests()[0]["request"]


def test_development_reads_the_same_as_words(client, caplog):
    caplog.set_level(logging.INFO)
    client.get("/search/")
    [record] = [r for r in caplog.records if r.name == "config.logs"]

    assert re.search(r"INFO {4}answered {2}.*status=200 ms=", logs.Readable().format(record))


# --- Numbers


@pytest.fixture
def numbers(client, settings):
    """`numbers()`: all numbers by name and labels, as Prometheus reads them."""
    settings.METRICS_TOKEN = "a-token"

    def numbers():
        response = client.get("/metrics", headers={"authorization": "Bearer a-token"})
        assert response.status_code == 200
        families = text_string_to_metric_families(response.text)
        return {(s.name, *sorted(s.labels.items())): s.value for family in families for s in family.samples}

    return numbers


def test_without_the_token_there_are_no_numbers(client, settings):
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 404
    settings.METRICS_TOKEN = "a-token"
    for wrong in ("", "Bearer", "Bearer a-toke", "Bearer a-token2", "a-token", "Basic a-token", "Bearer ä"):
        assert client.get("/metrics", headers={"authorization": wrong}).status_code == 404


def test_requests_are_counted_by_route_and_kept_pages_by_where_they_came_from(client, numbers):
    make_concept(slug="exosomes")
    before = numbers()
    for _ in range(3):
        client.get("/glossary/exosomes/?utm_source=x")
    client.get("/glossary/nothing-here/")
    after = numbers()

    def grown(name, **labels):
        key = (name, *sorted(labels.items()))
        return after.get(key, 0) - before.get(key, 0)

    route = {"route": "glossary:concept_detail"}
    assert grown("guide_answers_total", **route, method="GET", status="200") == 1
    assert grown("guide_answers_total", **route, method="GET", status="404") == 1
    assert grown("guide_answer_seconds_count", **route) == 2
    assert grown("guide_kept_pages_total", **{"from": "store"}) == 2
    assert grown("guide_kept_pages_total", **{"from": "made"}) == 2


def test_numbers_tell_of_the_content_and_of_work_that_waits(numbers):
    before = numbers()
    make_concept()
    after = numbers()

    assert after["guide_edition",] > before["guide_edition",]
    assert after["guide_database_up",] == 1
    assert after["guide_work_waiting", ("state", "in-review")] == 0


def test_numbers_go_on_without_a_database(numbers, monkeypatch):
    def fails():
        raise OperationalError

    monkeypatch.setattr("glossary.edition.read", fails)

    assert numbers()["guide_database_up",] == 0


# --- Ready?


def test_ready_again_and_again_costs_little(client):
    make_concept()
    make_category()
    search_index.rebuild()
    assert client.get("/readyz").json() == {"ready": True, "missing": []}
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/readyz").status_code == 200
    assert len(queries) <= 3


def test_a_process_that_answers_needs_no_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/healthz").text == "ok\n"


# --- The database does not do what it is asked


def failing(django_error, cause):
    error = django_error(str(cause))
    error.__cause__ = cause
    return error


def sqlite_error(words):
    import sqlite3

    return failing(OperationalError, sqlite3.OperationalError(words))


def postgresql_error(name, django_error=OperationalError):
    from psycopg import errors

    return failing(django_error, getattr(errors, name)("server said so"))


TROUBLES = [
    (sqlite_error("database is locked"), 503, "Our database is busy"),
    (sqlite_error("database or disk is full"), 507, "There is no room left"),
    (sqlite_error("attempt to write a readonly database"), 503, "Nothing can be saved just now"),
    (sqlite_error("unable to open database file"), 503, "does not answer"),
    (postgresql_error("DiskFull"), 507, "There is no room left"),
    (postgresql_error("ReadOnlySqlTransaction", InternalError), 503, "Nothing can be saved just now"),
    (postgresql_error("QueryCanceled"), 503, "Our database is busy"),
    (postgresql_error("AdminShutdown"), 503, "does not answer"),
]


@pytest.mark.parametrize(("error", "status", "words"), TROUBLES)
def test_trouble_with_the_database_has_a_page_of_its_own(visitor, broken, error, status, words):
    broken(error)
    response = visitor.get("/glossary/")

    assert response.status_code == status
    assert words in response.text
    assert int(response.headers["Retry-After"]) > 0
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Request-ID"] in response.text
    assert not response.cookies
    assert 'class="site-header"' in response.text


def test_an_error_of_ours_in_a_query_is_no_trouble_with_the_database(visitor, broken):
    broken(sqlite_error("no such column: nothing"))

    assert visitor.get("/glossary/").status_code == 500


def test_a_program_is_told_in_its_own_words(visitor, broken):
    broken(sqlite_error("unable to open database file"))
    response = visitor.get("/api/concepts")

    assert response.status_code == 503
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Retry-After"] == "10"


def test_the_page_asks_nothing_of_the_database(rf, django_assert_num_queries):
    from config.database import AWAY

    with django_assert_num_queries(0):
        assert views.unavailable(rf.get("/glossary/"), AWAY).status_code == 503


def test_what_an_editor_typed_is_still_there(admin_client, monkeypatch):
    concept = make_concept()

    def fails(*args):
        raise sqlite_error("database or disk is full")

    monkeypatch.setattr("glossary.revisions.lock", fails)
    admin_client.raise_request_exception = False
    typed = {"name": "New words & more", "change_reason": "Clearer"}
    address = f"/admin/glossary/concept/{concept.pk}/change/"
    response = admin_client.post(address, typed, headers={"sec-fetch-site": "same-origin"})

    assert response.status_code == 507
    assert "Nothing was saved, and nothing is lost" in response.text
    assert 'name="name" aria-label="name" hidden>\nNew words &amp; more</textarea>' in response.text
    assert f'action="{address}"' in response.text
    assert "csrfmiddlewaretoken" in response.text


def test_a_text_for_the_ad_check_is_still_there(visitor, broken, monkeypatch):
    def fails(*args):
        raise sqlite_error("unable to open database file")

    monkeypatch.setattr("products.adcheck.read_text", fails)
    response = visitor.post("/check/", {"text": "Reverses ageing & more"})

    assert response.status_code == 503
    assert 'name="text" aria-label="text" hidden>\nReverses ageing &amp; more</textarea>' in response.text
    assert not response.cookies


# --- Reports of errors

PROVOKED = """
import sys
import django
django.setup()
from django.test import Client
from django.conf import settings
import sentry_sdk
settings.ALLOWED_HOSTS = ["testserver"]
settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
import products.views
def fails(text):
    local = text
    raise ValueError(f"cannot read {text}")
products.views.adcheck.read_text = fails
words, address = sys.stdin.read().split()  # lines of this program are in the report
answer = Client(raise_request_exception=False).post(
    f"/check/?q={words}", {"text": words}, REMOTE_ADDR=address, HTTP_COOKIE=f"a={words}",
)
print(answer.status_code, answer.headers["X-Request-ID"])
sentry_sdk.flush()
"""


def test_a_report_tells_where_it_broke_and_nothing_of_the_visitor(tmp_path):
    got = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            unpack = {"gzip": gzip.decompress, "br": brotli.decompress}
            got.append(unpack[self.headers["Content-Encoding"]](body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        env = {"PATH": "", "DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "config.settings"}
        env["SENTRY_DSN"] = f"http://key@127.0.0.1:{server.server_port}/1"
        done = subprocess.run(
            [sys.executable, "-c", PROVOKED],
            cwd=settings.BASE_DIR, env=env, input="secret-words 203.0.113.7", capture_output=True, text=True, check=False,
        )  # fmt: skip
        server.shutdown()

    assert done.returncode == 0, done.stderr
    status, number = done.stdout.split()
    assert status == "500"
    text = b"".join(got).decode()
    event = next(json.loads(line) for line in text.splitlines() if '"exception"' in line)
    assert event["exception"]["values"][-1]["type"] == "ValueError"
    assert event["tags"] == {"request": number, "method": "POST"}
    assert event["transaction"] == "products:check"
    assert "secret-words" not in text + done.stderr
    assert "203.0.113.7" not in text
    assert "vars" not in text


def test_without_a_setting_nothing_is_loaded_that_could_report(tmp_path):
    env = {"PATH": "", "DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "config.settings"}
    code = "import sys, django; django.setup(); import config.urls; print('sentry_sdk' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=settings.BASE_DIR, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
