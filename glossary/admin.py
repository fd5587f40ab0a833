"""The editors' desk for the knowledge: find an entry, write it, weigh it, publish it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone

from glossary import writing
from glossary.desk import DeskAdmin, PartAdmin, WorkFilter
from glossary.models import (
    Alias,
    Concept,
    Effect,
    EffectWording,
    EventCount,
    Finding,
    Risk,
    Source,
)

admin.site.site_header = "Claimed & Shown: the editors' desk"
admin.site.site_title = "Claimed & Shown"
admin.site.index_title = "What would you like to work on?"


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

    @admin.display(description="findings", ordering="how_many_findings")
    def findings_count(self, concept: Concept) -> int:
        return concept.how_many_findings


class EventCountInline(admin.TabularInline):
    model = EventCount
    extra = 0


@admin.register(Finding)
class FindingAdmin(DeskAdmin):
    """Claim and evidence for one concept, effect and route. The verdict is computed; it cannot be typed."""

    list_display = ["__str__", "verdict_sentence", "people", "state", "searched_on"]
    list_filter = ["state", WorkFilter, "certainty", "direction", "route", "effect"]
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

    @admin.display(description="verdict")
    def verdict_sentence(self, finding: Finding) -> str:
        return finding.verdict.sentence

    @admin.display(description="verdict, as readers see it")
    def verdict_box(self, finding: Finding) -> str:
        """The sentence; with JavaScript it follows the three choices above it."""
        return writing.verdict_box(finding)

    @admin.display(description="who paid, as readers see it")
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
class SourceAdmin(DeskAdmin):
    """What everything rests on. A retracted source is marked here; what rests on it is listed on its page."""

    list_display = ["key", "title", "year", "kind", "read", "funder", "status", "checked_on"]
    list_filter = ["status", "kind", "read", "funder"]
    search_fields = ["key", "title", "authors", "container", "doi", "pmid"]
    date_hierarchy = "checked_on"
    autocomplete_fields = ["superseded_by"]


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
class AliasAdmin(PartAdmin):
    """Every name, to be found; it is changed on the page of its concept."""

    owner = "concept"
    list_display = ["text", "language", "kind", "concept", "is_ambiguous"]
    list_filter = ["kind", "language", "is_ambiguous"]
    list_select_related = ["concept"]
    search_fields = ["text", "concept__name"]
    autocomplete_fields = ["concept"]
