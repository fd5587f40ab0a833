"""The ad check, on the shipped content: what it finds, what it leaves alone, and what no text may do to it."""

import json
import re
import time
from io import StringIO

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from glossary.models import Alias, Concept, Effect
from glossary.text import fold
from products.adcheck import MOST_CHARACTERS, read_text, text_of_file
from products.models import RedFlag
from products.wordings import Text, Wordings, pattern_words, plain
from tests.factories import make_alias, make_concept, make_effect, make_finding, make_red_flag

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shipped_content")]

MANY = hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
# Letters of every script and the characters that upset programs, mixed with words that the guide knows.
NASTY = [
    "\u202e",
    "\u200d",
    "\u200b",
    "\ufeff",
    "\u0301",
    "ﬁ",
    "㎖",
    "β",
    "ﾊﾞ",
    "\x00",
    "<b>",
    "&amp;",
    "👩‍🔬",
    "\r\n",
    '"',
    "“",
]
KNOWN = [
    "exosomes",
    "PRP",
    "wrinkles",
    "guaranteed",
    "外泌体",
    "皱纹",
    "没有副作用",
    "エクソソーム",
    "シワ",
    "엑소좀",
    "부작용 없",
]
KNOWN += ["no", "not", "TGF-β", "sh-Oligopeptide-1", ", ", ". ", "。", " "]
TEXTS = st.lists(st.one_of(st.sampled_from(NASTY + KNOWN), st.text(max_size=12)), max_size=40).map("".join)


@pytest.fixture(autouse=True)
def fresh_limit():
    cache.clear()  # the API's limit counts across tests


def slugs(text, field="red_flags"):
    return [row.slug for row in getattr(read_text(text), field)]


def marked(text, kind):
    return [text[s.start : s.end] for s in read_text(text).spans if s.kind == kind]


def post(client, text, **headers):
    return client.post(reverse("products:check"), {"text": text}, headers=headers)


# --- How well it reads


def test_labelled_texts_are_read_as_well_as_promised_and_plain_ones_raise_no_flag():
    out = StringIO()
    call_command("evaluate", stdout=out)
    row = next(line for line in out.getvalue().splitlines() if line.startswith("| all |"))
    scores = [float(score) for score in re.findall(r"/ ([\d.]+) \|", row)]
    assert len(scores) == 3
    assert scores[0] >= 0.93, "concepts"
    assert scores[1] >= 0.80, "effects"
    assert scores[2] >= 0.80, "red flags"
    assert "with a warning sign: 0" in out.getvalue()


def test_evaluation_counts_hits_misses_and_false_alarms(tmp_path):
    file = tmp_path / "ads.yaml"
    labels = "language: en, concepts: [exosomes, prp], effects: [wrinkles], red_flags: []"
    file.write_text(
        f'- {{id: a, kind: ad, {labels}, also_named: [microneedling], text: "Exosomes erase wrinkles."}}\n'
        f'- {{id: b, kind: honest, {labels}, text: "Our exosomes are guaranteed to erase wrinkles."}}\n',
        encoding="utf-8",
    )
    out = StringIO()
    call_command("evaluate", str(file), verbosity=2, stdout=out)
    assert "| all | 2 | 1.00 / 0.50 / 0.67 | 1.00 / 1.00 / 1.00 | 0.00 / – / 0.00 |" in out.getvalue()
    assert "a en ad concepts: missed ['prp'], too much -" in out.getvalue()
    assert "with a warning sign: 1 (b)" in out.getvalue()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "cannot be read"),
        ("[]", "holds no list"),
        ("- {id: a}", "text 1: the field “language”"),
        ("- 1", "mapping"),
    ],
)
def test_evaluation_says_what_is_wrong_with_a_file(tmp_path, content, complaint):
    file = tmp_path / "ads.yaml"
    file.write_text(content)
    with pytest.raises(CommandError, match=complaint):
        call_command("evaluate", str(file))


# --- Names


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ＥＧＦ and TGF‑β2", ["egf", "tgf-beta"]),
        ("自体PRP治疗", ["prp"]),
        ("PRP는 좋습니다", ["prp"]),
        ("줄기 세포 배양액", ["supernatant"]),
        ("間葉系幹細胞", ["msc"]),
        ("間充質幹細胞外泌體", ["exosomes"]),
        ("mesenchymal stem cells", ["msc"]),
        ("Oligopeptide-1", ["peptides"]),
        ("sh-Oligopeptide-1", ["egf"]),
        ("exo\u200bsomes", ["exosomes"]),
        ("proegfish", []),
        ("The EV has a big battery", []),
        ("EV and exosomes", ["extracellular-vesicles", "exosomes"]),
        ("This cream has water", []),
    ],
)
def test_names_are_found_in_every_script_and_spelling_and_the_longest_wins(text, found):
    assert slugs(text, "concepts") == found


