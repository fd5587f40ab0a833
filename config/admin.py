"""The editors' desk: Django's own admin with a home page that says what waits to be done."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse


class Desk(AdminSite):
    """The project's admin site."""

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        # Here, since the site is made before the models are.
        from products import desk

        return super().index(request, {"desk": desk.home(request.user)} | (extra_context or {}))
