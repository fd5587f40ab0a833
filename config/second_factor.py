"""The second step of logging in: a code that the editor's phone makes (TOTP), and recovery codes for a lost phone."""

from __future__ import annotations

from base64 import b32encode
from typing import Any
from urllib.parse import urlencode

import segno
from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import RedirectURLMixin, redirect_to_login
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe
from django_otp import login as mark_verified
from django_otp.models import Device
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice, default_key

HOW_MANY_CODES = 10
# What the session remembers: the key that is being set up, and new recovery codes until their owner has kept them.
PENDING, FRESH = "second_factor_pending", "second_factor_fresh"


# --- Codes


class CodeField(forms.CharField):
    """A code from the phone, or a recovery code, typed, pasted or filled in by a password manager."""

    def __init__(self, **options: Any) -> None:
        attributes = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}
        defaults = {"label": "Code from your phone", "max_length": 40, "widget": forms.TextInput(attrs=attributes)}
        super().__init__(**defaults | options)


class CodeForm(forms.Form):
    code = CodeField(error_messages={"required": "Type the code that the phone shows now."})


def phone_of(user: User) -> TOTPDevice | None:
    """What makes an account one with a second factor; recovery codes alone do not."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).first()


def is_missing(user: User | AnonymousUser) -> bool:
    """An editor who has not set up a second factor."""
    return user.is_active and user.is_staff and phone_of(user) is None


def tidy(typed: str) -> str:
    """Without the spaces, dashes and capitals in which codes are shown and typed."""
    return "".join(typed.split()).replace("-", "").lower()


def check(user: User, typed: str) -> Device | None:
    """What the code belongs to; nothing where the account has no second factor. Raises what is wrong, in words.

    Six digits are tried on the phone only and all else as a recovery code only: a slip in one does not slow
    down the other. django-otp makes who errs wait 1, 2, 4, 8 … seconds.
    """
    code = tidy(typed)
    with transaction.atomic():
        device: Device | None = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=True).first()
        if device is None:
            return None
        if not code:
            raise ValidationError(
                gettext("This account has a second step: give the code from your phone, or a recovery code.")
            )
        if not (len(code) == 6 and code.isdecimal()):
            device = StaticDevice.objects.select_for_update().filter(user=user, confirmed=True).first()
        is_allowed, refusal = device.verify_is_allowed() if device else (True, None)
        # A wrong code is counted in here, so the complaint about it waits until that is saved.
        is_right = is_allowed and device is not None and device.verify_token(code)
    if not is_allowed:
        seconds = max(1, round((refusal["locked_until"] - timezone.now()).total_seconds()))
        wait = f"{seconds} seconds" if seconds < 120 else f"{-(-seconds // 60)} minutes"
        raise ValidationError(f"Too many wrong codes. Wait {wait}, then give the code that the phone shows then.")
    if not is_right:
        raise ValidationError(
            gettext("That code is not right, or was used before. Wait for the next one and give that.")
        )
    return device


def forget(user: User) -> bool:
    """Take phone and recovery codes away, as for a lost phone. Says whether there were any."""
    phones, _ = TOTPDevice.objects.filter(user=user).delete()
    codes, _ = StaticDevice.objects.filter(user=user).delete()
    return bool(phones or codes)


def forgive(user: User) -> None:
    """Forget wrong codes, so that the next one is tried at once."""
    for kind in (TOTPDevice, StaticDevice):
        kind.objects.filter(user=user).update(throttling_failure_count=0, throttling_failure_timestamp=None)


def new_codes(user: User) -> list[str]:
    """Ten recovery codes in place of those there were, as they are shown."""
    device, _ = StaticDevice.objects.get_or_create(user=user, defaults={"name": "Recovery codes"})
    device.token_set.all().delete()
    device.throttle_reset()
    tokens = [StaticToken.random_token() for _ in range(HOW_MANY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=token) for token in tokens)
    return [f"{token[:4]}-{token[4:]}" for token in tokens]


# --- Pages


def show(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    """A page in the desk's frame, without its list of what can be edited."""
    frame = admin.site.each_context(request) | {"is_nav_sidebar_enabled": False}
    return render(request, template, frame | context)


def where_next(request: HttpRequest) -> str:
    """The page that the editor was on the way to, if it is one of this site."""
    return RedirectURLMixin().get_redirect_url(request) or reverse("admin:index")


