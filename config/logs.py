"""What is written down while the site runs: one line an event, and never what a visitor typed or where from.

In production each line is JSON: `time`, `level`, `logger`, `message`, `request` (the number that the visitor sees on an
error page), `method`, `route` (the name of the address pattern, not the address), and what an event adds, as `status` and
`ms` (milliseconds). In development the same stands in a readable line.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import time
import traceback
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from config import metrics

log = logging.getLogger(__name__)

HEADER = "X-Request-ID"
WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{7,63}")
# Asked every second by whoever watches the site: worth a line only when it is bad news.
WATCHED = ("/healthz", "/readyz", "/metrics")
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


# --- Lines


def told(error: BaseException) -> str:
    """An error in words that hold nothing a visitor typed: its kind, and what the machine itself said about it."""
    kind = type(error).__name__
    is_of_the_machine = isinstance(error, OSError | ImportError) or kind in ("OperationalError", "InterfaceError")
    return f"{kind}: {' '.join(str(error).split())}" if is_of_the_machine else kind


def where(error: BaseException) -> list[str]:
    """The way to an error, outermost first: places in the code, without the values there."""
    return [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)]


def words(record: logging.LogRecord) -> str:
    """The message. Django's own quote addresses and host names as they were asked for: of those only what happened."""
    if record.name.startswith("django.security"):
        return f"Refused: {record.name.rpartition('.')[2]}"
    if record.name == "django.request":
        return str(record.msg).partition(":")[0].replace("%s", str((record.args or ("",))[0]), 1)
    return record.getMessage()


def event(record: logging.LogRecord) -> dict[str, Any]:
    """A record as plain values, in the order in which they are written."""
    line: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname,
        "logger": record.name,
        "message": words(record),
    }
    if request := current():
        line |= {"request": request.request_id, "method": method(request), "route": route(request)}  # type: ignore[attr-defined]
    line |= getattr(record, "more", {})
    if record.exc_info and (error := record.exc_info[1]):
        line |= {"error": told(error), "where": where(error)}
    return line


class JsonLines(logging.Formatter):
    """For machines: one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(event(record), ensure_ascii=False, default=str)


class Readable(logging.Formatter):
    """For people: time, level, message, and the rest behind it; errors in full."""

    def format(self, record: logging.LogRecord) -> str:
        line = event(record)
        rest = " ".join(f"{name}={line[name]}" for name in line if name not in ("time", "level", "message", "where"))
        text = f"{line['time'][11:-1]} {line['level']:<7} {line['message']}  {rest}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


# --- Requests


def current() -> HttpRequest | None:
    """The request that this thread works on."""
    return _request.get()


def method(request: HttpRequest) -> str:
    return request.method if request.method in METHODS else "other"


def route(request: HttpRequest) -> str:
    """The name of the address pattern, as `glossary:concept_detail`; a dash for an address that is none of ours."""
    return getattr(getattr(request, "resolver_match", None), "view_name", "") or "-"


def request_id(request: HttpRequest) -> str:
    """The number that a trusted proxy gave this request, if it looks like one, else a new one."""
    given = request.headers.get(HEADER, "") if settings.TRUST_PROXY_HEADERS else ""
    return given if WELL_FORMED.fullmatch(given) else secrets.token_hex(8)


class Watch:
    """Middleware: gives each request that is not answered from kept pages a number, writes it down, and counts it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.request_id = request_id(request)  # type: ignore[attr-defined]
        reset = _request.set(request)
        started = time.perf_counter()
        try:
            with metrics.making():
                response = self.get_response(request)
            seconds = time.perf_counter() - started
            response.headers[HEADER] = request.request_id  # type: ignore[attr-defined]
            metrics.answered(route(request), method(request), response.status_code, seconds)
            if response.status_code >= 500 or not request.path_info.startswith(WATCHED):
                log.info("answered", extra={"more": {"status": response.status_code, "ms": round(seconds * 1000, 1)}})
            return response
        finally:
            _request.reset(reset)
