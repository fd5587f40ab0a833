"""Help with writing at the desk: what a text looks like to readers, how it reads, and what can be put into it.

Each text of a form stands in a `TextBox`: without JavaScript its preview and its measures are those of the newest
save; with it they follow what is typed, and links to sources and entries can be picked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, cached_property, singledispatch, wraps
from typing import TYPE_CHECKING, Any

from django import forms
from django.apps import apps
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import Case, Q, Value, When
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from glossary.markdown import Citations, Rendered, Terms
from glossary.markdown import render as render_markdown
from glossary.models import Concept, Finding, Publishable, Risk, Source, State, cited_keys
from glossary.reading import (
    BANNED,
    BODY_GRADE,
    HIGHEST_RATIO,
    LOWEST_RATIO,
    QUOTED,
    SUMMARY_GRADE,
    detail,
    grade,
    plain,
    word_count,
)
from glossary.text import fold
from glossary.usage import MARKDOWN
from glossary.verdict import Certainty

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite, ModelAdmin

LONGEST_TEXT = 60_000  # characters in one field; the longest text of the guide has a tenth of that
LONGEST_PARAGRAPH = 5_000  # the longest of the guide has a fifth of that
DEEPEST = 40  # brackets within brackets, lists within lists; a text for readers has two or three
# The start of a line that opens lists and quotations within one another, or is indented as if it did.
NESTED = re.compile(rf"^(?:    |\t|[ ]{{0,3}}(?:>|(?:[-+*]|\d{{1,9}}\.)[ \t])){{{DEEPEST + 1}}}", re.MULTILINE)
# What may be the start of a tag, or ends one. An open one is sought across paragraphs, unlike other brackets.
TAG = re.compile(r"<(?=[A-Za-z/!?])|>")
MOST_MATCHES = 10
GRADES = {"summary": SUMMARY_GRADE, "body": BODY_GRADE}

CHEAT_SHEET = """\
## A heading of a part

One line of text. An empty line begins a new paragraph.

- A point of a list
- Another one, with **bold** and *italic* words

1. First
2. Then

A link to an entry: [EGF](concept:egf). A figure with its source: 12 of 20 people [@example].
"""


# --- What a text is like


def tangle(text: str) -> str:
    """What in a text no person can have meant and Markdown would take minutes over, in words; empty for any other."""
    if NESTED.search(text):
        return f"A line here begins with more than {DEEPEST} lists or quotations within one another. Take them out."
    open_tags = 0
    for mark in TAG.findall(text):
        open_tags = max(0, open_tags + (1 if mark == "<" else -1))
        if open_tags > DEEPEST:
            return f"More than {DEEPEST} “<” stand in the text without a “>”. Write them as “&lt;”."
    for paragraph in re.split(r"\n\s*\n", text):
        if len(paragraph) > LONGEST_PARAGRAPH:
            return f"A paragraph here has {len(paragraph):,} characters; {LONGEST_PARAGRAPH:,} fit. Put an empty line into it."
        for opening, closing in ("[]", "()", "<>"):
            depth = 0
            for mark in re.findall(f"[{re.escape(opening + closing)}]", paragraph):
                depth = max(0, depth + (1 if mark == opening else -1))
                if depth > DEEPEST:
                    return (
                        f"More than {DEEPEST} “{opening}” stand in one paragraph without a “{closing}”. Take them out."
                    )
    return ""


def refuse_tangle(text: str) -> None:
    """A validator: `tangle` as an error of the field."""
    if words := tangle(text):
        raise ValidationError(words)


@dataclass
class Balance:
    """Words on what may get better and on what may go wrong."""

    good: int
    bad: int

    @property
    def ratio(self) -> float | None:
        return self.good / self.bad if self.good and self.bad else None

    @property
    def is_even(self) -> bool:
        return self.ratio is not None and LOWEST_RATIO <= self.ratio <= HIGHEST_RATIO

    @property
    def share(self) -> float:
        """The share of the words that is on what may get better, 0 to 1; half where there are none."""
        return self.good / (self.good + self.bad) if self.good + self.bad else 0.5

    @property
    def words(self) -> str:
        counts = f"{self.good} words on what may get better, {self.bad} on what may go wrong"
        if self.is_even:
            return f"{counts}: in balance."
        if self.ratio is None:
            return f"{counts}: one side is empty."
        return f"{counts}: write more on {'the harms' if self.ratio > HIGHEST_RATIO else 'the benefits'}."


@singledispatch
def evidence_of(entry: models.Model) -> tuple[Iterable[Finding], Iterable[Risk]] | None:
    """The findings and the risks that stand on the page of an entry; None for a page that has none. Apps register theirs."""
    return None


@evidence_of.register
def evidence_of_concept(concept: Concept) -> tuple[Iterable[Finding], Iterable[Risk]]:
    return concept.findings.exclude(state=State.WITHDRAWN), concept.risks.all()


def typed_risks(posted: Any) -> list[Risk] | None:
    """The risks as they stand in a form that was sent, those to be deleted left out; None when it holds none."""
    total = posted.get("risks-TOTAL_FORMS", "")
    if not total.isdecimal():
        return None
    numbers = [n for n in range(min(int(total[:4]), 500)) if f"risks-{n}-DELETE" not in posted]
    return [Risk(known=posted.get(f"risks-{n}-known", "")) for n in numbers]


def balance_of(entry: models.Model, posted: Any = None) -> Balance | None:
    """The balance of an entry's page; with a sent form, of what is typed there. None where it does not apply."""
    evidence = evidence_of(entry)
    if evidence is None:
        return None
    findings, risks = evidence
    typed = typed_risks(posted) if posted is not None else None
    return Balance(*detail(findings, risks if typed is None else typed))


