"""The knowledge: concepts and their names, effects, findings, risks and the sources they rest on."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Self

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Concat, Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_str
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from simple_history.manager import HistoryManager
from simple_history.models import HistoricalRecords

from glossary.text import fold
from glossary.verdict import Certainty, Direction, Size, Verdict, verdict

CITATION = re.compile(r"\[@([a-z0-9][a-z0-9-]*)\]")
# The fields, of any model with a natural key, whose Markdown may cite sources.
CITING = frozenset({"body", "not_same_as"})


class Route(models.TextChoices):
    """How something enters the body, or that nothing does."""

    INTACT_SKIN = "intact-skin", _("On the skin")
    AFTER_PROCEDURE = "after-procedure", _("After a procedure")
    MICRONEEDLED = "microneedled", _("Needled in")
    INJECTED = "injected", _("Injected")
    WOUND = "wound", _("On a wound")
    SYSTEMIC = "systemic", _("Swallowed or into a vein")
    DEVICE = "device", _("Device alone")
    WAY_OF_LIFE = "way-of-life", _("Way of life")
    NONE = "none", _("Nothing done")


class State(models.TextChoices):
    """Where an entry stands between first words and readers."""

    DRAFT = "draft", _("draft")
    IN_REVIEW = "in-review", _("in review")
    PUBLISHED = "published", _("published")
    WITHDRAWN = "withdrawn", _("withdrawn")


class PublishableQuerySet(models.QuerySet):
    """Words that every publishable entry knows."""

    def published(self) -> Self:
        """Entries that readers may see."""
        return self.filter(state=State.PUBLISHED)

    def renamed(self, slugs: list[str]) -> dict[str, str]:
        """What published entries that once had these slugs are called today: {old: present}. Two queries."""
        once = dict(self.model.history.filter(slug__in=slugs).values_list("slug", "id"))
        present = dict(self.published().filter(pk__in=once.values()).values_list("pk", "slug"))
        return {slug: present[pk] for slug, pk in once.items() if present.get(pk, slug) != slug}


class Worded(models.Model):
    """A row that says what its choices are called. Django asks for the words of all of them each time, to give one of them,
    which was a tenth of what a page took."""

    class Meta:
        abstract = True

    def _get_FIELD_display(self, field: models.Field) -> Any:
        value = getattr(self, field.attname)
        return force_str(dict(field.flatchoices).get(value, value), strings_only=True)


class Publishable(Worded):
    """An entry that readers see only once it is published.

    Its state moves one step at a time, and only through `glossary.revisions`, which asks who may.
    """

    # From each state, where an entry may go next. The content files may set any: whoever writes them is trusted.
    NEXT = {
        State.DRAFT: {State.IN_REVIEW},
        State.IN_REVIEW: {State.DRAFT, State.PUBLISHED},
        State.PUBLISHED: {State.WITHDRAWN},
        State.WITHDRAWN: {State.DRAFT},
    }

    state = models.CharField(max_length=10, choices=State, default=State.DRAFT, db_index=True)

    class Meta(Worded.Meta):
        abstract = True

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Self:
        entry = super().from_db(*args, **kwargs)
        entry.state_before = entry.__dict__.get("state")
        return entry

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Refuses a step that skips one, such as from draft to published; raises ValidationError."""
        before = None if self._state.adding else getattr(self, "state_before", None)
        if before and before != self.state and self.state not in self.NEXT[State(before)]:
            words = f"From “{State(before).label}” an entry does not go to “{State(self.state).label}” in one step."
            raise ValidationError({"state": words})
        super().save(*args, **kwargs)
        self.state_before = self.state


class History(HistoryManager):
    """The library puts its manager's class together anew with each look at `history`, which takes a tenth of each save."""

    @classmethod
    @cache
    def from_queryset(cls, *args: Any) -> type[HistoryManager]:
        return super().from_queryset(*args)


class NaturalKeyManager(models.Manager):
    """Looks an entry up by the field that people use for it: its slug or key."""

    def get_by_natural_key(self, *key: str) -> Any:
        return self.get(**dict(zip(self.model.NATURAL_KEY, key, strict=True)))


# --- Sources


