from django.urls import path

from glossary import views

app_name = "glossary"
urlpatterns = [
    path("glossary/", views.concept_list, name="concept_list"),
    path("glossary/<slug:slug>/", views.concept_detail, name="concept_detail"),
    path("glossary/<slug:slug>/sources.<str:ending>", views.concept_references, name="concept_references"),
    path("glossary/<slug:slug>/panel/", views.concept_panel, name="concept_panel"),
    path("glossary/<slug:slug>/<slug:effect>/<slug:route>/", views.finding_detail, name="finding_detail"),
    path("evidence/", views.evidence_map, name="evidence_map"),
    path("sources/", views.source_list, name="source_list"),
    path("sources/<slug:key>/", views.source_detail, name="source_detail"),
    path("sources/<slug:key>/source.<str:ending>", views.source_references, name="source_references"),
]
