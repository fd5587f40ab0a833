"""The editors' desk for the knowledge: find an entry, write it, weigh it, publish it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import Count, Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from glossary import writing
from glossary.bulk import AliasSheet, BulkAdmin, FindingSheet, SourceSheet
from glossary.desk import DeskAdmin, PartAdmin, WorkFilter
from glossary.links import cited_by
from glossary.models import (
    Alias,
    Concept,
    Effect,
    EffectWording,
    EventCount,
    Finding,
    LinkCheck,
    Risk,
    Source,
)
from glossary.reference_import import PasteReferences
from glossary.retractions import label, resting_on


class ReviewFilter(admin.SimpleListFilter):
    """Entries whose review date has passed, or passes soon."""

    title = "review"
    parameter_name = "review"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("overdue", "overdue"), ("soon", "due in 30 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        today = timezone.localdate()
        if self.value() == "overdue":
            return queryset.filter(review_due__lt=today)
        if self.value() == "soon":
            return queryset.filter(review_due__range=(today, today + timezone.timedelta(days=30)))
        return queryset


class RejudgeFilter(admin.SimpleListFilter):
    """Published findings that rest on something retracted or in doubt."""

    title = "to judge again"
    parameter_name = "rejudge"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("yes", "rests on a retracted or doubted source")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.to_rejudge() if self.value() == "yes" else queryset


class SourceUpkeepFilter(admin.SimpleListFilter):
    """Sources that want looking after."""

    title = "upkeep"
    parameter_name = "upkeep"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [
            ("cited", "retracted, doubted or replaced, but still cited"),
            ("unseen", "not looked at for a year"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "cited":
            return queryset.out_of_date_but_cited()
        if self.value() == "unseen":
            return queryset.not_looked_at_for_a_year()
        return queryset


class LinkHealthFilter(admin.SimpleListFilter):
    """Addresses by whether an editor has something to do."""

    title = "health"
    parameter_name = "health"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("dead", "dead"), ("failing", "failed lately, not dead yet")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "dead":
            return queryset.dead()
        if self.value() == "failing":
            return queryset.filter(failed_days__gt=0).exclude(pk__in=LinkCheck.objects.dead().values("pk"))
        return queryset


class AliasInline(admin.TabularInline):
    model = Alias
    extra = 0
    classes = ["collapse"]  # some concepts have eighty names


class FindingInline(admin.TabularInline):
    """The findings at a glance; each opens on a page of its own."""

    model = Finding
    fields = ["effect", "route", "direction", "size", "certainty", "state"]
    readonly_fields = fields
    extra = 0
    max_num = 0
    can_delete = False
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Finding]:
        return super().get_queryset(request).select_related("concept", "effect")


class RiskInline(admin.StackedInline):
    model = Risk
    extra = 0
    autocomplete_fields = ["sources"]
    classes = ["collapse"]


@admin.register(Concept)
class ConceptAdmin(DeskAdmin):
    """One entry of the glossary with its names and risks; its findings are a click away."""

    # find
    list_display = ["name", "kind", "parent", "state", "findings_count", "reviewed_on", "review_due"]
    list_filter = ["state", WorkFilter, ReviewFilter, "kind"]
    list_select_related = ["parent"]
    search_fields = ["name", "slug", "summary", "aliases__text"]
    date_hierarchy = "reviewed_on"
    # write
    prepopulated_fields = {"slug": ["name"]}
    autocomplete_fields = ["parent"]
    fieldsets = [
        (None, {"fields": ["name", "slug", "kind", "parent"]}),
        ("What readers see", {"fields": ["summary", "not_same_as", "body"]}),
        ("Review", {"fields": ["reviewed_on", "review_due"]}),
    ]
    inlines = [AliasInline, FindingInline, RiskInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Concept]:
        return super().get_queryset(request).annotate(how_many_findings=Count("findings"))

    @admin.display(description=_("findings"), ordering="how_many_findings")
    def findings_count(self, concept: Concept) -> int:
        return concept.how_many_findings


class EventCountInline(admin.TabularInline):
    model = EventCount
    extra = 0


@admin.register(Finding)
class FindingAdmin(BulkAdmin, DeskAdmin):
    """Claim and evidence for one concept, effect and route. The verdict is computed; it cannot be typed."""

    resource_classes = [FindingSheet]
    list_display = ["__str__", "verdict_sentence", "people", "state", "searched_on"]
    list_filter = ["state", WorkFilter, RejudgeFilter, "certainty", "direction", "route", "effect"]
    list_select_related = ["concept", "effect"]
    search_fields = ["concept__name", "effect__name", "claimed", "shown", "sources__key"]
    autocomplete_fields = ["concept", "effect", "main_source", "sources", "claim_sources"]
    readonly_fields = ["verdict_box", "who_paid_sentence"]
    fieldsets = [
        (None, {"fields": ["concept", "effect", "route"]}),
        ("Claimed", {"fields": ["claimed", "claim_sources"]}),
        ("Shown", {"fields": ["shown", "population", "people", "follow_up"]}),
        (
            "Weighed",
            {
                "fields": [
                    "direction",
                    "size",
                    "certainty",
                    "verdict_box",
                    "certainty_reason",
                    "would_change",
                ]
            },
        ),
        ("Resting on", {"fields": ["main_source", "sources", "who_paid_sentence", "searched_on"]}),
    ]
    inlines = [EventCountInline]

    @admin.display(description=_("verdict"))
    def verdict_sentence(self, finding: Finding) -> str:
        return finding.verdict.sentence

    @admin.display(description=_("verdict, as readers see it"))
    def verdict_box(self, finding: Finding) -> str:
        """The sentence; with JavaScript it follows the three choices above it."""
        return writing.verdict_box(finding)

    @admin.display(description=_("who paid, as readers see it"))
    def who_paid_sentence(self, finding: Finding) -> str:
        return finding.who_paid if finding.pk else "Save once to see it."

    def save_related(self, request: HttpRequest, form: ModelForm, formsets: Any, change: bool) -> None:
        """The main source is one of the sources, whether or not the editor chose it twice."""
        super().save_related(request, form, formsets, change)
        if form.instance.main_source:
            form.instance.sources.add(form.instance.main_source)


@admin.register(Risk)
class RiskAdmin(PartAdmin):
    """Every risk, to be found; it is changed on the page of its concept."""

    owner = "concept"
    list_display = ["title", "concept", "route", "severity", "onset"]
    list_filter = ["severity", "route"]
    list_select_related = ["concept"]
    search_fields = ["title", "known", "concept__name"]
    autocomplete_fields = ["concept", "sources"]


@admin.register(Source)
class SourceAdmin(PasteReferences, BulkAdmin, DeskAdmin):
    """What everything rests on. A retracted source is marked here; what rests on it is listed on its page."""

    readonly_fields = ["rests_on_it"]
    resource_classes = [SourceSheet]
    list_display = ["key", "title", "year", "kind", "read", "funder", "status", "checked_on"]
    list_filter = ["status", SourceUpkeepFilter, "kind", "read", "funder"]
    search_fields = ["key", "title", "authors", "container", "doi", "pmid"]
    date_hierarchy = "checked_on"
    autocomplete_fields = ["superseded_by"]

    @admin.display(description=_("what rests on it"))
    def rests_on_it(self, source: Source) -> str:
        groups = resting_on(source) if source.pk else []
        if not groups:
            return "Nothing yet."
        return format_html_join(
            "",
            "<p>{}</p><ul>{}</ul>",
            (
                (words.capitalize(), format_html_join("", '<li><a href="{}">{}</a></li>', map(admin_link, rows)))
                for words, rows in groups
            ),
        )

    def save_model(self, request: HttpRequest, obj: Source, form: ModelForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "status" in form.changed_data and obj.status != Source.Status.CURRENT:
            count = sum(len(rows) for _, rows in resting_on(obj))
            if count:
                said = '{} is now marked: {}. {} it: <a href="{}">judge {} again</a>.'
                what, them = ("1 entry rests on", "it") if count == 1 else (f"{count} entries rest on", "them")
                url = reverse("admin:glossary_source_change", args=[obj.pk])
                messages.warning(request, format_html(said, obj.key, obj.get_status_display(), what, url, them))


def admin_link(row: Model) -> tuple[str, str]:
    """(address, words) of the form where a row is edited; of a part, that of what it belongs to."""
    words = label(row)
    if not hasattr(row, "NATURAL_KEY"):
        owners = [f for f in row._meta.concrete_fields if f.is_relation and f.related_model is not Source]
        row = getattr(row, owners[0].name)
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk]), words


@admin.register(LinkCheck)
class LinkCheckAdmin(admin.ModelAdmin):
    """What each address said when it was last asked. To be read: the check writes it; mend the source instead."""

    list_display = ["url", "outcome", "failed_days", "first_failed_at", "checked_at", "cited_by"]
    list_filter = [LinkHealthFilter, "outcome"]
    search_fields = ["url"]
    list_per_page = 50

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        changelist = super().get_changelist_instance(request)
        users = cited_by(check.url for check in changelist.result_list)
        for check in changelist.result_list:
            check.users = users[check.url]
        return changelist

    @admin.display(description=_("cited by"))
    def cited_by(self, check: LinkCheck) -> str:
        users = cited_by([check.url])[check.url] if not hasattr(check, "users") else check.users
        return format_html_join(", ", '<a href="{}">{}</a>', map(admin_link, users)) or "nothing any more"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: LinkCheck | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: LinkCheck | None = None) -> bool:
        return False


class EffectWordingInline(admin.TabularInline):
    model = EffectWording
    extra = 0


@admin.register(Effect)
class EffectAdmin(DeskAdmin):
    """An outcome people want, and how adverts word it. The ad check uses a new wording at once."""

    list_display = ["name", "body_area", "position"]
    search_fields = ["name", "slug", "wordings__text"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [EffectWordingInline]


@admin.register(Alias)
class AliasAdmin(BulkAdmin, PartAdmin):
    """Every name, to be found; it is changed on the page of its concept."""

    owner = "concept"
    resource_classes = [AliasSheet]
    list_display = ["text", "language", "kind", "concept", "is_ambiguous"]
    list_filter = ["kind", "language", "is_ambiguous"]
    list_select_related = ["concept"]
    search_fields = ["text", "concept__name"]
    autocomplete_fields = ["concept"]
