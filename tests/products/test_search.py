"""Search: what it finds, why, in which order, and that it keeps in step with edits."""

import re
from datetime import date
from html import unescape
from urllib.parse import quote

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from django.urls import reverse
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from glossary.models import Alias, Concept, Source
from products import search_index
from products.models import Goal, MissedSearch, SearchEntry
from tests.database import refused_by
from tests.factories import (
    make_alias,
    make_category,
    make_concept,
    make_effect,
    make_question,
    make_source,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_rate_limit():
    """The API counts its callers in the cache, which outlives a test."""
    cache.clear()


def found(client, query, **more):
    """(kind, slug) of every result of the API, best first."""
    response = client.get("/api/search", {"q": query} | more)
    assert response.status_code == 200
    return [(item["kind"], item["slug"]) for item in response.json()["items"]]


def slugs(client, query):
    return [slug for _, slug in found(client, query)]


def page_text(client, query, **more):
    """The results part of the page, without tags."""
    response = client.get("/search/", {"q": query} | more)
    assert response.status_code == 200
    part = response.text.split('id="results"')[1].split("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", part.split(">", 1)[1])).split())


# --- Words


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("TGF-β", "tgf beta"),
        ("TGF beta", "ＴＧＦ－β"),
        ("Exosomes", "EXOSOME"),
        ("Microneedling", "micro-needling"),
        ("sh-Polypeptide-1", "SH POLYPEPTIDE 1"),
        ("Polynucleotide injections", "polynucleotide injection"),
        ("ácido hialurónico", "acido hialuronico"),
        ("エクソソーム", "ｴｸｿｿｰﾑ"),
        ("コラーゲン", "こらーげん"),
        ("マイクロニードル", "マイクロニードルとは"),
        ("外泌体", "什么是外泌体?"),
        ("外泌体", "外泌体的效果"),
        ("幹細胞培養上清液", "幹細胞培養上清液とは"),
        ("성장인자", "성장 인자"),
        ("사이토카인", "사이토카인이란"),
        ("Stem cells", "what are stem cells?"),
        ("Hyaluronic acid", "hyaluron"),
    ],
)
def test_name_is_found_however_it_is_written(client, name, query):
    make_concept(slug="other", name="Something else")
    make_concept(slug="thing", name=name)
    assert slugs(client, query)[:1] == ["thing"]


def test_number_in_a_label_name_is_never_taken_for_another(client):
    make_concept(slug="one", name="One", aliases=["sh-Polypeptide-1"])
    make_concept(slug="eleven", name="Eleven", aliases=["sh-Polypeptide-11"])
    assert slugs(client, "sh-Polypeptide-1")[0] == "one"
    assert slugs(client, "sh-Polypeptide-11")[0] == "eleven"
    assert "spelt much like" not in page_text(client, "sh-Polypeptide-12")


# --- Reasons and order


def test_result_says_which_name_or_text_matched(client):
    make_concept(name="Platelet plasma", aliases=["vampire facial"], summary="Made by a centrifuge.")
    assert "Matched because: also called “vampire facial”" in page_text(client, "vampire facial")
    assert "Matched because: its name" in page_text(client, "platelet plasma")
    assert "Matched because: its text has “centrifuge”" in page_text(client, "centrifuge")


def test_results_are_grouped_under_what_they_are(client):
    concept = make_concept(name="Exosomes")
    make_category(name="Exosomes with needles", ingredients=[concept], goals=[make_effect(name="Exosome glow")])
    make_question(text="Are there exosomes in it?")
    make_source(title="Exosomes in twenty people")
    response = client.get("/search/?q=exosomes")
    headings = re.findall(r"<section><h2>(.*?)</h2>", response.text)
    assert headings[0] == "Glossary"
    assert set(headings) == {"Glossary", "Products", "Effects", "Questions to ask", "Sources"}


def test_product_is_found_by_a_part_and_a_wish_in_another_language(client):
    prp = make_concept(slug="prp", name="Platelet plasma")
    make_alias(concept=prp, text="血小板血浆", language="zh-Hans")
    hair, lines = make_effect(name="Hair growth", wordings=["生发"]), make_effect(name="Finer lines")
    make_category(slug="lines", name="Into the face", ingredients=[prp], goals=[lines])
    make_category(slug="hair", name="Into the scalp", ingredients=[prp], goals=[hair])
    call_command("rebuild_search", verbosity=0)  # wordings are made in bulk here, which sends no signals
    assert slugs(client, "血小板血浆 生发")[0] == "hair"


