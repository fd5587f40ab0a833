"""The evidence map, its table, and the list of sources: what they draw, filter, order, and cost."""

import re
from html import unescape

import pytest

from tests.factories import make_concept, make_effect, make_finding, make_source

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

HTMX = {"HX-Request": "true"}


def plain(html):
    """The words of a piece of HTML."""
    return " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())


def marks(text):
    """What each mark of the map says, in order: {words: address}."""
    found = re.findall(r'<a class="is-[a-z-]+" href="([^"]+)">(.*?)</a>', text, re.DOTALL)
    return {plain(words): unescape(address) for address, words in found}


def rows(text):
    """The effect and the concept of each row of the table, in order."""
    found = re.findall(r"<tr><td>(.*?)</td><th [^>]*>(.*?)</th>", text, re.DOTALL)
    return [(plain(effect), plain(concept)) for effect, concept in found]


def href_of(text, words):
    """The address that a link with these words leads to."""
    found = re.findall(r'<a [^>]*?href="([^"]*)"[^>]*>(.*?)</a>', text, re.DOTALL)
    return next(unescape(address) for address, said in found if plain(said) == words)


@pytest.fixture
def wrinkles():
    return make_effect(slug="wrinkles", name="Finer lines", position=1)


# --- The map


def test_mark_says_who_what_how_and_on_how_many_and_leads_to_the_finding(client, wrinkles):
    exosomes = make_concept(slug="exosomes", name="Exosomes")
    finding = make_finding(concept=exosomes, effect=wrinkles, route="microneedled", people=28)
    assert marks(client.get("/evidence/").text) == {
        "Exosomes, finer lines, needled in: may improve it, 28 people": finding.get_absolute_url()
    }


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"people": 1}, "injected: may improve it, 1 person"),
        ({"people": 1180}, "injected: may improve it, 1,180 people"),
        ({"people": None}, "injected: may improve it, number of people not stated"),
        ({"certainty": "none"}, "injected: not tested in people"),
        ({"certainty": "very-low", "direction": "unknown", "people": 9}, "injected: we do not know, 9 people"),
        ({"direction": "mixed", "people": 9}, "injected: studies disagree, 9 people"),
    ],
)
def test_mark_tells_unknown_from_untested_and_from_a_number_that_is_not_stated(client, wrinkles, fields, words):
    make_finding(concept=make_concept(name="PRP"), effect=wrinkles, **fields)
    assert list(marks(client.get("/evidence/").text)) == [f"PRP, finer lines, {words}"]


@pytest.mark.parametrize(
    ("people", "band"),
    [(None, "s"), (50, "s"), (51, "m"), (250, "m"), (251, "l"), (1000, "l"), (1001, "xl")],
)
def test_mark_is_as_large_as_the_legend_says(client, wrinkles, people, band):
    make_finding(effect=wrinkles, people=people)
    results = client.get("/evidence/", headers=HTMX).text
    assert f'<svg class="shape {band}"' in results


def test_map_groups_concepts_by_family_with_ordinary_care_last(client):
    effects = [make_effect(position=n) for n in range(4)]
    platelets = make_concept(name="Platelets", kind="family")
    prp = make_concept(name="PRP", parent=platelets)
    plus = make_concept(name="PRP plus", parent=prp)
    prf = make_concept(name="PRF", parent=platelets)
    care = make_concept(name="Bland cream", kind="care")
    alone = make_concept(name="Alone")
    for number, concept in enumerate([prp, plus, prf, care, alone]):
        make_finding(concept=concept, effect=effects[number % 4])
    lines = client.get("/evidence/").text.split('<div class="map-lines"')[1].split("</div>")[0]
    names = re.findall(r"<span[^>]*>(.*?)</span>", lines)
    assert names == ["Platelets", "PRF", "PRP", "PRP plus", "Others", "Alone", "Ordinary care", "Bland cream"]


def test_family_that_is_not_published_is_not_named(client):
    secret = make_concept(name="Secret family", state="draft")
    for number in range(4):
        make_finding(concept=make_concept(parent=secret), effect=make_effect(position=number))
    assert "Secret family" not in client.get("/evidence/").text


def test_each_mark_stands_on_the_line_of_its_concept_in_the_column_of_its_effect(client):
    concepts = [make_concept(name=f"Concept {letter}") for letter in "ABCDEFGHIJK"]
    for position in range(4):
        effect = make_effect(name=f"Effect {position}", position=position)
        for concept in concepts[position:]:
            make_finding(concept=concept, effect=effect, route="injected")
            make_finding(concept=concept, effect=effect, route="wound")
    text = client.get("/evidence/").text
    line_of = {name: place for place, name in re.findall(r'<span class="(t\d+ u\d)">(.*?)</span>', text)}
    assert len(set(line_of.values())) == 11
    columns = re.findall(r'<div class="map-effect c(\d+)">(.*?)</ul>', text, re.DOTALL)
    assert [number for number, _ in columns] == ["2", "3", "4", "5"]
    for position, (_, column) in enumerate(columns):
        cells = re.findall(r'<li class="(t\d+ u\d)">(.*?)</li>', column, re.DOTALL)
        assert [place for place, _ in cells] == [line_of[c.name] for c in concepts[position:]]
        for place, cell in cells:
            assert len(marks(cell)) == 2
            assert all(line_of[words.split(",")[0]] == place for words in marks(cell))


