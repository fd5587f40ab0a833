"""What belongs to the whole site and to no app: health, robots, error pages."""

from __future__ import annotations

import hmac
import sys
import time
from datetime import timedelta
from functools import cache

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config import database, metrics
from config.http import site_root
from glossary import edition
from glossary.models import Concept, EventCount, Finding, Risk, Source
from glossary.near import near_concepts
from glossary.verdict import SHAPES
from products.adcheck import MOST_CHARACTERS
from products.compare import ready_made
from products.models import Category, Question, Regulation
from products.search import search
from products.search_index import is_in_step


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether it can do its work: 200 when the database answers, is migrated and holds content; else 503 and what is missing."""
    try:
        with database.patience(READY_WITHIN):
            missing = lacking()
    except (DatabaseError, InterfaceError):
        missing = "database: no answer"
    return JsonResponse({"ready": not missing, "missing": [missing] if missing else []}, status=503 if missing else 200)


READY_WITHIN = 2.0  # seconds for each query
LOOK_AGAIN = 60.0  # seconds

# The edition for which content and search were found in order, and when. They are counted anew for another edition, and once
# a minute, since whoever watches the site may ask every second.
_in_order: tuple[str, float] = ("", 0.0)


@cache
def newest_migrations() -> list[tuple[str, str]]:
    """The last migration of each app in this release."""
    return MigrationLoader(None).graph.leaf_nodes()


def lacking() -> str:
    """The first thing that is missing, and what to do about it; empty when nothing is."""
    global _in_order
    applied = MigrationRecorder(connection).applied_migrations()
    if not all(migration in applied for migration in newest_migrations()):
        return "migrations: run manage.py migrate"
    token = edition.read().token
    if _in_order[0] == token and time.monotonic() < _in_order[1] + LOOK_AGAIN:
        return ""
    if not (Concept.objects.published().exists() and Category.objects.published().exists()):
        return "content: run manage.py load_content"
    if not is_in_step():
        return "search: run manage.py rebuild_search"
    _in_order = (token, time.monotonic())
    return ""


@require_safe
@never_cache
def numbers(request: HttpRequest) -> HttpResponse:
    """Numbers for Prometheus, for who gives METRICS_TOKEN; for everybody else there is nothing here."""
    given = request.headers.get("Authorization", "")
    wanted = f"Bearer {settings.METRICS_TOKEN}"
    if not settings.METRICS_TOKEN or not hmac.compare_digest(given.encode(), wanted.encode()):
        raise Http404
    with database.patience(READY_WITHIN):
        return HttpResponse(metrics.text(), content_type="text/plain; version=0.0.4; charset=utf-8")


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Everything may be read; the endless combinations of a comparison need not be."""
    lines = [
        "User-agent: *",
        *(f"Disallow: {settings.URL_PREFIX}{path}" for path in ("/preview/", "/search/", "/api/check")),
        "",
    ]
    lines.append(f"Sitemap: {request.build_absolute_uri(reverse('sitemap'))}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain")


