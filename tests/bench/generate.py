"""Fills a migrated, empty database with a guide of any size, shaped like the shipped one: `fill(10_000)`.

The same seed gives the same rows. What grows with the concepts: names, findings, sources, risks, products, their rules and
the history. What does not: effects, questions, warning signs, ready-made comparisons.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice

from django.db import connection, transaction
from django.db.models import Model

from glossary import triggers
from glossary.models import Alias, Concept, Effect, Finding, Risk, Route, Source, State
from glossary.text import fold
from products import search_index
from products.models import (
    Category,
    Goal,
    Ingredient,
    Jurisdiction,
    Question,
    ReadyMade,
    ReadyMadeItem,
    RedFlag,
    Regulation,
)

TODAY = date(2026, 11, 1)
FINDINGS, RISKS, NAMES, EFFECTS = 10, 3, 6, 17  # for each concept; effects in all
ONSETS = (
    "exo vesi cyto plate fibro kera chondro angi neuro myo osteo lipo derma tricho mela colla elasta hyalu pepti nucleo"
)
MIDDLES = "ra li to ne su ma vi do ke fa lo mi ta re no gi pa ze bu ho"
ENDS = "some kine blast gen cyte trophin plasm lysate statin ferin mer tide zyme lin factor matrix serum gel vesicle extract"
SORTS = "Growth Signal Repair Carrier Plant Platelet Marine Frozen Dried Topical Pooled Autologous"
SENTENCES = (
    "In {n} people, {k} of {m} had less redness after {w} weeks, against {j} of {m} with salt water.",
    "It is made by growing cells in a dish and keeping the fluid in which they grew.",
    "Nobody has compared it with ordinary care for longer than {w} weeks.",
    "The dose differs from one maker to the next, and few of them say what is in a vial.",
    "Sellers speak of {n} million particles; what they measure is not always what they name.",
    "What happens in a dish or in an animal often does not happen in people.",
    "Most studies are small, with {n} people or fewer, and makers paid for {k} of them.",
    "Skin keeps large particles out, so the way into the body matters more than the name.",
)
PRECEDES = {"benefit": ("high", "moderate", "low"), "harm": ("moderate", "low"), "no-difference": ("moderate", "low")}


def batches[T: Model](rows: Iterable[T], size: int = 2_000) -> Iterator[list[T]]:
    """The rows, saved so many at a time."""
    rows = iter(rows)
    while batch := list(islice(rows, size)):
        yield type(batch[0])._default_manager.bulk_create(batch)


def save[T: Model](rows: Iterable[T]) -> list[T]:
    return [row for batch in batches(rows) for row in batch]


def link(field: str, model: type[Model], pairs: Iterable[tuple[int, int]]) -> None:
    """Rows of a many-to-many field, as (id of the owner, id of the source)."""
    relation = model._meta.get_field(field)
    owner = relation.m2m_column_name()
    for _ in batches(relation.remote_field.through(**{owner: a, "source_id": b}) for a, b in dict.fromkeys(pairs)):
        pass


def prose(pick: random.Random, words: int, sources: list[Source] | None = None) -> str:
    """Paragraphs of about so many words under headings, which cite these sources."""
    parts, length = [], 0
    for number in range(words):
        if length >= words:
            break
        sentence = pick.choice(SENTENCES).format(
            n=pick.randint(12, 240),
            m=pick.randint(20, 60),
            k=pick.randint(3, 19),
            j=pick.randint(1, 9),
            w=pick.randint(4, 52),
        )
        if sources and number % 4 == 0:
            sentence += f" [@{pick.choice(sources).key}]"
        if number % 8 == 0 and words > 100:
            sentence = f"\n\n## {pick.choice(SORTS)} part {number // 8 + 1}\n\n{sentence}"
        parts.append(sentence)
        length += sentence.count(" ") + 1
    return " ".join(parts).strip()


def some_name(pick: random.Random) -> str:
    return f"{pick.choice(ONSETS.split())}{pick.choice(MIDDLES.split())}{pick.choice(ENDS.split())}".capitalize()


def drop_edition_triggers() -> None:
    """One for each row would take as long as the row itself; `triggers.install` brings them back."""
    with connection.cursor() as cursor:
        for name, (table, _) in triggers.edition_triggers(connection.vendor).items():
            on = f" ON {table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")


def fill(concepts: int, *, sources: int | None = None, seed: int = 8) -> None:
    """So many published concepts with ten findings each and two sources each, and all that belongs to them."""
    with transaction.atomic(), search_index.paused():
        drop_edition_triggers()
        write(random.Random(seed), concepts, sources or max(600, 2 * concepts))
        triggers.install(connection.alias)
        search_index.rebuild()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def write(pick: random.Random, count: int, source_count: int) -> None:
    reviewed = {"reviewed_on": TODAY, "review_due": date(2100, 1, 1), "state": State.PUBLISHED}
    kinds = [kind for kind in Source.Kind.values if kind in Source.STUDIES]
    every_source = save(
        Source(
            key=f"{fold(some_name(pick))}-{2000 + n % 26}-{n}",
            kind=pick.choice(kinds),
            title=f"{some_name(pick)} for {pick.choice(SORTS).lower()} treatment of skin, hair or joints: "
            f"trial {n} in {pick.randint(12, 400)} people",
            authors=", ".join(f"{some_name(pick)} {chr(65 + n % 26)}" for _ in range(pick.randint(2, 7))),
            year=2000 + n % 26,
            container=f"Journal of {some_name(pick)} Research",
            doi=f"10.1000/made-up.{n}",
            url=f"https://example.org/{n}",
            read=pick.choice(Source.Read.values),
            checked_on=TODAY,
            funder=pick.choice(Source.Funder.values),
            note="A trial. It was short, and the makers chose who was in it.",
        )
        for n in range(source_count)
    )
    effects = save(
        Effect(
            slug=f"effect-{n}",
            name=f"{pick.choice(SORTS)} effect {n}",
            wish=f"more of effect {n}",
            body_area="face",
            description=prose(pick, 25),
            position=n,
        )
        for n in range(EFFECTS)
    )
    families = max(4, count // 12)
    every_concept: list[Concept] = []
    main = ["cytokines", "prp", "supernatant", "lysate", "exosomes"]
    for group in (range(families), range(families, count)):
        every_concept += save(
            Concept(
                slug=main[n] if n < len(main) else f"{fold(some_name(pick))}-{n}",
                name=main[n].capitalize() if n < len(main) else f"{some_name(pick)} {pick.choice(SORTS).lower()} {n}",
                kind=pick.choice(Concept.Kind.values[:-1]) if n % 30 else Concept.Kind.CARE,
                parent=None if n < families else every_concept[n % families],
                summary=prose(pick, 22),
                not_same_as=prose(pick, 40),
                body=prose(pick, 900, pick.sample(every_source, 5)),
                **reviewed,
            )
            for n in group
        )
    languages = ("en", "en", "en", "zh-Hans", "ja", "es")
    for _ in batches(
        Alias(
            concept=concept,
            text=(text := f"{some_name(pick)} {n}-{concept.pk}"),
            folded=fold(text),
            language=languages[n],
        )
        for concept in every_concept
        for n in range(NAMES)
    ):
        pass
    pairs = [(effect, route) for effect in effects for route in Route.values]

    def finding(concept: Concept, effect: Effect, route: str) -> Finding:
        direction = pick.choice([*PRECEDES, "unknown", "unknown"])
        return Finding(
            concept=concept,
            effect=effect,
            route=route,
            claimed=prose(pick, 14),
            shown=prose(pick, 45),
            population="Adults with sun-damaged skin, most of them women",
            people=pick.randint(8, 1_500),
            follow_up=f"{pick.randint(4, 52)} weeks",
            direction=direction,
            certainty=pick.choice(PRECEDES.get(direction, ("very-low",))),
            certainty_reason=prose(pick, 25),
            would_change=prose(pick, 15),
            searched_on=TODAY,
            main_source=pick.choice(every_source),
            state=State.PUBLISHED,
        )

    findings = (finding(c, *pair) for c in every_concept for pair in pick.sample(pairs, FINDINGS))
    for batch in batches(findings):
        more = [(f.pk, pick.choice(every_source).pk) for f in batch]
        link("sources", Finding, [*((f.pk, f.main_source_id) for f in batch), *more])
    risks = (
        Risk(
            concept=concept,
            route=pick.choice(Route.values),
            title=f"{some_name(pick)} reaction {n}",
            known=prose(pick, 35),
            severity=pick.choice(Risk.Severity.values),
        )
        for concept in every_concept
        for n in range(RISKS)
    )
    for batch in batches(risks):
        link("sources", Risk, ((r.pk, pick.choice(every_source).pk) for r in batch))
    write_products(pick, every_concept, effects, every_source, reviewed)
    write_history(pick, every_concept)


def write_products(
    pick: random.Random, concepts: list[Concept], effects: list[Effect], sources: list[Source], reviewed: dict
) -> None:
    names = ["doing-nothing", "ordinary-care"]
    categories = save(
        Category(
            slug=names[n] if n < 2 else f"{fold(some_name(pick))}-treatment-{n}",
            name=names[n].replace("-", " ").capitalize() if n < 2 else f"{some_name(pick)} treatment {n}",
            kind=Category.Kind.COMPARISON if n < 2 else Category.Kind.TREATMENT,
            route=Route.values[n % 7],
            summary=prose(pick, 22),
            body=prose(pick, 500, pick.sample(sources, 4)),
            mechanism=prose(pick, 25),
            downtime=prose(pick, 15),
            performed_by="A doctor or a nurse.",
            daily_life=prose(pick, 40),
            **reviewed,
        )
        for n in range(max(20, len(concepts) // 3))
    )
    save(
        Ingredient(category=category, concept=concept, position=n)
        for category in categories
        for n, concept in enumerate(pick.sample(concepts, 3))
    )
    save(
        Goal(category=category, effect=effect, position=n)
        for category in categories
        for n, effect in enumerate(effects if category.kind == Category.Kind.COMPARISON else pick.sample(effects, 4))
    )
    rules = (
        Regulation(
            category=category,
            jurisdiction=place,
            status=pick.choice(Regulation.Status.values),
            since="",
            detail=prose(pick, 35),
            checked_on=TODAY,
            main_source=pick.choice(sources),
        )
        for category in categories
        for place in Jurisdiction.values
    )
    for batch in batches(rules):
        link("sources", Regulation, ((r.pk, r.main_source_id) for r in batch))
    save(
        Question(
            slug=f"question-{n}",
            text=f"What happens {n} weeks after it?",
            why=prose(pick, 20),
            good_answer=prose(pick, 20),
            vague_answer=prose(pick, 10),
            follow_up="Could you show me?",
            is_on_wallet_card=n < 5,
            position=n,
        )
        for n in range(30)
    )
    save(
        RedFlag(
            slug=f"flag-{n}",
            name=f"Warning sign {n}",
            why=prose(pick, 20),
            severity=pick.choice(RedFlag.Severity.values),
            position=n,
        )
        for n in range(30)
    )
    ready = save(
        ReadyMade(slug=f"ready-{n}", title=f"Which of {n}?", description="Side by side.", position=n, goal=effects[n])
        for n in range(12)
    )
    save(
        ReadyMadeItem(ready_made=one, category=category, position=n)
        for number, one in enumerate(ready)
        for n, category in enumerate(categories[1 + number : 4 + number])
    )


def write_history(pick: random.Random, concepts: list[Concept]) -> None:
    """Each concept was changed on one day of the last three years."""
    history = Concept.history.model
    names = [field.attname for field in Concept._meta.concrete_fields]
    first = datetime(2023, 11, 1, 12, tzinfo=UTC)
    for _ in batches(
        history(
            **{name: getattr(concept, name) for name in names},
            history_date=first + timedelta(days=pick.randrange(1_000)),
            history_type="+",
            history_change_reason="First words",
        )
        for concept in concepts
    ):
        pass
