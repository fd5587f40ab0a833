"""`manage.py check_links` against a real server on this machine."""

import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from itertools import pairwise

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from glossary import links
from glossary.models import LinkCheck, Source
from tests.factories import make_reporting_body, make_source

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

ANSWERS = {
    "/fine": (200, {}, b""),
    "/moved": (301, {"Location": "/fine"}, b""),
    "/for-now": (302, {"Location": "/fine"}, b""),
    "/old-page": (302, {"Location": "/"}, b""),
    "/to-error-page": (302, {"Location": "/errors/404.html"}, b""),
    "/guarded": (403, {}, b"<title>Forbidden</title>"),
    "/cloudflare": (503, {"cf-mitigated": "challenge"}, b"<title>Just a moment...</title>"),
    "/puzzle": (404, {}, b"Please solve this captcha"),
    "/missing": (404, {}, b"No such page"),
    "/gone": (410, {}, b""),
    "/fault": (500, {}, b""),
    "/circle": (302, {"Location": "/circle-back"}, b""),
    "/circle-back": (302, {"Location": "/circle"}, b""),
    "/to-mail": (302, {"Location": "mailto:a@example.org"}, b""),
    "/much-later": (429, {"Retry-After": "86400"}, b""),
}


class Handler(BaseHTTPRequestHandler):
    """Answers by the path; keeps what it was asked, and when."""

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        server, path = self.server, self.path.split("?")[0]
        server.asked.append((self.command, path, time.monotonic()))
        server.agents.add(self.headers["User-Agent"])
        before = sum(asked == path for _, asked, _ in server.asked) - 1
        if path == "/slow":
            server.over.wait(20)
        elif path == "/drip":
            self.drip(b"HTTP/1.0 200 OK\r\n" + b"X-Long: " + b"y" * 1000)
        elif path == "/endless":
            self.send_response(404)
            self.end_headers()
            if self.command == "GET":
                self.pour()
        elif path == "/deep":
            self.send(302, {"Location": f"/deep?{self.path.count('x') * 'x' + 'x'}"}, b"")
        elif path == "/keeps-cookies":
            if self.headers["Cookie"] == "seen=yes":
                self.send(200, {}, b"")
            else:
                self.send(302, {"Location": path, "Set-Cookie": "seen=yes; Path=/"}, b"")
        elif path == "/only-get":
            self.send(405 if self.command == "HEAD" else 200, {}, b"")
        elif path == "/recovers":
            self.send(200 if before >= 2 else 500, {}, b"")
        elif path == "/busy":
            self.send(200 if before else 429, {"Retry-After": "7"}, b"")
        else:
            self.send(*ANSWERS.get(path, (200, {}, b"")))

    def send(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def drip(self, text):
        try:
            for byte in text:
                if self.server.over.wait(0.3):
                    return
                self.wfile.write(bytes([byte]))
        except OSError:
            pass

    def pour(self):
        try:
            while not self.server.over.is_set():
                self.wfile.write(b"x" * 65536)
                self.server.poured += 65536
        except OSError:
            pass

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    server.asked, server.agents, server.poured, server.over = [], set(), 0, threading.Event()
    server.root = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def slept(monkeypatch):
    """No test waits: how long the checker would have slept, in seconds."""
    naps = []
    monkeypatch.setattr(links, "sleep", naps.append)
    return naps


def check(*, local=True, **options):
    """What the command printed."""
    out = StringIO()
    options = {"pause": 0, "timeout": 5, "older_than": 0, "verbosity": 2} | options
    call_command("check_links", stdout=out, allow_local=local, **options)
    return out.getvalue()


def outcome(server, path, **options):
    make_source(url=server.root + path)
    check(**options)
    return LinkCheck.objects.get(url=server.root + path)


# --- The word for each answer


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/fine", "fine"),
        ("/only-get", "fine"),
        ("/for-now", "fine"),
        ("/moved", "moved"),
        ("/old-page", "home"),
        ("/to-error-page", "home"),
        ("/guarded", "guarded"),
        ("/cloudflare", "guarded"),
        ("/puzzle", "guarded"),
        ("/missing", "missing"),
        ("/gone", "gone"),
        ("/fault", "fault"),
        ("/keeps-cookies", "fine"),
        ("/circle", "loop"),
        ("/deep", "loop"),
        ("/to-mail", "loop"),
        ("/busy", "fine"),
        ("/recovers", "fine"),
        ("/much-later", "busy"),
    ],
)
def test_each_answer_has_its_word(server, slept, path, word):
    assert outcome(server, path).outcome == word


