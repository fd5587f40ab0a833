"""The editors' desk for what is bought: categories, rules, warning signs, questions."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from glossary.admin import ReviewFilter
from glossary.desk import DeskAdmin, PartAdmin, WorkFilter
from products.models import (
    Category,
    ContentCheck,
    Goal,
    Ingredient,
    MissedSearch,
    Price,
    Question,
    ReadyMade,
    ReadyMadeItem,
    RedFlag,
    RedFlagWording,
    Regulation,
    ReportingBody,
)


class GoalInline(admin.TabularInline):
    model = Goal
    extra = 0
    autocomplete_fields = ["effect"]


class IngredientInline(admin.TabularInline):
    model = Ingredient
    extra = 0
    autocomplete_fields = ["concept"]


class PriceInline(admin.TabularInline):
    model = Price
    extra = 0
    autocomplete_fields = ["source"]


class RegulationInline(admin.StackedInline):
    model = Regulation
    extra = 0
    autocomplete_fields = ["main_source", "sources"]
    classes = ["collapse"]


@admin.register(Category)
class CategoryAdmin(DeskAdmin):
    """What a person is offered. Its findings and risks follow from its ingredients and its route."""

    list_display = ["name", "kind", "route", "state", "reviewed_on", "review_due"]
    list_filter = ["state", WorkFilter, ReviewFilter, "kind", "route", "effects"]
    search_fields = ["name", "slug", "summary"]
    date_hierarchy = "reviewed_on"
    prepopulated_fields = {"slug": ["name"]}
    autocomplete_fields = ["course_sources"]
    fieldsets = [
        (None, {"fields": ["name", "slug", "kind", "route"]}),
        ("What readers see", {"fields": ["summary", "mechanism", "body"]}),
        (
            "Course",
            {"fields": [("sessions_low", "sessions_high"), "interval", "followed_for", "course_sources"]},
        ),
        ("What it is like", {"fields": ["downtime", "performed_by", "daily_life"]}),
        ("Review", {"fields": ["reviewed_on", "review_due"]}),
    ]
    inlines = [GoalInline, IngredientInline, PriceInline, RegulationInline]


@admin.register(Regulation)
class RegulationAdmin(PartAdmin):
    """Every rule, to be found; it is changed on the page of its category."""

    owner = "category"
    list_display = ["category", "jurisdiction", "status", "since", "checked_on"]
    list_filter = ["jurisdiction", "status", "category"]
    list_select_related = ["category"]
    search_fields = ["category__name", "detail"]
    date_hierarchy = "checked_on"


class RedFlagWordingInline(admin.TabularInline):
    model = RedFlagWording
    extra = 0


@admin.register(RedFlag)
class RedFlagAdmin(DeskAdmin):
    """A warning sign and the wordings that give it away. The ad check uses a new wording at once."""

    list_display = ["name", "severity", "question", "position"]
    list_filter = ["severity"]
    list_select_related = ["question"]
    search_fields = ["name", "slug", "why", "wordings__text"]
    prepopulated_fields = {"slug": ["name"]}
    autocomplete_fields = ["question", "sources"]
    inlines = [RedFlagWordingInline]


@admin.register(Question)
class QuestionAdmin(DeskAdmin):
    list_display = ["text", "is_on_wallet_card", "position"]
    list_filter = ["is_on_wallet_card", "categories"]
    search_fields = ["text", "slug", "why"]
    prepopulated_fields = {"slug": ["text"]}
    autocomplete_fields = ["categories", "sources"]


class ReadyMadeItemInline(admin.TabularInline):
    model = ReadyMadeItem
    extra = 0
    max_num = 4
    autocomplete_fields = ["category", "concept"]


@admin.register(ReadyMade)
class ReadyMadeAdmin(DeskAdmin):
    """A comparison under a title of its own: two to four products or concepts."""

    list_display = ["title", "goal", "position"]
    list_filter = ["goal"]
    list_select_related = ["goal"]
    search_fields = ["title", "slug", "description"]
    prepopulated_fields = {"slug": ["title"]}
    autocomplete_fields = ["goal"]
    inlines = [ReadyMadeItemInline]


@admin.register(ContentCheck)
class ContentCheckAdmin(admin.ModelAdmin):
    """What the last check of the content found. To be read, not edited: the check writes it."""

    list_display = ["promise", "outcome", "checked_at"]

    @admin.display(description=_("outcome"))
    def outcome(self, check: ContentCheck) -> str:
        return f"{len(check.problems)} to mend" if check.problems else "kept"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ContentCheck | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ContentCheck | None = None) -> bool:
        return False


@admin.register(ReportingBody)
class ReportingBodyAdmin(DeskAdmin):
    list_display = ["name", "jurisdiction", "url"]
    list_filter = ["jurisdiction"]
    search_fields = ["name", "what"]
    autocomplete_fields = ["sources"]


@admin.register(MissedSearch)
class MissedSearchAdmin(admin.ModelAdmin):
    """Searches that found nothing: what the guide lacks an entry or a name for. To be read, not edited."""

    list_display = ["query", "day", "count"]
    list_filter = ["day"]
    search_fields = ["query"]
    date_hierarchy = "day"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: MissedSearch | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: MissedSearch | None = None) -> bool:
        return False
