from datetime import date

import pytest

from glossary.models import Finding
from glossary.verdict import Certainty, Direction, Size, verdict

DAY = date(2026, 11, 3)
DO_NOT_KNOW = "We do not know: too few or too weak studies"

# The table of words: certainty, direction, size, then the sentence. It is a contract with readers.
SENTENCES = [
    ("high", "benefit", "large", "Greatly improves it"),
    ("high", "benefit", "moderate", "Improves it"),
    ("high", "benefit", "small", "Improves it slightly"),
    ("high", "benefit", "not-stated", "Improves it"),
    ("high", "no-difference", "not-stated", "Makes little or no difference"),
    ("high", "harm", "large", "Greatly worsens it"),
    ("high", "harm", "moderate", "Worsens it"),
    ("high", "harm", "small", "Worsens it slightly"),
    ("high", "harm", "not-stated", "Worsens it"),
    ("high", "mixed", "not-stated", "Studies disagree"),
    ("moderate", "benefit", "large", "Probably greatly improves it"),
    ("moderate", "benefit", "moderate", "Probably improves it"),
    ("moderate", "benefit", "small", "Probably improves it slightly"),
    ("moderate", "benefit", "not-stated", "Probably improves it"),
    ("moderate", "no-difference", "not-stated", "Probably makes little or no difference"),
    ("moderate", "harm", "large", "Probably greatly worsens it"),
    ("moderate", "harm", "moderate", "Probably worsens it"),
    ("moderate", "harm", "small", "Probably worsens it slightly"),
    ("moderate", "harm", "not-stated", "Probably worsens it"),
    ("moderate", "mixed", "not-stated", "Studies disagree"),
    ("low", "benefit", "large", "May greatly improve it"),
    ("low", "benefit", "moderate", "May improve it"),
    ("low", "benefit", "small", "May improve it slightly"),
    ("low", "benefit", "not-stated", "May improve it"),
    ("low", "no-difference", "not-stated", "May make little or no difference"),
    ("low", "harm", "large", "May greatly worsen it"),
    ("low", "harm", "moderate", "May worsen it"),
    ("low", "harm", "small", "May worsen it slightly"),
    ("low", "harm", "not-stated", "May worsen it"),
    ("low", "mixed", "not-stated", "Studies disagree"),
    ("very-low", "benefit", "not-stated", DO_NOT_KNOW),
    ("very-low", "no-difference", "not-stated", DO_NOT_KNOW),
    ("very-low", "harm", "not-stated", "May worsen it; we do not know how often"),
    ("very-low", "mixed", "not-stated", DO_NOT_KNOW),
    ("very-low", "unknown", "not-stated", DO_NOT_KNOW),
    (
        "none",
        "unknown",
        "not-stated",
        "Not tested in people, as far as we found (searched on 3 November 2026)",
    ),
]


@pytest.mark.parametrize(("certainty", "direction", "size", "sentence"), SENTENCES)
def test_sentence_follows_from_the_three_choices(certainty, direction, size, sentence):
    assert verdict(direction, size, certainty, DAY).sentence == sentence


@pytest.mark.django_db
def test_table_of_words_covers_everything_that_the_constraints_allow():
    allowed = set()
    for direction in Direction.values:
        for size in Size.values:
            for certainty in Certainty.values:
                finding = Finding(direction=direction, size=size, certainty=certainty)
                if all(
                    constraint.condition.check(finding.__dict__)
                    for constraint in Finding._meta.constraints
                    if constraint.name
                    in ("glossary_finding_unknown_means_unsure", "glossary_finding_size_of_something")
                ):
                    allowed.add((certainty, direction, size))

    assert allowed == {row[:3] for row in SENTENCES}


@pytest.mark.parametrize(
    ("certainty", "steps"), [("high", 4), ("moderate", 3), ("low", 2), ("very-low", 1), ("none", 0)]
)
def test_meter_fills_one_step_for_each_level_of_certainty(certainty, steps):
    direction = "unknown" if certainty == "none" else "benefit"

    assert verdict(direction, "not-stated", certainty, DAY).steps == steps


def test_three_ways_of_not_helping_never_look_alike():
    tested_without_effect = verdict("no-difference", "not-stated", "moderate", DAY)
    too_weak_to_say = verdict("unknown", "not-stated", "very-low", DAY)
    nobody_looked = verdict("unknown", "not-stated", "none", DAY)

    three = [tested_without_effect, too_weak_to_say, nobody_looked]
    assert [answer.shape for answer in three] == ["no-difference", "unknown", "untested"]
    assert len({answer.sentence for answer in three}) == 3


@pytest.mark.parametrize("direction", ["benefit", "mixed", "no-difference"])
def test_very_low_certainty_is_never_drawn_as_a_result(direction):
    assert verdict(direction, "not-stated", "very-low", DAY).shape == "unknown"


@pytest.mark.parametrize(
    ("choices", "drawn"),
    [
        (("mixed", "not-stated", "moderate"), ("mixed", 3, "moderate")),
        (("harm", "not-stated", "very-low"), ("harm", 1, "very low")),
        (("unknown", "not-stated", "very-low"), ("unknown", 1, "very low")),
        (("unknown", "not-stated", "none"), ("untested", 0, "not tested in people")),
        (("harm", "small", "high"), ("harm", 4, "high")),
    ],
)
def test_shape_steps_and_level_go_with_the_sentence_on_every_path(choices, drawn):
    answer = verdict(*choices, DAY)
    assert (answer.shape, answer.steps, answer.certainty) == drawn
    assert answer.meter == [True] * drawn[1] + [False] * (4 - drawn[1])


def test_meter_says_in_words_what_it_draws():
    assert verdict("benefit", "small", "low", DAY).meter_label == "Certainty: low, 2 of 4"
    assert verdict("unknown", "not-stated", "none", DAY).meter_label == "Certainty: none, not tested in people"


def test_no_sentence_uses_a_word_that_promises():
    for certainty, direction, size, _ in SENTENCES:
        sentence = verdict(direction, size, certainty, DAY).sentence.lower()
        assert not {"proven", "works", "safe", "best"} & set(sentence.split())


@pytest.mark.parametrize("words", [("better", "small", "low"), ("benefit", "small", "certain")])
def test_word_outside_the_vocabulary_is_an_error(words):
    with pytest.raises((KeyError, ValueError)):
        verdict(*words, DAY)