def test_where_a_moved_page_now_is_can_be_read(server):
    assert outcome(server, "/moved").final_url == f"{server.root}/fine"


def test_an_address_of_no_host_and_one_without_a_certificate_are_told_apart(server, monkeypatch):
    make_source(url=server.root + "/fine")
    make_source(url="http://no-such-host.invalid/page")
    make_source(url=server.root.replace("http:", "https:") + "/page")
    check()
    assert LinkCheck.objects.get(url__contains="invalid").outcome == "no-host"
    assert LinkCheck.objects.get(url__startswith="https").outcome == "certificate"


@pytest.mark.parametrize("path", ["/slow", "/drip"])
def test_a_server_that_never_finishes_costs_a_few_seconds(server, path):
    make_source(url=server.root + "/fine")
    started = time.monotonic()
    assert outcome(server, path, timeout=0.5).outcome == "silent"
    assert time.monotonic() - started < 30  # seconds: for ever is what it must not take


def test_of_an_endless_page_only_the_beginning_is_read(server):
    assert outcome(server, "/endless").outcome == "missing"
    time.sleep(0.1)
    assert server.poured < 20_000_000


# --- Manners


def test_it_says_who_is_asking(server, settings):
    settings.SITE_URL = "https://guide.example.org"
    outcome(server, "/fine")
    assert server.agents == {"ClaimedAndShown-LinkCheck/1.0 (+https://guide.example.org/about/)"}


def test_a_page_that_answers_is_asked_once_and_not_fetched(server):
    outcome(server, "/fine")
    assert [(method, path) for method, path, _ in server.asked] == [("HEAD", "/fine")]


def test_between_two_requests_to_one_host_there_is_a_pause(server):
    for number in range(3):
        make_source(url=f"{server.root}/fine?{number}")
    check(pause=0.3)
    times = [when for *_, when in server.asked]
    assert len(times) == 3
    assert all(later - earlier >= 0.29 for earlier, later in pairwise(times))


def test_it_waits_as_long_as_a_busy_server_asks(server, slept):
    outcome(server, "/busy")
    assert slept == [7]


def test_it_waits_longer_before_each_further_try(server, slept):
    outcome(server, "/fault")
    assert slept == [2, 4]
    assert len(server.asked) == 6  # HEAD and GET, three times


def test_a_server_that_asks_us_to_come_tomorrow_is_left_alone(server, slept):
    outcome(server, "/much-later")
    assert slept == []
    assert len(server.asked) == 1


def test_hosts_take_turns():
    urls = ["http://a/1", "http://a/2", "http://a/3", "http://b/1"]
    assert links.due(urls, 7) == ["http://a/1", "http://b/1", "http://a/2", "http://a/3"]


# --- Bounds


def test_no_more_than_the_limit_are_asked_and_the_next_run_goes_on(server):
    for number in range(5):
        make_source(url=f"{server.root}/fine?{number}")
    assert "3 asked now, 0 asked lately, 2 left" in check(limit=3, older_than=7)
    assert "2 asked now, 3 asked lately, 0 left" in check(limit=3, older_than=7)
    assert len(server.asked) == LinkCheck.objects.count() == 5


def test_what_was_asked_lately_is_left_alone_and_what_failed_comes_up_the_next_day(server):
    make_source(url=server.root + "/fine")
    make_source(url=server.root + "/missing")
    check()
    LinkCheck.objects.update(checked_at=timezone.now() - timedelta(days=1))
    assert links.due(links.addresses(), 7) == [server.root + "/missing"]
    LinkCheck.objects.update(checked_at=timezone.now() - timedelta(days=8))
    assert len(links.due(links.addresses(), 7)) == 2