def test_question_in_plain_words_finds_the_entry_that_answers_it(client):
    make_concept(slug="stem-cells", name="Stem cells", summary="Cells that can become other cells.")
    make_concept(
        slug="supernatant",
        name="Supernatant",
        aliases=["fluid from a culture"],
        summary="The liquid left over after stem cells have grown in a dish.",
    )
    for n in range(8):
        make_concept(name=f"Stem cells of kind {n}")
    assert slugs(client, "what is the liquid that is left when stem cells have grown?")[0] == "supernatant"


def test_source_is_found_by_author_title_number_and_part_of_a_doi(client):
    make_source(key="one", title="Needling of scars", authors="Fabbrocini G", doi="10.1111/abc.1234", pmid="987654")
    make_source(key="two", title="Something else")
    for query in ("fabbrocini", "needling scars", "10.1111/abc.1234", "abc.12", "987654"):
        assert found(client, query) == [("source", "one")], query


# --- Misspelt words


def test_misspelt_word_is_repaired_and_the_literal_search_is_offered(client):
    make_concept(name="Exosomes", slug="exosomes")
    text = page_text(client, "exosone")
    assert "Showing results for exosomes" in text or "Showing results for exosome" in text
    assert "Search for “exosone” as it is spelt" in text
    assert "?q=exosone&amp;literal=1" in client.get("/search/?q=exosone").text
    assert "We found nothing for “exosone”" in page_text(client, "exosone", literal="1")


def test_word_that_is_spelt_right_is_not_repaired(client):
    make_concept(name="Exosomes", body="Sold by an exosone maker.")
    assert "Showing results for" not in page_text(client, "exosomes")
    assert "Showing results for" not in page_text(client, "exosone")


def test_words_turned_round_and_misspelt_are_found(client):
    make_concept(slug="platelets", name="Platelets", aliases=["platlets"])
    Alias.objects.filter(text="platlets").update(kind="misspelling")
    call_command("rebuild_search", verbosity=0)
    make_concept(slug="prp", name="PRP", aliases=["platelet-rich plasma"])
    assert slugs(client, "plasma rich in platlets")[0] == "prp"
    assert "Showing results for plasma rich in platelet" in page_text(client, "plasma rich in platlets")


def test_draft_and_withdrawn_entries_are_not_found(client):
    make_concept(name="Secretword", state="draft")
    make_category(name="Secretword offer", state="withdrawn")
    assert found(client, "secretword") == []


# --- In step with edits


def entries():
    rows = SearchEntry.objects.order_by("kind", "object_id").values()
    return [{name: value for name, value in row.items() if name != "id"} for row in rows]


def test_every_edit_leaves_the_entries_as_a_rebuild_would(client):
    concept, effect = make_concept(name="Thing"), make_effect(name="Glow")
    category = make_category(ingredients=[concept], goals=[effect])
    question, source = make_question(), make_source()

    def in_step():
        before = entries()
        call_command("rebuild_search", verbosity=0)
        return entries() == before

    assert in_step()
    alias = make_alias(concept=concept, text="other name")
    assert in_step()
    for row, field in (
        (concept, "name"),
        (concept, "body"),
        (category, "summary"),
        (effect, "name"),
        (question, "text"),
        (source, "title"),
        (alias, "text"),
    ):
        setattr(row, field, f"Newword in {field}")
        row.save()
        assert in_step(), (row, field)
    Goal.objects.create(category=category, effect=make_effect(), position=5)
    assert in_step()
    concept.state = "withdrawn"
    concept.save()
    assert in_step()
    for row in (alias, question, source, category, concept):
        row.delete()
        assert in_step()


def test_search_follows_an_edit_at_once(client):
    concept = make_concept(slug="thing", name="Oldword")
    assert slugs(client, "oldword") == ["thing"]
    concept.name = "Newword"
    concept.summary = "About zebras."
    concept.save()
    assert slugs(client, "oldword") == []
    assert slugs(client, "newword") == ["thing"]
    assert slugs(client, "zebras") == ["thing"]
    concept.aliases.create(text="Thirdword")
    assert slugs(client, "thirdword") == ["thing"]
    concept.aliases.all().delete()
    assert slugs(client, "thirdword") == []
    concept.delete()
    assert slugs(client, "newword") == []


def test_search_forgets_an_edit_that_was_rolled_back(client):
    concept = make_concept(slug="thing", name="Oldword")
    with transaction.atomic():
        concept.name = "Newword"
        concept.save()
        assert slugs(client, "newword") == ["thing"]
        transaction.set_rollback(True)
    assert slugs(client, "newword") == []
    assert slugs(client, "oldword") == ["thing"]


def test_rebuild_brings_back_into_step_what_was_written_past_the_signals(client, capsys):
    make_concept(name="Thing")
    assert search_index.is_in_step()
    fields = {"kind": "rct", "url": "https://example.org/", "read": "page", "checked_on": date(2026, 1, 1)}
    Source.objects.bulk_create([Source(key="bulk", title="Zebras", **fields)])
    assert not search_index.is_in_step()
    assert found(client, "zebras") == []
    call_command("rebuild_search")
    assert "2 entries" in capsys.readouterr().out
    assert search_index.is_in_step()
    assert found(client, "zebras") == [("source", "bulk")]


