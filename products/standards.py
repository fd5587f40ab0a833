"""What three published checklists ask of such a guide, and how far it goes; shown on `/method/standards/`.

The items are paraphrased. The scores are the editors' own, so each names the place where a reader can see for themselves.
"""

from dataclasses import dataclass
from typing import NamedTuple

YES, PARTLY, NO = "yes", "partly", "no"


class Item(NamedTuple):
    """One thing asked for. `where` is an address on this site."""

    asked: str
    met: str
    how: str
    where: str


@dataclass(frozen=True)
class Checklist:
    """A published list of things that good health information does."""

    slug: str
    name: str
    about: str
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
        "Sixteen questions, made in Britain, on how far written advice about treatments can be relied on.",
        [
            Item("The aims are clear", YES, "About us says whom the guide is for and what it will not do.", "/about/"),
            Item(
                "It reaches its aims",
                PARTLY,
                "A machine checks the promises below. No reviewer from outside has signed the pages yet.",
                "/method/#check",
            ),
            Item("It answers the reader's question", YES, "Each page opens with what it is, in one sentence.", CONCEPT),
            Item("It names its sources", YES, "Every verdict, risk and rule leads to its sources.", "/sources/"),
            Item(
                "It says how old the information is",
                YES,
                "Each page has a review date, each finding the day of its last search, each source its year.",
                CONCEPT,
            ),
            Item(
                "It is balanced",
                YES,
                "For each product, the words on what may get better and on what may go wrong are counted and kept in range.",
                "/method/#check",
            ),
            Item(
                "It points to more help", YES, "The visit sheet names the offices that take reports of harm.", "/visit/"
            ),
            Item("It says what is uncertain", YES, "Every verdict has a certainty and the reason for it.", CONCEPT),
            Item("It says how each treatment is said to work", YES, "In the text of each product.", OFFER),
            Item("It gives the benefits of each", YES, "In the table of claims and findings.", OFFER),
            Item(
                "It gives the risks of each",
                YES,
                "With how serious they are, and when they come where that is known.",
                OFFER,
            ),
            Item(
                "It says what happens without treatment",
                YES,
                "Doing nothing has a page with findings of its own.",
                NOTHING,
            ),
            Item("It says how treatment affects daily life", YES, "Visits, days after, pain, cost and worry.", OFFER),
            Item("It shows that there is a choice", YES, "Ordinary care stands beside every treatment.", COMPARISON),
            Item("It helps people talk it over", YES, "Questions with good and vague answers, to print.", "/visit/"),
            Item(
                "Someone rates it as a whole",
                NO,
                "Nobody from outside has rated it so far. These scores are our own.",
                "/method/standards/",
            ),
        ],
    ),
    Checklist(
        "ipdas",
        "IPDASi, for decision aids",
        "An international standard. The first six make something a decision aid at all; leaving out one of the next six "
        "may mislead; the last ones make it better. Its items on tests and screening do not apply here.",
        [
            Item(
                "It describes the concern", YES, "What ageing, scars, hair loss and wounds do by themselves.", NOTHING
            ),
            Item(
                "It says what is to be decided",
                YES,
                "The comparison names it at its top: have one of these, have ordinary care, or leave it.",
                COMPARISON,
            ),
            Item(
                "It lists the options, with none among them",
                YES,
                "Doing nothing can be chosen like any other.",
                "/compare/",
            ),
            Item("It gives the good sides of each", YES, "One row for each thing that people want.", COMPARISON),
            Item("It gives the bad sides of each", YES, "The serious ones and the usual ones.", COMPARISON),
            Item(
                "It says what living through it is like", YES, "Body, time, money and worry, for each product.", OFFER
            ),
            Item("Good and bad have like detail", YES, "Counted for each product by the check.", "/method/#check"),
            Item("It cites its evidence", YES, "By number, on the same page.", OFFER),
            Item("It says when it was made", YES, "At the foot of each page, and in the list of changes.", "/changes/"),
            Item(
                "It says how it is kept up to date",
                YES,
                "How often, and what sets off an earlier look.",
                "/method/#updates",
            ),
            Item(
                "It shows how uncertain the numbers are",
                YES,
                "In words, in a meter, and as ranges where we have them.",
                CONCEPT,
            ),
            Item("It says who pays for it", YES, "Nobody who sells any of it.", "/method/#funding"),
            Item("It shows how things go without treatment", YES, "In the same table as the treatments.", COMPARISON),
            Item(
                "It sets numbers out of the same whole",
                PARTLY,
                "Where a study counted people in both groups, both are drawn out of 100. Many studies give only points on a scale.",
                "/method/#size",
            ),
            Item(
                "It lets people say what matters to them",
                YES,
                "Rows can be chosen and put first. There is no score.",
                COMPARISON,
            ),
            Item("It has been tried with readers", NO, "Not yet.", "/about/"),
            Item(
                "It says how hard it is to read", YES, "The check holds every page to a school grade.", "/method/#check"
            ),
            Item(
                "It says what its authors stand to gain",
                PARTLY,
                "Nothing comes from sellers. Single authors are not named.",
                "/method/#funding",
            ),
        ],
    ),
    Checklist(
        "cdc",
        "CDC Clear Communication Index",
        "Twenty items of the US public health agency (CDC) on whether people can understand and use a text. "
        "Scored here for the page of a product.",
        [
            Item("One main message", YES, "What it is and what is known, in the first lines.", OFFER),
            Item("The message is at the top", YES, "Before anything else on the page.", OFFER),
            Item("The message stands out", YES, "Larger, and with space around it.", OFFER),
            Item(
                "A picture carries it",
                YES,
                "The front page shows claims and findings as shapes that can be counted.",
                "/",
            ),
            Item("It says what one can do", YES, "Compare, print the questions, check an advert.", OFFER),
            Item("Active voice", PARTLY, "Wherever the one who acts is known.", OFFER),
            Item(
                "The reader's own words", YES, "Hard words are explained or lead to a page that does so.", "/glossary/"
            ),
            Item("Lists", YES, "Risks, questions and warning signs are lists.", OFFER),
            Item("Short parts with headings", YES, "Each part answers one question.", OFFER),
            Item("Summary first", YES, "Detail opens below it.", OFFER),
            Item(
                "What experts know and do not know", YES, "In each verdict, and under “what would change it”.", CONCEPT
            ),
            Item(
                "It recommends something to do",
                PARTLY,
                "It says what to ask and when to walk away. It never says what to have done.",
                "/visit/",
            ),
            Item("It says why that matters", YES, "With every question and every warning sign.", "/check/"),
            Item("It says how, step by step", YES, "The visit sheet goes through the appointment.", "/visit/"),
            Item(
                "Numbers people know", PARTLY, "Mostly “of 100 people”. Some studies give only odds or points.", CONCEPT
            ),
            Item(
                "Each number is explained", PARTLY, "It says of whom, and compared with what. Scales differ.", CONCEPT
            ),
            Item("No sums to do", PARTLY, "Where both groups were counted, the sum is done.", CONCEPT),
            Item("What the danger is", YES, "Each risk says what happens and to whom it happened.", OFFER),
            Item("Risks beside benefits", YES, "On the same page, in like detail.", OFFER),
            Item("Numbers in words or pictures too", YES, "Every verdict has words, a meter and a shape.", OFFER),
        ],
    ),
]
