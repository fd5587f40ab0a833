"""Pages of the glossary: concepts, the evidence map, sources, and how we work."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q
from django.db.models.functions import Lower
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from config.http import HtmxHttpRequest, site_root
from glossary import edition, evidence, jsonld, trail
from glossary.kept import findings_on, risks_on
from glossary.markdown import Citations, Terms
from glossary.markdown import render as render_markdown
from glossary.models import Alias, Concept, Effect, Finding, Publishable, Risk, Route, Source, State, cited_keys
from glossary.near import near_concepts
from glossary.references import FORMATS
from glossary.text import fold
from glossary.verdict import Certainty


def chosen(value: str, choices: Iterable[tuple[str, str]], what: str) -> tuple[str, str]:
    """A choice from the address and, when it is none of `choices`, a sentence that says so: `(choice, notice)`."""
    value = value.strip()
    if not value or value in dict(choices):
        return value, ""
    return "", gettext("“%(word)s” is not %(what)s we know, so it was left out.") % {"word": value[:60], "what": what}


# What neither map nor table shows of a finding.
LONG_TEXTS = [
    *("claimed", "shown", "population", "certainty_reason", "would_change"),
    *("concept__body", "concept__summary", "concept__not_same_as", "effect__description"),
]
# How many entries of the glossary stand on one page.
ENTRIES = 150

# Which pictures a concept's page shows: the first before the evidence, the others by the explanation.
PICTURES = {
    "prp": ["prp"],
    "platelets": ["prp"],
    "supernatant": ["dish"],
    "lysate": ["dish"],
    "exosomes": ["dish", "sizes"],
    "stem-cell-derivatives": ["dish"],
    "skin-barrier": ["depth", "sizes"],
    "microneedling": ["depth"],
    "extracellular-vesicles": ["sizes"],
    "growth-factors": ["family", "sizes"],
    "cytokines": ["family", "sizes"],
    "interleukins": ["family"],
}


@require_safe
@vary_on_headers("HX-Request")
def concept_list(request: HtmxHttpRequest) -> HttpResponse:
    """A–Z and family tree, narrowed by `?q=`, `?kind=`, `?effect=`, `?letter=`; htmx receives the list alone."""
    effects = list(Effect.objects.all())
    kind, kind_notice = chosen(request.GET.get("kind", ""), Concept.Kind.choices, gettext("a kind"))
    effect, effect_notice = chosen(
        request.GET.get("effect", ""), [(e.slug, e.name) for e in effects], gettext("an effect")
    )
    query, letter = request.GET.get("q", "").strip()[:200], request.GET.get("letter", "").strip().upper()[:1]

    every = index()
    listed = every
    if kind:
        listed = [entry for entry in listed if entry.kind == kind]
    if effect:
        with_effect = concepts_with(effect)
        listed = [entry for entry in listed if entry.pk in with_effect]
    if query:
        words = fold(query).split()
        listed = [entry for entry in listed if all(word in entry.names for word in words)]
    if letter:
        listed = [entry for entry in listed if entry.letter == letter]
    page, page_notice = page_of(listed, request.GET.get("page", ""), ENTRIES)
    rows = (
        Concept.objects.select_related("parent")
        .defer("body", "not_same_as", "parent__body")
        .in_bulk([entry.pk for entry in page])
    )
    concepts = [rows[entry.pk] for entry in page if entry.pk in rows]
    kept = {
        name: value for name, value in (("q", query), ("kind", kind), ("effect", effect), ("letter", letter)) if value
    }
    context = {
        "query": query,
        "kind": kind,
        "effect": effect,
        "letter": letter,
        "notices": [notice for notice in (kind_notice, effect_notice, page_notice) if notice],
        "kinds": Concept.Kind.choices,
        "effects": effects,
        "letters": sorted({entry.letter for entry in every}),
        "groups": [(initial, list(group)) for initial, group in groupby(concepts, first_letter)],
        "count": len(listed),
        "page": page,
        "kept": kept,
        "narrowed": bool(kept),
        # Whole families, or none.
        "tree": [] if kept or page.has_other_pages() else family_tree(concepts),
        "near": near_concepts(query) if query and not listed else [],
    }
    if not request.htmx:
        context["json_ld"] = jsonld.script(jsonld.term_set(site_root(request)))
    template = "glossary/concept_list.html"
    return render(request, f"{template}#results" if request.htmx else template, context)


class Entry(NamedTuple):
    """A published concept in the index; `names` are all that it has, folded."""

    pk: int
    kind: str
    letter: str
    names: str


@edition.kept(1)
def index() -> list[Entry]:
    """Every published concept in order of names, two queries."""
    aliases: dict[int, list[str]] = {}
    for pk, folded in Alias.objects.order_by("pk").values_list("concept", "folded"):
        aliases.setdefault(pk, []).append(folded)
    concepts = Concept.objects.published().order_by(Lower("name"))
    rows = [(pk, kind, fold(name)) for pk, kind, name in concepts.values_list("pk", "kind", "name")]
    return [Entry(pk, kind, name[:1].upper(), " ".join([name, *aliases.get(pk, ())])) for pk, kind, name in rows]


@edition.kept(8)
def concepts_with(effect: str) -> frozenset[int]:
    """The concepts that have a finding on an effect."""
    return frozenset(Finding.objects.published().filter(effect__slug=effect).values_list("concept", flat=True))


def first_letter(concept: Concept) -> str:
    """The letter a concept stands under."""
    return fold(concept.name)[:1].upper()


def family_tree(concepts: list[Concept]) -> list[tuple[Concept, list]]:
    """Concepts that have a family or are one, as nested (concept, children) pairs."""
    children: dict[int | None, list[Concept]] = {}
    for concept in concepts:
        children.setdefault(concept.parent_id, []).append(concept)

    def branch(parent_id: int | None) -> list[tuple[Concept, list]]:
        return [(concept, branch(concept.pk)) for concept in children.get(parent_id, [])]

    return [(concept, below) for concept, below in branch(None) if below]


def renamed(request: HtmxHttpRequest, model: type[Publishable], page: str, slug: str) -> HttpResponse:
    """The way to an entry that once had this slug; what was withdrawn says so with 410, and 404 when there was none."""
    present = model.objects.renamed([slug]).get(slug)
    if present is None:
        withdrawn = model.objects.filter(slug=slug, state=State.WITHDRAWN).first()
        if withdrawn is None:
            raise Http404
        context = {"entry": withdrawn, "last": withdrawn.history.order_by("history_date").last()}
        # Browsers take “gone” for ever unless told otherwise, and what was withdrawn may come back.
        response = render(request, "withdrawn.html", context, status=410)
        response.headers["Cache-Control"] = "no-cache"
        return response
    query = request.META.get("QUERY_STRING", "")
    return redirect(reverse(page, args=[present]) + (f"?{query}" if query else ""), permanent=True)


@require_safe
@vary_on_headers("HX-Request")
def concept_detail(request: HtmxHttpRequest, slug: str) -> HttpResponse:
    """One concept; `?route=` puts the evidence on that route first. htmx receives the evidence alone."""
    published = Concept.objects.published().select_related("parent")
    concept = published.prefetch_related("aliases", "ingredient_of__category").filter(slug=slug).first()
    if concept is None:
        return renamed(request, Concept, "glossary:concept_detail", slug)
    children = list(concept.children.published().order_by("name")[: CARDS + 1])
    findings, risks = findings_on([concept.pk])[concept.pk], risks_on([concept.pk])[concept.pk]
    present = {f.route for f in findings} | {r.route for r in risks}
    routes = [(value, label) for value, label in Route.choices if value in present]
    route, notice = chosen(request.GET.get("route", ""), Route.choices, gettext("a way into the body"))
    if route and route not in present:
        notice = gettext("We have nothing on %(name)s by the route “%(route)s”; everything is shown.") % {
            "name": concept.name,
            "route": Route(route).label,
        }
        route = ""

    page, page_notice, (rows, rows_elsewhere), (shown_risks, risks_elsewhere) = evidence_page(
        request.GET.get("page", ""),
        [[f for f in findings if not route or f.route == route], [f for f in findings if route and f.route != route]],
        [[r for r in risks if not route or r.route == route], [r for r in risks if route and r.route != route]],
    )
    shown = [*rows, *rows_elsewhere, *shown_risks, *risks_elsewhere]
    cited = Source.objects.in_bulk(cited_keys(concept.not_same_as, concept.body), field_name="key")
    every_source = {s.key: s for row in shown for s in row.sources.all()} | cited
    citations = Citations(every_source)
    terms = Terms.on_page(own_slug=slug)
    not_same_as = render_markdown(concept.not_same_as, terms, citations)
    body = render_markdown(concept.body, terms, citations)
    for row in shown:
        for source in row.sources.all():
            citations.number(source.key)
    numbers = dict(list(citations.numbers.items())[:SOURCES])
    context = {
        "concept": concept,
        "children": children[:CARDS],
        "has_more_children": len(children) > CARDS,
        "pictures": [f"pictures/{name}.html" for name in PICTURES.get(slug, [])],
        "family": cytokine_family() if "family" in PICTURES.get(slug, []) else [],
        "names": shown_names(concept),
        "categories": [i.category for i in concept.ingredient_of.all() if i.category.state == "published"][:CARDS],
        "routes": routes,
        "route": route,
        "route_label": Route(route).label if route else "",
        "notices": [words for words in (notice, page_notice) if words],
        "page": page,
        "kept": {"route": route} if route else {},
        "in_place": len(rows) + len(rows_elsewhere) <= IN_PLACE,
        "rows": rows,
        "rows_elsewhere": rows_elsewhere,
        "risks": shown_risks,
        "risks_elsewhere": risks_elsewhere,
        "not_same_as": not_same_as,
        "body": body,
        "numbers": numbers,
        "sources": [(number, every_source[key]) for key, number in numbers.items()],
        "changes": trail.of_page(concept),
        "minutes": max(1, round(len(concept.body.split()) / 200)),
    }
    if not request.htmx:
        root = site_root(request)
        context["json_ld"] = jsonld.script(
            jsonld.term_set(root),
            jsonld.term(root, concept, context["names"]),
            jsonld.page(root, concept, concept.name, [source for _, source in context["sources"]]),
            jsonld.crumbs(
                root,
                (gettext("Glossary"), reverse("glossary:concept_list")),
                (concept.name, concept.get_absolute_url()),
            ),
        )
    template = "glossary/concept_detail.html"
    return render(request, f"{template}#evidence" if request.htmx else template, context)


@edition.kept(1)
def cytokine_family() -> list[tuple[Concept, list]]:
    """Cytokines and all that is below them, as one nested (concept, children) pair."""
    tree = family_tree(list(Concept.objects.published().only("slug", "name", "kind", "parent")))
    return [(concept, below) for concept, below in tree if concept.slug == "cytokines"]


def shown_names(concept: Concept) -> list[Alias]:
    """Aliases that readers see: one in each language first, then the others, English before the rest."""
    shown = [a for a in concept.aliases.all() if a.kind not in (Alias.Kind.MISSPELLING, Alias.Kind.SEARCH)]
    order = [Alias.Kind.TRANSLATION, Alias.Kind.SYNONYM, Alias.Kind.ABBREVIATION, Alias.Kind.INCI, Alias.Kind.MARKETING]
    shown.sort(key=lambda a: (a.language != "en", a.language, order.index(a.kind), len(a.text)))
    first = {a.language: a for a in reversed(shown)}.values()
    english = [a for a in shown if a.language == "en"][:3]
    leading = [*english, *(a for a in first if a.language in ("zh-Hans", "ja", "ko"))]
    return [*leading, *(a for a in shown if a not in leading)]


# What a page has room for: findings, of which so many open in place and the others at an address of their own; risks;
# sources; cards of other entries.
FINDINGS, IN_PLACE, RISKS, SOURCES, CARDS = 30, 12, 20, 70, 60


def evidence_page(
    number: str, findings: Sequence[list[Finding]], risks: Sequence[list[Risk]]
) -> tuple[Page, str, list[list[Finding]], list[list[Risk]]]:
    """One page of findings and risks that are shown in several lists: `(page, notice, its findings, its risks)`."""

    def cut(lists: Sequence[list[Any]], page: int, size: int) -> list[list[Any]]:
        rows = [(place, row) for place, rows in enumerate(lists) for row in rows][page * size : (page + 1) * size]
        return [[row for place, row in rows if place == wanted] for wanted in range(len(lists))]

    pages = max(-(-sum(map(len, findings)) // FINDINGS), -(-sum(map(len, risks)) // RISKS), 1)
    page, notice = page_of(range(pages), number, 1)
    return page, notice, cut(findings, page.number - 1, FINDINGS), cut(risks, page.number - 1, RISKS)


@require_safe
@vary_on_headers("HX-Request")
def finding_detail(request: HtmxHttpRequest, slug: str, effect: str, route: str) -> HttpResponse:
    """One finding with all that stands behind it; htmx receives what its verdict opens to."""
    findings = Finding.objects.published().for_reading()
    finding = get_object_or_404(findings, concept__slug=slug, effect__slug=effect, route=route)
    page = "glossary/finding_detail.html"
    return render(request, f"{page}#more" if request.htmx else page, {"finding": finding, "numbers": ""})


@require_safe
@vary_on_headers("HX-Request")
def concept_panel(request: HtmxHttpRequest, slug: str) -> HttpResponse:
    """The few words that explain a term where it stands; without htmx, the concept's own page."""
    if not request.htmx:
        return redirect("glossary:concept_detail", slug=slug)
    concept = get_object_or_404(Concept.objects.published(), slug=slug)
    return render(request, "glossary/concept_detail.html#panel", {"concept": concept})