def test_a_run_ends_in_time_and_keeps_what_it_has(server):
    for number in range(20):
        make_source(url=f"{server.root}/fine?{number}")
    started = time.monotonic()
    assert "left" in check(seconds=1, pause=0.4)
    assert time.monotonic() - started < 7  # all twenty would take eight
    assert 0 < LinkCheck.objects.count() < 20


@pytest.mark.parametrize("option", ["limit", "seconds", "timeout", "older_than", "pause"])
def test_a_number_that_makes_no_sense_is_refused_in_words(option):
    with pytest.raises(CommandError, match=option.replace("_", "-")):
        check(**{option: -1})


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://0.0.0.0/",
        "http://2130706433/",
    ],
)
def test_no_address_inside_a_network_is_asked(url):
    assert links.Asker(pause=0, timeout=1).ask(url).outcome == "inside"


def test_a_public_page_cannot_send_us_inside(server, monkeypatch):
    """The server's own address counts as public here, the one that it names does not."""
    monkeypatch.setattr(links, "is_public", lambda number: number == "127.0.0.1")
    monkeypatch.setitem(ANSWERS, "/inwards", (302, {"Location": "http://127.0.0.2:1/secret"}, b""))
    make_source(url=server.root + "/inwards")
    check(local=False)
    assert LinkCheck.objects.get().outcome == "inside"


@pytest.mark.parametrize("url", ["ftp://example.org/file", "http://", "http://[broken/", "nonsense"])
def test_what_is_no_address_of_the_web_is_not_asked_and_no_failure(url):
    assert links.Asker(pause=0, timeout=1).ask(url).outcome == "unasked"
    assert "unasked" in LinkCheck.UNCLEAR


def test_a_foreign_name_is_asked_in_ascii():
    assert links.askable("http://例え.jp:81/a?b=1") == "http://xn--r8jz45g.jp:81/a?b=1"


def test_without_permission_this_machines_own_server_is_not_asked(server):
    make_source(url=server.root + "/fine")
    check(local=False)
    assert server.asked == []


# --- What is remembered


def days_of_looking(server, *paths):
    """The same address looked at on as many days, answering as each path does."""
    url = server.root + "/page"
    source = make_source(url=url)
    for path in paths:
        ANSWERS["/page"] = ANSWERS[path]
        check()
        LinkCheck.objects.filter(last_failed_on__isnull=False).update(
            last_failed_on=timezone.localdate() - timedelta(days=1)
        )
    del ANSWERS["/page"]
    assert Source.objects.get(pk=source.pk).url == url
    return LinkCheck.objects.get(url=url)


def test_an_address_is_dead_after_three_failures_on_different_days(server):
    assert not days_of_looking(server, "/missing", "/missing").is_dead
    LinkCheck.objects.all().delete()
    dead = days_of_looking(server, "/missing", "/old-page", "/missing")
    assert dead.is_dead
    assert list(LinkCheck.objects.dead()) == [dead]
    assert dead.first_failed_at


def test_three_failures_on_one_day_count_once(server):
    make_source(url=server.root + "/missing")
    for _ in range(3):
        check()
    assert LinkCheck.objects.get().failed_days == 1
    assert not LinkCheck.objects.dead()


def test_a_page_that_its_owner_removed_is_dead_at_once(server):
    assert outcome(server, "/gone").is_dead
    assert LinkCheck.objects.dead().count() == 1


def test_a_guard_neither_counts_as_a_failure_nor_ends_a_row_of_them(server):
    assert days_of_looking(server, "/guarded", "/guarded", "/guarded").failed_days == 0
    LinkCheck.objects.all().delete()
    assert days_of_looking(server, "/missing", "/missing", "/guarded", "/missing").is_dead


def test_a_page_that_answers_again_starts_anew(server):
    again = days_of_looking(server, "/missing", "/missing", "/fine", "/missing")
    assert again.failed_days == 1


