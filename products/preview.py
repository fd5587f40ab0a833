"""A link that shows somebody without an account how a page would read with a draft in place."""

from __future__ import annotations

from django.apps import apps
from django.conf import settings
from django.core import signing
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from glossary import revisions
from glossary.desk import PREVIEW_SALT
from glossary.models import Concept, Finding, Publishable, State
from glossary.views import concept_detail
from products.models import Category
from products.views import category_detail


@require_safe
@never_cache
def preview(request: HttpRequest, token: str) -> HttpResponse:
    """The public page with the newest save of one entry, as the token names it; nothing is published by looking."""
    try:
        label, pk = signing.loads(token, salt=PREVIEW_SALT, max_age=settings.PREVIEW_DAYS * 24 * 3600)
    except signing.SignatureExpired:
        words = gettext("A preview opens for %(days)s days. Ask whoever sent you this link for a new one.") % {
            "days": settings.PREVIEW_DAYS
        }
        return render(request, "products/preview_gone.html", {"words": words}, status=410)
    except signing.BadSignature as error:
        raise Http404 from error
    entry = apps.get_model(label)._default_manager.filter(pk=pk).first()
    if entry is None:
        words = gettext("The entry that this preview showed has been deleted.")
        return render(request, "products/preview_gone.html", {"words": words}, status=410)
    work = revisions.latest(entry)
    with revisions.rehearsal():
        try:
            with revisions.transaction.atomic():
                if work and work.is_open:
                    revisions.write(entry, work.content, check=False)
        except IntegrityError:
            words = gettext("This draft no longer fits what it refers to. Its editor can mend that.")
            return render(request, "products/preview_gone.html", {"words": words}, status=409)
        show(entry)
        request.preview = work or entry  # type: ignore[attr-defined]  # base.html then says what this is
        response = page_of(request, entry)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def show(entry: Publishable) -> None:
    """Let the entry, and for a finding its concept, count as published until the rehearsal ends."""
    type(entry)._default_manager.filter(pk=entry.pk).update(state=State.PUBLISHED)
    if isinstance(entry, Finding):
        Concept.objects.filter(pk=entry.concept_id).update(state=State.PUBLISHED)


def page_of(request: HttpRequest, entry: Publishable) -> HttpResponse:
    if isinstance(entry, Category):
        return category_detail(request, entry.slug)
    return concept_detail(request, entry.concept.slug if isinstance(entry, Finding) else entry.slug)
