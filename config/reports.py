"""Reports of errors to a service that speaks Sentry's language (Sentry, GlitchTip), where SENTRY_DSN names one.

A report holds the kind of the error, the way to it through the code, the request's number, method and route. It holds no words of
visitors, no values of variables, no address in the network, no cookie, no query.
"""

from __future__ import annotations

from typing import Any

import sentry_sdk

from config import logs


def start(dsn: str) -> None:
    sentry_sdk.init(
        dsn,
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,
        max_breadcrumbs=0,
        auto_session_tracking=False,
        server_name="",
        before_send=bare,
    )


def bare(event: Any, hint: Any) -> Any:
    """The report without anything that came from a visitor."""
    request = logs.current()
    event.pop("request", None)
    event.pop("user", None)
    event["transaction"] = logs.route(request) if request else ""
    if request:
        event["tags"] = {"request": request.request_id, "method": logs.method(request)}
    error = (hint.get("exc_info") or (None, None))[1]
    for told in reversed(event.get("exception", {}).get("values", [])):
        told["value"] = logs.told(error).partition(": ")[2] if error and type(error).__name__ == told["type"] else ""
        error = error and (error.__cause__ or error.__context__)
    return event
