"""Pages about what is bought: categories, comparison, ad check, visit sheet; and the site's front page and search."""

from __future__ import annotations

from typing import Any, NamedTuple

import segno
from django.conf import settings
from django.db.models import Count, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from config.http import HtmxHttpRequest, site_root
from glossary import edition, jsonld
from glossary.markdown import Citations, Terms
from glossary.markdown import render as render_markdown
from glossary.models import Concept, Effect, Finding, Risk, Route, Source, cited_keys
from glossary.verdict import SHAPES, Certainty
from glossary.views import IN_PLACE, SOURCES, chosen, evidence_page, page_of, references, renamed
from products import adcheck, changes, compare, exports
from products.card import draw_card
from products.models import (
    Category,
    ContentCheck,
    Goal,
    Ingredient,
    Jurisdiction,
    MissedSearch,
    Question,
    RedFlag,
    Regulation,
    ReportingBody,
    ordinary_care_for,
)
from products.search import LONGEST as LONGEST_QUERY
from products.search import search as search_guide
from products.search import suggest as suggest_from_guide
from products.standards import CHECKLISTS
from products.timeline import timeline

CATEGORIES = 100  # on one page of the list
API_BOUNDS = {"minimum": "from", "maximum": "to", "maxLength": "characters at most:", "default": "usually"}
MAIN_CONCEPTS = ["cytokines", "prp", "supernatant", "lysate", "exosomes"]
# The ways in that the cross-section of skin draws; the others do not pass through skin.
DRAWN_ROUTES = {
    Route.INTACT_SKIN,
    Route.AFTER_PROCEDURE,
    Route.MICRONEEDLED,
    Route.INJECTED,
    Route.WOUND,
    Route.SYSTEMIC,
}


@require_safe
def home(request: HtmxHttpRequest) -> HttpResponse:
    """Search, three doors, the claim and the evidence for the five main concepts, and what to do before paying."""
    concepts = {c.slug: c for c in Concept.objects.published().filter(slug__in=MAIN_CONCEPTS)}
    findings: dict[int, list[Finding]] = {}
    for finding in (
        Finding.objects.published().filter(concept__slug__in=MAIN_CONCEPTS).select_related("effect", "concept")
    ):
        findings.setdefault(finding.concept_id, []).append(finding)
    main = []
    for slug in MAIN_CONCEPTS:
        if slug in concepts:
            rows = findings.get(concepts[slug].pk, [])
            main.append(
                {
                    "concept": concepts[slug],
                    "tally": tally(rows),
                    "count": len(rows),
                }
            )
    # What people ask for most stands on top: of the claims on the first effect, the one with the most people studied.
    every = [finding for slug in MAIN_CONCEPTS if slug in concepts for finding in findings.get(concepts[slug].pk, [])]
    most_wanted = min((finding.effect.position for finding in every), default=0)
    first = example([finding for finding in every if finding.effect.position == most_wanted])
    examples = [
        found
        for slug in MAIN_CONCEPTS
        if slug in concepts
        if (found := example([finding for finding in findings.get(concepts[slug].pk, []) if finding is not first]))
    ]
    context = {
        "main": main,
        "first": first,
        "examples": examples,
        "questions": Question.objects.filter(is_on_wallet_card=True)[:5],
        "red_flags": RedFlag.objects.filter(severity=RedFlag.Severity.WALK_AWAY)[:6],
        "ready_made": compare.ready_made()[:6],
    }
    return render(request, "products/home.html", context)


def tally(findings: list[Finding]) -> list[tuple[str, str, int]]:
    """(shape, words, count) of the verdicts, those that say most first."""
    shapes = [finding.verdict.shape for finding in findings]
    return [(shape, label, shapes.count(shape)) for shape, label in SHAPES.items() if shape in shapes]


def example(findings: list[Finding]) -> Finding | None:
    """The finding that most people were studied for: one claim to show beside what was found."""
    return max(findings, key=lambda f: (f.people or 0, f.verdict.steps), default=None)