@dataclass
class Text:
    """One text of an entry, rendered and measured."""

    name: str
    text: str
    terms: Callable[[], Terms]
    balance: Balance | None = None

    @property
    def characters(self) -> int:
        return len(self.text)

    @property
    def refused(self) -> str:
        """Why it is neither rendered nor measured; empty when it is."""
        if self.characters > LONGEST_TEXT:
            return (
                f"This text has {self.characters:,} characters; {LONGEST_TEXT:,} fit. No preview until it is shorter."
            )
        return tangle(self.text) if self.is_markdown else ""

    @property
    def is_markdown(self) -> bool:
        return self.name in MARKDOWN

    @property
    def words(self) -> int:
        return word_count([plain(self.text)])

    @property
    def most_grade(self) -> int | None:
        """The highest school grade at which it may read; None where no limit was set."""
        return GRADES.get(self.name)

    @cached_property
    def grade(self) -> float:
        return max(0.0, round(grade(self.text), 1)) if self.words else 0.0

    @property
    def is_hard(self) -> bool:
        return self.most_grade is not None and grade(self.text) > self.most_grade

    @property
    def advert_words(self) -> list[str]:
        """Words outside quotation marks that only adverts use. What sellers claim is in their words."""
        if self.name == "claimed":
            return []
        found = BANNED.findall(QUOTED.sub("", plain(self.text)))
        return list(dict.fromkeys(word.lower() for word in found))

    @cached_property
    def cited(self) -> dict[str, Source | None]:
        """The sources that it cites, by key, in order; None for one that does not exist."""
        keys = cited_keys(self.text)
        known = Source.objects.in_bulk(keys, field_name="key") if keys else {}
        return {key: known.get(key) for key in keys}

    @property
    def unknown(self) -> list[str]:
        return [key for key, source in self.cited.items() if source is None]

    @property
    def doubtful(self) -> list[Source]:
        """Cited sources that were retracted, replaced or called into question."""
        return [source for source in self.cited.values() if source and source.status != Source.Status.CURRENT]

    @property
    def sources(self) -> list[tuple[int, Source]]:
        """What stands in the list of sources, numbered as in the text."""
        return list(enumerate((source for source in self.cited.values() if source), start=1))

    @cached_property
    def rendered(self) -> Rendered | str:
        if not self.text.strip():
            return ""
        try:
            return render_markdown(self.text, self.terms(), Citations(s.key for _, s in self.sources))
        except RecursionError:
            return ""


# --- The box of a text in a form


