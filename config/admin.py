"""The editors' desk: Django's admin behind a password, and a second factor where it is asked for."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import UsernameField
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from config import second_factor


class LogInForm(AdminAuthenticationForm):
    """User name, password, and the code where the account has a second factor."""

    error_messages = AdminAuthenticationForm.error_messages | {
        "invalid_login": "That user name and password do not belong together. Mind capital letters.",
    }
    # Django tells only the browser how long a name may be, and PostgreSQL refuses to note a longer one as a failure.
    username = UsernameField(max_length=150, widget=forms.TextInput(attrs={"autofocus": True}))
    code = second_factor.CodeField(
        required=False,
        help_text=_("Six digits, or one of your recovery codes. Leave it empty if you have not set this up yet."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        user = self.get_user()
        if user is not None and "code" in cleaned:
            try:
                user.otp_device = second_factor.check(user, cleaned["code"])
            except ValidationError as error:
                self.add_error("code", error)
        return cleaned


class Desk(AdminSite):
    """The one admin site: who may enter, and its name on every page."""

    site_header = "Claimed & Shown: the editors' desk"
    site_title = "Claimed & Shown"
    index_title = "What would you like to work on?"
    login_form = LogInForm

    def has_permission(self, request: HttpRequest) -> bool:
        """An active editor; where SECOND_FACTOR is on, one whose code was checked in this session."""
        return super().has_permission(request) and (not settings.SECOND_FACTOR or request.user.is_verified())

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The log-in page; who gave a password and has no second factor yet is led to setting it up."""
        if request.method == "GET" and not self.has_permission(request) and second_factor.is_missing(request.user):
            query = urlencode({"next": request.GET.get("next", reverse("admin:index"))})
            return redirect(f"{reverse('admin:second_factor')}?{query}")
        return super().login(request, extra_context)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """What waits to be done, above the list of everything there is."""
        # Here, since the site is made before the models are.
        from products import desk

        return super().index(request, {"desk": desk.home(request.user)} | (extra_context or {}))

    def get_urls(self) -> list[URLPattern | URLResolver]:
        # Log-out stands before Django's own, which turns away whoever has no second factor yet.
        log_out = csrf_protect(never_cache(self.logout))
        return [
            path("logout/", log_out, name="logout"),
            path("second-factor/", second_factor.set_up, name="second_factor"),
            path("second-factor/codes/", second_factor.codes, name="recovery_codes"),
            path("second-factor/codes.txt", second_factor.codes_text, name="recovery_codes_text"),
            *super().get_urls(),
        ]
