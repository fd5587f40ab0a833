"""What three published checklists ask of such a guide, and how far it goes; shown on `/method/standards/`.

The items are paraphrased. The scores are the editors' own, so each names the place where a reader can see for themselves.
"""

from dataclasses import dataclass
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

YES, PARTLY, NO = "yes", "partly", "no"
WORDS = {YES: _("Yes"), PARTLY: _("Partly"), NO: _("No")}


class Item(NamedTuple):
    """One thing asked for. `where` is an address on this site."""

    asked: Promise
    met: str
    how: Promise
    where: str

    @property
    def answer(self) -> Promise:
        """`met`, for people."""
        return WORDS[self.met]


@dataclass(frozen=True)
class Checklist:
    """A published list of things that good health information does."""

    slug: str
    name: str
    about: Promise
    items: list[Item]

    @property
    def met(self) -> int:
        """How many items are met in full."""
        return sum(item.met == YES for item in self.items)


CONCEPT, OFFER, NOTHING = "/glossary/exosomes/", "/products/exosome-microneedling/", "/products/doing-nothing/"
COMPARISON = "/compare/?item=exosome-microneedling&item=prp-microneedling"

CHECKLISTS = [
    Checklist(
        "discern",
        "DISCERN",
        _("Sixteen questions, made in Britain, on how far written advice about treatments can be relied on."),
        [
            Item(
                _("The aims are clear"),
                YES,
                _("About us says whom the guide is for and what it will not do."),
                "/about/",
            ),
            Item(
                _("It reaches its aims"),
                PARTLY,
                _("A machine checks the promises below. No reviewer from outside has signed the pages yet."),
                "/method/#check",
            ),
            Item(
                _("It answers the reader's question"),
                YES,
                _("Each page opens with what it is, in one sentence."),
                CONCEPT,
            ),
            Item(_("It names its sources"), YES, _("Every verdict, risk and rule leads to its sources."), "/sources/"),
            Item(
                _("It says how old the information is"),
                YES,
                _("Each page has a review date, each finding the day of its last search, each source its year."),
                CONCEPT,
            ),
            Item(
                _("It is balanced"),
                YES,
                _(
                    "For each product, the words on what may get better and on what may go wrong are counted and kept in range."
                ),
                "/method/#check",
            ),
            Item(
                _("It points to more help"),
                YES,
                _("The visit sheet names the offices that take reports of harm."),
                "/visit/",
            ),
            Item(
                _("It says what is uncertain"), YES, _("Every verdict has a certainty and the reason for it."), CONCEPT
            ),
            Item(_("It says how each treatment is said to work"), YES, _("In the text of each product."), OFFER),
            Item(_("It gives the benefits of each"), YES, _("In the table of claims and findings."), OFFER),
            Item(
                _("It gives the risks of each"),
                YES,
                _("With how serious they are, and when they come where that is known."),
                OFFER,
            ),
            Item(
                _("It says what happens without treatment"),
                YES,
                _("Doing nothing has a page with findings of its own."),
                NOTHING,
            ),
            Item(
                _("It says how treatment affects daily life"),
                YES,
                _("Visits, days after, pain, cost and worry."),
                OFFER,
            ),
            Item(
                _("It shows that there is a choice"), YES, _("Ordinary care stands beside every treatment."), COMPARISON
            ),
            Item(
                _("It helps people talk it over"), YES, _("Questions with good and vague answers, to print."), "/visit/"
            ),
            Item(
                _("Someone rates it as a whole"),
                NO,
                _("Nobody from outside has rated it so far. These scores are our own."),
                "/method/standards/",
            ),
        ],
    ),
    Checklist(
        "ipdas",
        "IPDASi, for decision aids",
        _(
            "An international standard. The first six make something a decision aid at all; leaving out one of the next six "
            "may mislead; the last ones make it better. Its items on tests and screening do not apply here."
        ),
        [
            Item(
                _("It describes the concern"),
                YES,
                _("What ageing, scars, hair loss and wounds do by themselves."),
                NOTHING,
            ),
            Item(
                _("It says what is to be decided"),
                YES,
                _("The comparison names it at its top: have one of these, have ordinary care, or leave it."),
                COMPARISON,
            ),
            Item(
                _("It lists the options, with none among them"),
                YES,
                _("Doing nothing can be chosen like any other."),
                "/compare/",
            ),
            Item(_("It gives the good sides of each"), YES, _("One row for each thing that people want."), COMPARISON),
            Item(_("It gives the bad sides of each"), YES, _("The serious ones and the usual ones."), COMPARISON),
            Item(
                _("It says what living through it is like"),
                YES,
                _("Body, time, money and worry, for each product."),
                OFFER,
            ),
            Item(
                _("Good and bad have like detail"), YES, _("Counted for each product by the check."), "/method/#check"
            ),
            Item(_("It cites its evidence"), YES, _("By number, on the same page."), OFFER),
            Item(
                _("It says when it was made"),
                YES,
                _("At the foot of each page, and in the list of changes."),
                "/changes/",
            ),
            Item(
                _("It says how it is kept up to date"),
                YES,
                _("How often, and what sets off an earlier look."),
                "/method/#updates",
            ),
            Item(
                _("It shows how uncertain the numbers are"),
                YES,
                _("In words, in a meter, and as ranges where we have them."),
                CONCEPT,
            ),
            Item(_("It says who pays for it"), YES, _("Nobody who sells any of it."), "/method/#funding"),
            Item(
                _("It shows how things go without treatment"),
                YES,
                _("In the same table as the treatments."),
                COMPARISON,
            ),
            Item(
                _("It sets numbers out of the same whole"),
                PARTLY,
                _(
                    "Where a study counted people in both groups, both are drawn out of 100. Many studies give only points on a scale."
                ),
                "/method/#size",
            ),
            Item(
                _("It lets people say what matters to them"),
                YES,
                _("Rows can be chosen and put first. There is no score."),
                COMPARISON,
            ),
            Item(_("It has been tried with readers"), NO, _("Not yet."), "/about/"),
            Item(
                _("It says how hard it is to read"),
                YES,
                _("The check holds every page to a school grade."),
                "/method/#check",
            ),
            Item(
                _("It says what its authors stand to gain"),
                PARTLY,
                _("Nothing comes from sellers. Single authors are not named."),
                "/method/#funding",
            ),
        ],
    ),
    Checklist(
        "cdc",
        "CDC Clear Communication Index",
        _(
            "Twenty items of the US public health agency (CDC) on whether people can understand and use a text. "
            "Scored here for the page of a product."
        ),
        [
            Item(_("One main message"), YES, _("What it is and what is known, in the first lines."), OFFER),
            Item(_("The message is at the top"), YES, _("Before anything else on the page."), OFFER),
            Item(_("The message stands out"), YES, _("Larger, and with space around it."), OFFER),
            Item(
                _("A picture carries it"),
                YES,
                _("The front page shows claims and findings as shapes that can be counted."),
                "/",
            ),
            Item(_("It says what one can do"), YES, _("Compare, print the questions, check an advert."), OFFER),
            Item(_("Active voice"), PARTLY, _("Wherever the one who acts is known."), OFFER),
            Item(
                _("The reader's own words"),
                YES,
                _("Hard words are explained or lead to a page that does so."),
                "/glossary/",
            ),
            Item(_("Lists"), YES, _("Risks, questions and warning signs are lists."), OFFER),
            Item(_("Short parts with headings"), YES, _("Each part answers one question."), OFFER),
            Item(_("Summary first"), YES, _("Detail opens below it."), OFFER),
            Item(
                _("What experts know and do not know"),
                YES,
                _("In each verdict, and under “what would change it”."),
                CONCEPT,
            ),
            Item(
                _("It recommends something to do"),
                PARTLY,
                _("It says what to ask and when to walk away. It never says what to have done."),
                "/visit/",
            ),
            Item(_("It says why that matters"), YES, _("With every question and every warning sign."), "/check/"),
            Item(_("It says how, step by step"), YES, _("The visit sheet goes through the appointment."), "/visit/"),
            Item(
                _("Numbers people know"),
                PARTLY,
                _("Mostly “of 100 people”. Some studies give only odds or points."),
                CONCEPT,
            ),
            Item(
                _("Each number is explained"),
                PARTLY,
                _("It says of whom, and compared with what. Scales differ."),
                CONCEPT,
            ),
            Item(_("No sums to do"), PARTLY, _("Where both groups were counted, the sum is done."), CONCEPT),
            Item(_("What the danger is"), YES, _("Each risk says what happens and to whom it happened."), OFFER),
            Item(_("Risks beside benefits"), YES, _("On the same page, in like detail."), OFFER),
            Item(_("Numbers in words or pictures too"), YES, _("Every verdict has words, a meter and a shape."), OFFER),
        ],
    ),
]
