"""The words of a verdict: one vocabulary for the whole site, computed and never typed.

Certainty (how sure) and size (how much) are chosen apart by an editor; the sentence follows from
direction x size x certainty. Source of the levels and the verbs: GRADE guidelines 26, informative statements
to communicate the findings of systematic reviews.
"""

from dataclasses import dataclass
from datetime import date

from django.db.models import TextChoices
from django.utils.formats import date_format


class Direction(TextChoices):
    """Which way the studies point."""

    BENEFIT = "benefit", "better"
    NO_DIFFERENCE = "no-difference", "little or no difference"
    HARM = "harm", "worse"
    MIXED = "mixed", "studies disagree"
    UNKNOWN = "unknown", "we do not know"


class Size(TextChoices):
    """How much, where the studies say it."""

    LARGE = "large", "large"
    MODERATE = "moderate", "moderate"
    SMALL = "small", "small"
    NOT_STATED = "not-stated", "not stated"


class Certainty(TextChoices):
    """How sure anyone can be, from high to none (nobody has tested it in people)."""

    HIGH = "high", "high"
    MODERATE = "moderate", "moderate"
    LOW = "low", "low"
    VERY_LOW = "very-low", "very low"
    NONE = "none", "not tested in people"


# What a shape says, in the order in which a page lists them.
SHAPES = {
    "benefit": "better",
    "no-difference": "little or no difference",
    "mixed": "studies disagree",
    "harm": "worse",
    "unknown": "we do not know",
    "untested": "not tested in people",
}
STEPS = {Certainty.HIGH: 4, Certainty.MODERATE: 3, Certainty.LOW: 2, Certainty.VERY_LOW: 1, Certainty.NONE: 0}
VERBS = {
    Certainty.HIGH: ("", "improves", "makes", "worsens"),
    Certainty.MODERATE: ("probably", "improves", "makes", "worsens"),
    Certainty.LOW: ("may", "improve", "make", "worsen"),
}


@dataclass(frozen=True)
class Verdict:
    """One answer: the sentence, and what the meter draws.

    `shape` is one of SHAPES; `steps` is 0 to 4 filled steps;
    `certainty` is the level in words.
    """

    sentence: str
    shape: str
    steps: int
    certainty: str

    @property
    def meter(self) -> list[bool]:
        """Which of the four steps are filled, for drawing."""
        return [step < self.steps for step in range(4)]

    @property
    def meter_label(self) -> str:
        """The meter in words, for those who do not see it."""
        if self.shape == "untested":
            return "Certainty: none, not tested in people"
        return f"Certainty: {self.certainty}, {self.steps} of 4"


def verdict(direction: str, size: str, certainty: str, searched_on: date) -> Verdict:
    """The verdict on one finding.

    `searched_on` is the day the search behind it was made; it is named where nothing was found.
    Raises KeyError for a word outside the vocabulary.
    """
    steps, level = STEPS[Certainty(certainty)], Certainty(certainty).label
    if certainty == Certainty.NONE:
        day = date_format(searched_on, "j F Y")
        return Verdict(f"Not tested in people, as far as we found (searched on {day})", "untested", steps, level)
    if certainty == Certainty.VERY_LOW:
        if direction == Direction.HARM:
            return Verdict("May worsen it; we do not know how often", "harm", steps, level)
        return Verdict("We do not know: too few or too weak studies", "unknown", steps, level)
    if direction == Direction.MIXED:
        return Verdict("Studies disagree", "mixed", steps, level)
    hedge, improve, make, worsen = VERBS[Certainty(certainty)]
    if direction == Direction.NO_DIFFERENCE:
        words = [hedge, make, "little or no difference"]
    else:
        verb = {Direction.BENEFIT: improve, Direction.HARM: worsen}[Direction(direction)]
        greatly, slightly = ["greatly"] * (size == Size.LARGE), ["slightly"] * (size == Size.SMALL)
        words = [hedge, *greatly, verb, "it", *slightly]
    sentence = " ".join(word for word in words if word)
    return Verdict(sentence[0].upper() + sentence[1:], str(direction), steps, level)