def test_stylesheet_has_a_place_for_every_line_and_column_that_a_grid_may_have():
    from django.contrib.staticfiles import finders

    from glossary.evidence import MOST_COLUMNS, MOST_LINES, place

    with open(finders.find("css/evidence.css")) as file:
        known = set(re.findall(r"\.([tuc]\d+) \{", file.read()))
    lines = {name for line in range(2, MOST_LINES + 1) for name in place(line).split()} - {"t0", "u0"}
    assert lines | {f"c{number}" for number in range(2, MOST_COLUMNS + 1)} <= known


def test_few_effects_are_a_plain_list_without_a_grid(client, wrinkles):
    make_finding(effect=wrinkles)
    text = client.get("/evidence/").text
    assert "is-grid" not in text
    assert "map-lines" not in text


def test_legend_explains_every_shape_and_size_in_words(client):
    text = plain(client.get("/evidence/").text)
    for words in [
        " better",
        "little or no difference",
        " worse",
        "studies disagree",
        "we do not know: studies too few or too weak",
        "not tested in people, as far as we found",
        "up to 50 people, or not stated",
        "51 to 250",
        "251 to 1,000",
        "more than 1,000",
    ]:
        assert words in text


# --- Filters


@pytest.mark.parametrize("view", ["map", "table"])
@pytest.mark.parametrize("query", ["route=wound", "certainty=moderate", "effect=wrinkles", "kind=cell"])
def test_filter_keeps_what_fits_and_says_how_many(client, wrinkles, query, view):
    make_finding(
        concept=make_concept(name="Fitting", kind="cell"), effect=wrinkles, route="wound", certainty="moderate"
    )
    make_finding(
        concept=make_concept(name="Unfit", kind="molecule"), effect=make_effect(), route="injected", certainty="low"
    )
    text = client.get(f"/evidence/?{query}&view={view}", headers=HTMX).text
    assert 'data-status="1 finding' in text
    assert "Fitting" in text
    assert "Unfit" not in text


def test_filters_that_nothing_fits_say_so_and_lead_back(client, wrinkles):
    make_finding(effect=wrinkles, route="injected")
    text = client.get("/evidence/?route=wound").text
    assert "No finding fits these filters." in text
    assert href_of(text, "Show all") == "/evidence/"


@pytest.mark.parametrize("name", ["route", "certainty", "effect", "kind", "view", "sort", "order"])
def test_unknown_value_is_left_out_and_said(client, wrinkles, name):
    make_finding(effect=wrinkles)
    response = client.get(f"/evidence/?{name}=zzz")
    assert response.status_code == 200
    assert "“zzz” is not" in response.text
    assert len(marks(response.text)) == 1


def test_other_view_and_one_effect_alone_are_links_that_keep_the_filters(client):
    for number in range(2):
        make_finding(effect=make_effect(slug=f"e{number}", name=f"E{number}"), route="wound")
    text = client.get("/evidence/?route=wound").text
    assert href_of(text, "Table") == "/evidence/?route=wound&view=table"
    assert href_of(text, "E1") == "/evidence/?route=wound&effect=e1"
    assert href_of(client.get("/evidence/?route=wound&view=table").text, "Map") == "/evidence/?route=wound"


def test_form_keeps_the_table_and_its_order(client, wrinkles):
    make_finding(effect=wrinkles)
    results = client.get("/evidence/?view=table&sort=people&order=asc", headers=HTMX).text
    for name, value in [("view", "table"), ("sort", "people"), ("order", "asc")]:
        assert f'<input type="hidden" name="{name}" value="{value}" form="filters">' in results
    assert 'form="filters"' not in client.get("/evidence/").text


# --- The table


@pytest.fixture
def three(wrinkles):
    """Concepts A, B and C whose effects, numbers, certainties and answers stand in different orders."""
    hair = make_effect(slug="hair", name="Hair", position=2)
    make_finding(concept=make_concept(name="A"), effect=hair, people=500, certainty="low", direction="harm")
    make_finding(concept=make_concept(name="B"), effect=wrinkles, people=None, certainty="moderate")
    make_finding(concept=make_concept(name="C"), effect=wrinkles, people=7, certainty="very-low", direction="unknown")


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", "BCA"),
        ("sort=effect&order=desc", "ABC"),
        ("sort=concept", "ABC"),
        ("sort=concept&order=desc", "CBA"),
        ("sort=people", "ACB"),
        ("sort=people&order=asc", "CAB"),  # not stated stands last either way
        ("sort=certainty", "BAC"),
        ("sort=certainty&order=asc", "CAB"),
        ("sort=direction", "BAC"),
        ("sort=direction&order=desc", "CAB"),
    ],
)
def test_table_stands_in_the_order_asked_for(client, three, query, order):
    text = client.get(f"/evidence/?view=table&{query}").text
    assert "".join(concept for _, concept in rows(text)) == order


