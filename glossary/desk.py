"""The editors' desk: Django's admin, with every save kept, drafts beside live entries, and nothing overwritten unseen.

`DeskAdmin` serves every kind of entry. What it does with a save is in `glossary.revisions`.
"""

from __future__ import annotations

import html
import re
from typing import Any

import nh3
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from glossary import revisions, writing
from glossary.differences import differences
from glossary.gaps import gaps
from glossary.models import Publishable, Revision, State
from glossary.revisions import Conflict, NotAllowed, NotReady
from glossary.trail import CORRECTION
from glossary.usage import uses

PREVIEW_SALT = "glossary.preview"
# Markup as word processors and web pages leave it; a lone “<” in a text is none.
MARKUP = re.compile(
    r"<!--|</?(?:p|span|div|font|o:p|table|tbody|tr|td|th|style|meta|link|html|body|b|i|u|br|h\d|img|script)\b[^>]*>",
    re.I,
)


class DeskForm(forms.ModelForm):
    """The form of every entry: with the reason of a change, and texts cleaned of pasted markup."""

    change_reason = forms.CharField(
        label=_("What you changed, and why"),
        required=False,
        max_length=300,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=_("In a sentence that readers understand: they see it on the page and under “What changed”."),
    )
    is_correction = forms.BooleanField(
        label=_("This corrects a mistake"), required=False, help_text=_("Readers then see it marked as a correction.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cleaned_of_markup: list[str] = []
        work = getattr(self.instance, "work", None)
        if work and work.is_open and "change_reason" in self.fields:
            reason = work.reason
            self.fields["change_reason"].initial = reason.removeprefix(CORRECTION).strip()
            self.fields["is_correction"].initial = reason.startswith(CORRECTION)
        writing.equip(self)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name, value in cleaned.items():
            if isinstance(self.fields[name].widget, forms.Textarea) and isinstance(value, str) and MARKUP.search(value):
                cleaned[name] = without_markup(value)
                self.cleaned_of_markup.append(str(self.fields[name].label))
        is_live = self.instance.pk and not revisions.has_drafts(self.instance)
        if is_live and not cleaned.get("change_reason", "").strip() and "change_reason" not in self.errors:
            self.add_error("change_reason", "This is live at once: say what you changed, and why.")
        return cleaned

    @property
    def reason(self) -> str:
        said = self.cleaned_data.get("change_reason", "").strip()
        return f"{CORRECTION} {said}" if said and self.cleaned_data.get("is_correction") else said


def without_markup(text: str) -> str:
    """Pasted HTML as the plain text a reader of it would see: paragraphs and lines kept, tags and styles gone."""
    text = re.sub(r"(?is)<(style|script|head|xml)\b.*?</\1\s*>|<!--.*?-->", "", text)
    text = re.sub(r"(?i)</(p|div|h\d|tr|table)>", "\n\n", text)
    text = re.sub(r"(?i)<(br|/li)\b[^>]*>", "\n", text)
    text = re.sub(r"(?i)<li\b[^>]*>", "- ", text)
    text = html.unescape(nh3.clean(text, tags=set(), clean_content_tags=set()))
    text = "\n".join(re.sub(r"[ \t\xa0]+", " ", line).strip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", text).strip()


class DeskAdmin(admin.ModelAdmin):
    """Find, write, have it checked, publish. Every save can be seen, compared and brought back."""

    form = DeskForm
    change_form_template = "admin/desk/change_form.html"
    change_list_template = "admin/desk/change_list.html"
    delete_confirmation_template = "admin/desk/delete.html"
    view_on_site = False
    actions = ["publish_chosen"]

    @property
    def has_drafts(self) -> bool:
        return revisions.has_drafts(self.model)

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        wrap = self.admin_site.admin_view
        return [
            *writing.urls(self),
            path("deleted/", wrap(self.deleted_view), name=f"{name}_deleted"),
            path("<path:object_id>/move/", wrap(self.move_view), name=f"{name}_move"),
            path("<path:object_id>/merge/<int:number>/", wrap(self.merge_view), name=f"{name}_merge"),
            path("<path:object_id>/history/<int:number>/", wrap(self.version_view), name=f"{name}_version"),
            *super().get_urls(),
        ]

    def address(self, what: str, entry: models.Model, *more: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{what}", args=[entry.pk, *more])

    def entry_or_404(self, request: HttpRequest, object_id: str, *, to_change: bool = True) -> models.Model:
        entry = self.get_object(request, unquote(object_id))
        if entry is None:
            raise Http404("There is no such entry.")
        may = self.has_change_permission if to_change else self.has_view_permission
        if not may(request, entry):
            raise PermissionDenied
        return entry

    # --- The form

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> models.Model | None:
        entry = super().get_object(request, object_id, from_field)
        if entry is not None:
            entry.work = revisions.latest(entry)
        return entry

    def get_fieldsets(self, request: HttpRequest, obj: models.Model | None = None) -> list[tuple[str | None, Any]]:
        """As the class says, and at the end the reason of the change, for whoever may change anything."""
        may = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        own = list(super().get_fieldsets(request, obj))
        if self.fieldsets is None and self.fields is None:
            # Without sections of its own the stock admin lists every field of the form, the reason among them.
            names = [n for n in own[0][1]["fields"] if n not in ("change_reason", "is_correction")]
            own = [(None, {"fields": names})]
        return [*own, ("This change", {"fields": ["change_reason", "is_correction"]})] if may else own

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The stock form over the working copy; what it saves is taken down and undone, and kept as a revision."""
        entry = self.get_object(request, unquote(object_id)) if object_id else None
        if entry is None or not self.has_change_permission(request, entry):
            return super().changeform_view(request, object_id, form_url, extra_context)
        with transaction.atomic():
            newest = revisions.working_copy(revisions.lock(entry))
        if request.method != "POST":
            is_beside = newest.is_open and revisions.shown_state(entry) == State.PUBLISHED
            return self.over_copy(entry, newest if is_beside else None, request, object_id, form_url, extra_context)[0]
        number = request.POST.get("base", "")
        base = Revision.objects.of(entry).filter(number=int(number[:9])).first() if number.isdecimal() else None
        base = base or newest
        response, content = self.over_copy(entry, base, request, object_id, form_url, extra_context)
        if content is None:
            return response
        return self.keep(request, entry, content, base)

    def over_copy(
        self, entry: models.Model, work: Revision | None, request: HttpRequest, *arguments: Any
    ) -> tuple[HttpResponse, revisions.Content | None]:
        """The stock view with a revision in the entry's place, undone afterwards; and, if it saved, what it saved."""
        with revisions.rehearsal():
            if work:
                try:
                    with transaction.atomic():
                        revisions.write(entry, work.content, check=False)
                except IntegrityError:
                    messages.error(
                        request,
                        gettext(
                            "This draft no longer fits what it refers to. The live entry is shown; the draft is in the history."
                        ),
                    )
            request.desk_form = None  # type: ignore[attr-defined]
            response = super().changeform_view(request, *arguments)
            form = request.desk_form  # type: ignore[attr-defined]
            if form is None:
                if isinstance(response, TemplateResponse):
                    response.render()
                return response, None
            known = work.content if work else {"parts": {}}
            return response, revisions.with_draft_ids(revisions.snapshot(entry), known)

    def get_formset_kwargs(self, request: HttpRequest, obj: models.Model, inline: Any, prefix: str) -> dict[str, Any]:
        """Texts of parts with plain line breaks, as those of the entry have them."""
        kwargs = super().get_formset_kwargs(request, obj, inline, prefix)
        if "data" in kwargs:
            writing.unify_breaks(kwargs["data"])
        return kwargs

    def save_form(self, request: HttpRequest, form: forms.ModelForm, change: bool) -> models.Model:
        form.instance._change_reason = form.reason
        return super().save_form(request, form, change)

    def construct_change_message(
        self, request: HttpRequest, form: forms.ModelForm, formsets: Any, add: bool = False
    ) -> Any:
        """Reached once everything is saved: from here on the save counts."""
        request.desk_form = form  # type: ignore[attr-defined]
        return super().construct_change_message(request, form, formsets, add)

    def log_change(self, request: HttpRequest, obj: models.Model, message: Any) -> None:
        """The revisions are the log."""

    def response_change(self, request: HttpRequest, obj: models.Model) -> HttpResponse:
        """Not sent: `keep` answers, once the save is real."""
        return HttpResponse()

    def keep(
        self, request: HttpRequest, entry: models.Model, content: revisions.Content, base: Revision
    ) -> HttpResponse:
        """Keep what a form saved, and take the step that its button asks for."""
        form = request.desk_form  # type: ignore[attr-defined]
        self.say_cleaned(request, form)
        try:
            kept = revisions.save(entry, content, base, request.user, form.reason)
        except Conflict as conflict:
            return HttpResponseRedirect(self.address("merge", entry, conflict.aside.number))
        except ValidationError as error:
            messages.error(request, f"Not saved. {' '.join(error.messages)}")
            return HttpResponseRedirect(self.address("change", entry))
        if "_popup" in request.POST:
            return super().response_change(request, entry)
        return self.after_save(request, entry, kept, form.reason)

    def after_save(self, request: HttpRequest, entry: models.Model, kept: Revision, reason: str) -> HttpResponse:
        link = format_html('<a href="{}">{}</a>', self.address("change", entry), entry)
        if not self.has_drafts:
            messages.success(request, format_html("{} is saved and live.", link))
        elif "_submit" in request.POST or "_publish" in request.POST:
            self.take_step(request, entry, "publish" if "_publish" in request.POST else "submit", reason)
            return HttpResponseRedirect(self.address("change", entry))
        elif entry.state == State.PUBLISHED:
            messages.success(request, format_html("{} is saved as a draft. Readers still see the live one.", link))
        else:
            messages.success(request, format_html("{} is saved as a draft.", link))
        if "_continue" in request.POST:
            return HttpResponseRedirect(self.address("change", entry))
        if "_addanother" in request.POST:
            return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_add"))
        return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))

    @staticmethod
    def say_cleaned(request: HttpRequest, form: DeskForm) -> None:
        if form.cleaned_of_markup:
            messages.warning(
                request,
                f"Pasted formatting was taken out of: {', '.join(form.cleaned_of_markup)}. The words are kept; look at them once.",
            )

    def log_addition(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        form = request.desk_form  # type: ignore[attr-defined]
        obj.work = revisions.record_new(obj, request.user, form.reason)
        return super().log_addition(request, obj, message)

    def response_add(
        self, request: HttpRequest, obj: models.Model, post_url_continue: str | None = None
    ) -> HttpResponse:
        if "_popup" in request.POST:
            return super().response_add(request, obj, post_url_continue)
        form = request.desk_form  # type: ignore[attr-defined]
        self.say_cleaned(request, form)
        return self.after_save(request, obj, obj.work, form.reason)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: models.Model | None = None,
    ) -> HttpResponse:
        context |= {"has_drafts": self.has_drafts, "base": request.POST.get("base", "")}
        if obj is not None:
            work = revisions.latest(obj)
            is_open = bool(work and work.is_open and self.has_drafts)
            context |= {
                "work": work,
                "is_open": is_open,
                "base": context["base"] or (work.number if work else ""),
                "gaps": gaps(obj),
                "uses": [(user._meta.verbose_name, admin_address(user), str(user)) for user in uses(obj)],
                "preview_days": settings.PREVIEW_DAYS,
                "may_publish": self.has_drafts and revisions.may_publish(request.user, obj),
                "is_own_weighing": is_open and revisions.weighed_by(obj) == request.user,
                "move_url": self.address("move", obj),
                "preview_url": preview_address(request, obj) if self.has_drafts else "",
                "public_url": obj.get_absolute_url()
                if hasattr(obj, "get_absolute_url") and revisions.shown_state(obj) == State.PUBLISHED
                else "",
            }
        return super().render_change_form(request, context, add, change, form_url, obj)

    # --- Steps

    STEPS = {
        "submit": (revisions.submit, "{} is in review: somebody else looks at it now."),
        "publish": (revisions.publish, "{} is published."),
        "send-back": (revisions.send_back, "{} is a draft again, with your note."),
        "withdraw": (revisions.withdraw, "{} is withdrawn. Its address stays and says so."),
        "discard": (revisions.discard, "The draft of {} is given up. It stays in the history."),
    }

    def take_step(self, request: HttpRequest, entry: models.Model, name: str, reason: str) -> bool:
        """One step of an entry for this editor; what hinders it is said in a message."""
        step, words = self.STEPS[name]
        try:
            if name == "publish":
                revisions.submit(entry, request.user, reason)
            step(entry, request.user, reason)
        except NotReady as missing:
            found = " ".join(gap.words for gap in missing.gaps)
            messages.error(request, f"{entry} cannot be published yet. {found}")
        except (NotAllowed, PermissionDenied) as refused:
            messages.error(request, f"{entry}: {refused}")
        except ValidationError as error:
            messages.error(request, f"{entry}: {' '.join(error.messages)}")
        else:
            messages.success(request, words.format(entry))
            return True
        return False

    def move_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """POST `to`, a step, and `reason`; or `to=restore` and the `number` of an earlier save."""
        entry = self.entry_or_404(request, object_id)
        to, reason = request.POST.get("to", ""), request.POST.get("reason", "").strip()[:300]
        number = request.POST.get("number", "")
        if request.method == "POST" and to == "restore" and number.isdecimal():
            self.bring_back(request, entry, int(number[:9]))
        elif request.method == "POST" and to in self.STEPS and self.has_drafts:
            if to == "send-back" and not reason:
                messages.error(request, gettext("Say what is still to do, so that the writer knows."))
            else:
                self.take_step(request, entry, to, reason)
        elif request.method == "POST":
            messages.error(request, gettext("There is no such step."))
        return HttpResponseRedirect(self.address("change", entry))

    def bring_back(self, request: HttpRequest, entry: models.Model, number: int) -> None:
        try:
            revisions.restore(entry, number, request.user, f"Back to what save {number} held")
        except Revision.DoesNotExist:
            messages.error(request, f"There is no save {number} of {entry}.")
        except (ValidationError, IntegrityError):
            messages.error(
                request,
                gettext(
                    "That save no longer fits what it refers to, so it cannot be brought back whole. Its words can be copied from the history."
                ),
            )
        else:
            done = "a draft now" if self.has_drafts else "live again"
            messages.success(request, f"What save {number} held is {done}.")

    @admin.action(description=_("Publish what is in review"), permissions=["publish"])
    def publish_chosen(self, request: HttpRequest, queryset: QuerySet[Publishable]) -> None:
        """One by one, so that one that is not ready keeps none of the others back."""
        for entry in queryset:
            work = revisions.latest(entry)
            if work and work.state == Revision.State.IN_REVIEW:
                self.take_step(request, entry, "publish", "")
            else:
                messages.error(request, f"{entry} is not in review.")

    def has_publish_permission(self, request: HttpRequest) -> bool:
        return self.has_drafts and request.user.has_perm(f"{self.opts.app_label}.publish_{self.opts.model_name}")

    # --- Two at once

    def merge_view(self, request: HttpRequest, object_id: str, number: int) -> HttpResponse:
        """What the other person saved, beside what was set aside; saves both, with the choices that are posted."""
        entry = self.entry_or_404(request, object_id)
        saves = Revision.objects.of(entry).select_related("saved_by")
        mine = saves.filter(number=number, state=Revision.State.ASIDE).first()
        if mine is None:
            raise Http404("Nothing was set aside under this number.")
        theirs = saves.current().last()
        base = saves.get(number=mine.based_on)
        merged = revisions.merge(base.content, theirs.content, mine.content)
        disputed = set(merged.disputed)
        if request.method == "POST" and request.POST.get("theirs") == str(theirs.number):
            chosen = revisions.flat(merged.content)
            missing = []
            for position, place in enumerate(merged.disputed):
                choice = request.POST.get(f"choice-{position}", "")
                if choice not in ("theirs", "mine", "both"):
                    missing.append(place)
                elif choice != "theirs":
                    value = revisions.flat(mine.content).get(place)
                    other = chosen.get(place)
                    both = choice == "both" and isinstance(value, str) and isinstance(other, str)
                    chosen[place] = f"{other}\n\n{value}" if both else value
            if not missing:
                content = revisions.unflat(
                    {place: value for place, value in chosen.items() if len(place) == 1 or value is not None}
                )
                for name in theirs.content["parts"]:
                    content["parts"].setdefault(name, [])
                try:
                    kept = revisions.save(entry, content, theirs, request.user, mine.reason)
                except Conflict as conflict:
                    return HttpResponseRedirect(self.address("merge", entry, conflict.aside.number))
                except ValidationError as error:
                    messages.error(request, f"Not saved. {' '.join(error.messages)}")
                else:
                    return self.after_save(request, entry, kept, mine.reason)
            else:
                messages.error(request, gettext("Choose one for each field that you both changed."))
        elif request.method == "POST":
            messages.error(request, gettext("Meanwhile there is a newer save. Look again, please."))
        theirs_by_place = {d.place: d for d in differences(self.model, base.content, theirs.content)}
        mine_by_place = {d.place: d for d in differences(self.model, base.content, mine.content)}
        rows = [
            (position, theirs_by_place.get(place), mine_by_place.get(place), request.POST.get(f"choice-{position}", ""))
            for position, place in enumerate(merged.disputed)
        ]
        context = {
            **self.admin_site.each_context(request),
            "title": f"Two people changed {entry}",
            "opts": self.opts,
            "original": entry,
            "entry": entry,
            "theirs": theirs,
            "mine": mine,
            "rows": [row for row in rows if row[1] or row[2]],
            "hidden": [position for position, one, other, _ in rows if not one and not other],
            "only_theirs": [d for place, d in theirs_by_place.items() if place not in disputed],
            "only_mine": [d for place, d in mine_by_place.items() if place not in disputed],
        }
        return TemplateResponse(request, "admin/desk/merge.html", context)

    # --- What was

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Every save, the newest first: who, when, why."""
        entry = self.entry_or_404(request, object_id, to_change=False)
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {entry}",
            "opts": self.opts,
            "original": entry,
            "entry": entry,
            "saves": Revision.objects.of(entry).select_related("saved_by").defer("content").reverse()[:500],
            "before": entry.history.order_by("-history_date").select_related("history_user")[:50]
            if hasattr(entry, "history")
            else [],
        }
        return TemplateResponse(request, "admin/desk/history.html", context)

    def version_view(self, request: HttpRequest, object_id: str, number: int) -> HttpResponse:
        """One save: what it changed against the one before, or against `?against=`, word by word."""
        entry = self.entry_or_404(request, object_id, to_change=False)
        saves = Revision.objects.of(entry).select_related("saved_by")
        save = saves.filter(number=number).first()
        if save is None:
            raise Http404("There is no such save.")
        against = request.GET.get("against", "")
        earlier = saves.filter(number=int(against[:9])).first() if against.isdecimal() else None
        earlier = earlier or saves.current().filter(number__lt=number).last()
        empty: revisions.Content = {"fields": {}, "parts": {}}
        context = {
            **self.admin_site.each_context(request),
            "title": f"{entry}, save {number}",
            "opts": self.opts,
            "original": entry,
            "entry": entry,
            "save": save,
            "earlier": earlier,
            "others": saves.exclude(number=number).defer("content").reverse()[:200],
            "differences": list(differences(self.model, earlier.content if earlier else empty, save.content)),
            "may_restore": self.has_change_permission(request, entry),
            "move_url": self.address("move", entry),
        }
        return TemplateResponse(request, "admin/desk/version.html", context)

    # --- Deleting, and bringing back

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list, dict, set, list]:
        """What others use cannot be deleted: they are listed instead."""
        to_delete, counts, lacking, protected = super().get_deleted_objects(objs, request)
        named = [
            format_html('{}: <a href="{}">{}</a>', user._meta.verbose_name, admin_address(user), user)
            for entry in objs
            for user in uses(entry)
        ]
        # Parts go with their entry; whoever may delete that needs no leave for them.
        parts = {
            self.opts.get_field(name).related_model._meta.verbose_name for name in revisions.part_names(self.model)
        }
        return to_delete, counts, lacking - parts, [*protected, *(words for words in named if words not in protected)]

    def delete_model(self, request: HttpRequest, obj: models.Model) -> None:
        with transaction.atomic():
            revisions.keep_deleted(obj, request.user)
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet) -> None:
        for entry in queryset:
            self.delete_model(request, entry)

    def deleted_view(self, request: HttpRequest) -> HttpResponse:
        """What was deleted; POST `number`, the key of one, brings it back."""
        if not self.has_delete_permission(request):
            raise PermissionDenied
        gone = revisions.deleted(self.model)
        if request.method == "POST":
            chosen = next((r for r in gone if str(r.pk) == request.POST.get("number")), None)
            if chosen is None:
                messages.error(
                    request, gettext("That is not among what was deleted; perhaps somebody has brought it back.")
                )
            else:
                try:
                    entry = revisions.undelete(chosen, request.user)
                except ValidationError as error:
                    messages.error(request, f"{chosen.name} cannot be brought back. {' '.join(error.messages)}")
                else:
                    messages.success(request, f"{entry} is back{' as a draft' if self.has_drafts else ''}.")
                    return HttpResponseRedirect(self.address("change", entry))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Deleted {self.opts.verbose_name_plural}",
            "opts": self.opts,
            "gone": gone,
        }
        return TemplateResponse(request, "admin/desk/deleted.html", context)


class PartAdmin(admin.ModelAdmin):
    """Rows that are parts of an entry: found here, changed on the page of the entry that `owner` names."""

    owner: str

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        part = self.get_object(request, unquote(object_id))
        if part is None or not self.has_view_permission(request, part):
            return super().change_view(request, object_id, form_url, extra_context)
        return HttpResponseRedirect(admin_address(getattr(part, self.owner)))


class WorkFilter(admin.SimpleListFilter):
    """Entries whose newest save waits for somebody, beside a live one or not."""

    title = "draft"
    parameter_name = "work"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("draft", "a draft is open"), ("in-review", "in review"), ("mine", "a draft of mine")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        asked = self.value()
        if asked not in ("draft", "in-review", "mine"):
            return queryset
        waiting = Revision.objects.waiting(queryset.model)
        waiting = (
            waiting.filter(saved_by=request.user, state=State.DRAFT) if asked == "mine" else waiting.filter(state=asked)
        )
        return queryset.filter(pk__in=waiting.values("entry_id"))


def admin_address(entry: models.Model) -> str:
    return reverse(f"admin:{entry._meta.app_label}_{entry._meta.model_name}_change", args=[entry.pk])


# --- A link for somebody outside


def preview_address(request: HttpRequest, entry: models.Model) -> str:
    """An address that shows the working copy to whoever has it, until it expires."""
    token = signing.dumps([entry._meta.label_lower, entry.pk], salt=PREVIEW_SALT)
    return request.build_absolute_uri(reverse("preview", args=[token]))
