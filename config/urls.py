from django.conf import settings
from django.contrib import admin
from django.contrib.sitemaps import views as sitemaps
from django.urls import include, path
from django.views.i18n import JavaScriptCatalog

from config import views
from products.api import api
from products.preview import preview
from products.sitemaps import SITEMAPS, sitemap

urlpatterns = [
    path("", include("products.urls")),
    path("", include("glossary.urls")),
    path("api/", api.urls),
    path(settings.ADMIN_PATH, admin.site.urls),
    path("preview/<str:token>/", preview, name="preview"),
    path("sitemap.xml", sitemap, name="sitemap"),
    path("sitemap-<section>.xml", sitemaps.sitemap, {"sitemaps": SITEMAPS}, name="sitemap_section"),
    path("robots.txt", views.robots, name="robots"),
    path(".well-known/security.txt", views.security_txt, name="security_txt"),
    path("words.js", JavaScriptCatalog.as_view(), name="words"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.numbers, name="metrics"),
]

if settings.DEBUG:
    urlpatterns.append(path("styleguide/", views.styleguide, name="styleguide"))

handler400 = "config.views.bad_request"
handler404 = "config.views.page_not_found"
handler500 = "config.views.server_error"