def test_entries_in_an_older_form_are_out_of_step(monkeypatch):
    make_concept()
    monkeypatch.setattr(search_index, "FORM", search_index.FORM + 1)
    assert not search_index.is_in_step()


def test_search_is_set_up_where_the_database_refuses_an_extension(client):
    def refuse(execute, sql, params, many, context):
        if "EXTENSION" in sql:
            raise OperationalError("permission denied to create extension")
        return execute(sql, params, many, context)

    make_source(key="one", title="Needling", doi="10.1111/abc.1234")
    with connection.execute_wrapper(refuse):
        search_index.install("default")
        call_command("rebuild_search", verbosity=0)
    assert slugs(client, "abc.12") == ["one"]


# --- Cost


@pytest.mark.parametrize(
    ("address", "queries"), [("/search/?q=thing", 5), ("/search/suggest/?q=thing", 2), ("/api/search?q=thing", 5)]
)
def test_search_costs_the_same_number_of_queries_however_much_there_is(
    client, address, queries, django_assert_num_queries
):
    for more in (1, 15):
        for n in range(more):
            concept = make_concept(name=f"Thing {more} {n}", aliases=[f"thing alias {more} {n}"], body="A thing.")
            make_category(ingredients=[concept])
            make_source(title=f"Thing {n}")
        client.get(address)  # the names are read anew after an edit
        with django_assert_num_queries(queries):
            assert client.get(address).status_code == 200


# --- Suggestions


def test_suggestions_are_at_most_eight_links(client):
    for n in range(12):
        make_concept(slug=f"exo-{n}", name=f"Exosome {n}", aliases=[f"bubble {n}"])
    text = client.get("/search/suggest/?q=exo").text
    assert text.count('role="option"') == 8
    assert re.findall(r'href="(.*?)"', text)[0].startswith("/glossary/exo-")
    assert "<html" not in text
    assert "Also called “bubble" in client.get("/search/suggest/?q=bubb").text


def test_suggestions_finish_the_word_and_forgive_a_slip(client):
    make_concept(slug="exosomes", name="Exosomes")
    make_concept(slug="egf", name="EGF")
    assert "/glossary/egf/" in client.get("/search/suggest/?q=e").text
    assert "/glossary/exosomes/" in client.get("/search/suggest/?q=exosone").text
    assert client.get("/search/suggest/?q=").text.strip() == ""
    assert client.get("/search/suggest/").status_code == 200


# --- Bad input

ODD = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "🙂🙂",
    "👩‍⚕️",
    "\u202eabc",
    "\u200b",
    "x" * 10_000,
    "ab " * 5_000,
    "外" * 5_000,
    '"',
    "*",
    '"""',
    "a:b",
    "^a",
    "(a",
    "a)",
    "-a",
    "a AND b",
    "OR",
    "NOT NEAR",
    "NEAR(a b, 2)",
    "kind : source",
    "{names} : a",
    "a + b",
    "'; DROP TABLE products_searchentry; --",
    "x' OR '1'='1",
    "a & b | !c",
    "a <-> b:*",
    "%",
    "_",
    "\\",
    "<script>alert(1)</script>",
    "ß İ ſ Ǆ",
    "กขค",
    "हिन्दी",
    "\ud83d",
]


@pytest.mark.parametrize("query", ODD, ids=lambda query: ascii(query)[:24])
def test_odd_input_gets_a_page_with_words(client, query):
    make_concept(name="Exosomes", body="A thing.")
    address = f"?q={quote(query, errors='surrogatepass')}"
    page = client.get(f"/search/{address}")
    if len(address) > 4_000:  # an address is not for that much, and says so before anybody looks for it
        assert page.status_code == 414
        assert "This address is too long" in page.text
        return
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert any(
        words in page.text for words in ("Type a word", "We found nothing", "There is no word", "Matched because")
    )
    assert client.get(f"/search/suggest/{address}").status_code == 200
    assert client.get(f"/search/{address}&literal=1").status_code == 200
    assert client.get(f"/api/search{address[:200]}").status_code in (200, 422)


# Operators of both search engines, marks that unfold, hide or turn round, and words that are there.
PARTS = ["exosomes", "exo", "AND ", "NOT ", "NEAR(", ":*", "<->", "!", "&", "|", "(", ")", '"', "'", "*", "^", "-", "{", "\\", "%", "\x00",
         "\u202e", "\u200d", "\u0301", "\ufdfa", "\u1f82", "ﬁ", "外泌体", "ﾊﾞ", "ß", " "]  # fmt: skip
