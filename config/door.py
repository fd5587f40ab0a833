"""The shortest way to a kept page: before Django has begun with a request, hand out what it handed out last time.

A page from the store (`config/pages.py`) takes Django longer to pass on than to find: request object, signals, headers
one by one. Here the finished answer is kept by what the request consists of, as it came. It goes out again for as long
as the edition stays what it was, which is asked of the database each time, as it is there. All else goes on to Django.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any, NamedTuple
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.conf import settings
from django.db import close_old_connections
from django.http import HttpResponse

from config import metrics
from config.crowd import queue
from config.pages import MOMENTARY, KeptPage, not_modified

# All that a kept page may depend on, and the encodings that its bytes do.
ASKED = (
    "REQUEST_METHOD", "wsgi.url_scheme", "HTTP_X_FORWARDED_PROTO", "HTTP_HOST", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING",
    "HTTP_HX_REQUEST", "HTTP_ACCEPT_ENCODING",
)  # fmt: skip
MOST, LARGEST = 1_000, 100_000  # answers in the memory of one process, and bytes in one

type Asked = tuple[str | None, ...]
type Headers = list[tuple[str, str]]


class Ready(NamedTuple):
    """An answer to be given again while `page.known` is what the site knows. A `Last-Modified` is true only after its
    second is over (see `dated`), so there are the headers without it and with it."""

    page: KeptPage
    body: bytes
    headers: Headers
    headers_later: Headers


class Door:
    """A WSGI application in front of Django's."""

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application
        self.ready: dict[Asked, Ready] = {}
        self.guard = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        queue.begin()
        try:
            asked = tuple([environ.get(name) for name in ASKED])
            ready = self.ready.get(asked)
            if ready and (answer := again(ready, environ, start_response)) is not None:
                return answer
            response: Any = self.application(environ, start_response)
            # What was changed on its way, as by taking out who sent the reader, would be kept for one reader only.
            if isinstance(response, KeptPage) and environ.get("QUERY_STRING") == asked[ASKED.index("QUERY_STRING")]:
                self.keep(asked, response)
            return response
        finally:
            queue.end()

    def keep(self, asked: Asked, page: KeptPage) -> None:
        if asked[0] != "GET" or len(page.content) > LARGEST:
            return
        headers = [(name, value) for name, value in page.items() if name not in MOMENTARY]
        later = [*headers, ("Last-Modified", page.known.last_modified)]
        with self.guard:
            # Those of an earlier edition are of no more use; beyond that, the oldest go first.
            if self.ready and next(iter(self.ready.values())).page.known is not page.known:
                self.ready.clear()
            elif len(self.ready) >= MOST:
                del self.ready[next(iter(self.ready))]
            self.ready[asked] = Ready(page, page.content, headers, later)


def again(ready: Ready, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes] | None:
    """The same answer once more, or that the browser's copy is still good; None when Django has to see to it."""
    page, matches = ready.page, environ.get("HTTP_IF_NONE_MATCH")
    if matches is None and "HTTP_IF_MODIFIED_SINCE" in environ:
        return None
    close_old_connections()  # as Django does before each request
    if page.look() is not page.known:
        return None
    if matches and f'"{page.key}"' in matches:
        metrics.page_unchanged()
        unchanged: HttpResponse = not_modified(page.key, page.known)
        start_response("304 Not Modified", list(unchanged.items()))
        return []
    metrics.page_from_store()
    now = time.time()
    headers = ready.headers_later if int(now) > page.known.changed_at else ready.headers
    start_response(
        "200 OK", [*headers, ("X-Accel-Expires", f"@{int(now)}")] if settings.TRUST_PROXY_HEADERS else headers
    )
    return [ready.body]
