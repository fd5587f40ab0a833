"""What is bought: categories, rules, red flags, questions. Findings and risks are derived from the glossary."""

from __future__ import annotations

from typing import Any, Self
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import DatabaseError, models, transaction
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from glossary.models import (
    Concept,
    Effect,
    Finding,
    FindingQuerySet,
    History,
    NaturalKeyManager,
    Publishable,
    PublishableQuerySet,
    Risk,
    RiskQuerySet,
    Route,
    Source,
    SourceQuerySet,
    State,
    Worded,
    cited_keys,
)
from glossary.text import fold


class Jurisdiction(models.TextChoices):
    """The places whose rules are kept here."""

    US = "US", _("United States")
    EU = "EU", _("European Union")
    UK = "UK", _("United Kingdom")
    CN = "CN", _("China")
    KR = "KR", _("South Korea")
    JP = "JP", _("Japan")
    AU = "AU", _("Australia")
    CA = "CA", _("Canada")
    SG = "SG", _("Singapore")


class CategoryQuerySet(PublishableQuerySet):
    def for_listing(self) -> Self:
        """What a list shows: with the effects a category is sold for."""
        return self.prefetch_related("goals__effect").order_by("kind", Lower("name"))

    def treatments(self) -> Self:
        """What sellers offer."""
        return self.filter(kind=Category.Kind.TREATMENT)

    def comparisons(self) -> Self:
        """Ordinary care and doing nothing."""
        return self.filter(kind=Category.Kind.COMPARISON)

    def with_ingredients(self) -> Self:
        """Ingredients with their concepts and the goals with their effects: two queries each, however many."""
        return self.prefetch_related("ingredients__concept", "goals__effect")