def test_ordinary_care_is_named_beside_what_is_sold():
    reading = read_text("After exosomes, wear sunscreen.")
    assert [c.slug for c in reading.concepts] == ["exosomes"]
    assert [c.slug for c in reading.also_named] == ["sunscreen"]


def test_names_that_people_only_search_for_and_unpublished_entries_are_not_marked():
    concept = make_concept(slug="zorbium", name="Zorbium")
    make_alias(concept=concept, text="zorb juice", kind=Alias.Kind.SEARCH)
    make_concept(slug="hidden-thing", name="Hiddenium", state="draft")
    assert slugs("zorb juice and Hiddenium", "concepts") == []
    assert slugs("zorbiums", "concepts") == ["zorbium"]


def test_what_an_editor_changes_counts_at_once():
    text = "PRP leaves you frobnicated and your gronkles smooth."
    assert slugs(text) == []
    flag = make_red_flag(slug="frob", wordings=["frobnicat*"])
    make_effect(slug="gronkles", wordings=["gronkle*"])
    assert slugs(text) == ["frob"]
    assert slugs(text, "effects") == ["gronkles"]
    flag.wordings.update(text="nothing of the kind")
    assert slugs(text) == []


# --- Wordings


@pytest.mark.parametrize(
    ("wording", "text", "found"),
    [
        ("glow*", "Glowing skin", ["Glowing"]),
        ("(erase|fade)* lines", "no such words", []),
        ("(erases|fades) lines", "It fades lines.", ["fades lines"]),
        ("last … years", "last for many long years", ["last for many long years"]),
        ("last … years", "last a b c d e f years", []),
        ("last … years", "They last. Two years ago", []),
        ("up to (ten|) years", "up to years", ["up to years"]),
        ("colour of ageing", "color of aging", ["color of aging"]),
        ("Wunder(mittel|waffe)", "Wunderwaffe", ["Wunderwaffe"]),
        ("效果 … 年", "效果可以维持三年", ["效果可以维持三年"]),
        ("效果 … 年", "效果好，明年再来", []),
        ("恢復青春", "恢复青春", ["恢复青春"]),
        ("부작용 없", "부작용없이", ["부작용없"]),
        ("", "anything", []),
        ("…", "anything", []),
        ("(", "anything (", []),
    ],
)
def test_wordings_match_with_stars_gaps_and_choices(wording, text, found):
    prepared = Text(text)
    places = [prepared.place(start, end) for start, end, _ in Wordings([(wording, "x")]).find(prepared)]
    assert [text[start:end] for start, end in places] == found


@given(st.text(st.characters(max_codepoint=127), max_size=40))
@MANY
def test_wordings_in_plain_letters_are_folded_as_texts_are(text):
    text = text.replace("*", "")
    assert pattern_words(text) == tuple(plain(word) for word in re.findall(r"[^\W_]+|%", fold(text)))


def test_acne_scars_are_not_also_other_scars():
    assert slugs("Exosomes make acne scars less visible.", "effects") == ["acne-scars"]
    assert slugs("Exosomes make acne scars and surgical scars less visible.", "effects") == ["acne-scars", "scars"]


# --- What is denied, hedged, reported or only named


@pytest.mark.parametrize(
    "text",
    [
        "No exosome product is FDA approved.",
        "PRP is not a cure, a miracle or a magic wand.",
        "Results with PRP are not permanent.",
        "We cannot guarantee that PRP regrows hair.",
        "PRP may cure some kinds of pain, though nobody knows.",
        "There is limited evidence that exosomes reverse ageing.",
        "Anyone who promises you guaranteed results with PRP is not telling the truth.",
        "Regulators warn of sellers who call exosomes a “miracle” with “no side effects”. Be wary.",
        "外泌体不能保证有效，也没有一种产品获批。",
        "所谓PRP“永久年轻”属于虚假宣传。",
        "PRPの効果は永久ではありません。",
        "エクソソームは必ず効くわけではありません。",
        "엑소좀 시술의 효과를 보장하지 않습니다.",
        "PRP 부작용이 없다는 광고는 믿지 마세요.",
        "Exosomen sind keine Wundermittel.",
        "El PRP no cura la diabetes.",
        "Aucun résultat n'est garanti avec le PRP.",
    ],
)
def test_denied_careful_and_warning_words_raise_no_flag(text):
    assert slugs(text) == []


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("PRP: no needles, no downtime, zero side effects.", "no-risk"),
        ("Not only serum: this exosome vial is a miracle.", "miracle"),
        ("Your own PRP cannot be rejected and is therefore completely safe.", "no-risk"),
        ("PRP does not hurt, and results are guaranteed.", "guarantee"),
        ("外泌体不仅安全，而且百分百有效。", "guarantee"),
        ("PRPは痛みがなく、必ず効果が出ます。", "guarantee"),
        ("엑소좀은 아프지 않고 부작용이 없습니다.", "no-risk"),
        ("PRP ohne Nebenwirkungen", "no-risk"),
    ],
)
def test_a_denial_of_something_else_hides_no_flag(text, flag):
    assert flag in slugs(text)


