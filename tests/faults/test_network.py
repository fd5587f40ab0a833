"""What comes over the network and is no visitor: too slow, too many, too large, or not HTTP. nginx stands in front, as README says."""

import contextlib
import http.client
import os
import resource
import select
import socket
import time

import pytest

from tests.bench import stage
from tests.deployed import HOST, deployed, kill, memory

pytestmark = [
    pytest.mark.one_database,
    pytest.mark.skipif(stage.NGINX is None, reason="found no nginx; install it"),
]
ADDRESS = "/glossary/concept-1/"
# nginx counts requests by address, and not those of 127.0.0.1.
STRANGER = ("127.0.0.2", 0)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    # Without TLS, which would only make what is tried here slower to try.
    with deployed(tmp_path_factory.mktemp("network"), processes=2, SSL_REDIRECT="0") as site:
        yield site


@pytest.fixture
def sockets():
    """A list whose sockets are closed in the end; as many may be open as the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    opened = []
    yield opened
    for each in opened:
        each.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def visit(site, path=ADDRESS, method="GET", body=None, **headers):
    """What a visitor who comes now is answered: (status, headers, text)."""
    connection = http.client.HTTPConnection("127.0.0.1", site.http, timeout=20)
    try:
        given = {"Host": HOST} | {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, given)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode(errors="replace")
    finally:
        connection.close()


def served(site):
    """A page from the cache, and one that has to be made."""
    return visit(site)[0] == 200 and visit(site, f"/search/?q=concept+{time.monotonic_ns()}")[0] == 200


def say(port, raw, source=None):
    """Send bytes and read until the other side has nothing more to say; b"" when it just hung up."""
    with socket.create_connection(("127.0.0.1", port), timeout=15, source_address=source) as line:
        said = b""
        with contextlib.suppress(OSError):
            line.sendall(raw)
        with contextlib.suppress(OSError):
            while part := line.recv(65536):
                said += part
                line.settimeout(1)
        return said


def test_five_hundred_who_drip_keep_nobody_waiting_and_are_shown_out(site, sockets):
    for _ in range(500):
        line = socket.create_connection(("127.0.0.1", site.http), source_address=STRANGER)
        line.sendall(f"GET {ADDRESS} HTTP/1.1\r\nHost: {HOST}\r\n".encode())
        sockets.append(line)
    senders = []
    for _ in range(100):
        line = socket.create_connection(("127.0.0.1", site.http), source_address=STRANGER)
        line.sendall(f"POST /check/ HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 5000\r\n\r\ntext=".encode())
        senders.append(line)
    sockets += senders
    started = time.monotonic()
    gone = set()
    while len(gone) < 600 and time.monotonic() - started < 25:
        for line in sockets:
            if line not in gone:
                try:
                    # A piece of a header each time: that resets no clock of nginx, which counts to the end of the headers.
                    line.send(b"X-A: b\r\n" if line not in senders else b"")
                    if line.recv(4096, socket.MSG_DONTWAIT) == b"":
                        gone.add(line)
                except BlockingIOError:
                    pass
                except OSError:
                    gone.add(line)
        assert served(site)
        time.sleep(1)

    assert len(gone) == 600


def test_ten_thousand_connections_leave_room_for_a_visitor(site, sockets):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit < 11_000:
        pytest.skip(f"this place lets a program open {limit} files, and 11,000 are needed")
    before = sum(map(memory, site.running))
    for number in range(10_000):
        line = socket.socket()
        line.bind((f"127.0.1.{1 + number % 200}", 0))
        line.connect(("127.0.0.1", site.http))
        sockets.append(line)

    assert served(site)
    assert sum(map(memory, site.running)) < before + 30_000_000


def test_a_body_of_a_gigabyte_is_refused_before_it_is_sent(site):
    before = sum(map(memory, site.running))
    head = f"POST /check/ HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {10**9}\r\n\r\n"
    assert say(site.http, head.encode()).startswith(b"HTTP/1.1 413 ")

    # One that does not say how long it is, is cut off on the way.
    with socket.create_connection(("127.0.0.1", site.http), timeout=15) as line:
        line.sendall(f"POST /check/ HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        sent = 0
        piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        said = b""
        with contextlib.suppress(ConnectionError):
            while sent < 10**9 and not said:
                line.sendall(piece)
                sent += len(piece)
                if select.select([line], [], [], 0)[0]:
                    said = line.recv(4096)
    assert said.startswith(b"HTTP/1.1 413 ")
    assert sent < 30_000_000
    assert sum(map(memory, site.running)) < before + 30_000_000
    assert "More than 3 MB do not fit" in visit(site, "/check/", "POST", b"x" * 3_500_000)[2]
    status, _, text = visit(site, "/check/", "POST", b"text=" + b"x" * 1_500_000,
                            Content_Type="application/x-www-form-urlencoded")  # fmt: skip
    assert (status, "site-header" in text) == (413, True)
    assert served(site)


START = f"GET {ADDRESS} HTTP/1.1\r\nHost: {HOST}\r\n"
POST = f"POST /check/ HTTP/1.1\r\nHost: {HOST}\r\n"
HIDDEN = f"GET /hidden/ HTTP/1.1\r\nHost: {HOST}\r\n\r\n"
MALFORMED = {
    "garbage": os.urandom(4096) + b"\r\n\r\n",
    "TLS where none is": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "no method": b" / HTTP/1.1\r\n\r\n",
    "a NUL in the path": f"GET /\0/ HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode(),
    "a NUL in a header": f"{START}X-A: a\0b\r\n\r\n".encode(),
    "no host": f"GET {ADDRESS} HTTP/1.1\r\n\r\n".encode(),
    "two hosts": f"{START}Host: elsewhere.example.org\r\n\r\n".encode(),
    "a header of 100 kB": f"{START}X-A: {'a' * 100_000}\r\n\r\n".encode(),
    "10,000 headers": f"{START}{''.join(f'X-{n}: 1\r\n' for n in range(10_000))}\r\n".encode(),
    "an address of 100 kB": f"GET /{'a' * 100_000} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode(),
    "length and chunks": f"{POST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}".encode(),
    "chunks twice": f"{POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n{HIDDEN}".encode(),
    "an unknown encoding": f"{POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{HIDDEN}".encode(),
    "two lengths": f"{POST}Content-Length: 0\r\nContent-Length: 60\r\n\r\n{HIDDEN}".encode(),
    "a length below nothing": f"{POST}Content-Length: -1\r\n\r\n".encode(),
    "chunks of no length": f"{POST}Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n".encode(),
    "a chunk without end": f"{POST}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc".encode(),
    "a space before the colon": f"{POST}Content-Length : 5\r\n\r\nabcde".encode(),
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
def test_what_is_not_http_is_refused_and_nothing_hidden_in_it_is_asked_for(site, raw):
    said = say(site.http, raw)
    first = said.partition(b"\r\n")[0]

    assert not said or first.split(b" ")[1][:1] == b"4" or first.startswith(b"HTTP/1.1 501 "), first
    assert said.count(b"HTTP/1.1 ") <= 1
    assert served(site)


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
def test_the_web_process_itself_survives_it_too(site, raw):
    said = say(site.web[0], raw)

    assert b"HTTP/1.1 500" not in said
    assert served(site)
    assert all(process.poll() is None for process in site.running)


def test_one_address_that_asks_without_end_is_told_to_wait_while_others_are_served(site):
    told = say(site.http, f"GET {ADDRESS} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode() * 700
               + f"GET {ADDRESS} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode(), STRANGER)  # fmt: skip

    assert b"HTTP/1.1 200 " in told
    assert b"HTTP/1.1 429 " in told
    assert b"\r\nRetry-After: 5\r\n" in told
    assert served(site)


def test_a_killed_web_process_loses_no_request(site):
    visit(site)
    for number in range(60):
        if number == 20:
            kill(site.running[0])
        assert visit(site, f"/search/?q=number+{number}")[0] == 200, number


def test_with_every_web_process_gone_kept_pages_go_on(site):
    kill(site.running[1])
    time.sleep(1.1)

    assert visit(site)[0] == 200
    status, headers, text = visit(site, "/search/?q=nobody")
    assert (status, headers["Retry-After"]) == (503, "5")
    assert "The guide does not answer just now" in text