class Category(Publishable):
    """What a person is offered, e.g. exosomes with microneedling."""

    NATURAL_KEY = ("slug",)
    PARTS = ("goals", "ingredients", "prices", "regulations")

    class Kind(models.TextChoices):
        TREATMENT = "treatment", _("sold as a treatment")
        COMPARISON = "comparison", _("to compare with")

    slug = models.SlugField(max_length=60, unique=True, help_text=_("The end of the address. Other sites link to it."))
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.TREATMENT)
    route = models.CharField(max_length=16, choices=Route)
    summary = models.TextField(help_text=_("What it is, in one plain sentence."))
    body = models.TextField(help_text=_("Markdown. Cite with [@source-key]."))
    mechanism = models.TextField(
        _("how it is said to act"), help_text=_("One or two sentences, as sellers explain it.")
    )
    concepts = models.ManyToManyField(Concept, through="Ingredient", related_name="categories")
    effects = models.ManyToManyField(Effect, through="Goal", related_name="categories")
    sessions_low = models.PositiveSmallIntegerField(_("fewest sessions"), null=True, blank=True)
    sessions_high = models.PositiveSmallIntegerField(_("most sessions"), null=True, blank=True)
    interval = models.CharField(_("time between sessions"), max_length=200, blank=True)
    followed_for = models.TextField(_("how long studies followed it"), blank=True)
    downtime = models.TextField(help_text=_("What the days after are like."))
    performed_by = models.TextField(help_text=_("Who does it, and who may."))
    daily_life = models.TextField(help_text=_("What going through it is like: visits, pain, cost, worry."))
    course_sources = models.ManyToManyField(Source, blank=True, related_name="courses")
    reviewed_on = models.DateField()
    review_due = models.DateField()

    history = HistoricalRecords(history_manager=History)
    objects = NaturalKeyManager.from_queryset(CategoryQuerySet)()

    class Meta:
        default_permissions = ("add", "change", "delete", "view", "publish")
        ordering = [Lower("name")]
        verbose_name_plural = _("categories")
        constraints = [
            models.CheckConstraint(
                condition=Q(route__in=Route.values),
                name="products_category_route_known",
                violation_error_message=_("Choose one of the routes."),
            ),
            models.CheckConstraint(
                condition=Q(review_due__gt=F("reviewed_on")),
                name="products_category_review_dates_in_order",
                violation_error_message=_("The next review comes after the last one."),
            ),
            models.CheckConstraint(
                condition=Q(sessions_low__isnull=True, sessions_high__isnull=True)
                # A comparison with null is neither true nor false, and the database lets that pass.
                | Q(sessions_low__isnull=False, sessions_high__isnull=False)
                & Q(sessions_low__gte=1, sessions_high__gte=F("sessions_low")),
                name="products_category_sessions_in_order",
                violation_error_message=_("Give the fewest and the most sessions, the fewest first, or neither."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str]:
        return (self.slug,)

    def get_absolute_url(self) -> str:
        return reverse("products:category_detail", args=[self.slug])

    def clean(self) -> None:
        """`?item=` takes a concept or a category, so no slug may mean both."""
        if Concept.objects.filter(slug=self.slug).exists():
            raise ValidationError({"slug": "A concept has this slug; a comparison could not tell them apart."})

    def _on_its_routes(self) -> Q:
        """Each ingredient's concept on that ingredient's route; matches nothing when there is no ingredient."""
        condition = Q(pk__in=[])
        for ingredient in self.ingredients.all():
            condition |= Q(concept=ingredient.concept_id, route=ingredient.route or self.route)
        return condition

    def findings(self) -> FindingQuerySet:
        """Findings of its concepts on its route: derived, never typed."""
        return Finding.objects.published().filter(self._on_its_routes())

    def risks(self) -> RiskQuerySet:
        """Risks of its concepts on its route: derived, never typed."""
        return Risk.objects.published().filter(self._on_its_routes())

    def findings_elsewhere(self) -> FindingQuerySet:
        """Findings of its claimed actives by other routes: in sight, but studied another way."""
        actives = [i.concept_id for i in self.ingredients.all() if i.role == Ingredient.Role.ACTIVE]
        wanted = [goal.effect_id for goal in self.goals.all()]
        return Finding.objects.published().filter(concept__in=actives, effect__in=wanted).exclude(self._on_its_routes())

    def every_source(self) -> SourceQuerySet:
        """All that its page rests on: of its findings, risks, rules, prices, course and text."""
        return Source.objects.filter(
            Q(findings__in=self.findings())
            | Q(risks__in=self.risks())
            | Q(regulations__category=self)
            | Q(prices__category=self)
            | Q(courses=self)
            | Q(key__in=cited_keys(self.body))
        ).distinct()

    @property
    def goal_ids(self) -> set[int]:
        """Primary keys of the effects that it is sold for; reads prefetched goals."""
        return {goal.effect_id for goal in self.goals.all()}

    @property
    def is_overdue(self) -> bool:
        """Whether the review date has passed, which the page then says at its top."""
        return self.review_due < timezone.localdate()

    @property
    def sessions(self) -> str:
        """The usual number of sessions in words; empty when not known."""
        if self.sessions_low is None:
            return ""
        if self.sessions_low == self.sessions_high:
            return str(self.sessions_low)
        return f"{self.sessions_low} to {self.sessions_high}"


class Goal(models.Model):
    """An effect that a category is sold for; the first is the main one."""

    category = models.ForeignKey(Category, models.CASCADE, related_name="goals")
    effect = models.ForeignKey(Effect, models.PROTECT, related_name="goals")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["category", "effect"], name="products_goal_once")]

    def __str__(self) -> str:
        return f"{self.category} for {self.effect}"


class Ingredient(Worded):
    """A concept in a category, and what part it plays."""

    class Role(models.TextChoices):
        ACTIVE = "active", _("claimed active")
        SOMETIMES = "sometimes", _("sometimes present")
        CARRIER = "carrier", _("carrier or tool")

    category = models.ForeignKey(Category, models.CASCADE, related_name="ingredients")
    concept = models.ForeignKey(Concept, models.PROTECT, related_name="ingredient_of")
    role = models.CharField(max_length=9, choices=Role, default=Role.ACTIVE)
    route = models.CharField(
        max_length=16, choices=Route, blank=True, help_text=_("Only where it differs from the category's route.")
    )
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["category", "concept", "route"], name="products_ingredient_once"),
            models.CheckConstraint(condition=Q(route__in=["", *Route.values]), name="products_ingredient_route_known"),
        ]

    def __str__(self) -> str:
        return f"{self.concept} in {self.category}"


class Price(models.Model):
    """What a page asked for it: amounts in whole units of the currency."""

    category = models.ForeignKey(Category, models.CASCADE, related_name="prices")
    country = models.CharField(max_length=40, help_text=_("Two-letter code or name."))
    low = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    high = models.PositiveIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, help_text=_("Three letters, e.g. EUR."))
    per = models.CharField(max_length=60, help_text=_("session, course, vial …"))
    year = models.PositiveSmallIntegerField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True)
    source = models.ForeignKey(Source, models.PROTECT, related_name="prices")

    class Meta:
        ordering = ["country", "low"]
        constraints = [
            models.CheckConstraint(
                condition=Q(high__isnull=True) | Q(high__gte=F("low")),
                name="products_price_in_order",
                violation_error_message=_("The higher price is not below the lower one."),
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"),
                name="products_price_currency_code",
                violation_error_message=_("A currency is three capital letters, e.g. EUR."),
            ),
        ]

    def __str__(self) -> str:
        amount, high = f"{self.low:,}", f"{self.high:,}" if self.high else ""
        if self.high not in (None, self.low):
            amount = gettext("%(low)s to %(high)s") % {"low": amount, "high": high}
        return gettext("%(amount)s %(currency)s per %(unit)s") % {
            "amount": amount,
            "currency": self.currency,
            "unit": self.per,
        }


