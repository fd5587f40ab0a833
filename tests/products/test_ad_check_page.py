"""`/check/` and `POST /api/check`: whatever is pasted or sent is answered, and nothing of it is kept."""

import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from products import adcheck
from tests.factories import make_category, make_concept, make_effect, make_finding, make_question, make_red_flag

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
AD = "Exosomes erase wrinkles, guaranteed!"


@pytest.fixture(autouse=True)
def guide():
    wrinkles = make_effect(slug="wrinkles", name="Finer lines", wordings=["wrinkle*"])
    exosomes = make_concept(slug="exosomes", name="Exosomes", aliases=["外泌体", "exosome"])
    make_finding(concept=exosomes, effect=wrinkles, route="injected", shown="What the trial found.")
    make_category(ingredients=[exosomes], goals=[wrinkles])
    make_red_flag(slug="guarantee", name="Promises a result", wordings=["guaranteed"], question=make_question())


def send_file(client, content, name="ad.txt"):
    return client.post("/check/", {"text": "", "file": SimpleUploadedFile(name, content, content_type="text/plain")})


# --- The page


def test_the_reading_goes_from_what_is_sold_to_what_to_ask(client):
    text = client.post("/check/", {"text": AD}).text
    headings = re.findall(r"<h2[^>]*>([^<]+)", text.split('id="result"')[1].split("The warning signs we look for")[0])
    assert headings == [
        "Your text, marked",
        "What is being sold",
        "What is claimed, and what is shown for it",
        "What should make you wary",
        "What to ask",
    ]
    assert "What the trial found." in text


@pytest.mark.parametrize(
    "content", [AD.encode(), AD.encode("utf-8-sig"), AD.encode("utf-16")], ids=["UTF-8", "UTF-8 with mark", "UTF-16"]
)
def test_a_text_file_is_read_like_pasted_words(client, content):
    response = send_file(client, content)
    assert response.status_code == 200
    assert "Promises a result" in response.text.split("The warning signs we look for")[0]
    assert "Exosomes erase wrinkles, guaranteed!" in response.text  # back in the box


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe\x80", "not plain text"),
        (b"x" * (adcheck.MOST_BYTES + 1), "too large"),
        (b"", "no text to read yet"),
        (b"y" * 30_000, "30,000 characters"),
    ],
    ids=["picture", "huge", "empty", "long"],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(client, content, said):
    response = send_file(client, content)
    assert response.status_code == 422
    assert said in response.text


def test_what_was_typed_stays_in_the_box_when_the_file_is_refused(client):
    picture = SimpleUploadedFile("a.txt", b"\xff\x00\x80", content_type="text/plain")
    response = client.post("/check/", {"text": "My own words", "file": picture})
    assert "My own words" in response.text


def test_markup_in_the_text_is_shown_as_text(client):
    response = client.post("/check/", {"text": "<script>alert(1)</script> exosomes </textarea><img src=x>"})
    assert "<script>alert" not in response.text
    assert "<img src=x>" not in response.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in response.text


def test_nothing_pasted_is_kept_anywhere(client, caplog):
    secret = "zebra-crossing-4711"
    with caplog.at_level("DEBUG"):
        for response in [
            client.post("/check/", {"text": f"Exosomes {secret}"}),
            client.post("/api/check", {"text": f"Exosomes {secret}"}, content_type="application/json"),
        ]:
            assert response.headers["Cache-Control"] == "no-store"
            assert not response.cookies
    assert secret not in caplog.text
    assert secret not in client.get("/check/").text


# --- Anything at all


ANY_TEXT = st.text(max_size=400) | st.lists(
    st.sampled_from(
        ["exosomes", "Exosome", "外泌体", "wrinkles", "guaranteed", "not", "no", "\u202e", "\u200d", "👩‍⚕️", "é", "ﬀ", "İ", "ß", "\n", ". "]
    ),
    max_size=30,
).map(" ".join)  # fmt: skip


@settings(max_examples=80, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(text=ANY_TEXT)
@example(text="")
@example(text="exosomes " * 2_000)
@example(text="外泌体" * 6_000)
@example(text="😀" * 19_999)
@example(text="\u202eexosomes\u202c")
@example(text="<b>exosomes</b>&amp;")
def test_every_mark_lies_in_the_text_as_sent_and_the_pieces_make_it_up(text):
    reading = adcheck.read_text(text)
    assert "".join(piece for piece, _ in reading.pieces()) == text
    for span in reading.spans:
        assert 0 <= span.start < span.end <= len(text)
        assert text[span.start : span.end].strip()


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ('{"text": "\\ud800 exosomes"}', "application/json", {200, 422}),
        ('{"text": "\\u0000 exosomes"}', "application/json", {200}),
        ('{"text": ', "application/json", {400}),
        ("[]", "application/json", {422}),
        ('{"text": 5}', "application/json", {422}),
        ("text=exosomes", "application/x-www-form-urlencoded", {400, 415, 422}),
        (json.dumps({"text": "x" * 20_001}), "application/json", {422}),
        (json.dumps({"text": "x" * 1_000_000}), "application/json", {413}),
        (b"\xff\xfe\x00", "application/json", {400}),
        ("", "application/json", {400, 422}),
    ],
    ids=["lone surrogate", "NUL", "cut off", "list", "number", "form", "long", "a megabyte", "not UTF-8", "nothing"],
)
def test_the_api_answers_bad_bodies_as_problems(client, body, content_type, status):
    response = client.post("/api/check", body, content_type=content_type)
    assert response.status_code in status
    if response.status_code != 200:
        assert response.headers["Content-Type"] == "application/problem+json"
        assert "exosomes" not in response.text
