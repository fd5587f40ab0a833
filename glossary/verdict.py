"""The words of a verdict: one vocabulary for the whole site, computed and never typed.

Certainty (how sure) and size (how much) are chosen apart by an editor; the sentence follows from
direction x size x certainty. Source of the levels and the verbs: GRADE guidelines 26, informative statements
to communicate the findings of systematic reviews.
"""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from django.db.models import TextChoices
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _


class Direction(TextChoices):
    """Which way the studies point."""

    BENEFIT = "benefit", _("better")
    NO_DIFFERENCE = "no-difference", _("little or no difference")
    HARM = "harm", _("worse")
    MIXED = "mixed", _("studies disagree")
    UNKNOWN = "unknown", _("we do not know")


class Size(TextChoices):
    """How much, where the studies say it."""

    LARGE = "large", _("large")
    MODERATE = "moderate", _("moderate")
    SMALL = "small", _("small")
    NOT_STATED = "not-stated", _("not stated")


class Certainty(TextChoices):
    """How sure anyone can be, from high to none (nobody has tested it in people)."""

    HIGH = "high", _("high")
    MODERATE = "moderate", _("moderate")
    LOW = "low", _("low")
    VERY_LOW = "very-low", _("very low")
    NONE = "none", _("not tested in people")


# What a shape says, in the order in which a page lists them.
SHAPES = {
    "benefit": _("better"),
    "no-difference": _("little or no difference"),
    "mixed": _("studies disagree"),
    "harm": _("worse"),
    "unknown": _("we do not know"),
    "untested": _("not tested in people"),
}
STEPS = {Certainty.HIGH: 4, Certainty.MODERATE: 3, Certainty.LOW: 2, Certainty.VERY_LOW: 1, Certainty.NONE: 0}
# For each size that is stated, and for the others. Whole sentences, for whoever translates them.
SENTENCES = {
    (Certainty.HIGH, Direction.BENEFIT): {
        Size.LARGE: _("Greatly improves it"),
        Size.SMALL: _("Improves it slightly"),
        None: _("Improves it"),
    },
    (Certainty.HIGH, Direction.NO_DIFFERENCE): {None: _("Makes little or no difference")},
    (Certainty.HIGH, Direction.HARM): {
        Size.LARGE: _("Greatly worsens it"),
        Size.SMALL: _("Worsens it slightly"),
        None: _("Worsens it"),
    },
    (Certainty.MODERATE, Direction.BENEFIT): {
        Size.LARGE: _("Probably greatly improves it"),
        Size.SMALL: _("Probably improves it slightly"),
        None: _("Probably improves it"),
    },
    (Certainty.MODERATE, Direction.NO_DIFFERENCE): {None: _("Probably makes little or no difference")},
    (Certainty.MODERATE, Direction.HARM): {
        Size.LARGE: _("Probably greatly worsens it"),
        Size.SMALL: _("Probably worsens it slightly"),
        None: _("Probably worsens it"),
    },
    (Certainty.LOW, Direction.BENEFIT): {
        Size.LARGE: _("May greatly improve it"),
        Size.SMALL: _("May improve it slightly"),
        None: _("May improve it"),
    },
    (Certainty.LOW, Direction.NO_DIFFERENCE): {None: _("May make little or no difference")},
    (Certainty.LOW, Direction.HARM): {
        Size.LARGE: _("May greatly worsen it"),
        Size.SMALL: _("May worsen it slightly"),
        None: _("May worsen it"),
    },
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
    def gist(self) -> str:
        """The answer alone, without why we do not know or when we searched."""
        if self.shape == "untested":
            return gettext("Not tested in people")
        return gettext("We do not know") if self.shape == "unknown" else self.sentence

    @property
    def meter(self) -> list[bool]:
        """Which of the four steps are filled, for drawing."""
        return [step < self.steps for step in range(4)]

    @property
    def meter_label(self) -> str:
        """The meter in words, for those who do not see it."""
        if self.shape == "untested":
            return gettext("Certainty: none, not tested in people")
        return gettext("Certainty: %(level)s, %(steps)s of 4") % {"level": self.certainty, "steps": self.steps}


def verdict(direction: str, size: str, certainty: str, searched_on: date) -> Verdict:
    """The verdict on one finding.

    `searched_on` is the day the search behind it was made; it is named where nothing was found.
    Raises KeyError for a word outside the vocabulary.
    """
    return kept_verdict(get_language(), direction, size, certainty, searched_on)


def verdict_in(language: str | None, direction: str, size: str, certainty: str, searched_on: date) -> Verdict:
    """The same, in the language that is spoken now."""
    steps, level = STEPS[Certainty(certainty)], str(Certainty(certainty).label)
    if certainty == Certainty.NONE:
        day = date_format(searched_on, "j F Y")
        words = gettext("Not tested in people, as far as we found (searched on %(day)s)")
        return Verdict(words % {"day": day}, "untested", steps, level)
    if certainty == Certainty.VERY_LOW:
        if direction == Direction.HARM:
            return Verdict(gettext("May worsen it; we do not know how often"), "harm", steps, level)
        return Verdict(gettext("We do not know: too few or too weak studies"), "unknown", steps, level)
    if direction == Direction.MIXED:
        return Verdict(gettext("Studies disagree"), "mixed", steps, level)
    by_size = SENTENCES[Certainty(certainty), Direction(direction)]
    return Verdict(str(by_size.get(size) or by_size[None]), str(direction), steps, level)


# Put into words once: a page asks for each verdict three times.
kept_verdict = lru_cache(maxsize=1_000)(verdict_in)