@require_safe
@vary_on_headers("HX-Request")
def evidence_map(request: HtmxHttpRequest) -> HttpResponse:
    """Every finding as a mark, concepts against effects; with `?view=table`, as a table.

    Narrowed by `?route=`, `?certainty=`, `?effect=`, `?kind=` (of concept); the table takes `?sort=`, `?order=`
    and `?page=`. htmx receives the results alone.
    """
    effects = list(Effect.objects.all())
    asked = {
        "route": (Route.choices, gettext("a way into the body")),
        "certainty": (Certainty.choices, gettext("a certainty")),
        "effect": ([(e.slug, e.name) for e in effects], gettext("an effect")),
        "kind": (Concept.Kind.choices, gettext("a kind of concept")),
        "view": ([("map", "Map"), ("table", "Table")], gettext("a view")),
        "sort": (evidence.SORTS.items(), gettext("an order")),
        "order": (evidence.ORDERS.items(), gettext("a direction of order")),
    }
    answers = {name: chosen(request.GET.get(name, ""), *choice) for name, choice in asked.items()}
    picked = {name: value for name, (value, _) in answers.items()}
    notices = [notice for _, notice in answers.values() if notice]
    fields = {"route": "route", "certainty": "certainty", "effect": "effect__slug", "kind": "concept__kind"}
    narrowed = {name: picked[name] for name in fields if picked[name]}
    filters = tuple((fields[name], narrowed[name]) for name in narrowed)
    number = request.GET.get("page", "")
    context = {
        **{name: picked[name] for name in fields},
        "effects": effects,
        "routes": Route.choices,
        "certainties": Certainty.choices,
        "kinds": Concept.Kind.choices,
        "narrowed": narrowed,
        "is_table": picked["view"] == "table",
    }
    if context["is_table"]:
        sort = picked["sort"] or "effect"
        order = picked["order"] or evidence.first_order(sort)
        pks = evidence.in_order(filters, sort, order)
        page, page_notice = page_of(pks, number, 50)
        rows = Finding.objects.select_related("effect", "concept").defer(*LONG_TEXTS).in_bulk(list(page))
        context |= {
            "count": len(pks),
            "rows": [(rows[pk], evidence.counted(rows[pk])) for pk in page if pk in rows],
            "sort": sort,
            "order": order,
            "sorts": evidence.headings(sort, order),
            "words": evidence.order_words(sort, order),
            "kept": narrowed | {"view": "table", "sort": sort, "order": order},
        }
    else:
        count, pages = evidence.map_pages(filters)
        page, page_notice = page_of(pages, number, 1)
        concepts = [concept for shown in page for concept in shown]
        shown = Finding.objects.published().filter(**dict(filters), concept__in=[pk for _, pk in concepts])
        marks = list(shown.select_related("effect", "concept").defer(*LONG_TEXTS))
        context |= {"count": count, "kept": narrowed} | evidence.drawn_map(marks, concepts)
    notices += [page_notice] if page_notice else []
    context |= {"page": page, "notices": notices}
    template = "glossary/evidence_map.html"
    return render(request, f"{template}#results" if request.htmx else template, context)