def test_getting_rid_of_wrinkles_is_a_claim_and_failing_to_is_none():
    assert slugs("With exosomes: no more wrinkles!", "effects") == ["wrinkles"]
    assert slugs("Exosomes do not erase wrinkles.", "effects") == []
    assert slugs("エクソソームでシワのない肌へ。", "effects") == ["wrinkles"]


@pytest.mark.parametrize(
    "text",
    [
        "Open a savings account with us before Sunday: four per cent interest guaranteed, patented app, celebrity concert.",
        "Beat the eggs until they hold a peak, fold in the miracle flour and bake for one hour. This cake never fails.",
        "The stroke ward and the diabetes unit are on the second floor; hurry up, places in the car park are limited today.",
        "本店年终大促，限时特价，名额有限，先到先得，购物满三百元立减五十元，会员享八折优惠，欢迎选购。家电、家具、图书、文具、玩具、运动用品、厨房用具一应俱全，支持送货上门。",
    ],
)
def test_texts_about_other_things_raise_no_flag(text):
    assert slugs(text) == []


def test_a_line_too_short_to_tell_its_subject_is_read_all_the_same():
    assert slugs("Guaranteed, no side effects!") == ["guarantee", "no-risk"]


# --- Stacked terms


STACK = "{} interleukin-6, VEGF, HGF, TGF-β, PDGF and KGF{}"


def test_many_terms_in_one_selling_sentence_are_a_flag():
    text = STACK.format("Our serum contains ", ".")
    assert slugs(text) == ["term-stacking"]
    assert marked(text, "red_flag") == [text[len("Our serum contains ") :].lstrip().removesuffix(".")]


@pytest.mark.parametrize(
    "text",
    [
        STACK.format("Cells signal with", ", and each of them has a receptor of its own."),
        "Our serum contains EGF, VEGF and HGF.",
        "Our serum contains cytokines, growth factors, EGF, VEGF and HGF.",
        "Aqua, Glycerin, sh-Oligopeptide-1, sh-Polypeptide-1, sh-Polypeptide-3, sh-Polypeptide-9, sh-Polypeptide-62, Sodium"
        " Hyaluronate, Carbomer",
    ],
)
def test_explanations_short_rows_families_with_members_and_ingredient_lists_are_not_stacks(text):
    assert "term-stacking" not in slugs(text)


# --- Ingredient lists


@pytest.mark.parametrize(
    ("text", "count", "known"),
    [
        (
            "Ingredients: Water, Glycerin, Niacinamide, sh-Oligopeptide-1, Sodium Hyaluronate, Carbomer.",
            6,
            {"sh-Oligopeptide-1": ["egf"], "Sodium Hyaluronate": ["hyaluronic-acid"]},
        ),
        (
            "成分：水、甘油、透明质酸钠、人寡肽-1、烟酰胺、卡波姆。",
            6,
            {"透明质酸钠": ["hyaluronic-acid"], "人寡肽-1": ["egf"]},
        ),
        ("水、グリセリン、BG、ヒトオリゴペプチド-1、カルボマー", 5, {"ヒトオリゴペプチド-1": ["egf"]}),
        (
            "정제수, 글리세린, 부틸렌글라이콜, 소듐하이알루로네이트, 카보머",
            5,
            {"소듐하이알루로네이트": ["hyaluronic-acid"]},
        ),
        ("Exosomes calm skin, firm it, plump it, smooth it, and brighten it, says our clinic.", 0, {}),
        ("", 0, {}),
    ],
)
def test_ingredient_lists_are_read_item_by_item(text, count, known):
    reading = read_text(text)
    assert len(reading.items) == count
    assert {item.text: [c.slug for c in item.concepts] for item in reading.known_items} == known