def plain_breaks(text: str) -> str:
    """A text with each line break as one character; a browser sends two."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def unify_breaks(posted: QueryDict) -> None:
    """`plain_breaks` for everything in a form that was sent."""
    for name, values in posted.lists():
        posted.setlist(name, [plain_breaks(value) for value in values])


class TextBox(AdminTextareaWidget):
    """A text field with its measures below it, and for Markdown with a preview, pickers and a cheat sheet."""

    def __init__(self, form: forms.ModelForm, name: str, terms: Callable[[], Terms], attrs: dict[str, str]) -> None:
        super().__init__(attrs)
        self.entry, self.name, self.terms = form.instance, name, terms

    def value_from_datadict(self, data: Any, files: Any, name: str) -> str | None:
        """With plain line breaks, or a text that nobody touched would differ from what the content files say."""
        value = super().value_from_datadict(data, files, name)
        return value if value is None else plain_breaks(value)

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        asked = addresses(self.entry, self.name)
        following = "input delay:500ms"
        if self.name == "body" and "risks" in getattr(type(self.entry), "PARTS", ()):
            # The risks of an entry stand further down in the same form; they change its balance.
            following += ", input from:#risks-group delay:500ms"
        attrs = (attrs or {}) | {
            "data-hx-post": asked["seen"],
            "data-hx-trigger": following,
            "data-hx-target": f"#seen-{name}",
            "data-hx-sync": "this:replace",
        }
        balance = balance_of(self.entry) if self.name == "body" and self.entry.pk else None
        context = {
            "name": name,
            "asked": asked,
            "textarea": super().render(name, value, attrs, renderer),
            "text": Text(self.name, value or "", self.terms, balance),
            "cheat_sheet": CHEAT_SHEET,
        }
        if self.name in MARKDOWN:
            context["example"] = cheat_sheet_example()
        return render_to_string("admin/desk/text.html", context)


@cache
def cheat_sheet_example() -> Rendered:
    return render_markdown(CHEAT_SHEET, None, Citations(["example"]))


def addresses(entry: models.Model, name: str) -> dict[str, str]:
    """Where a text box asks for its preview and for what can be put into it."""
    meta = entry._meta
    begin = f"admin:{meta.app_label}_{meta.model_name}"
    seen = reverse(f"{begin}_seen", args=[name]) + (f"?entry={entry.pk}" if entry.pk else "")
    return {"seen": seen, "sources": reverse(f"{begin}_sources"), "terms": reverse(f"{begin}_terms")}


def equip(form: forms.ModelForm) -> None:
    """Put every text of a form into its box, and hold it to what a text may be."""

    @cache
    def terms() -> Terms:
        return Terms.on_page()

    def page_terms() -> Terms:
        # Names are looked up once for the form; what is linked already is of each text.
        return Terms(terms().names, {getattr(form.instance, "slug", "")})

    for name, field in form.fields.items():
        if not isinstance(field.widget, forms.Textarea):
            continue
        words = f"This text has %(show_value)d characters; {LONGEST_TEXT:,} fit."
        field.validators.append(MaxLengthValidator(LONGEST_TEXT, words))
        if name in MARKDOWN:
            field.validators.append(refuse_tangle)
        attrs = field.widget.attrs | {"data-text": name}
        field.widget = TextBox(form, name, page_terms, attrs)


# --- What a verdict will say


def weighing_hint(direction: str, size: str, certainty: str, searched_on: str) -> dict[str, Any]:
    """The verdict that these choices make, or in words why they make none: `{"verdict": …}` or `{"hint": …}`."""
    if not direction or not certainty:
        return {"hint": "Choose a direction and a certainty: the sentence appears here."}
    try:
        day = forms.DateField().clean(searched_on) if searched_on else None
    except ValidationError:
        day = None
    if day is None and certainty == Certainty.NONE:
        return {"hint": "Give the day of the search: the sentence names it."}
    finding = Finding(
        direction=direction,
        size=size or "not-stated",
        certainty=certainty,
        searched_on=day or timezone.localdate(),
    )
    about = {
        "glossary_finding_words_known",
        "glossary_finding_unknown_means_unsure",
        "glossary_finding_size_of_something",
    }
    for constraint in sorted(Finding._meta.constraints, key=lambda c: c.name, reverse=True):
        if constraint.name in about:
            try:
                constraint.validate(Finding, finding)
            except ValidationError as refused:
                return {"hint": " ".join(refused.messages), "is_refused": True}
    return {"verdict": finding.verdict}


def verdict_box(finding: Finding) -> SafeString:
    """The verdict in a finding's form; it follows the choices there."""
    chosen = [finding.direction, finding.size, finding.certainty, str(finding.searched_on or "")]
    context = {**weighing_hint(*chosen), "address": reverse("admin:glossary_finding_verdict")}
    return render_to_string("admin/desk/verdict.html", context)


# --- What can be put into a text