@require_safe
@vary_on_headers("HX-Request")
def category_list(request: HtmxHttpRequest) -> HttpResponse:
    """Categories by route and by goal; `?goal=` and `?route=` narrow, and htmx receives the list alone."""
    effects = list(Effect.objects.all())
    goal, goal_notice = chosen(request.GET.get("goal", ""), [(e.slug, e.name) for e in effects], "a goal")
    route, route_notice = chosen(request.GET.get("route", ""), Route.choices, gettext("a way into the body"))
    every = index()
    listed = [entry for entry in every if (not goal or goal in entry.goals) and (not route or entry.route == route)]
    page, page_notice = page_of(listed, request.GET.get("page", ""), CATEGORIES)
    rows = Category.objects.for_listing().defer("body").in_bulk([entry.pk for entry in page])
    categories = [rows[entry.pk] for entry in page if entry.pk in rows]
    treatments = [c for c in categories if c.kind == Category.Kind.TREATMENT]
    present, sold_for = {entry.route for entry in every}, {slug for entry in every for slug in entry.goals}
    routes = [(value, label) for value, label in Route.choices if value in present]
    context = {
        "goal": goal,
        "route": route,
        "goals": [effect for effect in effects if effect.slug in sold_for],
        "routes": routes,
        "notices": [notice for notice in (goal_notice, route_notice, page_notice) if notice],
        "groups": [(label, rows) for v, label in routes if (rows := [c for c in treatments if c.route == v])],
        "comparisons": [c for c in categories if c.kind == Category.Kind.COMPARISON],
        "count": len(listed),
        "page": page,
        "kept": {name: value for name, value in (("goal", goal), ("route", route)) if value},
    }
    template = "products/category_list.html"
    return render(request, f"{template}#results" if request.htmx else template, context)


class Entry(NamedTuple):
    """A published category in the index, with the slugs of what it is sold for."""

    pk: int
    route: str
    goals: frozenset[str]


@edition.kept(1)
def index() -> list[Entry]:
    """Every published category in the order of the list: treatments by route and name, then what to compare with."""
    goals: dict[int, set[str]] = {}
    for pk, slug in Goal.objects.order_by().values_list("category", "effect__slug"):
        goals.setdefault(pk, set()).add(slug)
    rows = list(Category.objects.published().order_by(Lower("name")).values_list("pk", "route", "kind"))
    rows.sort(key=lambda row: (row[2] == Category.Kind.COMPARISON, Route.values.index(row[1])))
    return [Entry(pk, route, frozenset(goals.get(pk, ()))) for pk, route, _ in rows]


@require_safe
@vary_on_headers("HX-Request")
def category_detail(request: HtmxHttpRequest, slug: str) -> HttpResponse:
    """One category: the evidence on its route, risks, rules (`?where=` puts one place first), cost, course, questions."""
    published = Category.objects.published().with_ingredients().prefetch_related("course_sources")
    category = published.filter(slug=slug).first()
    if category is None:
        return renamed(request, Category, "products:category_detail", slug)
    where, notice = chosen(request.GET.get("where", "").upper(), Jurisdiction.choices, gettext("a place whose rules"))
    findings = list(category.findings().for_reading())
    elsewhere = list(category.findings_elsewhere().for_reading())
    risks = list(category.risks().for_reading())
    goal_ids = {goal.effect_id for goal in category.goals.all()}
    regulations = list(category.regulations.for_reading())
    prices = list(category.prices.select_related("source"))
    cited = Source.objects.in_bulk(cited_keys(category.body), field_name="key")
    page, page_notice, (rows, rows_for_other_goals, rows_elsewhere), (shown_risks,) = evidence_page(
        request.GET.get("page", ""),
        [
            [f for f in findings if f.effect_id in goal_ids],
            [f for f in findings if f.effect_id not in goal_ids],
            elsewhere,
        ],
        [risks],
    )
    shown = [*rows, *rows_for_other_goals, *rows_elsewhere]
    every_source = {s.key: s for row in [*shown, *shown_risks, *regulations] for s in row.sources.all()} | cited
    every_source |= {p.source.key: p.source for p in prices} | {s.key: s for s in category.course_sources.all()}
    citations = Citations(every_source)
    body = render_markdown(category.body, Terms.on_page(), citations)
    for key in every_source:
        citations.number(key)
    numbers = dict(list(citations.numbers.items())[:SOURCES])
    context = {
        "category": category,
        "is_drawn": category.route in DRAWN_ROUTES,
        "is_prp": slug.startswith("prp-"),
        "timeline": timeline(regulations, timezone.localdate()),
        "body": body,
        "where": where,
        "notices": [notice] if notice else [],
        "page": page,
        "page_notice": page_notice,
        "kept": {"where": where} if where else {},
        "in_place": len(shown) <= IN_PLACE,
        "jurisdictions": Jurisdiction.choices,
        "regulations": [r for r in regulations if not where or r.jurisdiction == where],
        "rows": rows,
        "rows_for_other_goals": rows_for_other_goals,
        "rows_elsewhere": rows_elsewhere,
        "risks": shown_risks,
        "prices": prices,
        "ingredients": category.ingredients.all(),
        "roles": Ingredient.Role.choices,
        "questions": Question.for_categories([category])[:8],
        "red_flags": RedFlag.objects.exclude(severity=RedFlag.Severity.NOTE)[:8],
        "beside": [c for c in ordinary_care_for(category.goal_ids) if c.pk != category.pk][:3],
        "numbers": numbers,
        "sources": [(number, every_source[key]) for key, number in numbers.items()],
        "changes": changes.of_page(category),
    }
    if not request.htmx:
        root = site_root(request)
        context["json_ld"] = jsonld.script(
            jsonld.page(root, category, category.name, [source for _, source in context["sources"]]),
            jsonld.crumbs(
                root,
                (gettext("Products"), reverse("products:category_list")),
                (category.name, category.get_absolute_url()),
            ),
        )
    template = "products/category_detail.html"
    return render(request, f"{template}#rules" if request.htmx else template, context)