def test_page_says_how_many_listed_ingredients_the_guide_knows(client):
    page = post(client, "Water, Glycerin, Niacinamide, sh-Oligopeptide-1, Sodium Hyaluronate, Carbomer").text
    assert "It names 6 ingredients. This guide knows 2 of them" in page


# --- Claims beside findings


def test_a_claim_belongs_to_the_term_of_its_sentence_and_the_route_told():
    a, b = make_concept(slug="aa", name="Aazyme"), make_concept(slug="bb", name="Bbzyme")
    wrinkles = Effect.objects.get(slug="wrinkles")
    on_skin = make_finding(concept=a, effect=wrinkles, route="intact-skin")
    injected = make_finding(concept=a, effect=wrinkles, route="injected")
    reading = read_text("The aazyme cream erases wrinkles. Bbzyme gives hair growth. It also firms the skin.")
    assert [(c.concept.slug, c.effect.slug) for c in reading.claims] == [
        ("aa", "wrinkles"),
        ("bb", "hair-growth"),
        ("bb", "firmness"),
    ]
    assert reading.findings == [on_skin]
    assert reading.other_routes == []
    assert reading.unknown_pairs == [(b, Effect.objects.get(slug=s)) for s in ("hair-growth", "firmness")]
    assert read_text("Injections of aazyme erase wrinkles.").findings == [injected]
    assert read_text("Injections of aazyme erase wrinkles. Keep the cream cool.").findings == [injected]
    assert set(read_text("A drip of aazyme erases wrinkles.").other_routes) == {on_skin, injected}
    assert set(read_text("Aazyme erases wrinkles.").findings) == {on_skin, injected}


def test_a_reading_costs_the_same_queries_however_long_the_text(django_assert_max_num_queries):
    text = "Exosomes and PRP erase wrinkles, scars and pores, guaranteed, with no side effects. "
    read_text(text)
    for times in (1, 200):
        with django_assert_max_num_queries(16):
            read_text(text * times)


# --- What no text may do


@given(TEXTS)
@example("\u202eexosomes\u202c and \U0001f469\u200d\U0001f52c wrinkles")
@example("a\u0301" * 50 + "PRP")
@example("ﬁne lines ﬁne lines exosomes")
@MANY
def test_marks_lie_inside_the_text_and_rebuild_it(text):
    reading = read_text(text)
    found = {
        "concept": {c.slug for c in reading.concepts},
        "effect": {e.slug for e in reading.effects},
        "red_flag": {f.slug for f in reading.red_flags},
    }
    for span in reading.spans:
        assert 0 <= span.start < span.end <= len(text)
        assert span.slug in found[span.kind]
    for kind, names in found.items():
        assert names == {s.slug for s in reading.spans if s.kind == kind}
    assert "".join(piece for piece, _ in reading.pieces()) == text


@given(TEXTS)
@example('<script>alert(1)</script> exosomes <img src=x onerror=alert(1)> erase wrinkles & "guaranteed"</p>')
@example("</textarea><b>PRP</b>")
@example("Results of PRP: they will last <b>for</b> years.")
@MANY
def test_whatever_is_pasted_is_shown_as_text(client, text):
    answer = post(client, text, **{"HX-Request": "true"})
    assert answer.status_code == 200
    shown = re.search(r'<p class="marked" lang="">(.*?)</p>', answer.text, re.DOTALL)
    if shown:
        # Between our own marks there is no other element.
        rest = re.sub(r"</?mark[^>]*>|</?span[^>]*>", "", shown[1])
        assert "<" not in rest
    assert "<script>alert" not in answer.text


@given(TEXTS)
@MANY
def test_api_marks_the_text_as_it_was_sent(client, text):
    cache.clear()
    answer = client.post("/api/check", json.dumps({"text": text}), content_type="application/json")
    assert answer.status_code == 200
    for span in answer.json()["spans"]:
        assert 0 <= span["start"] < span["end"] <= len(text)
        assert span["slug"] in answer.json()[f"{span['kind']}s"]


def test_api_offsets_count_code_points():
    text = "😀😀 exosomes"
    assert marked(text, "concept") == ["exosomes"]
    assert read_text(text).spans[0].start == 3


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "null",
        '"text"',
        '{"text": 1}',
        '{"text": null}',
        "{}",
        '{"text": "\\ud800"}',
        "\\xff",
        '{"text": NaN}',
    ],
)
def test_api_answers_a_wrong_body_with_a_problem(client, body):
    answer = client.post("/api/check", body, content_type="application/json")
    assert answer.status_code in (400, 422)
    assert answer.headers["Content-Type"] == "application/problem+json"