PIECES = st.tuples(st.sampled_from(PARTS) | st.text(max_size=3), st.integers(1, 30)).map(lambda part: part[0] * part[1])


@given(st.lists(PIECES, max_size=8).map("".join))
@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example("\ufdfa" * 200)
@example("e" + "\u0301\u0323" * 900)
@example("\u0301" * 2_000)
def test_no_query_brings_the_search_down(client, query):
    if not Concept.objects.exists():
        make_concept(slug="exosomes", name="Exosomes")
    query = query[:400]  # longer ones do not fit into an address
    for page in ("/search/", "/search/suggest/"):
        assert client.get(page, {"q": query}).status_code == 200
    shown = client.get("/search/", {"q": query, "literal": "1"})
    assert shown.status_code == 200
    # Whatever unfolds on the way, the page holds no more than the query that was cut.
    assert len(shown.content) < 60_000


def test_too_long_a_query_says_what_was_left_out(client):
    assert "Only the first 200 characters were searched for" in page_text(client, "word " * 100)


def test_query_without_a_word_says_so(client):
    assert "There is no word in “🙂🙂” to search for" in page_text(client, "🙂🙂")


# --- Words people look for


def counted():
    return dict(MissedSearch.objects.values_list("query", "count"))


def test_search_that_finds_nothing_is_counted_once_for_each_spelling_and_day(client):
    make_concept(name="Exosomes")
    for query in ("Zebra-Cream", "zebra cream", "ZEBRA  CREAM"):
        client.get("/search/", {"q": query})
    assert counted() == {"zebra cream": 3}
    MissedSearch.objects.update(day=date(2026, 1, 1))
    client.get("/search/?q=zebra cream")
    assert MissedSearch.objects.count() == 2


def test_only_a_whole_search_by_a_person_is_counted(client):
    make_concept(name="Exosomes")
    client.get("/search/?q=exosomes")
    client.get("/search/suggest/?q=zebra")
    client.get("/api/search?q=zebra")
    client.head("/search/?q=zebra")
    client.get("/search/?q=zebra&literal=1")
    client.get("/search/?q=")
    client.get("/search/?q=🙂")
    client.get("/search/?q=someone@example.org")
    client.get("/search/?q=zebra 0123456789")
    assert counted() == {}


def test_counted_words_are_short_and_few(client, monkeypatch):
    monkeypatch.setattr(MissedSearch, "MOST_A_DAY", 3)
    client.get("/search/", {"q": "zebra " * 30})
    assert max(map(len, counted())) <= 80
    for n in range(5):
        client.get("/search/", {"q": "zebra" + "x" * n})
    assert MissedSearch.objects.count() == 3
    client.get("/search/?q=zebra")
    assert counted()["zebra"] == 2


def test_database_that_takes_no_writes_still_answers(client):
    def refuse(execute, sql, params, many, context):
        if sql.startswith(("UPDATE", "INSERT")):
            raise OperationalError("attempt to write a readonly database")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        assert "We found nothing" in client.get("/search/?q=zebra").text


def test_editor_reads_the_words_people_look_for_but_changes_none(admin_client):
    admin_client.get("/search/?q=zebra")
    row = MissedSearch.objects.get()
    response = admin_client.get(reverse("admin:products_missedsearch_changelist"))
    assert "zebra" in response.text
    assert "words people look for" in response.text.lower()
    assert admin_client.get(reverse("admin:products_missedsearch_add")).status_code == 403
    assert admin_client.post(reverse("admin:products_missedsearch_delete", args=[row.pk])).status_code == 403
    assert admin_client.post(reverse("admin:products_missedsearch_change", args=[row.pk])).status_code == 403


def test_concept_withdrawn_in_the_admin_is_found_no_more(admin_client):
    concept = make_concept(name="Oldword")
    address = reverse("admin:glossary_concept_move", args=[concept.pk])
    admin_client.post(address, {"to": "withdraw", "reason": "Not sold any more."})
    assert Concept.objects.get().state == "withdrawn"
    assert slugs(admin_client, "oldword") == []


def test_database_keeps_one_row_for_each_missed_word_and_day_and_one_entry_for_each_thing():
    make_concept(name="Exosomes")
    MissedSearch.objects.create(query="zebra", day=date(2026, 1, 1))
    MissedSearch.objects.create(query="zebra", day=date(2026, 1, 2))
    entry = SearchEntry.objects.get()
    columns = "products_missedsearch.query, products_missedsearch.day"
    with refused_by("products_missed_search_once_a_day", columns):
        MissedSearch.objects.create(query="zebra", day=date(2026, 1, 1))
    entry.pk = None
    columns = "products_searchentry.kind, products_searchentry.object_id"
    with refused_by("products_search_entry_once", columns):
        entry.save(force_insert=True)