def test_heading_says_the_order_and_a_second_press_turns_it_round(client, three):
    text = client.get("/evidence/?view=table&sort=people&route=injected").text
    assert re.search(r'aria-sort="descending"><a id="sort-people"', text)
    assert text.count("aria-sort") == 1
    assert href_of(text, "People") == "/evidence/?route=injected&view=table&sort=people&order=asc"
    assert href_of(text, "Certainty") == "/evidence/?route=injected&view=table&sort=certainty&order=desc"
    assert href_of(text, "Effect") == "/evidence/?route=injected&view=table&sort=effect&order=asc"


def test_table_has_fifty_rows_a_page_and_its_page_links_keep_filters_and_order(client, wrinkles):
    for number in range(51):
        make_finding(concept=make_concept(name=f"Concept {number:02}"), effect=wrinkles, route="wound")
    first = client.get("/evidence/?view=table&route=wound&sort=concept&order=desc").text
    assert len(rows(first)) == 50
    assert "page 1 of 2" in first
    address = href_of(first, "Next")
    assert address == "/evidence/?route=wound&view=table&sort=concept&order=desc&page=2"
    assert rows(client.get(address).text) == [("Finer lines", "Concept 00")]
    assert len(marks(client.get("/evidence/").text)) == 51


def test_unknown_page_number_is_answered_in_words(client, wrinkles):
    for _ in range(101):
        make_finding(effect=wrinkles)
    for address, pages in [("/evidence/?view=table", 3), ("/sources/?q=", 2)]:
        for number, shown in [("99", pages), ("-1", pages), ("x", 1), ("9" * 3000, pages)]:
            response = client.get(f"{address}&page={number}")
            assert response.status_code == 200
            assert f"There is no page “{number[:60]}”; this is page {shown} of {pages}." in response.text


# --- Cost


@pytest.mark.parametrize(
    ("address", "queries"),
    [("/evidence/", 6), ("/evidence/?view=table&sort=people", 5), ("/evidence/?kind=molecule", 6)],
)
def test_map_and_table_cost_the_same_queries_however_deep_the_families(
    client, address, queries, django_assert_num_queries
):
    parent = None
    for _ in range(6):
        parent = make_concept(parent=parent, kind="molecule")
        make_finding(concept=parent, effect=make_effect())
    with django_assert_num_queries(queries):
        client.get(address)


# --- Sources


def listed(text):
    """The titles of the listed sources, in order."""
    return re.findall(r"Trial number \d+|Named \w+", text)


@pytest.mark.parametrize("query", ["kind=law", "read=abstract", "funder=maker", "q=fitting", "q=named+FITTING"])
def test_sources_are_narrowed_by_kind_by_what_was_read_by_who_paid_and_by_words(client, query):
    make_source(title="Named fitting", kind="law", read="abstract", funder="maker")
    make_source(title="Named other", kind="rct", read="full-text", funder="independent")
    text = client.get(f"/sources/?{query}", headers=HTMX).text
    assert listed(text) == ["Named fitting"]
    assert 'data-status="1 source"' in text
    assert "Who paid: the maker or seller." in text


def test_filters_of_sources_combine_and_each_option_says_how_many_it_has(client):
    for read in ["abstract", "abstract", "full-text"]:
        make_source(read=read, funder="maker")
    make_source(read="abstract", funder="independent")
    text = client.get("/sources/?read=abstract&funder=maker").text
    assert len(listed(text)) == 2
    assert '<option value="abstract" selected>the abstract only (3)</option>' in text
    assert '<option value="maker" selected>the maker or seller (3)</option>' in text
    assert 'value="secondary"' not in text


@pytest.mark.parametrize("name", ["kind", "read", "funder"])
def test_unknown_filter_of_sources_is_left_out_and_said(client, name):
    make_source()
    text = client.get(f"/sources/?{name}=%3Cb%3E").text
    assert "“&lt;b&gt;” is not" in text
    assert len(listed(text)) == 1


def test_sources_stand_a_hundred_a_page_and_page_links_keep_the_filters(client):
    for year in range(1901, 2002):
        make_source(year=year, read="abstract", title=f"Named y{year}")
    first = client.get("/sources/?read=abstract&q=named").text
    assert len(listed(first)) == 100
    address = href_of(first, "Next")
    assert address == "/sources/?q=named&read=abstract&page=2"
    assert listed(client.get(address).text) == ["Named y1901"]
    assert href_of(client.get(address).text, "Previous") == "/sources/?q=named&read=abstract&page=1"


def test_sources_that_nothing_fits_lead_back(client):
    make_source()
    text = client.get("/sources/?q=nowhere").text
    assert "No source matches." in text
    assert href_of(text, "Show all") == "/sources/"