def matching_sources(query: str) -> list[Source]:
    """Sources that have every one of these words in their key, title, authors, journal or year; the newest first."""
    found = Source.objects.in_order()
    for word in query.split()[:8]:
        anywhere = Q(key__icontains=word) | Q(title__icontains=word) | Q(authors__icontains=word)
        anywhere |= Q(container__icontains=word)
        if word.isdecimal() and len(word) == 4:
            anywhere |= Q(year=int(word))
        found = found.filter(anywhere)
    return list(found[:MOST_MATCHES])


def matching_entries(query: str) -> list[tuple[str, Publishable]]:
    """Entries of the guide with a page of their own that are called like this: `(kind for the link, entry)`.

    Those whose name begins so come first.
    """
    folded = fold(query)
    found = []
    for model in apps.get_models():
        if not issubclass(model, Publishable) or not has_field(model, "slug"):
            continue
        called = Q(name__icontains=query) | Q(slug__icontains=query)
        if has_field(model, "aliases"):
            called |= Q(
                pk__in=model._meta.get_field("aliases")
                .related_model.objects.filter(folded__contains=folded)
                .values("concept")
            )
        first = Case(
            When(name__iexact=query, then=Value(0)), When(name__istartswith=query, then=Value(1)), default=Value(2)
        )
        rows = model._default_manager.filter(called).annotate(place=first).order_by("place", "name")[:MOST_MATCHES]
        found += [(row.place, model._meta.model_name, row) for row in rows]
    found.sort(key=lambda match: match[0])
    return [(kind, row) for _, kind, row in found[:MOST_MATCHES]]


def has_field(model: type[models.Model], name: str) -> bool:
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True


# --- Views, one set for each kind of entry


def for_writers(admin: ModelAdmin, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A fragment for those who may write such entries.

    Whoever is logged out gets a plain 401: the way to the log-in page would end inside the form.
    """
    site: AdminSite = admin.admin_site

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not site.has_permission(request):
            return HttpResponse("You are logged out.", status=401, content_type="text/plain")
        if not (admin.has_change_permission(request) or admin.has_add_permission(request)):
            return HttpResponse("You may not write here.", status=403, content_type="text/plain")
        response = view(admin, request, *args, **kwargs)
        response["Cache-Control"] = "no-store, private"
        return response

    return guarded


def urls(admin: ModelAdmin) -> list[URLPattern]:
    """The addresses that the text boxes of one kind of entry ask."""
    name = f"{admin.opts.app_label}_{admin.opts.model_name}"
    found = [
        path("seen/<slug:field>/", for_writers(admin, seen), name=f"{name}_seen"),
        path("pick/source/", for_writers(admin, pick_source), name=f"{name}_sources"),
        path("pick/term/", for_writers(admin, pick_term), name=f"{name}_terms"),
    ]
    if admin.model is Finding:
        found.append(path("verdict/", for_writers(admin, say_verdict), name=f"{name}_verdict"))
    return found


def seen(admin: ModelAdmin, request: HttpRequest, field: str) -> HttpResponse:
    """POST a text under the name of its field: how readers see it, and its measures. `?entry=` is what it belongs to."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not has_field(admin.model, field) or not isinstance(admin.model._meta.get_field(field), models.TextField):
        raise Http404("There is no such text.")
    number = request.GET.get("entry", "")
    entry = admin.model._default_manager.filter(pk=int(number[:18])).first() if number.isdecimal() else None
    slug = request.POST.get("slug", "") or getattr(entry, "slug", "")
    text = Text(
        field,
        plain_breaks(request.POST.get(field, "")),
        lambda: Terms.on_page(own_slug=slug),
        balance_of(entry, request.POST) if entry is not None and field == "body" else None,
    )
    return render(request, "admin/desk/text.html#seen", {"text": text})


def asked_for(request: HttpRequest) -> str:
    return " ".join(request.GET.get("q", "")[:100].split())


def pick_source(admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """`?q=`: sources to cite, ten at most."""
    query = asked_for(request)
    context = {"query": query, "sources": matching_sources(query) if query else []}
    return render(request, "admin/desk/picks.html", context)


def pick_term(admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """`?q=`: entries to link to, ten at most."""
    query = asked_for(request)
    context = {"query": query, "entries": matching_entries(query) if query else []}
    return render(request, "admin/desk/picks.html", context)


def say_verdict(admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """`?direction=&size=&certainty=&searched_on=`: the sentence, or why there is none."""
    chosen = [request.GET.get(name, "")[:40] for name in ("direction", "size", "certainty", "searched_on")]
    return render(request, "admin/desk/verdict.html#said", weighing_hint(*chosen))
