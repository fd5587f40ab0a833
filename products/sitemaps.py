"""What search engines should know of."""

from datetime import date

from django.contrib.sitemaps import Sitemap
from django.contrib.sitemaps import views as sitemaps
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from glossary.models import Concept, Source
from products.models import Category


class PageSitemap(Sitemap):
    def items(self) -> list[str]:
        names = [
            "products:home",
            "glossary:concept_list",
            "products:category_list",
            "products:compare",
            "products:check",
        ]
        names += [
            "products:visit",
            "glossary:evidence_map",
            "glossary:source_list",
            "products:method",
            "products:standards",
            "products:about",
            "products:privacy",
        ]
        return [*names, "products:change_list", "products:data", "products:api_docs"]

    def location(self, item: str) -> str:
        return reverse(item)


class ConceptSitemap(Sitemap):
    def items(self) -> QuerySet[Concept]:
        return Concept.objects.published().only("slug", "reviewed_on").order_by("slug")

    def lastmod(self, item: Concept) -> date:
        return item.reviewed_on


class CategorySitemap(Sitemap):
    def items(self) -> QuerySet[Category]:
        return Category.objects.published().only("slug", "reviewed_on").order_by("slug")

    def lastmod(self, item: Category) -> date:
        return item.reviewed_on


class SourceSitemap(Sitemap):
    def items(self) -> QuerySet[Source]:
        return Source.objects.only("key", "checked_on").order_by("key")

    def lastmod(self, item: Source) -> date:
        return item.checked_on


SITEMAPS = {
    "pages": PageSitemap,
    "concepts": ConceptSitemap,
    "categories": CategorySitemap,
    "sources": SourceSitemap,
}
# More addresses than this stand in several files, with an index of them.
MOST_AT_ONCE = 5_000
for section in SITEMAPS.values():
    section.limit = MOST_AT_ONCE


def sitemap(request: HttpRequest) -> HttpResponse:
    """All addresses in one file, or where there are many, an index of the files that hold them."""
    count = Concept.objects.published().count() + Category.objects.published().count() + Source.objects.count()
    if count > MOST_AT_ONCE:
        return sitemaps.index(request, SITEMAPS, sitemap_url_name="sitemap_section")
    return sitemaps.sitemap(request, SITEMAPS)