@require_safe
def category_references(request: HtmxHttpRequest, slug: str, ending: str) -> HttpResponse:
    """The sources of one category's page as BibTeX, RIS or CSL-JSON."""
    category = get_object_or_404(Category.objects.published().with_ingredients(), slug=slug)
    return references(category.every_source().in_order(), slug, ending)


@require_safe
@vary_on_headers("HX-Request")
def compare_items(request: HtmxHttpRequest) -> HttpResponse:
    """Two to four options side by side, all of it in the address; without any, the choice by goal (`?goal=`).

    htmx receives the comparison alone.
    """
    comparison = compare.build(request.GET)
    if comparison.was_renamed:
        return redirect(f"{request.path}{comparison.address()}", permanent=True)
    goals, goal, notice, ready_made = [], None, "", []
    sources = compare.sources_of(comparison.columns)
    if not comparison.columns:
        goals, ready_made = compare.goals(), compare.ready_made()
        names = [(g.effect.slug, g.effect.name) for g in goals]
        slug, notice = chosen(request.GET.get("goal", ""), names, gettext("a goal that something is sold for"))
        goal = next((g for g in goals if g.effect.slug == slug), None)
        ready_made = [ready for ready in ready_made if not goal or ready.goal_id == goal.effect.pk]
    context = {
        "comparison": comparison,
        "notices": [*comparison.notices, *([notice] if notice else [])],
        "routes": Route.choices,
        "jurisdictions": Jurisdiction.choices,
        "options": compare.options_to_add(comparison.columns),
        "most": compare.MOST,
        "most_first": compare.MOST_FIRST,
        "goals": goals,
        "goal": goal,
        "ready_made": ready_made,
        "sources": sources[: compare.SOURCES],
        "source_count": len(sources),
    }
    page = "products/compare.html"
    return render(request, f"{page}#comparison" if request.htmx else page, context)


@require_safe
def compare_card(request: HttpRequest) -> HttpResponse:
    """The picture that other sites show beside a link to a comparison: PNG, 1200 by 630."""
    comparison = compare.build(request.GET)
    beside = [column.name for column in comparison.columns if column.was_added]
    picture = draw_card(
        comparison.title, gettext("Beside it: %(names)s") % {"names": ", ".join(beside)} if beside else ""
    )
    # Other sites are meant to show it.
    return HttpResponse(picture, content_type="image/png", headers={"Cross-Origin-Resource-Policy": "cross-origin"})


def text_to_check(request: HtmxHttpRequest) -> tuple[str, str]:
    """The pasted text, or that of a chosen file, which goes first; and what is wrong with the file, if anything."""
    text = request.POST.get("text", "")
    file = request.FILES.get("file")
    # A file above the limit of the upload handlers does not arrive at all; then only its length tells of it.
    sent = int(request.META.get("CONTENT_LENGTH") or 0)
    if (file.size if file else 0 if text else sent) > adcheck.MOST_BYTES:
        most = f"{adcheck.MOST_CHARACTERS:,}"
        return text, gettext(
            "This file is too large: %(most)s characters fit. Paste the part you want to know about."
        ) % {"most": most}
    if file:
        of_file = adcheck.text_of_file(file.read())
        if of_file is None:
            return text, gettext(
                "This file is not plain text in UTF-8 or UTF-16. Save it as UTF-8, or paste the words."
            )
        text = of_file
    return text.replace("\r\n", "\n").replace("\r", "\n"), ""