@never_cache
@sensitive_post_parameters()
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: HttpRequest) -> HttpResponse:
    """Set up a phone; or, with one, renew the recovery codes or change to another phone."""
    user = request.user
    if not (user.is_active and user.is_staff):
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    phone = phone_of(user)
    pending = request.session.get(PENDING)
    # A key that was handed out before the phone was set up elsewhere must not replace that phone.
    if pending and pending["replaces"] != (phone and phone.pk):
        pending = None
    if phone and not pending:
        return manage(request, phone)
    if not pending:
        pending = request.session[PENDING] = {"key": default_key(), "replaces": None}
    return enrol(request, phone, pending["key"])


def enrol(request: HttpRequest, phone: TOTPDevice | None, key: str) -> HttpResponse:
    """The key as picture and text, and a first code that shows that the phone has it."""
    device = TOTPDevice(user=request.user, name="Phone", key=key)
    form = CodeForm(request.POST or None)
    if request.POST.get("do") == "keep-old":
        del request.session[PENDING]
        return redirect("admin:second_factor")
    if form.is_valid():
        code, totp = tidy(form.cleaned_data["code"]), TOTP(device.bin_key)
        if code.isdecimal() and totp.verify(int(code), tolerance=device.tolerance):
            with transaction.atomic():
                TOTPDevice.objects.filter(user=request.user).delete()
                device.last_t, device.drift = totp.t(), totp.drift
                device.save()
                fresh = new_codes(request.user)
            mark_verified(request, device)
            del request.session[PENDING]
            return hand_over(request, fresh)
        form.add_error(
            "code", "That code does not fit this key. Is the phone's clock right? Give the code that it shows now."
        )
    secret = b32encode(device.bin_key).decode()
    qr = segno.make(device.config_url, error="m", micro=False)
    context = {
        "title": "Set up the second step",
        "form": form,
        "phone": phone,
        "next": where_next(request),
        "address": device.config_url,
        "secret": " ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
        # Our own drawing; nothing of it was typed by anybody.
        "qr": mark_safe(qr.svg_inline(scale=4, border=4, light="#fff", svgclass=None, lineclass=None)),  # noqa: S308
        "is_compulsory": settings.SECOND_FACTOR,
    }
    return show(request, "admin/second_factor_set_up.html", **context)


def manage(request: HttpRequest, phone: TOTPDevice) -> HttpResponse:
    """What is set up; a code opens the way to new recovery codes or to another phone."""
    form = CodeForm(request.POST or None)
    if form.is_valid():
        try:
            device = check(request.user, form.cleaned_data["code"])
        except ValidationError as error:
            form.add_error("code", error)
        else:
            mark_verified(request, device)
            if request.POST.get("do") == "phone":
                request.session[PENDING] = {"key": default_key(), "replaces": phone.pk}
                return redirect(f"{request.path}?{urlencode({'next': where_next(request)})}")
            with transaction.atomic():
                fresh = new_codes(request.user)
            return hand_over(request, fresh)
    codes_left = StaticToken.objects.filter(device__user=request.user).count()
    context = {"title": "Your second step", "form": form, "phone": phone, "codes_left": codes_left}
    return show(request, "admin/second_factor.html", **context, next=where_next(request))


def hand_over(request: HttpRequest, fresh: list[str]) -> HttpResponse:
    request.session[FRESH] = {"codes": fresh, "next": where_next(request)}
    return redirect("admin:recovery_codes")


@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def codes(request: HttpRequest) -> HttpResponse:
    """New recovery codes, until their owner says that they are kept; after that nobody sees them again."""
    fresh = request.session.get(FRESH) if request.user.is_authenticated else None
    if fresh is None:
        return redirect("admin:second_factor")
    if request.method == "POST":
        del request.session[FRESH]
        return redirect(fresh["next"])
    return show(request, "admin/recovery_codes.html", title="Your recovery codes", codes=fresh["codes"])


@never_cache
@require_safe
def codes_text(request: HttpRequest) -> HttpResponse:
    """The same as a text file."""
    fresh = request.session.get(FRESH) if request.user.is_authenticated else None
    if fresh is None:
        return redirect("admin:second_factor")
    lines = [f"Claimed & Shown: recovery codes of {request.user.get_username()}", "Each works once.", ""]
    response = HttpResponse("\n".join([*lines, *fresh["codes"], ""]), content_type="text/plain; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="recovery-codes.txt"'
    return response
