"""Asks the addresses that the guide cites whether they still answer, and remembers what was heard.

Polite: one request at a time, a pause between two to the same host, never more than a few kilobytes read. It reports
and changes no source: whether a page has gone for good is for an editor to see. See `manage.py check_links`.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from itertools import chain, zip_longest
from time import monotonic, sleep
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

import urllib3
from django.apps import apps
from django.conf import settings
from django.db import models
from django.utils import timezone
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationParseError, NameResolutionError, SSLError
from urllib3.util import Retry, Timeout, parse_url

from glossary.models import LinkCheck, Source

Outcome = LinkCheck.Outcome

MOST_HOPS = 6
MOST_BYTES = 4096
MOST_TRIES = 3
LONGEST_WAIT = 60
# Without a way out there is no use in trying hundreds.
GIVE_UP = 20
AGAIN_AFTER = timedelta(hours=20)

# What stands between a program and a page: it says nothing about the page.
GUARD = re.compile(
    rb"captcha|just a moment|attention required|are you (?:a )?(?:human|robot)|access denied|cf-chl", re.I
)
# Where a site sends those who ask for a page that it no longer has.
HOME = re.compile(r"/?(?:[a-z]{2}(?:[-_][a-z]{2})?/?)?(?:(?:index|default|home|start)(?:\.\w+)?/?)?", re.I)
ERROR_PAGE = re.compile(r"/(?:404|(?:page-?)?not-?found|error(?:-?page)?|errorpages?)(?:[./?]|$)", re.I)
TRANSLATED = IPv6Network("64:ff9b::/96")


# --- Which addresses


def addresses() -> list[str]:
    """Every address that the content sends a reader to, once each: of sources, by DOI as well, and of offices."""
    found: dict[str, None] = {}
    for model in apps.get_models():
        if hasattr(model, "NATURAL_KEY"):
            for name in (f.name for f in model._meta.concrete_fields if isinstance(f, models.URLField)):
                found |= dict.fromkeys(model._default_manager.exclude(**{name: ""}).values_list(name, flat=True))
    found |= dict.fromkeys(s.link for s in Source.objects.exclude(doi="").only("doi", "url"))
    return list(found)


def cited_by(urls: Iterable[str]) -> dict[str, list[models.Model]]:
    """What sends readers to these addresses: {address: rows}. As many queries as there are kinds with an address."""
    users: dict[str, list[models.Model]] = {url: [] for url in urls}
    dois = [url.removeprefix("https://doi.org/") for url in users if url.startswith("https://doi.org/")]
    for model in apps.get_models():
        if hasattr(model, "NATURAL_KEY"):
            for name in (f.name for f in model._meta.concrete_fields if isinstance(f, models.URLField)):
                wanted = models.Q(**{f"{name}__in": list(users)})
                if model is Source:
                    wanted |= models.Q(doi__in=dois)
                for row in model._default_manager.filter(wanted):
                    for url in {getattr(row, name), getattr(row, "link", "")} & users.keys():
                        users[url].append(row)
    return users


def due(urls: Iterable[str], older_than: int) -> list[str]:
    """Those not asked for that many days, the longest ago first; one that failed comes up again the next day.

    Hosts take turns, so that the pause between two requests to one is spent on the others.
    """
    asked = {url: (at, days) for url, at, days in LinkCheck.objects.values_list("url", "checked_at", "failed_days")}
    now = timezone.now()
    never = now - timedelta(days=36500)
    waiting = []
    for url in urls:
        at, failed_days = asked.get(url, (never, 0))
        if now - at >= (min(AGAIN_AFTER, timedelta(days=older_than)) if failed_days else timedelta(days=older_than)):
            waiting.append((at, url))
    by_host: dict[str, list[str]] = {}
    for _, url in sorted(waiting):
        by_host.setdefault(host_of(url), []).append(url)
    return [url for url in chain.from_iterable(zip_longest(*by_host.values())) if url is not None]


def host_of(url: str) -> str:
    """The host of an address, in small letters; empty when it cannot be read."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def askable(url: str) -> str:
    """An address in the form in which it is asked, a foreign name spelt in ASCII; empty if it is none of the web."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        if parts.scheme not in ("http", "https") or not host:
            return ""
        if not host.isascii():
            ascii_host = host.encode("idna").decode()
            url = urlunsplit(parts._replace(netloc=f"{ascii_host}:{port}" if port else ascii_host))
        parse_url(url)
    except (ValueError, LocationParseError):
        return ""
    return url


# --- Only addresses that the whole world can see


class InsideAddressError(HTTPError):
    """The name leads to a machine inside a network, which a public guide has no business asking."""


def is_public(text: str) -> bool:
    """Whether an IP address is one of the open internet, also behind the ways of writing IPv4 as IPv6."""
    address: IPv4Address | IPv6Address = ip_address(text.split("%")[0])
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in TRANSLATED:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        address = inner or address
    return address.is_global and not address.is_multicast


class HangsUp:
    """A connection that ends after a while, however slowly the other side keeps dripping bytes."""

    longest: float = 60

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.alarm = threading.Timer(self.longest, hang_up, [self.sock])  # type: ignore[attr-defined]
        self.alarm.daemon = True
        self.alarm.start()

    def close(self) -> None:
        if alarm := getattr(self, "alarm", None):
            alarm.cancel()
        super().close()  # type: ignore[misc]


def hang_up(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


class StaysOutside:
    """A connection that looks the host up once, refuses one inside a network, and goes to the address it looked at."""

    def _new_conn(self) -> socket.socket:
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)  # type: ignore[attr-defined]
        except (socket.gaierror, UnicodeError) as error:
            raise NameResolutionError(self.host, self, socket.gaierror(str(error))) from error  # type: ignore[attr-defined]
        numbers = [str(entry[4][0]) for entry in found]
        if not all(map(is_public, numbers)):
            raise InsideAddressError("an address inside a network")
        name, failure = self._dns_host, None  # type: ignore[has-type]
        try:
            for number in dict.fromkeys(numbers):
                self._dns_host = number
                try:
                    return super()._new_conn()  # type: ignore[misc]
                except HTTPError as error:
                    failure = error
        finally:
            self._dns_host = name
        raise failure or NameResolutionError(name, self, socket.gaierror("no address"))  # type: ignore[arg-type]


def web(allow_local: bool, timeout: float) -> urllib3.PoolManager:
    """What makes the requests."""
    kinds: dict[str, Any] = {}
    guards = (HangsUp,) if allow_local else (StaysOutside, HangsUp)
    for scheme, pool, connection in [
        ("http", urllib3.HTTPConnectionPool, HTTPConnection),
        ("https", urllib3.HTTPSConnectionPool, HTTPSConnection),
    ]:
        own = type("Connection", (*guards, connection), {"longest": 3 * timeout})
        kinds[scheme] = type("Pool", (pool,), {"ConnectionCls": own})
    manager = urllib3.PoolManager(
        num_pools=4,
        headers={"User-Agent": user_agent(), "Accept": "*/*", "Accept-Language": "en", "Connection": "close"},
        timeout=Timeout(connect=timeout / 2, read=timeout),
        retries=False,
    )
    manager.pool_classes_by_scheme = kinds
    return manager


def user_agent() -> str:
    """Who is asking and where to complain, for the logs of those who are asked."""
    about = f"+{settings.SITE_URL}/about/" if settings.SITE_URL else "link checker of a health guide"
    return f"ClaimedAndShown-LinkCheck/1.0 ({about})"


# --- Asking


@dataclass
class Answer:
    """What one address said. `reached`: whether any machine answered at all."""

    url: str
    outcome: str
    status: int | None = None
    final_url: str = ""
    reached: bool = True


class OutOfTimeError(Exception):
    """The whole run may take no longer."""


@dataclass
class Asker:
    """Asks one address after another; remembers when each host was last asked."""

    pause: float = 2
    timeout: float = 20
    ends_at: float = float("inf")
    allow_local: bool = False
    last: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.web = web(self.allow_local, self.timeout)

    def wait(self, seconds: float) -> None:
        """Sleep, unless the run would be over by then."""
        if seconds > 0:
            if monotonic() + seconds > self.ends_at:
                raise OutOfTimeError
            sleep(seconds)

    def request(self, method: str, url: str, cookie: str) -> tuple[int, Any, bytes]:
        """(status, headers, first bytes of the body where they may say more), after the pause due to this host."""
        if monotonic() > self.ends_at:
            raise OutOfTimeError
        host = host_of(url)
        self.wait(self.last.get(host, -self.pause) + self.pause - monotonic())
        try:
            headers = self.web.headers | ({"Cookie": cookie} if cookie else {})
            response = self.web.request(
                method, url, headers=headers, redirect=False, preload_content=False, decode_content=False
            )
            try:
                body = (
                    response.read1(MOST_BYTES) if method == "GET" and response.status >= HTTPStatus.BAD_REQUEST else b""
                )
            finally:
                response.close()
        finally:
            self.last[host] = monotonic()
        return response.status, response.headers, body

    def look(self, url: str, cookie: str) -> tuple[int, Any, bytes]:
        """The answer of one address, without following it. HEAD first; GET where that is no clear yes.

        A busy or faulty server is asked again, later each time, or when it says; if that is too far off, not at all.
        """
        for attempt in range(MOST_TRIES):
            answer = self.request("HEAD", url, cookie)
            if answer[0] >= HTTPStatus.BAD_REQUEST and answer[0] != HTTPStatus.TOO_MANY_REQUESTS:
                answer = self.request("GET", url, cookie)
            status, headers, _ = answer
            is_busy = status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
            if not is_busy or is_guarded(*answer[1:]) or attempt == MOST_TRIES - 1:
                break
            seconds = retry_after(headers)
            if seconds is None:
                seconds = 2.0 * 2**attempt
            if seconds > LONGEST_WAIT:
                break
            try:
                self.wait(seconds)
            except OutOfTimeError:
                break
        return answer

    def ask(self, url: str) -> Answer:
        """One address, followed through its redirects and put into a word."""
        here, is_moved, status = url, False, None
        seen: set[tuple[str, str]] = set()
        # Many journals send a reader round once to see whether cookies are kept; they are, until this address is done.
        cookies: dict[str, dict[str, str]] = {}
        try:
            for _ in range(MOST_HOPS):
                target = askable(here)
                if not target:
                    return Answer(url, Outcome.LOOP if seen else Outcome.UNASKED, final_url=here, reached=bool(seen))
                jar = cookies.setdefault(host_of(here), {})
                cookie = "; ".join(f"{name}={value}" for name, value in jar.items())
                if (here, cookie) in seen:
                    return Answer(url, Outcome.LOOP, status, here)
                seen.add((here, cookie))
                status, headers, body = self.look(target, cookie)
                location = headers.get("Location")
                if status not in (301, 302, 303, 307, 308) or not location:
                    return Answer(url, judged(url, here, status, headers, body, is_moved), status, here)
                # A DOI is there to lead elsewhere.
                is_moved = is_moved or (status in (301, 308) and host_of(here) != "doi.org")
                for line in headers.getlist("Set-Cookie")[:20]:
                    name, _, value = line.split(";")[0].partition("=")
                    jar[name.strip()[:100]] = value.strip()[:1000]
                here = urljoin(here, location)
            return Answer(url, Outcome.LOOP, status, here)
        except InsideAddressError:
            return Answer(url, Outcome.INSIDE, final_url=here, reached=False)
        except NameResolutionError:
            return Answer(url, Outcome.NO_HOST, final_url=here, reached=here != url)
        except SSLError:
            return Answer(url, Outcome.CERTIFICATE, final_url=here)
        except (HTTPError, OSError, ValueError, AttributeError):
            # The last two: what Python's TLS says when the line is cut in the middle of a read.
            return Answer(url, Outcome.SILENT, final_url=here, reached=here != url)


def retry_after(headers: Any) -> float | None:
    """How long the server asks us to wait, in seconds; None when it does not say."""
    try:
        return Retry().get_retry_after(urllib3.HTTPResponse(headers=headers))
    except (HTTPError, ValueError, OverflowError):
        return None


def is_guarded(headers: Any, body: bytes) -> bool:
    """Whether this is the answer of a guard against programs and not of the page."""
    marks = ("cf-mitigated", "x-amzn-waf-action", "x-datadome")
    return any(mark in headers for mark in marks) or bool(GUARD.search(body))


def judged(url: str, here: str, status: int, headers: Any, body: bytes, is_moved: bool) -> str:
    """The word for an answer that is no redirect."""
    if status == HTTPStatus.GONE:
        return Outcome.GONE
    if status in (401, 403, 407, 418, 451, 999) or is_guarded(headers, body):
        return Outcome.GUARDED
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Outcome.BUSY
    if status == HTTPStatus.NOT_FOUND:
        return Outcome.MISSING
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Outcome.FAULT
    if status >= HTTPStatus.BAD_REQUEST:
        return Outcome.MISSING
    if here != url and not is_front(url) and (is_front(here) or ERROR_PAGE.search(urlsplit(here).path)):
        return Outcome.HOME
    return Outcome.MOVED if is_moved and plain(here) != plain(url) else Outcome.FINE


def is_front(url: str) -> bool:
    """Whether an address is the front page of a site."""
    parts = urlsplit(url)
    return bool(HOME.fullmatch(parts.path)) and not parts.query


def plain(url: str) -> str:
    """An address without what makes no other page of it."""
    return re.sub(r"^https?://(?:www\.)?", "", url.split("#")[0]).rstrip("/").casefold()


# --- Remembering


@dataclass
class Report:
    """What a run did. `is_offline`: nothing could be reached, so nothing was written down."""

    asked: int = 0
    unsaved: int = 0
    is_offline: bool = False
    outcomes: dict[str, int] = field(default_factory=dict)
    failed: list[tuple[str, LinkCheck]] = field(default_factory=list)


def run(urls: list[str], asker: Asker) -> Iterator[Answer | Report]:
    """Ask these addresses; yields each answer as it comes and, last, the report.

    What could not be reached is written down only at the end, and only if an address that is known to answer still
    does: a machine without a network says nothing about anybody's page.
    """
    report, unreached, has_reached = Report(), [], False
    for url in urls:
        try:
            answer = asker.ask(url)
        except OutOfTimeError:
            break
        report.asked += 1
        report.outcomes[answer.outcome] = report.outcomes.get(answer.outcome, 0) + 1
        has_reached = has_reached or answer.reached
        if answer.reached or answer.outcome in (Outcome.INSIDE, Outcome.UNASKED):
            note(answer, report)
        else:
            unreached.append(answer)
        yield answer
        if not has_reached and len(unreached) == GIVE_UP and not is_online(asker):
            break
    if unreached and is_online(asker):
        for answer in unreached:
            note(answer, report)
    elif unreached:
        report.unsaved = len(unreached)
        report.is_offline = not has_reached
    yield report


def is_online(asker: Asker) -> bool:
    """Whether this machine reaches one of three sites that answered when last asked.

    Only sites with a name: where names cannot be looked up, something near may still answer for a bare number.
    """
    ends_at, asker.ends_at = asker.ends_at, float("inf")  # these few are asked even when the time is up
    good = LinkCheck.objects.filter(outcome__in=[Outcome.FINE, Outcome.MOVED]).order_by("-checked_at")
    witnesses: dict[str, str] = {}
    for url in good.values_list("url", flat=True)[:200]:
        if asker.allow_local or not re.fullmatch(r"[\d.]+|.*:.*", host_of(url)):
            witnesses.setdefault(host_of(url), url)
    try:
        return any(asker.ask(url).reached for url in list(witnesses.values())[:3])
    finally:
        asker.ends_at = ends_at


def note(answer: Answer, report: Report) -> None:
    """Write one answer down. A failure counts once a day; what a guard says counts neither way."""
    now, today = timezone.now(), timezone.localdate()
    check = LinkCheck.objects.filter(url=answer.url).first() or LinkCheck(url=answer.url)
    if answer.outcome in LinkCheck.FAILURES:
        check.first_failed_at = check.first_failed_at or now
        if check.last_failed_on != today:
            check.failed_days += 1
            check.last_failed_on = today
        report.failed.append((answer.url, check))
    elif answer.outcome not in LinkCheck.UNCLEAR:
        check.first_failed_at = check.last_failed_on = None
        check.failed_days = 0
    check.outcome, check.status_code, check.checked_at = answer.outcome, answer.status, now
    check.final_url = answer.final_url[:2000] if answer.final_url != answer.url else ""
    check.save()


def forget_all_but(urls: Iterable[str]) -> int:
    """Drop what was heard of addresses that nothing cites any more; returns how many."""
    kept = set(urls)
    idle = [pk for pk, url in LinkCheck.objects.values_list("pk", "url") if url not in kept]
    for start in range(0, len(idle), 500):
        LinkCheck.objects.filter(pk__in=idle[start : start + 500]).delete()
    return len(idle)