def test_nothing_is_written_when_nothing_can_be_reached():
    make_source(url="http://no-such-host.invalid/page")
    make_source(url="http://127.0.0.1:1/page")
    with pytest.raises(CommandError, match=r"None of 2 addresses could be reached.*Nothing was written down"):
        check()
    assert not LinkCheck.objects.exists()


def test_a_machine_without_a_way_out_gives_up_soon():
    asker = links.Asker(pause=0, timeout=1)
    answers = list(links.run([f"http://no-such-host-{n}.invalid/" for n in range(50)], asker))
    assert len(answers) == 21
    assert answers[-1].is_offline


def test_a_network_lost_on_the_way_is_nobodys_fault(server):
    make_source(url=server.root + "/fine")
    make_source(url="http://127.0.0.1:1/page")
    asker = links.Asker(pause=0, timeout=1, allow_local=True)
    run = links.run([server.root + "/fine", "http://127.0.0.1:1/page"], asker)
    assert next(run).outcome == "fine"
    server.shutdown()
    server.server_close()
    report = list(run)[-1]
    assert report.unsaved == 1
    assert not report.is_offline
    assert LinkCheck.objects.get().outcome == "fine"


def test_failures_are_believed_when_a_site_known_from_earlier_answers(server):
    LinkCheck.objects.create(url=server.root + "/fine", outcome="fine", checked_at=timezone.now())
    asker = links.Asker(pause=0, timeout=1, allow_local=True)
    assert list(links.run(["http://no-such-host.invalid/page"], asker))[-1].unsaved == 0
    assert LinkCheck.objects.get(outcome="no-host").failed_days == 1


def test_something_near_that_answers_for_a_bare_number_is_no_way_out(server, monkeypatch):
    monkeypatch.setattr(links, "is_public", lambda number: True)
    make_source(url=server.root + "/fine")
    make_source(url="http://no-such-host.invalid/page")
    assert "1 could not be reached" in check(local=False)
    assert not LinkCheck.objects.filter(outcome="no-host").exists()


def test_every_address_is_asked_once_by_doi_as_well_and_forgotten_when_nothing_cites_it():
    shared = "https://example.org/same"
    source = make_source(url=shared, doi="10.1000/xyz")
    make_reporting_body(url=shared, sources=[source])
    assert sorted(links.addresses()) == ["https://doi.org/10.1000/xyz", shared]
    assert [str(row) for row in links.cited_by([shared])[shared]] == [
        str(r) for r in [source, *source.reporting_bodies.all()]
    ]
    LinkCheck.objects.create(url="https://example.org/left", outcome="missing", checked_at=timezone.now())
    assert links.forget_all_but(links.addresses()) == 1
    assert not LinkCheck.objects.exists()


def test_the_report_names_what_fails_and_what_rests_on_it(server):
    make_source(url=server.root + "/gone", title="A lost page")
    make_source(url=server.root + "/fine", title="A page that is there")
    said = check(verbosity=1)
    assert f"DEAD: {server.root}/gone" in said
    assert "A lost page" in said
    assert "A page that is there" not in said


def test_an_editor_reads_what_was_heard_and_who_cites_it_and_cannot_change_it(
    admin_client, django_assert_max_num_queries
):
    counts = []
    for number in (2, 8):
        for n in range(number):
            url = f"https://example.org/{number}/{n}"
            make_source(url=url, title=f"Source {number} {n}")
            LinkCheck.objects.create(url=url, outcome="missing", failed_days=3, checked_at=timezone.now())
        with django_assert_max_num_queries(10) as captured:
            page = admin_client.get("/admin/glossary/linkcheck/?health=dead")
        counts.append(len(captured))
    assert counts[0] == counts[1]
    assert "Source 8 7</a>" in page.text
    check = LinkCheck.objects.first()
    assert admin_client.get(f"/admin/glossary/linkcheck/{check.pk}/change/").status_code == 200
    assert admin_client.post(f"/admin/glossary/linkcheck/{check.pk}/change/", {"url": "x"}).status_code == 403
    assert admin_client.get("/admin/glossary/linkcheck/?health=failing").status_code == 200
