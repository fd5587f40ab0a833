"""How many pages are made at one time, and what happens to the rest.

A process makes two pages at a time and lets four requests wait, none of them for long. Whoever comes then is told at
once, with 503 and when to try again, instead of standing in a queue that grows until nobody is served. Kept pages
(`config/pages.py`) and static files are handed out before it comes to this. Editors have places of their own, so
that neither takes them from the other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

AT_ONCE = 2
MAY_WAIT = 4
PATIENCE = 2.0  # seconds
RETRY_AFTER = 3  # seconds

# The desk: one save at a time in each process, and its people wait longer, since they have something to lose.
DESK = "/admin/"
DESK_AT_ONCE = 1
DESK_MAY_WAIT = 3
DESK_PATIENCE = 20.0

# What watches over the server is answered always.
EXEMPT = ("/healthz", "/readyz", "/metrics")


class Places:
    """So many at once, so many waiting."""

    def __init__(self, at_once: int, may_wait: int, patience: float) -> None:
        self.free = threading.Semaphore(at_once)
        self.room = threading.Semaphore(may_wait)
        self.patience = patience

    def take(self) -> bool:
        """Whether there is a place, after waiting for one if there is room to wait; give it back with `leave`."""
        if self.free.acquire(blocking=False):
            return True
        if not self.room.acquire(blocking=False):
            return False
        try:
            return self.free.acquire(timeout=self.patience)
        finally:
            self.room.release()

    def leave(self) -> None:
        self.free.release()


class Crowd:
    """Middleware: no more at a time than can be served soon."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.readers = Places(AT_ONCE, MAY_WAIT, PATIENCE)
        self.editors = Places(DESK_AT_ONCE, DESK_MAY_WAIT, DESK_PATIENCE)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(EXEMPT):
            return self.get_response(request)
        places = self.editors if request.path_info.startswith(DESK) else self.readers
        if not places.take():
            return too_many(request)
        try:
            return self.get_response(request)
        finally:
            places.leave()


def too_many(request: HttpRequest) -> HttpResponse:
    """503, in the site's layout or as problem JSON, without asking the database anything."""
    headers = {"Retry-After": str(RETRY_AFTER), "Cache-Control": "no-store"}
    if request.path_info.startswith("/api/"):
        body = {
            "type": "about:blank",
            "title": "Too many requests at once",
            "status": 503,
            "detail": f"More people than usual are asking just now. Try again in {RETRY_AFTER} seconds.",
        }
        return JsonResponse(body, status=503, content_type="application/problem+json", headers=headers)
    # A text given to the ad check is in the answer again, to be sent once more.
    context = {"seconds": RETRY_AFTER, "typed": request.POST.get("text", "")}
    response = render(request, "503.html", context, status=503)
    for name, value in headers.items():
        response.headers[name] = value
    return response
