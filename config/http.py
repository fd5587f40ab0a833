"""The typed request, and the headers that every answer carries."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.functional import SimpleLazyObject
from django.views.decorators.csp import csp_override
from django_htmx.middleware import HtmxDetails

from glossary import edition

# What pages, and whatever might be slipped into them, may ask a browser for: nothing of this.
POWERS = (
    "accelerometer autoplay camera display-capture encrypted-media fullscreen geolocation gyroscope hid magnetometer "
    "microphone midi payment picture-in-picture publickey-credentials-get screen-wake-lock serial usb xr-spatial-tracking"
)
PERMISSIONS_POLICY = ", ".join(f"{power}=()" for power in POWERS.split())

# What scripts on other sites may read: nothing there depends on who asks.
OPEN_TO_OTHERS = ("/api/", "/data/")


class HtmxHttpRequest(HttpRequest):
    """A request after django-htmx has looked at it: `request.htmx` is true for a fragment."""

    htmx: HtmxDetails


def public_headers(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: the security headers that Django has no setting for."""

    desk = csp_override(settings.DESK_CSP)(get_response)

    def middleware(request: HttpRequest) -> HttpResponse:
        is_desk = request.path_info.startswith(settings.DESK)
        response = desk(request) if is_desk else get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        if request.path_info.startswith(OPEN_TO_OTHERS) and request.method in ("GET", "HEAD"):
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if is_desk:
            # Nothing of it stays behind in a browser or a proxy, and no search engine names it.
            response.headers["Cache-Control"] = "no-store, private"
            response.headers["X-Robots-Tag"] = "noindex"
        return response

    return middleware


# Characters of path and query together, as they come. The longest that a form here makes has half of that.
LONGEST_ADDRESS = 4_000


def short_address(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: 414 for an address that nothing here can have made."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if len(request.get_full_path_info()) <= LONGEST_ADDRESS:
            return get_response(request)
        if request.path_info.startswith("/api/"):
            detail = f"An address has at most {LONGEST_ADDRESS:,} characters."
            body = {"type": "about:blank", "title": "Address too long", "status": 414, "detail": detail}
            return JsonResponse(body, status=414, content_type="application/problem+json")
        return render(request, "400.html", {"longest_address": LONGEST_ADDRESS}, status=414)

    return middleware


def without_nul(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: take the NUL character out of an address; nobody means it, and PostgreSQL refuses it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.META["QUERY_STRING"] = request.META.get("QUERY_STRING", "").replace("%00", "").replace("\x00", "")
        return get_response(request)

    return middleware


def site_root(request: HttpRequest) -> str:
    """Scheme and host as the world knows the site: the setting, or else what was asked for; nothing for a host that is not ours."""
    try:
        return settings.SITE_URL or f"{request.scheme}://{request.get_host()}"
    except DisallowedHost:
        return ""  # only the page that says so is shown


def site_context(request: HttpRequest) -> dict[str, object]:
    """What every template may use; the edition is asked for only where it is shown."""
    return {"site_root": site_root(request), "edition": SimpleLazyObject(edition.current)}