@given(st.binary(max_size=60))
@MANY
def test_api_and_page_survive_any_bytes(client, raw):
    cache.clear()
    for address in ("/api/check", reverse("products:check")):
        for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            assert client.generic("POST", address, raw, content_type=kind).status_code < 500


@pytest.mark.parametrize(
    "text",
    [
        "PRP " * 10_000,
        "PRP," * 10_000,
        "wrinkles " * 10_000,
        "results last for up to " * 10_000,
        "not " * 10_000,
        "外泌体注射干细胞改善皱纹没有副作用维持保证" * 1_000,
        "注射外泌体" * 10_000,
        "維持" * 10_000,
        "a" * 20_000,
        "a\u0301" * 10_000,
        "a\n" * 10_000,
        "“a”" * 7_000,
        "(a|" * 7_000,
        "Glycerin, Aqua, sh-Oligopeptide-1, " * 1_000,
        "😀" * 20_000,
        " " * 20_000,
    ],
    ids=lambda text: text[:12],
)
def test_work_grows_with_the_length_of_a_text_and_not_with_its_square(text):
    def work(length):
        """Processor seconds for so many characters, the better of two: what else the machine does counts little."""
        spent = []
        for _ in range(2):
            started = time.process_time()
            list(read_text(text[:length]).pieces())
            spent.append(time.process_time() - started)
        return min(spent)

    read_text("PRP")  # names and wordings are made ready once
    # Four times the text: about four times the work. The square would be sixteen times.
    assert work(MOST_CHARACTERS) < 10 * max(work(MOST_CHARACTERS // 4), 0.02)


# --- The page


def test_reading_goes_from_what_is_sold_to_what_to_ask(client):
    page = post(client, "Our exosomes erase wrinkles, guaranteed, with no side effects. Injected in one visit.").text
    result = page[page.index('id="result"') : page.index('id="signs-heading"')]
    headings = re.findall(r"<h2[^>]*>(.*?)</h2>", result)
    assert headings == [
        "Your text, marked",
        "What is being sold",
        "What is claimed, and what is shown for it",
        "What should make you wary",
        "What to ask",
    ]
    flag = RedFlag.objects.get(slug="guarantee")
    assert flag.question.text in result[result.index("What to ask") :]


def test_text_file_is_read_like_pasted_text(client):
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        file = SimpleUploadedFile("ad.txt", "外泌体 erases wrinkles\r\nPRP".encode(encoding), "text/plain")
        answer = client.post(reverse("products:check"), {"text": "", "file": file})
        assert answer.status_code == 200
        assert '<mark class="concept ">外泌体' in answer.text
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("raw", [b"\x89PNG\r\n\x1a\n\x00\xff", b"\xff\xfea", b"a\x00b", "Größe".encode("latin-1")])
def test_file_that_is_no_text_is_refused_and_the_pasted_words_stay(client, raw):
    file = SimpleUploadedFile("ad.txt", raw, "text/plain")
    answer = client.post(reverse("products:check"), {"text": "my words", "file": file})
    assert answer.status_code == 422
    assert "not plain text" in answer.text
    assert "my words</textarea>" in answer.text


@pytest.mark.parametrize(("size", "words"), [(MOST_CHARACTERS + 1, "20,000 fit"), (3_000_000, "too large")])
def test_file_that_is_too_long_is_refused(client, size, words):
    file = SimpleUploadedFile("ad.txt", b"a" * size, "text/plain")
    answer = client.post(reverse("products:check"), {"text": "", "file": file})
    assert answer.status_code == 422
    assert words in answer.text


def test_file_of_the_longest_allowed_text_fits():
    assert len(text_of_file(("😀" * MOST_CHARACTERS).encode("utf-16"))) == MOST_CHARACTERS


def test_empty_text_gets_a_clear_message(client):
    answer = post(client, " \n\t ")
    assert answer.status_code == 422
    assert "There is no text to read yet" in answer.text


def test_form_can_carry_a_file_without_javascript(client):
    page = client.get(reverse("products:check")).text
    assert 'enctype="multipart/form-data"' in page
    assert '<input id="file" name="file" type="file"' in page
    assert '<label for="file">' in page


def test_every_concept_on_the_page_is_published(client):
    Concept.objects.filter(slug="exosomes").update(state="draft")
    assert "exosomes" not in slugs("exosomes", "concepts")
