"""The content that ships, on every address of the site."""

import pytest
from django.core.management import call_command

from glossary.models import Concept, Effect, Finding, Source
from products.models import Category, Jurisdiction, Question, RedFlag, Regulation, ReportingBody
from products.standards import CHECKLISTS

pytestmark = pytest.mark.django_db

SLUGS = [
    "cytokines",
    "interleukins",
    "interferons",
    "tnf-superfamily",
    "colony-stimulating-factors",
    "chemokines",
    "growth-factors",
    "kgf",
    "egf",
    "bfgf",
    "ngf",
    "hgf",
    "vegf",
    "il-6",
    "g-csf",
    "tgf-beta",
    "pdgf",
    "epo",
    "sdf-1",
    "peptides",
    "enzymes",
    "hyaluronic-acid",
    "nucleic-acids",
    "platelets",
    "prp",
    "prf",
    "stem-cells",
    "msc",
    "stem-cell-derivatives",
    "supernatant",
    "lysate",
    "exosomes",
    "extracellular-vesicles",
    "plant-stem-cells",
    "no-treatment",
    "sunscreen",
    "topical-retinoids",
    "minoxidil",
    "fractional-laser",
    "standard-wound-care",
    "paracrine-effect",
    "purification",
    "tissue-source",
    "culture-conditions",
    "passage",
    "storage-and-stability",
    "quality-control",
    "fetal-bovine-serum",
    "biomaterial-scaffold",
    "skin-barrier",
    "microneedling",
    "ewg-rating",
]
EFFECTS = [
    "wrinkles",
    "skin-texture",
    "pigmentation",
    "acne-scars",
    "scars",
    "hair-growth",
    "wound-healing",
    "burns",
    "redness",
    "barrier",
    "hydration",
    "firmness",
    "anti-ageing",
    "joint-pain",
    "volume",
    "inflammation",
    "disease-cure",
]
CATEGORIES = [
    "prp-face-injection",
    "prp-microneedling",
    "prp-hair",
    "prp-joint",
    "prf-filler",
    "growth-factor-serum",
    "growth-factor-freeze-dried-powder",
    "growth-factor-wound-gel",
    "growth-factor-filler-injection",
    "stem-cell-culture-cosmetics",
    "lysate-microneedling",
    "exosome-serum",
    "exosome-microneedling",
    "exosome-after-laser",
    "exosome-injection",
    "exosome-hair",
    "stem-cell-injection",
    "stem-cell-fat-graft",
    "plant-stem-cell-cosmetics",
    "polynucleotide-injection",
    "doing-nothing",
    "ordinary-care-wrinkles",
    "ordinary-care-hair",
    "ordinary-care-scars",
    "ordinary-care-wounds",
    "ordinary-care-joints",
]
RED_FLAGS = [
    "guarantee",
    "duration",
    "age-reversal",
    "cure",
    "no-risk",
    "quantity",
    "fda-registered",
    "celebrity",
    "miracle",
    "one-treatment",
    "stem-cells-in-cosmetic",
    "secret-or-patented",
    "urgency",
    "testimonial",
    "nobel-prize",
    "injection-of-cosmetic",
    "natural-so-safe",
    "medical-grade",
    "too-cheap",
    "three-no",
    "term-stacking",
    "ewg-as-proof",
]
ADDRESSES = [
    "/", "/glossary/", "/glossary/exosomes/", "/products/", "/products/exosome-microneedling/", "/compare/",
    "/compare/?item=prp-hair&item=exosome-hair", "/check/", "/visit/", "/visit/?item=prp-hair&where=UK", "/search/?q=prp",
    "/evidence/", "/sources/", "/method/", "/about/", "/privacy/", "/changes/", "/changes/feed.xml", "/data/", "/data/findings.csv",
    "/data/findings.json", "/api/", "/api/concepts", "/api/findings", "/api/categories", "/api/sources",
    "/api/search?q=prp", "/api/openapi.json", "/sitemap.xml", "/robots.txt", "/healthz", "/readyz",
]  # fmt: skip


@pytest.mark.postgresql
@pytest.mark.parametrize("address", ADDRESSES)
def test_address_answers_without_cookies_and_varies_by_none(client, shipped_content, address):
    response = client.get(address)
    assert response.status_code == 200
    assert not response.cookies
    assert "cookie" not in response.headers.get("Vary", "").lower()
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]


def test_every_promised_slug_is_there(shipped_content):
    assert not set(SLUGS) - set(Concept.objects.published().values_list("slug", flat=True))
    assert not set(EFFECTS) ^ set(Effect.objects.values_list("slug", flat=True))
    assert not set(CATEGORIES) - set(Category.objects.published().values_list("slug", flat=True))
    assert not set(RED_FLAGS) - set(RedFlag.objects.values_list("slug", flat=True))


def test_shipped_content_is_enough_to_be_useful(shipped_content):
    assert Finding.objects.published().count() >= 160
    assert Finding.objects.published().values("route").distinct().count() >= 4
    assert Source.objects.count() >= 350
    assert Regulation.objects.count() == Category.objects.count() * len(Jurisdiction)
    assert Question.objects.filter(is_on_wallet_card=True).count() == 5
    assert set(ReportingBody.objects.values_list("jurisdiction", flat=True)) == set(Jurisdiction.values)


def test_no_source_tells_readers_to_look_elsewhere_for_its_authors(shipped_content):
    assert not Source.objects.filter(authors__iregex=r"see (the )?(page|site|source)|unknown|n/a")


def test_every_concept_category_and_ready_made_comparison_answers(entry_pages):
    assert {"/glossary/exosomes/", "/products/prp-hair/"} <= set(entry_pages)
    assert {address: page.status_code for address, page in entry_pages.items() if page.status_code != 200} == {}


def test_no_page_is_larger_than_150_kb(client, entry_pages):
    lists = [
        "/",
        "/glossary/",
        "/products/",
        "/evidence/",
        "/evidence/?view=table",
        "/sources/",
        "/changes/",
        "/visit/",
    ]
    pages = entry_pages | {address: client.get(address) for address in lists}
    sizes = {address: len(page.content) for address, page in pages.items()}
    assert {address: size for address, size in sizes.items() if size > 150_000} == {}


def test_page_and_fragment_both_vary_by_htmx_and_the_fragment_is_bare(client, shipped_content):
    for address, root in [
        ("/glossary/?q=egf", "results"),
        ("/glossary/prp/?route=injected", "evidence"),
        ("/compare/?item=prp", "comparison"),
        ("/search/?q=egf", "results"),
        ("/evidence/?route=injected", "results"),
    ]:
        page, fragment = client.get(address), client.get(address, headers={"HX-Request": "true"})
        assert "HX-Request" in page.headers["Vary"]
        assert "HX-Request" in fragment.headers["Vary"]
        assert "<html" in page.text
        assert fragment.text.strip().startswith(f'<div id="{root}"')
        assert f'<div id="{root}"' in page.text


def test_content_keeps_its_promises(shipped_content):
    call_command("check_content", verbosity=0)


def test_unready_site_becomes_ready_with_content(client, shipped_content):
    assert client.get("/readyz").json() == {"ready": True, "missing": []}


def test_each_standard_leads_to_a_place_that_exists(client, shipped_content):
    page = client.get("/method/standards/").text
    for checklist in CHECKLISTS:
        assert f"{checklist.met} of {len(checklist.items)} met" in page
        for item in checklist.items:
            address, _, anchor = item.where.partition("#")
            response = client.get(address)
            assert response.status_code == 200, item
            assert not anchor or f'id="{anchor}"' in response.text, item