class RegulationQuerySet(models.QuerySet["Regulation"]):
    def for_reading(self) -> Self:
        """With sources, in two queries however many."""
        return self.prefetch_related(models.Prefetch("sources", Source.objects.in_order()))


class Regulation(Worded):
    """What the rules of one jurisdiction say of one category."""

    NATURAL_KEY = ("category__slug", "jurisdiction")

    class Status(models.TextChoices):
        APPROVED = "approved", _("Approved for a named use")
        CLEARED_DEVICE = "cleared-device", _("Cleared as a device")
        PERMITTED_COSMETIC = "permitted-cosmetic", _("Allowed as a cosmetic")
        RESTRICTED = "restricted", _("Allowed only under conditions")
        NOT_APPROVED = "not-approved", _("Not approved")
        PROHIBITED = "prohibited", _("Not allowed")
        UNCLEAR = "unclear", _("Unclear")

    category = models.ForeignKey(Category, models.CASCADE, related_name="regulations")
    jurisdiction = models.CharField(max_length=2, choices=Jurisdiction)
    status = models.CharField(max_length=20, choices=Status)
    since = models.CharField(
        max_length=10, blank=True, help_text=_("Year, year-month or date: 2019, 2019-12, 2019-12-06.")
    )
    detail = models.TextField()
    checked_on = models.DateField()
    main_source = models.ForeignKey(
        Source,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="leads_regulation",
        help_text=_("The rule itself, if seen."),
    )
    sources = models.ManyToManyField(Source, blank=True, related_name="regulations")

    history = HistoricalRecords(m2m_fields=[sources], history_manager=History)
    objects = NaturalKeyManager.from_queryset(RegulationQuerySet)()

    class Meta:
        ordering = ["category", "jurisdiction"]
        constraints = [
            models.UniqueConstraint(
                fields=["category", "jurisdiction"],
                name="products_regulation_once",
                violation_error_message=_("This category already has a rule for this place."),
            ),
            models.CheckConstraint(
                condition=Q(jurisdiction__in=Jurisdiction.values),
                name="products_regulation_jurisdiction_known",
                violation_error_message=_("Choose one of the places."),
            ),
            models.CheckConstraint(
                condition=Q(since="") | Q(since__regex=r"^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$"),
                name="products_regulation_since_is_a_date",
                violation_error_message=_("Give a year, a year and month, or a date: 2019, 2019-12, 2019-12-06."),
            ),
            models.CheckConstraint(
                condition=Q(status="unclear") | Q(main_source__isnull=False),
                name="products_regulation_needs_source",
                violation_error_message=_("Give the source of this rule, or say that it is unclear."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.category} in {self.get_jurisdiction_display()}: {self.get_status_display()}"

    def natural_key(self) -> tuple[str, str]:
        return (self.category.slug, self.jurisdiction)


class Question(models.Model):
    """What to ask a clinic or a seller."""

    NATURAL_KEY = ("slug",)

    slug = models.SlugField(max_length=60, unique=True)
    text = models.CharField(_("question"), max_length=300)
    why = models.TextField(_("why ask"))
    good_answer = models.TextField(_("a good answer sounds like"))
    vague_answer = models.TextField(_("a vague answer sounds like"))
    follow_up = models.TextField(_("one polite next question"))
    categories = models.ManyToManyField(
        Category, blank=True, related_name="questions", help_text=_("None chosen = asked of every treatment.")
    )
    is_on_wallet_card = models.BooleanField(_("on the wallet card"), default=False)
    position = models.PositiveSmallIntegerField(default=0)
    sources = models.ManyToManyField(Source, blank=True, related_name="questions")

    objects = NaturalKeyManager()

    class Meta:
        ordering = ["position", "slug"]

    def __str__(self) -> str:
        return self.text

    def natural_key(self) -> tuple[str]:
        return (self.slug,)

    @staticmethod
    def for_categories(categories: list[Category]) -> models.QuerySet[Question]:
        """Questions to ask about any of these: the general ones and their own."""
        return (
            Question.objects.filter(Q(categories__isnull=True) | Q(categories__in=categories))
            .distinct()
            .order_by("position", "slug")
        )


class RedFlag(Worded):
    """A warning sign in what a seller says."""

    NATURAL_KEY = ("slug",)
    PARTS = ("wordings",)

    class Severity(models.TextChoices):
        NOTE = "note", _("worth a question")
        WARNING = "warning", _("a warning sign")
        WALK_AWAY = "walk-away", _("a reason to walk away")

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    why = models.TextField(_("why it matters"))
    severity = models.CharField(max_length=10, choices=Severity)
    question = models.ForeignKey(Question, models.SET_NULL, null=True, blank=True, related_name="red_flags")
    position = models.PositiveSmallIntegerField(default=0)
    sources = models.ManyToManyField(Source, related_name="red_flags")

    history = HistoricalRecords(m2m_fields=[sources], history_manager=History)
    objects = NaturalKeyManager()

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str]:
        return (self.slug,)

    def get_absolute_url(self) -> str:
        return f"{reverse('products:check')}#flag-{self.slug}"


class RedFlagWording(models.Model):
    """Words that give a red flag away. Syntax: see the content README."""

    red_flag = models.ForeignKey(RedFlag, models.CASCADE, related_name="wordings")
    language = models.CharField(max_length=12, default="en")
    text = models.CharField(max_length=400)

    class Meta:
        ordering = ["language", "text"]
        constraints = [
            models.UniqueConstraint(
                fields=["red_flag", "language", "text"],
                name="products_red_flag_wording_once",
                violation_error_message=_("This wording is already listed."),
            )
        ]

    def __str__(self) -> str:
        return self.text


class ReportingBody(Worded):
    """Where harm or a misleading advert can be reported."""

    NATURAL_KEY = ("jurisdiction", "name")

    jurisdiction = models.CharField(max_length=2, choices=Jurisdiction)
    name = models.CharField(max_length=160)
    what = models.TextField(_("what to report there"))
    url = models.URLField(_("address"), max_length=500)
    position = models.PositiveSmallIntegerField(default=0)
    sources = models.ManyToManyField(Source, related_name="reporting_bodies")

    objects = NaturalKeyManager()

    class Meta:
        ordering = ["jurisdiction", "position"]
        verbose_name_plural = _("reporting bodies")
        constraints = [
            models.UniqueConstraint(fields=["jurisdiction", "name"], name="products_reporting_body_once"),
            models.CheckConstraint(
                condition=Q(jurisdiction__in=Jurisdiction.values),
                name="products_reporting_jurisdiction_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.get_jurisdiction_display()})"

    def natural_key(self) -> tuple[str, str]:
        return (self.jurisdiction, self.name)


class ReadyMadeQuerySet(models.QuerySet["ReadyMade"]):
    def with_items(self) -> Self:
        """With what they compare: two queries more, however many."""
        return self.select_related("goal").prefetch_related("items__category", "items__concept")


class ReadyMade(models.Model):
    """A comparison that many people look for, under a title of its own."""

    NATURAL_KEY = ("slug",)
    PARTS = ("items",)

    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=120, help_text=_("The question it answers, with its question mark."))
    description = models.TextField(help_text=_("One or two sentences for the list and for search engines."))
    goal = models.ForeignKey(
        Effect, models.PROTECT, related_name="ready_made", help_text=_("What people want from it.")
    )
    position = models.PositiveSmallIntegerField(default=0)

    history = HistoricalRecords(history_manager=History)
    objects = NaturalKeyManager.from_queryset(ReadyMadeQuerySet)()

    class Meta:
        ordering = ["position", "title"]
        verbose_name = _("ready-made comparison")

    def __str__(self) -> str:
        return self.title

    def natural_key(self) -> tuple[str]:
        return (self.slug,)

    @property
    def slugs(self) -> list[str]:
        """What it compares, in order; what readers may not see yet or any more is left out."""
        return [item.entry.slug for item in self.items.all() if item.entry.state == State.PUBLISHED]

    def get_absolute_url(self) -> str:
        return f"{reverse('products:compare')}?{urlencode([('item', slug) for slug in self.slugs])}"


class ReadyMadeItem(models.Model):
    """One option of a ready-made comparison: a category or a concept."""

    ready_made = models.ForeignKey(ReadyMade, models.CASCADE, related_name="items")
    category = models.ForeignKey(Category, models.PROTECT, null=True, blank=True, related_name="in_ready_made")
    concept = models.ForeignKey(Concept, models.PROTECT, null=True, blank=True, related_name="in_ready_made")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(
                condition=Q(category__isnull=True, concept__isnull=False)
                | Q(category__isnull=False, concept__isnull=True),
                name="products_ready_made_item_is_one_thing",
                violation_error_message=_("Choose a category or a concept, not both."),
            ),
            models.UniqueConstraint(fields=["ready_made", "category"], name="products_ready_made_category_once"),
            models.UniqueConstraint(fields=["ready_made", "concept"], name="products_ready_made_concept_once"),
        ]

    def __str__(self) -> str:
        return str(self.entry)

    @property
    def entry(self) -> Category | Concept:
        """The category or the concept that it stands for."""
        return self.category or self.concept


class ContentCheck(models.Model):
    """The outcome of one check of the content, made by `products.checks.run`: shown to readers and editors."""

    IS_SHOWN = True  # a new outcome makes a new edition
    position = models.PositiveSmallIntegerField()
    promise = models.CharField(max_length=200, unique=True)
    problems = models.JSONField(default=list)
    checked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return self.promise


def ordinary_care_for(wanted: set[int], among: list[Category] | None = None) -> list[Category]:
    """The comparison categories that share a goal with these effects (primary keys), most shared goals first.

    One query for the categories themselves and four for their parts, unless they are there already, in `among`.
    """
    comparisons: list[Any] = among or list(Category.objects.published().comparisons().with_ingredients())
    shared = {category.pk: len(wanted & category.goal_ids) for category in comparisons}
    return sorted((c for c in comparisons if shared[c.pk]), key=lambda c: (-shared[c.pk], c.name))


# --- Search


class SearchEntry(models.Model):
    """One thing that search can find, in the form in which it is looked up. Written by `products.search_index` alone."""

    kind = models.CharField(max_length=10)
    object_id = models.BigIntegerField()
    slug = models.CharField(max_length=80)
    name = models.TextField()
    summary = models.TextField(blank=True)
    # Every name: [[text, kind of alias], …].
    spellings = models.JSONField(default=list)
    # Of a category: {"active": [concept ids], "others": [concept ids], "goals": [effect ids]}.
    parts = models.JSONField(default=dict)
    # Folded, stemmed words with spaces between; `pieces` is folded text for parts of words and numbers.
    names = models.TextField(blank=True)
    lead = models.TextField(blank=True)
    body = models.TextField(blank=True)
    pieces = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = _("search entries")
        constraints = [
            models.UniqueConstraint(fields=["kind", "object_id"], name="products_search_entry_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.slug}"


class SearchState(models.Model):
    """What the search entries were last written by; one row."""

    # Another one after every change, so that a process knows when what it remembers is stale. Random, not counted:
    # a count would come up again after a rollback.
    stamp = models.CharField(max_length=32)
    form = models.PositiveSmallIntegerField(help_text=_("Which way of cutting text into words."))

    def __str__(self) -> str:
        return self.stamp


class MissedSearch(models.Model):
    """A search that found nothing: the folded words and how often that day, nothing of who asked."""

    LONGEST = 80
    MOST_A_DAY = 500

    query = models.CharField(max_length=LONGEST)
    day = models.DateField()
    count = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-day", "-count", "query"]
        verbose_name = _("word people look for")
        verbose_name_plural = _("words people look for")
        constraints = [models.UniqueConstraint(fields=["query", "day"], name="products_missed_search_once_a_day")]

    def __str__(self) -> str:
        return self.query

    @classmethod
    def note(cls, query: str) -> None:
        """Count a search that found nothing. What may name a person (an address, a long number) is not kept.

        New words stop at MOST_A_DAY a day. A database that takes no writes is no reason to fail the search.
        """
        words = "".join(char for char in fold(query) if char.isprintable())[: cls.LONGEST].strip()
        if not words or "@" in words or sum(char.isdigit() for char in words) > 6:
            return
        today = timezone.localdate()
        same = cls.objects.filter(query=words, day=today)
        try:
            with transaction.atomic():
                if same.update(count=F("count") + 1) or cls.objects.filter(day=today).count() >= cls.MOST_A_DAY:
                    return
                # Of two who look for it at the same moment, the second is not counted: that costs less than a retry.
                cls.objects.bulk_create([cls(query=words, day=today)], ignore_conflicts=True)
        except DatabaseError:
            pass