class SourceQuerySet(models.QuerySet["Source"]):
    def in_order(self) -> Self:
        """Newest first; undated last."""
        return self.order_by(F("year").desc(nulls_last=True), "key")

    def studies(self) -> Self:
        """Those that may carry a verdict."""
        return self.filter(kind__in=Source.STUDIES)

    def cited(self) -> Self:
        """Those on which anything rests, in any app: through a relation or by a mark in a text."""
        used = Q()
        for relation in Source._meta.related_objects:
            if relation.related_model is not Source:
                rows, name = relation.related_model._default_manager, relation.field.name
                if relation.many_to_many:
                    rows, name = relation.through._default_manager, relation.field.m2m_reverse_field_name()
                used |= models.Exists(rows.filter(**{name: OuterRef("pk")}))
        mark = Concat(Value("[@"), OuterRef("key"), Value("]"))
        for model in apps.get_models():
            if hasattr(model, "NATURAL_KEY"):
                for name in {f.name for f in model._meta.concrete_fields} & CITING:
                    used |= models.Exists(model._default_manager.filter(**{f"{name}__contains": mark}))
        return self.filter(used)

    def out_of_date_but_cited(self) -> Self:
        """Those that something rests on although they were retracted, doubted or replaced."""
        return self.exclude(status=Source.Status.CURRENT).cited()

    def not_looked_at_for_a_year(self) -> Self:
        """Those whose page nobody has checked for 365 days."""
        return self.filter(checked_on__lt=timezone.localdate() - timezone.timedelta(days=365))