def page_of(rows: Sequence[Any], number: str, size: int) -> tuple[Page, str]:
    """One page of many rows and, when there is none of that number, a sentence that says so: `(page, notice)`."""
    number = number.strip()
    page = Paginator(rows, size).get_page(number or 1)
    if not number or number == str(page.number):
        return page, ""
    return page, gettext("There is no page “%(asked)s”; this is page %(number)s of %(last)s.") % {
        "asked": number[:60],
        "number": page.number,
        "last": page.paginator.num_pages,
    }


@require_safe
@vary_on_headers("HX-Request")
def source_list(request: HtmxHttpRequest) -> HttpResponse:
    """Every source, a hundred a page, narrowed by `?q=`, `?kind=`, `?read=`, `?funder=`; htmx receives the list alone."""
    asked = {
        "kind": (Source.Kind.choices, gettext("a kind of source")),
        "read": (Source.Read.choices, gettext("an amount of reading")),
        "funder": (Source.Funder.choices, gettext("a payer")),
    }
    answers = {name: chosen(request.GET.get(name, ""), *choice) for name, choice in asked.items()}
    picked = {name: value for name, (value, _) in answers.items()}
    query = request.GET.get("q", "").strip()[:200]
    narrowed = tuple((name, value) for name, value in picked.items() if value)
    pks = sources_in_order(narrowed, query)
    page, page_notice = page_of(pks, request.GET.get("page", ""), 100)
    rows = Source.objects.in_bulk(list(page))
    counts = source_counts(*asked)
    context = {
        "query": query,
        "page": page,
        "sources": [rows[pk] for pk in page if pk in rows],
        "count": page.paginator.count,
        "kept": {name: value for name, value in [("q", query), *picked.items()] if value},
        "fields": [
            (name, label, picked[name], [(v, words, counts[name][v]) for v, words in asked[name][0] if counts[name][v]])
            for name, label in [
                ("kind", gettext("Kind")),
                ("read", gettext("What we read of it")),
                ("funder", gettext("Who paid")),
            ]
        ],
        "notices": [notice for _, notice in [*answers.values(), (None, page_notice)] if notice],
    }
    template = "glossary/source_list.html"
    return render(request, f"{template}#results" if request.htmx else template, context)