@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """Where to report a security problem (RFC 9116); there once CONTACT is set."""
    if not settings.CONTACT:
        raise Http404
    contact = settings.CONTACT if ":" in settings.CONTACT else f"mailto:{settings.CONTACT}"
    # Told anew each day; until then it may be relied on for half a year.
    expires = (timezone.now() + timedelta(days=180)).replace(hour=0, minute=0, second=0, microsecond=0)
    here = f"{site_root(request)}{reverse('security_txt')}"
    lines = [
        f"Contact: {contact}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: en",
        f"Canonical: {here}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404 in the site's own layout, with what the visitor may have meant."""
    if request.path_info.startswith("/api/"):
        body = {
            "type": "about:blank",
            "title": "Not found",
            "status": 404,
            "detail": "There is nothing at this address.",
        }
        return JsonResponse(body, status=404, content_type="application/problem+json")
    parts = [part for part in request.path_info.split("/") if part]
    word = parts[-1].replace("-", " ")[:80] if parts else ""
    near: list[Concept | Source] = []
    hits = []
    if word:
        near = near_concepts(word, limit=5)
        hits = [hit for hit in search(word).hits if hit.kind == "category"][:4]
    return render(request, "404.html", {"word": word, "near": near, "hits": hits}, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or what fits when the database is to blame: in the site's own layout, without asking the database anything."""
    if trouble := database.trouble(sys.exception()):
        metrics.database_failed()
        return unavailable(request, trouble)
    return render(request, "500.html", status=500)


def unavailable(request: HttpRequest, trouble: database.Trouble) -> HttpResponse:
    """503 or 507: what is the matter, when to try again, and what was typed, to be sent once more."""
    headers = {"Retry-After": str(trouble.retry_after), "Cache-Control": "no-store"}
    if request.path_info.startswith("/api/"):
        detail = f"{trouble.words} Try again in {trouble.retry_after} seconds."
        body = {"type": "about:blank", "title": trouble.title, "status": trouble.status, "detail": detail}
        return JsonResponse(body, status=trouble.status, content_type="application/problem+json", headers=headers)
    context = typed_in(request) | {"trouble": trouble}
    response = render(request, "unavailable.html", context, status=trouble.status)
    for name, value in headers.items():
        response.headers[name] = value
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """413 when too large, else 400: in the site's own layout, or as problem JSON under /api/."""
    is_large = isinstance(exception, RequestDataTooBig)
    status, title = (413, "Too large") if is_large else (400, "Bad request")
    if request.path_info.startswith("/api/"):
        detail = (
            f"More than {MOST_CHARACTERS:,} characters do not fit." if is_large else "The request could not be read."
        )
        body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
        return JsonResponse(body, status=status, content_type="application/problem+json")
    return render(request, "400.html", {"is_large": is_large, "most": MOST_CHARACTERS}, status=status)


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form without a token that fits; what an editor typed can be sent again from that page.

    Only where the browser itself vouches that the form came from this site, so that no other site can have
    words of its own shown here; and never where a password or a code was typed.
    """
    return render(request, "403_csrf.html", typed_in(request), status=403)


def typed_in(request: HttpRequest) -> dict[str, object]:
    """What a form held, so that a page can offer to send it again: from the desk, or a text given to the ad check."""
    typed: list[tuple[str, str]] = []
    is_ours = request.headers.get("Sec-Fetch-Site") == "same-origin" and request.path.startswith(reverse("admin:index"))
    if is_ours and not any(word in name for name in request.POST for word in ("password", "code")):
        typed = [(name, value) for name, values in request.POST.lists() for value in values]
        typed = [(name, value) for name, value in typed if name != "csrfmiddlewaretoken"]
    elif request.method == "POST" and request.path == reverse("products:check"):
        typed = [("text", request.POST.get("text", ""))]
    readable = [(name, value) for name, value in typed if value.strip() and not name.startswith("_")]
    return {"typed": typed, "readable": readable, "is_ours": is_ours, "has_files": bool(request.FILES)}


COLOURS = "paper card ink soft line line-strong accent claim claim-ink shown benefit no-difference harm mixed unknown untested"


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component in every state, drawn from the content; there while DEBUG is on."""
    verdicts: dict[tuple[str, int, str], Finding] = {}
    shapes: dict[str, Finding] = {}
    for finding in Finding.objects.published().for_reading():
        verdict = finding.verdict
        verdicts.setdefault((verdict.shape, verdict.steps, verdict.sentence), finding)
        shapes.setdefault(verdict.shape, finding)
    rules = {rule.status: rule for rule in Regulation.objects.for_reading()}
    risks = {risk.severity: risk for risk in Risk.objects.published().for_reading()}
    context = {
        "colours": COLOURS.split(),
        "sizes": [f"f{n}" for n in range(8)],
        "spaces": [f"s{n}" for n in range(1, 8)],
        "verdicts": [verdicts[key] for key in sorted(verdicts)],
        "shapes": [shapes[shape] for shape in SHAPES if shape in shapes],
        "elsewhere": list(shapes.values())[:1],
        "counts": {count.is_wanted: count for count in EventCount.objects.all()}.values(),
        "risks": list(risks.values()),
        "rules": list(rules.values()),
        "notices": ["Something was left out, and this says what."],
        "ready_made": ready_made()[:2],
        "questions": Question.objects.all()[:1],
        "sources": list(enumerate(Source.objects.in_order()[:3], start=1)),
    }
    return render(request, "styleguide.html", context)