class Source(Worded):
    """One publication or official page, and how much of it was read."""

    NATURAL_KEY = ("key",)

    class Kind(models.TextChoices):
        RCT = "rct", _("randomised trial")
        META_ANALYSIS = "meta-analysis", _("meta-analysis")
        SYSTEMATIC_REVIEW = "systematic-review", _("systematic review")
        COHORT = "cohort", _("study without random groups")
        CASE_SERIES = "case-series", _("case series")
        CASE_REPORT = "case-report", _("case report")
        NARRATIVE_REVIEW = "narrative-review", _("overview by experts")
        GUIDELINE = "guideline", _("guideline")
        CLASSIFICATION = "classification", _("definition or standard")
        LAB_STUDY = "lab-study", _("laboratory study")
        ANIMAL_STUDY = "animal-study", _("animal study")
        DRUG_LABEL = "drug-label", _("medicine label")
        LAW = "law", _("law or court ruling")
        REGULATOR_NOTICE = "regulator-notice", _("regulator's page")
        NEWS = "news", _("news, trade or seller's page")

    # What may carry a verdict; the other kinds may only back claims, prices, rules and events.
    STUDIES = frozenset(
        {
            Kind.RCT,
            Kind.META_ANALYSIS,
            Kind.SYSTEMATIC_REVIEW,
            Kind.COHORT,
            Kind.CASE_SERIES,
            Kind.CASE_REPORT,
            Kind.NARRATIVE_REVIEW,
            Kind.GUIDELINE,
            Kind.CLASSIFICATION,
            Kind.LAB_STUDY,
            Kind.ANIMAL_STUDY,
            Kind.DRUG_LABEL,
        }
    )

    class Read(models.TextChoices):
        FULL_TEXT = "full-text", _("the full text")
        PAGE = "page", _("the page")
        ABSTRACT = "abstract", _("the abstract only")
        EXCERPT = "excerpt", _("an excerpt only")
        SECONDARY = "secondary", _("another page's account of it")

    class Funder(models.TextChoices):
        MAKER = "maker", _("the maker or seller")
        INDEPENDENT = "independent", _("independent money")
        MIXED = "mixed", _("maker and others")
        NOT_STATED = "not-stated", _("not stated in what we read")
        NOT_APPLICABLE = "not-applicable", _("does not apply")

    class Status(models.TextChoices):
        CURRENT = "current", _("current")
        CONCERN = "concern", _("expression of concern")
        RETRACTED = "retracted", _("retracted")
        SUPERSEDED = "superseded", _("superseded")

    # What is no longer to be relied on; a superseded source was right in its day.
    DOUBTED = frozenset({Status.RETRACTED, Status.CONCERN})

    key = models.SlugField(max_length=80, unique=True, help_text=_("Short name used in texts: [@key]."))
    kind = models.CharField(max_length=20, choices=Kind)
    title = models.TextField()
    authors = models.TextField(blank=True)
    year = models.PositiveSmallIntegerField(null=True, blank=True, help_text=_("Empty = the page shows no date."))
    container = models.TextField(blank=True, help_text=_("Journal, publisher or site."))
    doi = models.CharField(
        _("DOI"),
        max_length=200,
        blank=True,
        validators=[
            RegexValidator(r"^10\.\d{4,9}/\S+$", "A DOI starts with 10. and has a slash, e.g. 10.1000/xyz123.")
        ],
    )
    pmid = models.CharField(_("PubMed number"), max_length=12, blank=True)
    url = models.URLField(_("address"), max_length=500)
    read = models.CharField(_("what was read"), max_length=10, choices=Read)
    checked_on = models.DateField()
    funding = models.TextField(blank=True, help_text=_("Who paid, as the source says it."))
    funder = models.CharField(_("paid by"), max_length=15, choices=Funder, default=Funder.NOT_STATED)
    note = models.TextField(blank=True, help_text=_("What it is and its main limit, in one plain sentence."))
    status = models.CharField(max_length=10, choices=Status, default=Status.CURRENT)
    superseded_by = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="supersedes")

    history = HistoricalRecords(history_manager=History)
    objects = NaturalKeyManager.from_queryset(SourceQuerySet)()

    class Meta:
        ordering = ["key"]
        constraints = [
            models.CheckConstraint(
                condition=Q(doi="") | Q(doi__regex=r"^10\.[0-9]{4,9}/[^ ]+$"),
                name="glossary_source_doi_form",
                violation_error_message=_("A DOI starts with 10. and has a slash, e.g. 10.1000/xyz123."),
            ),
            models.UniqueConstraint(
                "doi",
                condition=~Q(doi=""),
                name="glossary_source_doi_once",
                violation_error_message=_("There is already a source with this DOI."),
            ),
            models.CheckConstraint(
                condition=Q(year__isnull=True) | Q(year__gte=1800, year__lte=2100),
                name="glossary_source_year_plausible",
                violation_error_message=_("The year lies between 1800 and 2100, or is empty for an undated page."),
            ),
            models.CheckConstraint(
                condition=(Q(status="superseded") | Q(superseded_by__isnull=True)) & ~Q(superseded_by=F("pk")),
                name="glossary_source_superseded_by_another",
                violation_error_message=_("Only a superseded source names its successor, and not itself."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.short_authors} {self.year or 'undated'}: {self.title}"

    def natural_key(self) -> tuple[str]:
        return (self.key,)

    def get_absolute_url(self) -> str:
        return reverse("glossary:source_detail", args=[self.key])

    @property
    def short_authors(self) -> str:
        """The first author, or the body that published it."""
        first = (self.authors or self.container or "Unnamed").split(",")[0].split(" et al")[0].strip()
        return first if "," not in self.authors else f"{first} and others"

    @property
    def link(self) -> str:
        """Where a reader can open it: by DOI where there is one, since that does not move."""
        return f"https://doi.org/{self.doi}" if self.doi else self.url

    @property
    def is_study(self) -> bool:
        return self.kind in self.STUDIES


# --- Concepts and their names


class ConceptQuerySet(PublishableQuerySet):
    def for_listing(self) -> Self:
        """What a list shows: name order without regard to case, aliases loaded in one more query."""
        return self.select_related("parent").prefetch_related("aliases").order_by(Lower("name"))

    def linked(self) -> Self:
        """Published concepts with the names under which texts link to them."""
        return self.published().prefetch_related("aliases")


class Concept(Publishable):
    """One entry of the glossary."""

    NATURAL_KEY = ("slug",)
    PARTS = ("aliases", "risks")

    class Kind(models.TextChoices):
        FAMILY = "family", _("family")
        MOLECULE = "molecule", _("molecule")
        PREPARATION = "preparation", _("preparation")
        CELL = "cell", _("cell")
        PROCESS = "process", _("process or idea")
        MEASURE = "measure", _("measure")
        MARKETING = "marketing", _("marketing term")
        CARE = "care", _("ordinary care")

    slug = models.SlugField(max_length=60, unique=True, help_text=_("The end of the address. Other sites link to it."))
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=Kind)
    parent = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
        help_text=_("The family it belongs to."),
    )
    summary = models.TextField(help_text=_("What it is, in one plain sentence."))
    not_same_as = models.TextField(
        _("not the same as"), blank=True, help_text=_("What people mix it up with. Markdown.")
    )
    body = models.TextField(help_text=_("Markdown. Cite with [@source-key]."))
    reviewed_on = models.DateField()
    review_due = models.DateField()

    history = HistoricalRecords(history_manager=History)
    objects = NaturalKeyManager.from_queryset(ConceptQuerySet)()

    class Meta:
        default_permissions = ("add", "change", "delete", "view", "publish")
        ordering = [Lower("name")]
        constraints = [
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=F("pk")),
                name="glossary_concept_not_its_own_parent",
                violation_error_message=_("A concept cannot be its own family."),
            ),
            models.CheckConstraint(
                condition=Q(review_due__gt=F("reviewed_on")),
                name="glossary_concept_review_dates_in_order",
                violation_error_message=_("The next review comes after the last one."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str]:
        return (self.slug,)

    def get_absolute_url(self) -> str:
        return reverse("glossary:concept_detail", args=[self.slug])

    def clean(self) -> None:
        """Refuse a loop in the family tree in words; the database refuses it too (see `glossary.triggers`)."""
        seen, ancestor = {self.pk}, self.parent
        while ancestor is not None:
            if ancestor.pk in seen and self.pk:
                raise ValidationError({"parent": f"{ancestor} is already below {self} in the family tree."})
            seen.add(ancestor.pk)
            ancestor = ancestor.parent

    def every_source(self) -> SourceQuerySet:
        """All that its page rests on: of its published findings, its risks and its text."""
        return Source.objects.filter(
            Q(findings__in=self.findings.published())
            | Q(risks__in=self.risks.published())
            | Q(key__in=cited_keys(self.not_same_as, self.body))
        ).distinct()

    @property
    def is_overdue(self) -> bool:
        """Whether the review date has passed, which the page then says at its top."""
        return self.review_due < timezone.localdate()


class AliasQuerySet(models.QuerySet["Alias"]):
    def for_linking(self) -> Self:
        """Names that stand for a concept in running text: not misspellings, not search phrases, not shared ones."""
        return self.exclude(kind__in=[Alias.Kind.MISSPELLING, Alias.Kind.SEARCH]).filter(is_ambiguous=False)


class Alias(Worded):
    """Another name of a concept. Search, ad check and automatic links all read this one list."""

    NATURAL_KEY = ("concept__slug", "text", "language")

    class Kind(models.TextChoices):
        SYNONYM = "synonym", _("synonym")
        ABBREVIATION = "abbreviation", _("abbreviation")
        INCI = "inci", _("label name (INCI)")
        MARKETING = "marketing", _("marketing name")
        TRANSLATION = "translation", _("translation")
        MISSPELLING = "misspelling", _("misspelling")
        SEARCH = "search", _("what people type")

    concept = models.ForeignKey(Concept, models.CASCADE, related_name="aliases")
    text = models.CharField(max_length=160)
    language = models.CharField(
        max_length=12, default="en", help_text=_("en, zh-Hans, zh-Hant, ja, ko, la, es, fr, de …")
    )
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.SYNONYM)
    is_ambiguous = models.BooleanField(
        _("shared on purpose"), default=False, help_text=_("Other concepts have this name too.")
    )
    folded = models.CharField(max_length=200, blank=True, editable=False, db_index=True)

    objects = NaturalKeyManager.from_queryset(AliasQuerySet)()

    class Meta:
        ordering = ["language", "kind", "text"]
        verbose_name_plural = _("aliases")
        constraints = [
            models.UniqueConstraint(
                fields=["concept", "folded", "language"],
                name="glossary_alias_once_per_concept",
                violation_error_message=_("This concept already has that name."),
            ),
            models.UniqueConstraint(
                fields=["folded", "language"],
                condition=Q(is_ambiguous=False),
                name="glossary_alias_belongs_to_one_concept",
                violation_error_message=_(
                    "Another concept has this name. If both are meant, tick “shared on purpose” on both."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.text} ({self.language})"

    def natural_key(self) -> tuple[str, str, str]:
        return (self.concept.slug, self.text, self.language)

    def clean(self) -> None:
        self.folded = fold(self.text)

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.folded = fold(self.text)
        if (fields := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*fields, "folded"}
        super().save(*args, **kwargs)


# --- Effects


class Effect(Worded):
    """An outcome that people want."""

    NATURAL_KEY = ("slug",)
    PARTS = ("wordings",)

    class BodyArea(models.TextChoices):
        FACE = "face", _("face")
        SKIN = "skin", _("skin anywhere")
        SCALP = "scalp", _("scalp")
        JOINTS = "joints", _("joints")
        WHOLE_BODY = "whole-body", _("whole body")

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    body_area = models.CharField(max_length=10, choices=BodyArea)
    wish = models.CharField(
        max_length=80, help_text=_("As people say it: “more hair”. It ends the sentence “I want …”.")
    )
    description = models.TextField(help_text=_("What the outcome is and how studies measure it."))
    position = models.PositiveSmallIntegerField(help_text=_("Order in lists."))

    objects = NaturalKeyManager()

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str]:
        return (self.slug,)

    def get_absolute_url(self) -> str:
        return f"{reverse('glossary:evidence_map')}?effect={self.slug}"


class EffectWording(models.Model):
    """How an advert says that a thing has this effect. Syntax: see the content README."""

    effect = models.ForeignKey(Effect, models.CASCADE, related_name="wordings")
    language = models.CharField(max_length=12, default="en")
    text = models.CharField(max_length=400)

    class Meta:
        ordering = ["language", "text"]
        constraints = [
            models.UniqueConstraint(
                fields=["effect", "language", "text"],
                name="glossary_effect_wording_once",
                violation_error_message=_("This wording is already listed."),
            )
        ]

    def __str__(self) -> str:
        return self.text


# --- Findings: the core


class FindingQuerySet(PublishableQuerySet):
    def published(self) -> Self:
        """Published findings of published concepts."""
        return super().published().filter(concept__state=State.PUBLISHED)

    def to_rejudge(self) -> Self:
        """Published findings that rest on a source which was retracted or is in doubt."""
        doubted = Source.objects.filter(status__in=Source.DOUBTED).values("pk")
        links = Finding.sources.through.objects.filter(source__in=doubted)
        return self.published().filter(Q(main_source__in=doubted) | Q(pk__in=links.values("finding")))

    def on_route(self, route: str) -> Self:
        """Findings on one way into the body."""
        return self.filter(route=route)

    def for_reading(self) -> Self:
        """Everything a claimed/shown row opens to, in four queries however many rows."""
        return (
            self.select_related("concept", "effect")
            .defer("concept__body", "concept__summary", "concept__not_same_as")  # long, and no row shows them
            .prefetch_related(
                models.Prefetch("sources", Source.objects.in_order()),
                models.Prefetch("claim_sources", Source.objects.in_order()),
                "event_counts",
            )
            .order_by("effect__position", "route", "concept__name")
        )


class Finding(Publishable):
    """What sellers claim and what studies show for one concept, one effect, one route."""

    NATURAL_KEY = ("concept__slug", "effect__slug", "route")
    PARTS = ("event_counts",)
    # Who last changed one of these may not publish the change.
    WEIGHED = ("direction", "size", "certainty")

    concept = models.ForeignKey(Concept, models.CASCADE, related_name="findings")
    effect = models.ForeignKey(Effect, models.PROTECT, related_name="findings")
    route = models.CharField(max_length=16, choices=Route)
    claimed = models.TextField(help_text=_("What sellers say, in your own words, without quotation marks."))
    shown = models.TextField(
        help_text=_("What studies found: how many people, compared with what, how long, how much.")
    )
    population = models.TextField(help_text=_("Who was studied."))
    people = models.PositiveIntegerField(
        _("people studied"),
        null=True,
        blank=True,
        help_text=_("How many people the verdict rests on; empty = not stated."),
    )
    follow_up = models.CharField(_("followed for"), max_length=120, blank=True)
    direction = models.CharField(max_length=14, choices=Direction)
    size = models.CharField(max_length=10, choices=Size, default=Size.NOT_STATED)
    certainty = models.CharField(max_length=9, choices=Certainty)
    certainty_reason = models.TextField(_("why this certainty"))
    would_change = models.TextField(_("what would change it"))
    searched_on = models.DateField()
    main_source = models.ForeignKey(
        Source,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="leads",
        help_text=_("The one that weighs most. Empty only when nobody has tested it."),
    )
    sources = models.ManyToManyField(Source, blank=True, related_name="findings", help_text=_("All of them."))
    claim_sources = models.ManyToManyField(
        Source,
        blank=True,
        related_name="claims",
        help_text=_("Where the claim was seen: sellers' pages, adverts, news."),
    )

    history = HistoricalRecords(m2m_fields=[sources], history_manager=History)
    objects = NaturalKeyManager.from_queryset(FindingQuerySet)()

    class Meta:
        default_permissions = ("add", "change", "delete", "view", "publish")
        ordering = ["concept", "effect", "route"]
        constraints = [
            models.UniqueConstraint(
                fields=["concept", "effect", "route"],
                name="glossary_finding_once",
                violation_error_message=_("There is already a finding for this concept, effect and route."),
            ),
            models.CheckConstraint(
                condition=Q(certainty="none") | Q(main_source__isnull=False),
                name="glossary_finding_needs_source",
                violation_error_message=_("Give the source this verdict rests on, or say that nobody has tested it."),
            ),
            models.CheckConstraint(
                condition=Q(direction="unknown", certainty__in=["very-low", "none"])
                | (~Q(direction="unknown") & ~Q(certainty="none")),
                name="glossary_finding_unknown_means_unsure",
                violation_error_message=_(
                    "“We do not know” goes with certainty very low or none, and none only with it."
                ),
            ),
            models.CheckConstraint(
                condition=Q(size="not-stated")
                | Q(direction__in=["benefit", "harm"], certainty__in=["high", "moderate", "low"]),
                name="glossary_finding_size_of_something",
                violation_error_message=_("A size is stated only for a benefit or a harm that studies show."),
            ),
            models.CheckConstraint(
                condition=Q(route__in=Route.values),
                name="glossary_finding_route_known",
                violation_error_message=_("Choose one of the routes."),
            ),
            models.CheckConstraint(
                condition=Q(direction__in=Direction.values, certainty__in=Certainty.values, size__in=Size.values),
                name="glossary_finding_words_known",
                violation_error_message=_("Direction, size and certainty come from the fixed vocabulary."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.concept} · {self.effect} · {self.get_route_display()}"

    def natural_key(self) -> tuple[str, str, str]:
        return (self.concept.slug, self.effect.slug, self.route)

    def get_absolute_url(self) -> str:
        return f"{self.concept.get_absolute_url()}?route={self.route}#{self.anchor}"

    @property
    def own_url(self) -> str:
        """The page of this finding alone, with all that stands behind it."""
        return reverse("glossary:finding_detail", args=[self.concept.slug, self.effect.slug, self.route])

    @property
    def anchor(self) -> str:
        """The id of its row on the concept's page."""
        return f"{self.effect.slug}-{self.route}"

    @property
    def verdict(self) -> Verdict:
        return verdict(self.direction, self.size, self.certainty, self.searched_on)

    @property
    def people_band(self) -> str:
        """How large its mark is on the evidence map: up to 50, 250, 1,000 people, or more."""
        for most, band in ((50, "s"), (250, "m"), (1000, "l")):
            if (self.people or 0) <= most:
                return band
        return "xl"

    @property
    def who_paid(self) -> str:
        """Who paid for the studies behind it, in one sentence; reads the prefetched sources."""
        studies = [source for source in self.sources.all() if source.is_study]
        if not studies:
            return (
                gettext("No study in people to pay for.")
                if self.certainty == Certainty.NONE
                else gettext("Not stated.")
            )
        count = len(studies)
        paid = sum(source.funder in (Source.Funder.MAKER, Source.Funder.MIXED) for source in studies)
        silent = sum(source.funder == Source.Funder.NOT_STATED for source in studies)
        said = ngettext(
            "Makers or sellers paid for or took part in %(paid)s of %(count)s study.",
            "Makers or sellers paid for or took part in %(paid)s of %(count)s studies.",
            count,
        ) % {"paid": paid, "count": count}
        if not silent:
            return said
        return gettext("%(said)s For %(count)s, what we read does not say who paid.") % {"said": said, "count": silent}

    @property
    def doubt(self) -> str:
        """That it rests on something retracted or in doubt, in one sentence; empty when it does not.

        Reads the prefetched sources.
        """
        sources = self.sources.all()
        retracted = sum(source.status == Source.Status.RETRACTED for source in sources)
        doubted = sum(source.status == Source.Status.CONCERN for source in sources)
        if not retracted and not doubted:
            return ""
        of = f"of the {len(sources)} sources behind this" if len(sources) > 1 else "source behind this"
        parts = []
        if retracted:
            parts.append(
                f"{retracted if len(sources) > 1 else 'The'} {of} {'was' if retracted == 1 else 'were'} retracted"
            )
        if doubted:
            verb = "is" if doubted == 1 else "are"
            begin = f"{doubted} {of}" if len(sources) > 1 else f"The {of}"
            parts.append(f"{begin if not retracted else doubted} {verb} under a warning from the publisher")
        return f"{' and '.join(parts)}. Read this with care until we have judged it again."


class EventCount(models.Model):
    """How many people had an outcome with the treatment and without it; drawn as dots out of 100."""

    finding = models.ForeignKey(Finding, models.CASCADE, related_name="event_counts")
    outcome = models.CharField(max_length=160, help_text=_("What was counted, e.g. scars judged clearly better."))
    is_wanted = models.BooleanField(_("a good outcome"), default=True)
    events_with = models.PositiveIntegerField(validators=[MinValueValidator(0)])
    total_with = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    events_without = models.PositiveIntegerField(validators=[MinValueValidator(0)])
    total_without = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    compared_with = models.CharField(max_length=160)
    after = models.CharField(max_length=80, blank=True, help_text=_("When it was counted, e.g. 12 weeks."))

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(events_with__lte=F("total_with"), events_without__lte=F("total_without")),
                name="glossary_event_count_within_total",
                violation_error_message=_("No more people can have the outcome than were in the group."),
            ),
            models.CheckConstraint(
                condition=Q(total_with__gt=0, total_without__gt=0),
                name="glossary_event_count_groups_not_empty",
                violation_error_message=_("Both groups have at least one person."),
            ),
        ]

    def __str__(self) -> str:
        return (
            f"{self.outcome}: {self.events_with} of {self.total_with}, "
            f"{self.compared_with} {self.events_without} of {self.total_without}"
        )

    @property
    def per_hundred_with(self) -> int:
        return round(100 * self.events_with / self.total_with)

    @property
    def per_hundred_without(self) -> int:
        return round(100 * self.events_without / self.total_without)


# --- Risks


class RiskQuerySet(models.QuerySet["Risk"]):
    def published(self) -> Self:
        """Risks of published concepts."""
        return self.filter(concept__state=State.PUBLISHED)

    def on_route(self, route: str) -> Self:
        """Risks of one way into the body."""
        return self.filter(route=route)

    def for_reading(self) -> Self:
        """The gravest first, with their sources, in two queries however many."""
        gravest_first = models.Case(
            models.When(severity=Risk.Severity.LIFE_THREATENING, then=0),
            models.When(severity=Risk.Severity.SERIOUS, then=1),
            default=2,
        )
        return (
            self.select_related("concept")
            .defer("concept__body", "concept__summary", "concept__not_same_as")
            .prefetch_related(models.Prefetch("sources", Source.objects.in_order()))
            .order_by(gravest_first, "route", "title")
        )


class Risk(Worded):
    """What can happen with one concept on one route."""

    NATURAL_KEY = ("concept__slug", "route", "title")

    class Severity(models.TextChoices):
        MINOR = "minor", _("minor")
        SERIOUS = "serious", _("serious")
        LIFE_THREATENING = "life-threatening", _("life-threatening")

    concept = models.ForeignKey(Concept, models.CASCADE, related_name="risks")
    route = models.CharField(max_length=16, choices=Route)
    title = models.CharField(_("what can happen"), max_length=160)
    known = models.TextField(_("what is known"))
    severity = models.CharField(max_length=16, choices=Severity)
    onset = models.CharField(_("when it shows"), max_length=120, blank=True)
    sources = models.ManyToManyField(Source, related_name="risks")

    history = HistoricalRecords(m2m_fields=[sources], history_manager=History)
    objects = NaturalKeyManager.from_queryset(RiskQuerySet)()

    class Meta:
        ordering = ["concept", "route", "title"]
        constraints = [
            models.UniqueConstraint(
                fields=["concept", "route", "title"],
                name="glossary_risk_once",
                violation_error_message=_("This risk is already listed for this concept and route."),
            ),
            models.CheckConstraint(
                condition=Q(route__in=Route.values, severity__in=["minor", "serious", "life-threatening"]),
                name="glossary_risk_words_known",
                violation_error_message=_("Route and severity come from the fixed lists."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.concept} · {self.title}"

    def natural_key(self) -> tuple[str, str, str]:
        return (self.concept.slug, self.route, self.title)

    def get_absolute_url(self) -> str:
        return f"{self.concept.get_absolute_url()}#risks"


# --- Every save of an entry


class RevisionQuerySet(models.QuerySet["Revision"]):
    def of(self, entry: models.Model) -> Self:
        """All that was ever saved of one entry, oldest first."""
        return self.filter(model=entry._meta.label_lower, entry_id=entry.pk).order_by("number")

    def current(self) -> Self:
        """Without what was set aside because somebody else had saved first."""
        return self.exclude(state=Revision.State.ASIDE)

    def waiting(self, *kinds: type[models.Model]) -> Self:
        """Drafts and what is in review: the newest save of each entry, of these kinds or of all."""
        newer = self.current().filter(
            model=OuterRef("model"), entry_id=OuterRef("entry_id"), number__gt=OuterRef("number")
        )
        found = self.filter(state__in=Revision.OPEN).exclude(Exists(newer))
        return found.filter(model__in=[kind._meta.label_lower for kind in kinds]) if kinds else found


class Revision(models.Model):
    """One entry as somebody saved it: never changed and never deleted, so nothing that was written is lost.

    The newest one that was not set aside is the working copy. Readers see what was last published.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        IN_REVIEW = "in-review", _("in review")
        PUBLISHED = "published", _("published")
        WITHDRAWN = "withdrawn", _("withdrawn")
        DISCARDED = "discarded", _("draft given up")
        ASIDE = "aside", _("set aside")
        DELETED = "deleted", _("deleted")

    OPEN = (State.DRAFT, State.IN_REVIEW)

    model = models.CharField(max_length=60)
    entry_id = models.BigIntegerField()
    number = models.PositiveIntegerField(help_text=_("1, 2, 3 … for each entry."))
    state = models.CharField(max_length=10, choices=State)
    content = models.JSONField(help_text=_("As `glossary.revisions.snapshot` writes it."))
    name = models.CharField(max_length=200, help_text=_("What the entry was called then."))
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Empty = the content files."),
    )
    saved_at = models.DateTimeField(default=timezone.now)
    reason = models.TextField(blank=True)
    based_on = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Of one set aside: which save it began from.")
    )

    objects = RevisionQuerySet.as_manager()

    class Meta:
        ordering = ["-saved_at", "-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "entry_id", "number"],
                name="glossary_revision_number_once",
                violation_error_message=_("Two saves of one entry cannot have the same number."),
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=["draft", "in-review", "published", "withdrawn", "discarded", "aside", "deleted"]
                ),
                name="glossary_revision_state_known",
                violation_error_message=_("The state comes from the fixed list."),
            ),
        ]
        indexes = [models.Index(fields=["model", "state"], name="glossary_revision_by_state")]

    def __str__(self) -> str:
        return f"{self.name}, save {self.number}"

    @property
    def is_open(self) -> bool:
        """Whether it waits for somebody: a draft, or one in review."""
        return self.state in self.OPEN


# --- Addresses


class LinkCheckQuerySet(models.QuerySet["LinkCheck"]):
    def dead(self) -> Self:
        """Those that an editor should replace: removed by their owner, or failed on several days."""
        return self.filter(Q(outcome=LinkCheck.Outcome.GONE) | Q(failed_days__gte=LinkCheck.DAYS_TO_DEATH))


class LinkCheck(models.Model):
    """What an address said when it was last asked, written by `manage.py check_links`.

    Of the address and not of the source: a source keeps its row when its address changes, and this goes.
    """

    class Outcome(models.TextChoices):
        FINE = "fine", _("answers")
        MOVED = "moved", _("answers, but has moved for good: take the new address")
        GUARDED = "guarded", _("keeps programs out: look with a browser")
        BUSY = "busy", _("asks us to come back later")
        INSIDE = "inside", _("leads inside a network and was not asked")
        UNASKED = "unasked", _("is no address of the web that a program can ask")
        MISSING = "missing", _("has no such page")
        GONE = "gone", _("says that the page was removed for good")
        HOME = "home", _("leads to a front page or an error page instead")
        LOOP = "loop", _("sends us round in circles")
        FAULT = "fault", _("has a fault of its own")
        NO_HOST = "no-host", _("is of a site that no longer exists")
        SILENT = "silent", _("does not answer")
        CERTIFICATE = "certificate", _("has a certificate that is not in order")

    FAILURES = frozenset(
        {
            Outcome.MISSING,
            Outcome.GONE,
            Outcome.HOME,
            Outcome.LOOP,
            Outcome.FAULT,
            Outcome.NO_HOST,
            Outcome.SILENT,
            Outcome.CERTIFICATE,
        }
    )
    # These say nothing about the page, so they neither count as a failure nor end a row of them.
    UNCLEAR = frozenset({Outcome.GUARDED, Outcome.BUSY, Outcome.INSIDE, Outcome.UNASKED})
    DAYS_TO_DEATH = 3

    url = models.CharField(_("address"), max_length=500, unique=True)
    outcome = models.CharField(max_length=11, choices=Outcome)
    status_code = models.PositiveSmallIntegerField(_("answer"), null=True, blank=True)
    final_url = models.CharField(_("leads to"), max_length=2000, blank=True)
    checked_at = models.DateTimeField(_("asked at"), db_index=True)
    first_failed_at = models.DateTimeField(_("fails since"), null=True, blank=True)
    last_failed_on = models.DateField(null=True, blank=True)
    failed_days = models.PositiveSmallIntegerField(_("days failed in a row"), default=0, db_index=True)

    objects = LinkCheckQuerySet.as_manager()

    class Meta:
        ordering = ["-failed_days", "url"]
        verbose_name = _("cited address")
        verbose_name_plural = _("cited addresses")

    def __str__(self) -> str:
        return f"{self.url} {self.get_outcome_display()}"

    @property
    def is_dead(self) -> bool:
        """Whether an editor should replace it; one bad day is none of our business."""
        return self.outcome == self.Outcome.GONE or self.failed_days >= self.DAYS_TO_DEATH


# --- What came from the content files


class Edition(models.Model):
    """The state of the published content; one row, written by triggers alone and read by `glossary.edition`."""

    number = models.PositiveBigIntegerField(default=0)
    token = models.CharField(max_length=32)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(pk=1), name="glossary_edition_one_row", violation_error_message=_("There is one edition.")
            ),
        ]

    def __str__(self) -> str:
        return str(self.number)


class TableEdition(models.Model):
    """Of each table that readers see, a token that is another one after each change; written by triggers alone, read by `glossary.recorded`."""

    name = models.CharField(max_length=63, primary_key=True)
    token = models.CharField(max_length=32)

    def __str__(self) -> str:
        return self.name


class LoadedEntry(models.Model):
    """What the content files last said of one row, so that a later load knows whether an editor changed it."""

    model = models.CharField(max_length=60)
    key = models.CharField(max_length=400)
    fingerprint = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "key"], name="glossary_loaded_entry_once")]

    def __str__(self) -> str:
        return f"{self.model} {self.key}"


def cited_keys(*texts: str) -> list[str]:
    """The source keys that Markdown texts cite, in order of first mention."""
    return list(dict.fromkeys(key for text in texts for key in CITATION.findall(text)))