@csrf_exempt  # Nothing is changed and nobody is logged in; a token would need a cookie.
@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
def check(request: HtmxHttpRequest) -> HttpResponse:
    """Paste an advertisement, get it back marked. The text is read and forgotten."""
    context: dict = {"most": adcheck.MOST_CHARACTERS, "text": "", "error": "", "reading": None}
    status = 200
    if request.method == "POST":
        text, problem = text_to_check(request)
        context["text"] = text
        if problem:
            context["error"] = problem
        elif not text.strip():
            context["error"] = gettext("There is no text to read yet. Paste the words of an advertisement or a label.")
        elif len(text) > adcheck.MOST_CHARACTERS:
            context["error"] = gettext(
                "This text has %(count)s characters; %(most)s fit. It is still in the box: "
                "cut it down to the part you want to know about."
            ) % {"count": f"{len(text):,}", "most": f"{adcheck.MOST_CHARACTERS:,}"}
        else:
            context["reading"] = adcheck.read_text(text)
        # htmx swaps no error answers, so a fragment says what is wrong with status 200.
        status = 422 if context["error"] and not request.htmx else 200
    context["red_flags"] = adcheck.red_flags()
    page = "products/check.html"
    response = render(request, f"{page}#result" if request.htmx else page, context, status=status)
    if request.method == "POST":
        response.headers["Cache-Control"] = "no-store"
    return response


@require_safe
@vary_on_headers("HX-Request")
def visit(request: HtmxHttpRequest) -> HttpResponse:
    """The sheet to take to the appointment, for the chosen items and the chosen place."""
    items, notices, was_renamed = compare.pick_items(request.GET.getlist("item"))
    settings, more = compare.read_settings(request.GET)
    address = compare.Settings(route=settings.route, where=settings.where).query([item.slug for item in items])
    if was_renamed:
        return redirect(f"{request.path}{address}", permanent=True)
    columns = compare.columns_of(items, settings.route)
    categories = [item for item in items if isinstance(item, Category)]
    goals = {column.slug: column.goal_ids for column in columns}
    here = f"{site_root(request)}{request.path}{address}"
    context = {
        "columns": [(c, [f for f in c.findings if f.effect_id in goals[c.slug]]) for c in columns],
        "items": items,
        "notices": notices + more,
        "where": settings.where,
        "where_label": Jurisdiction(settings.where).label if settings.where else "",
        "jurisdictions": Jurisdiction.choices,
        "regulations": Regulation.objects.filter(category__in=categories, jurisdiction=settings.where).select_related(
            "category"
        ),
        "reporting": ReportingBody.objects.filter(jurisdiction=settings.where) if settings.where else [],
        "questions": Question.for_categories(categories),
        "red_flags": RedFlag.objects.filter(severity=RedFlag.Severity.WALK_AWAY),
        "options": compare.options_to_add(columns),
        "address": here,
        "qr": qr_code(here),
    }
    return render(request, "products/visit.html", context)


def qr_code(address: str) -> str:
    """The address as an SVG picture without inline styles."""
    code = segno.make(address, error="m", micro=False)
    svg = code.svg_inline(scale=3, border=2, svgclass="qr", lineclass=None)
    return mark_safe(svg)  # noqa: S308 - drawn by the library from modules, nothing of the address is in it


@require_safe
@cache_control(private=True, no_cache=True)  # what somebody looks for is nobody else's business
@vary_on_headers("HX-Request")
def search(request: HtmxHttpRequest) -> HttpResponse:
    """Results grouped by kind for `?q=`, `&literal=1` as it is spelt; htmx receives the results alone.

    A search that finds nothing is counted, without anything of who asked.
    """
    query = request.GET.get("q", "").strip()
    is_literal = request.GET.get("literal") == "1"
    results = search_guide(query, literal=is_literal)
    if results.has_words and not results.hits and not is_literal and request.method == "GET":
        MissedSearch.note(results.query)
    notices = []
    if len(query) > LONGEST_QUERY:
        notices.append(gettext("Only the first %(count)s characters were searched for.") % {"count": LONGEST_QUERY})
    context = {"query": results.query, "results": results, "is_literal": is_literal, "notices": notices}
    page = "products/search.html"
    return render(request, f"{page}#results" if request.htmx else page, context)