@edition.kept(16)
def sources_in_order(narrowed: evidence.Filters, query: str) -> array[int]:
    """The sources that fit, newest first, by their primary keys."""
    sources = Source.objects.in_order().filter(**dict(narrowed))
    for word in query.split():
        sources = sources.filter(
            Q(title__icontains=word)
            | Q(authors__icontains=word)
            | Q(container__icontains=word)
            | Q(key__icontains=word)
        )
    return array("q", sources.values_list("pk", flat=True))


@edition.kept(1)
def source_counts(*fields: str) -> dict[str, Counter[str]]:
    """Of each field, how many sources have each value."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in fields}
    for *values, n in Source.objects.order_by().values_list(*fields).annotate(n=Count("pk")):
        for name, value in zip(fields, values, strict=True):
            counts[name][value] += n
    return counts


@edition.kept(1)
def citing() -> dict[str, list[int]]:
    """The published concepts whose texts cite a source, by its key."""
    found: dict[str, list[int]] = {}
    texts = Concept.objects.published().filter(Q(body__contains="[@") | Q(not_same_as__contains="[@")).order_by("pk")
    for pk, *both in texts.values_list("pk", "not_same_as", "body").iterator():
        for key in cited_keys(*both):
            found.setdefault(key, []).append(pk)
    return found


# How many of each kind of what rests on a source its page lists.
RESTING = 100


@require_safe
def source_detail(request: HtmxHttpRequest, key: str) -> HttpResponse:
    """One source and everything on the site that rests on it."""
    source = get_object_or_404(Source.objects.select_related("superseded_by"), key=key)
    texts = citing().get(source.key, [])[:RESTING]
    lists = {
        "findings": source.findings.published().select_related("concept", "effect").order_by("concept__name", "route"),
        "claims": source.claims.published().select_related("concept", "effect").order_by("concept__name", "route"),
        "risks": source.risks.published().select_related("concept").order_by("concept__name"),
        "concepts": Concept.objects.published().filter(pk__in=texts),
        # Named by products, which the glossary does not know: read through the relations they add to a source.
        "regulations": source.regulations.select_related("category").order_by("category__name", "jurisdiction"),
        "prices": source.prices.select_related("category").order_by("category__name"),
        "courses": source.courses.order_by("name"),
        "red_flags": source.red_flags.all(),
        "questions": source.questions.all(),
        "reporting_bodies": source.reporting_bodies.all(),
    }
    shown = {name: list(rows[: RESTING + 1]) for name, rows in lists.items()}
    context = {
        "source": source,
        **{name: rows[:RESTING] for name, rows in shown.items()},
        "most": RESTING if any(len(rows) > RESTING for rows in shown.values()) else 0,
    }
    return render(request, "glossary/source_detail.html", context)


def references(sources: Iterable[Source], name: str, ending: str) -> HttpResponse:
    """A download of sources for a reference manager; 404 for a format that there is none of."""
    if ending not in FORMATS:
        raise Http404
    media_type, write = FORMATS[ending]
    body = write(sources)
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, indent=1)
    disposition = content_disposition_header(as_attachment=True, filename=f"{name}.{ending}")
    return HttpResponse(text, content_type=media_type, headers={"Content-Disposition": disposition})


@require_safe
def concept_references(request: HtmxHttpRequest, slug: str, ending: str) -> HttpResponse:
    """The sources of one concept's page as BibTeX, RIS or CSL-JSON."""
    concept = get_object_or_404(Concept.objects.published(), slug=slug)
    return references(concept.every_source().in_order(), slug, ending)


@require_safe
def source_references(request: HtmxHttpRequest, key: str, ending: str) -> HttpResponse:
    """One source as BibTeX, RIS or CSL-JSON."""
    return references([get_object_or_404(Source, key=key)], key, ending)
