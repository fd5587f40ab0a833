"""Who guesses passwords is locked out by user name *and* address together (django-axes).

An attacker elsewhere cannot lock an editor out, and one person's slips do not lock out the office that shares
an address.
"""

from __future__ import annotations

import math
from ipaddress import IPv6Address, ip_address, ip_network

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone


def client_address(request: HttpRequest) -> str | None:
    """Where a request comes from: behind a trusted proxy what that proxy saw, for it writes the last entry.

    Of an IPv6 address the network, since one customer is given a whole one and may pick any address in it.
    """
    seen = request.META.get("REMOTE_ADDR", "")
    if settings.TRUST_PROXY_HEADERS:
        seen = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip() or seen
    try:
        address = ip_address(seen)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or ip_network((int(address), 64), strict=False).network_address
    return str(address)


def locked_out(request: HttpRequest, response: HttpResponse | None, credentials: dict | None) -> HttpResponse:
    """429 in the desk's layout: what happened, how long it lasts, what to do."""
    attempts = AccessAttempt.objects.filter(
        username=(credentials or {}).get("username"), ip_address=client_address(request)
    )
    last = attempts.order_by("-attempt_time").values_list("attempt_time", flat=True).first() or timezone.now()
    seconds = max(1, math.ceil((last + settings.AXES_COOLOFF_TIME - timezone.now()).total_seconds()))
    frame = admin.site.each_context(request) | {"title": "Too many wrong passwords", "has_permission": False}
    context = {"minutes": math.ceil(seconds / 60), "tries": settings.AXES_FAILURE_LIMIT}
    page = render(request, "admin/locked_out.html", frame | context, status=settings.AXES_HTTP_RESPONSE_CODE)
    page.headers["Retry-After"] = str(seconds)
    return page