@require_safe
@cache_control(private=True, no_cache=True)
def suggest(request: HtmxHttpRequest) -> HttpResponse:
    """What the words typed so far may become: the options under a search box (see static/js/site.js)."""
    hits = suggest_from_guide(request.GET.get("q", ""))
    return render(request, "products/suggestions.html", {"hits": hits})


def counted(rows: QuerySet, field: str, choices: list[tuple[str, str]]) -> list[tuple[str, str, int]]:
    """(value, label, how many rows have it), in the order of the choices; one query."""
    held = dict(rows.order_by().values_list(field).annotate(Count("pk", distinct=True)))
    return [(value, label, held.get(value, 0)) for value, label in choices]


@require_safe
def method(request: HtmxHttpRequest) -> HttpResponse:
    """How we grade, what the words mean, what the guide holds today, and whether it keeps its promises."""
    findings = Finding.objects.published()
    concepts = Concept.objects.published()
    context = {
        "certainties": counted(findings, "certainty", Certainty.choices),
        "untested": findings.filter(certainty=Certainty.NONE).count(),
        "statistics": [
            (gettext("Concepts"), counted(concepts, "kind", Concept.Kind.choices)),
            (
                gettext("Products and what to compare them with"),
                counted(Category.objects.published(), "kind", Category.Kind.choices),
            ),
            (gettext("Findings, by the way into the body"), counted(findings, "route", Route.choices)),
            (gettext("Risks"), counted(Risk.objects.published(), "severity", Risk.Severity.choices)),
            (gettext("Sources"), counted(Source.objects.all(), "kind", Source.Kind.choices)),
            (gettext("How much of a source was read"), counted(Source.objects.all(), "read", Source.Read.choices)),
            (gettext("Who paid for the studies"), counted(Source.objects.studies(), "funder", Source.Funder.choices)),
            (gettext("Warning signs"), counted(RedFlag.objects.all(), "severity", RedFlag.Severity.choices)),
        ],
        "questions": Question.objects.count(),
        "places": len(Jurisdiction),
        "checks": ContentCheck.objects.all(),
    }
    return render(request, "products/method.html", context)


@require_safe
def standards(request: HtmxHttpRequest) -> HttpResponse:
    """What three published checklists ask, and where on the site each item is met or not."""
    return render(request, "products/standards.html", {"checklists": CHECKLISTS, "root": settings.URL_PREFIX})


@require_safe
def privacy(request: HtmxHttpRequest) -> HttpResponse:
    """What the site knows about its readers."""
    return render(request, "products/privacy.html")


@require_safe
def about(request: HtmxHttpRequest) -> HttpResponse:
    """Who this is for, what it is not, licences, corrections."""
    return render(request, "products/about.html")


@require_safe
def change_list(request: HtmxHttpRequest) -> HttpResponse:
    """What changed on the site and why, newest first, fifty a page; `?kind=corrections` leaves the corrections alone."""
    kind, notice = chosen(request.GET.get("kind", ""), [("corrections", "Corrections")], gettext("a kind of change"))
    asked, size = request.GET.get("page", "").strip(), 50
    number = int(asked) if asked.isascii() and asked.isdigit() and 0 < len(asked) < 7 else 1
    number = max(number, 1)
    trail = changes.groups(corrections=bool(kind))
    # One more than is shown tells whether there is an older page; to count all would cost as much again.
    rows = list(trail[size * (number - 1) : size * number + 1])
    if not rows and number > 1:
        number, rows = 1, list(trail[: size + 1])
    notices = [notice] if notice else []
    if asked and asked != str(number):
        notices.append(
            gettext("There is no page “%(asked)s”; this is page %(number)s.") % {"asked": asked[:60], "number": number}
        )
    context = {
        "changes": changes.told(rows[:size]),
        "number": number,
        "newer": number - 1,
        "older": number + 1 if len(rows) > size else 0,
        "kind": kind,
        "kept": {"kind": kind} if kind else {},
        "notices": notices,
    }
    return render(request, "products/change_list.html", context)


@require_safe
def data(request: HtmxHttpRequest) -> HttpResponse:
    """What can be downloaded, and what each column means."""
    return render(
        request,
        "products/data.html",
        {
            "columns": exports.COLUMNS,
            "source_columns": exports.SOURCE_COLUMNS,
            "count": Finding.objects.published().count(),
            "source_count": Source.objects.count(),
            "modified": exports.last_changed(),
            "json_ld": jsonld.script(
                jsonld.dataset(f"{site_root(request)}{settings.URL_PREFIX}", exports.FILES, exports.last_changed())
            ),
        },
    )


