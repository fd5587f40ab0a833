from django.urls import path

from products import views
from products.feeds import ChangeFeed

app_name = "products"
urlpatterns = [
    path("", views.home, name="home"),
    path("products/", views.category_list, name="category_list"),
    path("products/<slug:slug>/", views.category_detail, name="category_detail"),
    path("products/<slug:slug>/sources.<str:ending>", views.category_references, name="category_references"),
    path("compare/", views.compare_items, name="compare"),
    path("compare/card.png", views.compare_card, name="compare_card"),
    path("check/", views.check, name="check"),
    path("visit/", views.visit, name="visit"),
    path("search/", views.search, name="search"),
    path("search/suggest/", views.suggest, name="suggest"),
    path("changes/", views.change_list, name="change_list"),
    path("changes/feed.xml", ChangeFeed(), name="change_feed"),
    path("data/", views.data, name="data"),
    path("data/findings.csv", views.data_csv, name="data_csv"),
    path("data/findings.json", views.data_json, name="data_json"),
    path("data/sources.csv", views.sources_csv, name="sources_csv"),
    path("data/sources.json", views.sources_json, name="sources_json"),
    path("data/datapackage.json", views.data_package, name="data_package"),
    path("opensearch.xml", views.opensearch, name="opensearch"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("site.webmanifest", views.manifest, name="manifest"),
    path("sw.js", views.worker, name="worker"),
    path("offline/", views.offline, name="offline"),
    path("method/", views.method, name="method"),
    path("method/standards/", views.standards, name="standards"),
    path("about/", views.about, name="about"),
    path("privacy/", views.privacy, name="privacy"),
    path("api/", views.api_docs, name="api_docs"),
]
