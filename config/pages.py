"""Public pages, kept as they went out, so that the next reader costs next to nothing.

What is kept is kept by the edition of the content (`glossary/edition.py`), which the database renews with each
published change. Each request asks for the edition first, so a page that an edit made untrue is never handed out
again, by any process or machine, and nothing has to be emptied or told. A page that the edit did not touch is known by
its queries, which give what they gave before (`glossary/recorded.py`), and need not be made anew. Every worker keeps pages in its own memory;
where machines share a cache (REDIS_URL), what one has made the others need not.

Without its database the site goes on with the pages of the last edition it knows, and each of them says so.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, cached_property, lru_cache
from typing import NamedTuple
from weakref import WeakValueDictionary

import brotli
from django.conf import settings
from django.core.cache import caches
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase, ResponseHeaders
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.http import http_date, parse_http_date_safe
from django.utils.text import compress_sequence
from django.utils.translation import get_language

from config import metrics
from config.logs import HEADER
from glossary import edition, pieces, recorded
from glossary.edition import Edition
from glossary.recorded import Recording

log = logging.getLogger(__name__)

# Nothing is kept of what is not for everybody, or true at the moment only.
NOT_PUBLIC = (settings.DESK, "/preview/", "/healthz", "/readyz", "/metrics", "/static/")
LONGEST_ADDRESS = 2_000
RECIPES = 1_500  # pages of which a process knows how they came about, about 5 kB each
LARGEST_BODY = 1_000_000  # bytes, compressed
# What a page may depend on besides its address; one that varies by more is not kept.
MAY_VARY_BY = {"accept-encoding", "hx-request"}
# Browsers ask each time, and never show what they had while they ask: whoever has just published would see the old page. A cache in
# front may answer by itself for a second; when nobody answers here, it may go on for a day with what it has. What a CDN may do beyond
# that is told to it alone (RFC 9213).
CACHE_CONTROL = "public, max-age=0, s-maxage=1, stale-while-revalidate=0, stale-if-error=86400"
CDN_CACHE_CONTROL = "max-age=1, stale-while-revalidate=1, stale-if-error=86400"
# Who sent the reader is no part of what the reader asked for.
TRACKERS = re.compile(r"(?:^|&)(?:utm_[a-z]+|fbclid|gclid|msclkid|mc_[ce]id|igshid|ttclid)=[^&]*")
# What a browser says about its own copy and its own powers is answered here; below, a page is made whole and plain.
ANSWERED_HERE = ("HTTP_ACCEPT_ENCODING", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_RANGE")
# Where a page tells that it is an old copy (in templates/base.html).
MARK = b"<!-- kept -->"
# Having found no database, do not make each reader wait for it: look again after so many seconds.
LOOK_AGAIN = 1.0
# A new release changes pages as well. Its workers start after the old ones, so no copy passes for newer than it is.
STARTED = datetime.now(UTC)


# Headers that are true at one moment only; see `dated`.
MOMENTARY = ("Last-Modified", "X-Accel-Expires")


class Kept(NamedTuple):
    """A page as it goes out; `encoding` is that of `body`: "br", "gzip", or "" for what is not text or very short."""

    headers: ResponseHeaders
    body: bytes
    encoding: str


@dataclass(frozen=True)
class Known:
    """What every page depends on: the edition, and the day, which shows in words like “overdue”."""

    edition: Edition
    day: date

    @cached_property
    def changed_at(self) -> int:
        """The latest second in which any page may have changed, as a Unix time."""
        midnight = datetime.combine(self.day, datetime.min.time(), timezone.get_default_timezone())
        return int(max(self.edition.changed_at, midnight, STARTED).timestamp())

    @cached_property
    def last_modified(self) -> str:
        return http_date(self.changed_at)


class KeptPage(HttpResponse):
    """An answer from the store: it may be given again for as long as `look()` gives `known`. See `config/door.py`."""

    key: str
    known: Known
    look: Callable[[], Known | None]


@cache
def release(*shown: object) -> str:
    """What pages are made by: a digest of code, templates, static files and the settings that show in a page."""
    digest = hashlib.sha256(f"{shown}".encode())
    for folder in ("config", "glossary", "products", "templates", "static"):
        for file in sorted((settings.BASE_DIR / folder).rglob("*")):
            if file.suffix in {".py", ".html", ".css", ".js", ".svg", ".txt"}:
                digest.update(f"{file.relative_to(settings.BASE_DIR)}\n".encode() + file.read_bytes())
    return digest.hexdigest()


# --- What a request asks for, and what may be kept of an answer


def is_public(request: HttpRequest) -> bool:
    return (
        request.method in ("GET", "HEAD")
        and not request.path_info.startswith(NOT_PUBLIC)
        and len(request.path_info) + len(request.META.get("QUERY_STRING", "")) <= LONGEST_ADDRESS
    )


def drop_trackers(request: HttpRequest) -> None:
    if query := request.META.get("QUERY_STRING"):
        request.META["QUERY_STRING"] = TRACKERS.sub("", query).removeprefix("&")


def wanted_encoding(request: HttpRequest) -> str:
    """The best of what the browser takes: "br", "gzip" or none."""
    accepted = request.META.get("HTTP_ACCEPT_ENCODING", "").replace(" ", "").split(",")
    names = {name for name, _, weight in (part.partition(";") for part in accepted) if weight.rstrip(".0") != "q="}
    return "br" if "br" in names else "gzip" if "gzip" in names else ""


def may_keep(request: HttpRequest, response: HttpResponseBase) -> bool:
    control = response.headers.get("Cache-Control", "")
    varies_by = {name.strip().lower() for name in response.headers.get("Vary", "").split(",") if name.strip()}
    return (
        request.method == "GET"
        and not settings.DEBUG  # whoever works on a template wants to see it
        and response.status_code == 200
        and not response.streaming
        and not response.cookies
        and not any(word in control for word in ("no-store", "no-cache", "private"))
        and varies_by <= MAY_VARY_BY
    )


# --- Bodies. No page for the public holds a secret that its compressed length could give away.


def compress(body: bytes, encoding: str) -> bytes:
    if encoding == "br":
        return brotli.compress(body, quality=5, mode=brotli.MODE_TEXT)
    return gzip.compress(body, compresslevel=6, mtime=0)


def is_worth_compressing(response: HttpResponse) -> bool:
    kind = response.headers.get("Content-Type", "")
    is_text = kind.startswith("text/") or any(word in kind for word in ("json", "xml", "javascript"))
    return is_text and not response.has_header("Content-Encoding") and len(response.content) > 200


def compress_once(response: HttpResponseBase, encoding: str) -> None:
    """Compress what is not kept, on its way out."""
    patch_vary_headers(response, ["Accept-Encoding"])
    if response.streaming:
        if encoding and not response.is_async:
            response.streaming_content = compress_sequence(response.streaming_content)
            response.headers["Content-Encoding"] = "gzip"
            del response.headers["Content-Length"]
    elif encoding and is_worth_compressing(response):
        response.content = compress(response.content, encoding)
        response.headers["Content-Encoding"] = encoding
        response.headers["Content-Length"] = str(len(response.content))


# --- After an edit


class Recipe(NamedTuple):
    """How a kept page came about: under which key it is kept, as of which edition, and what the database told for it."""

    key: str
    edition: Edition
    recording: Recording


@lru_cache(maxsize=4)
def as_of(edition: Edition, language: str) -> bytes:
    """What a page says of the edition that it shows: its day, so that most edits change nothing in it."""
    return render_to_string("components/as_of.html", {"edition": edition}).strip().encode()


def brought_up_to_date(kept: Kept, before: Edition, now: Edition, key: str) -> Kept:
    """The page as it would come out if it were made anew, when nothing in it changed but the edition that it names."""
    kept = kept._replace(headers=ResponseHeaders(dict(kept.headers) | {"ETag": f'W/"{key}"'}))
    then, today = as_of(before, get_language()), as_of(now, get_language())
    if then == today:
        return kept
    body = brotli.decompress(kept.body) if kept.encoding else kept.body
    body = body.replace(then, today, 1)
    return with_body(kept, compress(body, "br") if kept.encoding else body, kept.encoding)


# --- The middleware


class Pages:
    """Middleware, the outermost: hands out what is kept, else has the page made and keeps it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.release = release(settings.SITE_URL, settings.DEBUG)
        # This process's memory, and behind it, where there is one, the cache that all machines share.
        self.own = caches["pages"]
        self.shared = caches["shared"] if "shared" in settings.CACHES else None
        self.recipes: OrderedDict[str, Recipe] = OrderedDict()
        self.guard = threading.Lock()
        self.locks: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()
        self.known: Known | None = None
        self.look_again = 0.0

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        drop_trackers(request)
        if not is_public(request):
            return self.get_response(request)
        encoding = wanted_encoding(request)
        known = self.look()
        if known is None:
            return self.without_database(request, encoding)
        place = self.place(request, known)
        key = self.key(place, known)
        if f'"{key}"' in request.META.get("HTTP_IF_NONE_MATCH", ""):
            metrics.page_unchanged()
            return not_modified(key, known)
        if kept := self.find(key, encoding):
            metrics.page_from_store()
            return self.answer(request, kept, key, known)
        # Of many who ask for the same page at once, one has it made and the others wait for that.
        with self.guard:
            lock = self.locks.setdefault(key, threading.Lock())
        with lock:
            if kept := self.find(key, encoding):
                metrics.page_from_store()
                return self.answer(request, kept, key, known)
            if kept := self.still_true(place, key, known):
                metrics.page_still_true()
                return self.answer(request, self.encoded(kept, key, encoding), key, known)
            metrics.page_made()
            return self.make(request, place, key, encoding, known)

    def look(self) -> Known | None:
        """What pages depend on now, in one query; None while the database does not answer."""
        if time.monotonic() < self.look_again:
            return None
        try:
            known = Known(edition.read(), timezone.localdate())
        except DatabaseError as error:
            self.look_again = time.monotonic() + LOOK_AGAIN
            metrics.database_failed()
            log.warning("The database does not answer (%s): pages go on as they were.", type(error).__name__)
            return None
        if known != self.known:
            self.known = known
            if self.shared:
                self.shared.set("known", known)
        return self.known

    def place(self, request: HttpRequest, known: Known) -> str:
        """All that a page depends on but the edition."""
        meta = request.META
        # The host as it was sent: one that is not ours gets no page that could be kept.
        site = f"{request.scheme}://{meta.get('HTTP_HOST')}{request.path}?{meta.get('QUERY_STRING')}"
        return f"{self.release} {known.day} {get_language()} {meta.get('HTTP_HX_REQUEST') == 'true'} {site}"

    def key(self, place: str, known: Known) -> str:
        text = f"{known.edition.token} {place}"
        return hashlib.blake2b(text.encode(errors="replace"), digest_size=16).hexdigest()

    def find(self, key: str, encoding: str) -> Kept | None:
        kept = self.get(f"{key}gzip") if encoding == "gzip" else None
        kept = kept or self.get(key)
        return kept and self.encoded(kept, key, encoding)

    def encoded(self, kept: Kept, key: str, encoding: str) -> Kept:
        """The page, kept with brotli, in what the reader's browser takes."""
        if kept.encoding in ("", encoding):
            return kept
        kept = with_body(kept, brotli.decompress(kept.body), "")
        if encoding:
            kept = with_body(kept, compress(kept.body, encoding), encoding)
            self.set(f"{key}{encoding}", kept)
        return kept

    def get(self, key: str) -> Kept | None:
        kept = self.own.get(key)
        if kept is None and self.shared and (kept := self.shared.get(key)):
            self.own.set(key, kept)
        return kept

    def set(self, key: str, kept: Kept) -> None:
        self.own.set(key, kept)
        if self.shared:
            self.shared.set(key, kept)

    def still_true(self, place: str, key: str, known: Known) -> Kept | None:
        """The page of an earlier edition, if the database tells the same as it told for that."""
        recipe = self.recipes.get(place)
        before = self.get(recipe.key) if recipe else None
        try:
            if recipe is None or before is None or not recipe.recording.is_true(known.edition.token):
                return None
        except DatabaseError:
            return None
        kept = brought_up_to_date(before, recipe.edition, known.edition, key)
        self.own.delete_many([recipe.key, f"{recipe.key}gzip"])
        self.set(key, kept)
        self.remember(place, Recipe(key, known.edition, recipe.recording))
        return kept

    def remember(self, place: str, recipe: Recipe) -> None:
        with self.guard:
            self.recipes[place] = recipe
            self.recipes.move_to_end(place)
            if len(self.recipes) > RECIPES:
                self.recipes.popitem(last=False)

    def make(self, request: HttpRequest, place: str, key: str, encoding: str, known: Known) -> HttpResponseBase:
        asked = {name: request.META.pop(name) for name in ANSWERED_HERE if name in request.META}
        with (
            edition.reading(known.edition),
            pieces.in_one_place(),
            recorded.recording(known.edition.token) as recording,
        ):
            response = self.get_response(request)
        request.META |= asked
        if not may_keep(request, response):
            compress_once(response, encoding)
            return response
        patch_vary_headers(response, ["Accept-Encoding"])
        number = response.headers.get(HEADER)  # of this request, and of no later one
        response.headers.pop(HEADER, None)
        headers = dict(response.headers) | {
            "Cache-Control": CACHE_CONTROL,
            "CDN-Cache-Control": CDN_CACHE_CONTROL,
            "ETag": f'W/"{key}"',
        }
        kept = with_body(Kept(ResponseHeaders(headers), b"", ""), response.content, "")
        if is_worth_compressing(response):
            kept = with_body(kept, compress(kept.body, "br"), "br")
        if len(kept.body) <= LARGEST_BODY:
            self.set(key, kept)
            if recording.is_repeatable:
                self.remember(place, Recipe(key, known.edition, recording))
        response = self.answer(request, self.encoded(kept, key, encoding), key, known)
        if number:
            response.headers[HEADER] = number
        return response

    def answer(self, request: HttpRequest, kept: Kept, key: str, known: Known) -> HttpResponse:
        since = request.META.get("HTTP_IF_MODIFIED_SINCE") if "HTTP_IF_NONE_MATCH" not in request.META else None
        if since and (parse_http_date_safe(since) or 0) >= known.changed_at:
            return not_modified(key, known)
        response = KeptPage(kept.body if request.method == "GET" else b"")
        response.headers = kept.headers  # whole, since to set them one by one takes longer than all the rest
        response.key, response.known, response.look = key, known, self.look
        return dated(response, known)

    def without_database(self, request: HttpRequest, encoding: str) -> HttpResponseBase:
        """The page as it stood, with its date; what was not kept fails below, and says so in the site's layout."""
        known = self.known or (self.shared and self.shared.get("known"))
        if known is None:
            return self.get_response(request)
        kept = self.find(self.key(self.place(request, known), known), encoding="")
        if kept is None:
            with edition.reading(known.edition):
                return self.get_response(request)
        metrics.page_as_it_was()
        notice = render_to_string("components/kept.html", {"edition": known.edition})
        response = HttpResponse(kept.body.replace(MARK, notice.encode(), 1))
        response.headers = kept.headers
        response.headers["Last-Modified"] = known.last_modified
        response.headers["Content-Length"] = str(len(response.content))
        del response.headers["ETag"]  # a copy with this notice on it must not pass for the page
        compress_once(response, encoding)
        return response


def with_body(kept: Kept, body: bytes, encoding: str) -> Kept:
    headers = ResponseHeaders(dict(kept.headers) | {"Content-Length": str(len(body))})
    if encoding:
        headers["Content-Encoding"] = encoding
    elif "Content-Encoding" in headers:
        del headers["Content-Encoding"]
    return Kept(headers, body, encoding)


def not_modified(key: str, known: Known) -> HttpResponse:
    headers = {"Cache-Control": CACHE_CONTROL, "Vary": "HX-Request, Accept-Encoding", "ETag": f'W/"{key}"'}
    return dated(HttpResponseNotModified(headers=headers), known)


def dated(response: HttpResponse, known: Known) -> HttpResponse:
    now = int(time.time())
    # A date names a whole second. Before that is over, another change may fall into it.
    if now > known.changed_at:
        response.headers["Last-Modified"] = known.last_modified
    if settings.TRUST_PROXY_HEADERS:
        # For nginx alone, which counts in whole seconds and would make two of the one in `s-maxage`: until this one ends.
        response.headers["X-Accel-Expires"] = f"@{now}"
    return response