@require_safe
def data_package(request: HttpRequest) -> HttpResponse:
    """What the two tables hold, for programs: a Frictionless data package."""
    return JsonResponse(exports.data_package(site_root(request)), json_dumps_params={"ensure_ascii": False})


@require_safe
def sources_csv(request: HttpRequest) -> HttpResponseBase:
    """Every source as CSV."""
    return exports.as_file("sources", "csv")


@require_safe
def sources_json(request: HttpRequest) -> HttpResponseBase:
    """Every source as JSON."""
    return exports.as_file("sources", "json")


@require_safe
def opensearch(request: HttpRequest) -> HttpResponse:
    """Lets browsers offer the guide's search."""
    return render(request, "products/opensearch.xml", content_type="application/opensearchdescription+xml")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """For those that ask for an icon without reading the page first, and for the editors' desk."""
    return redirect(static("img/icon-192.png"))


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """What a browser needs to put the guide among a person's apps."""
    pages = [
        ("Glossary", "glossary:concept_list"),
        (gettext("Check an ad"), "products:check"),
        (gettext("Visit sheet"), "products:visit"),
    ]
    body = {
        "id": reverse("products:home"),
        "name": "Claimed & Shown",
        "short_name": "Claimed & Shown",
        "description": gettext("What sellers of regenerative treatments claim, and what studies show."),
        "lang": "en-GB",
        "start_url": reverse("products:home"),
        "scope": reverse("products:home"),
        "display": "standalone",
        "display_override": ["minimal-ui", "standalone"],  # the way back stays in sight where it can
        "background_color": "#fbf8f2",
        "theme_color": "#fbf8f2",
        "icons": [
            {"src": static("img/icon.svg"), "type": "image/svg+xml", "sizes": "any"},
            {"src": static("img/icon-192.png"), "type": "image/png", "sizes": "192x192"},
            {"src": static("img/icon-512.png"), "type": "image/png", "sizes": "512x512"},
            {
                "src": static("img/icon-maskable-512.png"),
                "type": "image/png",
                "sizes": "512x512",
                "purpose": "maskable",
            },
        ],
        "shortcuts": [{"name": name, "url": reverse(page)} for name, page in pages],
    }
    return JsonResponse(body, content_type="application/manifest+json")


@require_safe
@cache_control(no_cache=True)
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker: at the top of the site, because it serves what lies below its own address."""
    script = (settings.BASE_DIR / "static/js/worker.js").read_text()
    return HttpResponse(script, content_type="text/javascript; charset=utf-8")


@require_safe
def offline(request: HtmxHttpRequest) -> HttpResponse:
    """What to read without a connection; the worker shows it for a page that this browser has no copy of."""
    return render(request, "products/offline.html")


@require_safe
def data_csv(request: HttpRequest) -> HttpResponseBase:
    """The whole evidence table as CSV."""
    return exports.as_file("findings", "csv")


@require_safe
def data_json(request: HttpRequest) -> HttpResponseBase:
    """The whole evidence table as JSON."""
    return exports.as_file("findings", "json")


def what_it_takes(parameter: dict[str, Any], schema: dict[str, Any]) -> str:
    """The values of one API parameter in words: the choices, or the type and its bounds."""
    for option in parameter.get("anyOf", [parameter]):
        if "$ref" in option:
            choices = schema["components"]["schemas"][option["$ref"].rsplit("/", 1)[-1]]
            return f"one of {', '.join(choices['enum'])}"
    bounds = [f"{name} {parameter[key]}" for key, name in API_BOUNDS.items() if key in parameter]
    return ", ".join([parameter.get("type", "text"), *bounds])


@require_safe
def api_docs(request: HtmxHttpRequest) -> HttpResponse:
    """The API in words, made from its own OpenAPI description."""
    from products.api import api

    schema = api.get_openapi_schema(path_prefix=f"{settings.URL_PREFIX}/api/")
    operations = [
        {
            "path": path,
            "method": verb.upper(),
            "summary": operation.get("summary", ""),
            "description": operation.get("description", ""),
            "parameters": [
                {"name": p["name"], "means": p.get("description", ""), "takes": what_it_takes(p["schema"], schema)}
                for p in operation.get("parameters", [])
            ],
        }
        for path, verbs in schema["paths"].items()
        for verb, operation in verbs.items()
    ]
    return render(request, "products/api.html", {"operations": operations})
