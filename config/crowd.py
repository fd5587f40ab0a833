"""How many pages are made at one time, and what happens when more people ask than can be served.

A process makes two pages at a time, and whoever comes next waits for a moment. But when the queue before the process does not
empty, it makes one at a time, with a pause after each: whoever else asks for what is not kept is told at once, with 503
and when to try again. A queue that is let grow ends with nobody being served; in the pauses this one empties. Kept pages
(`config/pages.py`) and static files are handed out all the same. Editors have places of their own, so that neither takes
them from the other.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string

from config import metrics
from config.http import site_root

AT_ONCE = 2
PATIENCE = 0.5  # seconds that a request waits at most for its turn, with a thread that others would need
STANDING = 0.3  # seconds without a moment's rest, after which a queue counts as standing
REST = 0.02  # seconds that are a moment’s rest: more than a thread waits for Python to go on (see `config/wsgi.py`)
LATELY = 64  # requests
FREE_ENOUGH = 0.85  # of those; in a crowd it is about 0.6, with one or two readers 1
LONGEST_PAUSE = 1.0  # seconds; a pause is as long as the last page took, while the queue stands
RETRY_AFTER = 3  # seconds

# The desk: one save at a time in each process, and its people wait longer, since they have something to lose.
DESK_AT_ONCE = 1
DESK_PATIENCE = 20.0

# What watches over the server is answered always.
EXEMPT = ("/healthz", "/readyz", "/metrics")

type View = Callable[[HttpRequest], HttpResponseBase]


class Queue:
    """The requests that the server has taken in and no thread has begun with. They are not to be seen from Python; but a thread
    which finds its next request at once when it is done with the last has a queue behind it, unless the other threads
    have nothing to do: then it is one reader who asks without a pause."""

    def __init__(self) -> None:
        self.thread = threading.local()
        self.guard = threading.Lock()
        self.busy = 0  # threads
        self.share_free = 1.0  # of the last requests or so, those that found another thread free
        self.last_rest = math.inf  # until somebody watches, nothing stands
        self.pause_ends = 0.0

    def begin(self) -> None:
        now = time.monotonic()
        if now - getattr(self.thread, "ended", 0.0) > REST:
            self.last_rest = now
        with self.guard:
            self.busy += 1
            self.share_free += ((self.busy < settings.THREADS) - self.share_free) / LATELY

    def end(self) -> None:
        with self.guard:
            self.busy -= 1
        self.thread.ended = time.monotonic()

    @property
    def is_standing(self) -> bool:
        return time.monotonic() - self.last_rest > STANDING and self.share_free < FREE_ENOUGH

    def take_turn(self) -> bool:
        """Whether this request may be made; while the queue stands, nobody else then may until `give_back` and a pause."""
        if not self.is_standing:
            return True
        if time.monotonic() < self.pause_ends:
            return False
        self.pause_ends = math.inf
        return True

    def give_back(self, spent: float) -> None:
        self.pause_ends = time.monotonic() + min(spent, LONGEST_PAUSE)


queue = Queue()


def bounded(get_response: View) -> View:
    """Middleware: no more at a time than can be served soon."""
    readers = threading.Semaphore(AT_ONCE)
    editors = threading.Semaphore(DESK_AT_ONCE)

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(EXEMPT):
            return get_response(request)
        is_editor = request.path_info.startswith(settings.DESK)
        places, patience = (editors, DESK_PATIENCE) if is_editor else (readers, 0 if queue.is_standing else PATIENCE)
        if (not is_editor and not queue.take_turn()) or not places.acquire(timeout=patience):
            return too_many(request)
        started = time.monotonic()
        try:
            return get_response(request)
        finally:
            places.release()
            queue.give_back(time.monotonic() - started)

    return middleware


def too_many(request: HttpRequest) -> HttpResponse:
    """503, in the site's layout or as problem JSON, without asking the database anything."""
    metrics.shed()
    headers = {"Retry-After": str(RETRY_AFTER), "Cache-Control": "no-store"}
    if request.path_info.startswith("/api/"):
        body = {
            "type": "about:blank",
            "title": "Too many requests at once",
            "status": 503,
            "detail": f"More people than usual are asking just now. Try again in {RETRY_AFTER} seconds.",
        }
        return JsonResponse(body, status=503, content_type="application/problem+json", headers=headers)
    if typed := request.POST.get("text", ""):  # for the ad check: it is in the answer again, to be sent once more
        page = render_to_string("503.html", {"seconds": RETRY_AFTER, "typed": typed, "site_root": site_root(request)})
    else:
        page = busy_page(site_root(request))
    body = page.encode()
    return HttpResponse(body, status=503, headers=headers | {"Content-Length": str(len(body))})


@lru_cache(maxsize=8)
def busy_page(site_root: str) -> str:
    """The same for everybody, so that to say no costs next to nothing."""
    return render_to_string("503.html", {"seconds": RETRY_AFTER, "typed": "", "site_root": site_root})
