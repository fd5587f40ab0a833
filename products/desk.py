"""What waits to be done, for the home page of the editors' desk."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Model, QuerySet, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from glossary.links import cited_by
from glossary.models import Concept, Finding, LinkCheck, Revision, Source, State
from products.models import Category, ContentCheck, MissedSearch

MOST = 10
SOON = timedelta(days=30)
MISSED_FOR = timedelta(days=30)
WORKFLOW: tuple[type[Model], ...] = (Concept, Finding, Category)


@dataclass
class Part:
    """Some rows of one kind that wait: how many, the first few as (words, address, note), and where the others are."""

    name: str
    count: int
    rows: list[tuple[str, str, str]]
    url: str

    @property
    def more(self) -> int:
        """How many are not among the first few."""
        return self.count - len(self.rows)


@dataclass
class Block:
    """One thing to look after: what to do about it, or, when nothing waits, that nothing does."""

    id: str
    title: str
    todo: str
    nothing: str
    parts: list[Part] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(part.count for part in self.parts)


def home(user: Any) -> dict[str, Any]:
    """`blocks` with something to do, `quiet` ones with nothing, and the `lately` saved, for what this person may see.

    The number of queries depends on the person's permissions alone, never on how much there is.
    """
    if not isinstance(user, AbstractBaseUser):
        return {"blocks": [], "quiet": [], "lately": []}
    blocks = [
        in_review(user),
        my_drafts(user),
        overdue(user),
        due_soon(user),
        to_rejudge(user),
        outdated_sources(user),
        unseen_sources(user),
        dead_links(user),
        missed_words(user),
        broken_promises(user),
    ]
    shown = [block for block in blocks if block is not None]
    return {
        "blocks": [b for b in shown if b.count],
        "quiet": [b for b in shown if not b.count],
        "lately": saved_lately(user),
    }


def saved_lately(user: Any) -> list[tuple[Revision, str]]:
    """The last saves of anybody, each with the address of its entry: one query."""
    kinds = {model._meta.label_lower: model for model in apps.get_models() if admin.site.is_registered(model)}
    seen = [label for label, model in kinds.items() if may_see(user, model)]
    saves = Revision.objects.filter(model__in=seen, saved_by__isnull=False).exclude(state=Revision.State.DELETED)
    address = {
        label: f"admin:{model._meta.app_label}_{model._meta.model_name}_history" for label, model in kinds.items()
    }
    return [
        (save, reverse(address[save.model], args=[save.entry_id]))
        for save in saves.select_related("saved_by").defer("content")[:MOST]
    ]


# --- From a queryset to a part


def may_see(user: Any, model: type[Model]) -> bool:
    """Whether the admin would let this person see the rows of a model."""
    app, name = model._meta.app_label, model._meta.model_name
    return user.has_perm(f"{app}.view_{name}") or user.has_perm(f"{app}.change_{name}")


def change_url(row: Model) -> str:
    """The address of the form where a row is edited."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def list_url(model: type[Model], **query: str) -> str:
    """The address of the list of all rows of a model, narrowed."""
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{url}?{urlencode(query)}" if query else url


def part(rows: QuerySet, note: Callable[[Any], str], url: str, name: str = "") -> Part:
    """The first few of these rows and their number: two queries."""
    if rows.model is Finding:
        rows = rows.select_related("concept", "effect")
    first = [(str(row), change_url(row), note(row)) for row in rows[:MOST]]
    return Part(name or str(rows.model._meta.verbose_name_plural), rows.order_by().count(), first, url)


def by_kind(
    user: Any,
    models: Iterable[type[Model]],
    rows: Callable[[type[Any]], QuerySet],
    note: Callable[[Any], str],
    **query: str,
) -> list[Part]:
    """A part for each of these models that the person may see."""
    return [part(rows(model), note, list_url(model, **query)) for model in models if may_see(user, model)]


def day(value: Any) -> str:
    return date_format(value, "j F Y")


# --- The blocks


def waiting(user: Any, narrow: Callable[[QuerySet[Revision]], QuerySet[Revision]], work: str) -> list[Part]:
    """Per kind of entry, the newest saves that wait: of new entries, and of drafts beside live ones."""
    parts = []
    for model in WORKFLOW:
        if not may_see(user, model):
            continue
        saves = narrow(Revision.objects.waiting(model)).order_by("saved_at")
        address = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
        rows = [
            (save.name, reverse(address, args=[save.entry_id]), told(save))
            for save in saves.select_related("saved_by").defer("content")[:MOST]
        ]
        parts.append(Part(str(model._meta.verbose_name_plural), saves.count(), rows, list_url(model, work=work)))
    return parts


def told(save: Revision) -> str:
    who = f" by {save.saved_by}" if save.saved_by else ""
    return f"saved on {day(timezone.localtime(save.saved_at))}{who}{f': {save.reason}' if save.reason else ''}"


def in_review(user: Any) -> Block | None:
    block = Block(
        "in-review",
        "Waiting for review",
        "Read each against its sources, then publish it or send it back with a word on what is missing.",
        "Nothing waits for review.",
        waiting(user, lambda saves: saves.filter(state=Revision.State.IN_REVIEW), "in-review"),
    )
    return block if block.parts else None


def my_drafts(user: Any) -> Block | None:
    block = Block(
        "my-drafts",
        "Your drafts",
        "Finish them and send them to review, or give up what will not be written.",
        "You have no unfinished draft.",
        waiting(user, lambda saves: saves.filter(state=Revision.State.DRAFT, saved_by=user), "mine"),
    )
    return block if block.parts else None


def overdue(user: Any) -> Block | None:
    block = Block(
        "overdue",
        "Overdue for review",
        "Readers are told that these pages are overdue. Search for newer studies, correct the page, set the next date.",
        "No published page is overdue.",
    )
    block.parts = by_kind(
        user,
        (Concept, Category),
        lambda model: model.objects.published().filter(review_due__lt=timezone.localdate()).order_by("review_due"),
        lambda row: f"was due on {day(row.review_due)}",
        state__exact=State.PUBLISHED,
        review="overdue",
    )
    return block if block.parts else None


def due_soon(user: Any) -> Block | None:
    today = timezone.localdate()
    block = Block(
        "due-soon",
        "Due in the next 30 days",
        "Plan the search for newer studies now, so that no page becomes overdue.",
        "No review is due in the next 30 days.",
    )
    block.parts = by_kind(
        user,
        (Concept, Category),
        lambda model: model.objects.published().filter(review_due__range=(today, today + SOON)).order_by("review_due"),
        lambda row: f"due on {day(row.review_due)}",
        state__exact=State.PUBLISHED,
        review="soon",
    )
    return block if block.parts else None


def to_rejudge(user: Any) -> Block | None:
    if not may_see(user, Finding):
        return None
    rows = Finding.objects.to_rejudge().order_by("pk")
    return Block(
        "to-rejudge",
        "Findings to judge again",
        "Each rests on a source that was retracted or is in doubt, and readers are told so. Judge it without that "
        "source, and take the source out.",
        "No published finding rests on a retracted or doubted source.",
        [part(rows, lambda row: row.verdict.sentence, list_url(Finding, rejudge="yes"))],
    )


def outdated_sources(user: Any) -> Block | None:
    if not may_see(user, Source):
        return None
    rows = Source.objects.out_of_date_but_cited().order_by("key")
    return Block(
        "outdated-sources",
        "Retracted, doubted or replaced sources still in use",
        "Open each to see what rests on it: findings, risks, rules, prices, texts. Put the newer one in its place.",
        "No such source is in use.",
        [part(rows, lambda row: row.get_status_display(), list_url(Source, upkeep="cited"))],
    )


def unseen_sources(user: Any) -> Block | None:
    if not may_see(user, Source):
        return None
    rows = Source.objects.not_looked_at_for_a_year().order_by("checked_on", "key")
    return Block(
        "unseen-sources",
        "Sources not looked at for a year",
        "Open the page, see whether it still says what we say it says, and set the day you looked.",
        "Every source has been looked at within a year.",
        [part(rows, lambda row: f"looked at on {day(row.checked_on)}", list_url(Source, upkeep="unseen"))],
    )


def dead_links(user: Any) -> Block | None:
    if not may_see(user, LinkCheck):
        return None
    dead = LinkCheck.objects.dead().order_by("url")
    first = list(dead[:MOST])
    users = cited_by(check.url for check in first)
    rows = []
    for check in first:
        # Each leads to what has to be mended, not to the record of the look.
        owner = users[check.url][0] if users[check.url] else check
        rows.append((check.url, change_url(owner), f"{check.get_outcome_display()}; cited by {owner}"))
    found = Part("addresses", dead.order_by().count(), rows, list_url(LinkCheck, health="dead"))
    newest = LinkCheck.objects.order_by("-checked_at").values_list("checked_at", flat=True).first()
    nothing = f"No address is dead; last asked on {day(timezone.localtime(newest))}." if newest else ""
    return Block(
        "dead-links",
        "Dead addresses",
        "They failed on three days, or their owner removed them. Find where the page is now, or an archived copy, and "
        "change the source.",
        nothing or "No address has been asked yet: “manage.py check_links” does it.",
        [found],
    )


def missed_words(user: Any) -> Block | None:
    if not may_see(user, MissedSearch):
        return None
    since = timezone.localdate() - MISSED_FOR
    missed = MissedSearch.objects.filter(day__gte=since).order_by().values("query").annotate(times=Sum("count"))
    rows = [
        (
            row["query"],
            list_url(MissedSearch, q=row["query"]),
            "once" if row["times"] == 1 else f"{row['times']} times",
        )
        for row in missed.order_by("-times", "query")[:MOST]
    ]
    return Block(
        "missed-words",
        "Words people looked for and did not find",
        "In the last 30 days. Add the word to the names of the entry it means, or write the entry that is missing.",
        "In the last 30 days everybody found something.",
        [Part("words", missed.count(), rows, list_url(MissedSearch, day__gte=since.isoformat()))],
    )


def broken_promises(user: Any) -> Block | None:
    if not may_see(user, ContentCheck):
        return None
    checks = list(ContentCheck.objects.all())  # as many as there are promises in `products.checks`
    broken = [check for check in checks if check.problems]
    rows = [
        (
            check.promise,
            change_url(check),
            f"{len(check.problems)} to mend, the first: {check.problems[0]}",
        )
        for check in broken[:MOST]
    ]
    when = f" Last checked on {day(timezone.localtime(checks[0].checked_at))}." if checks else ""
    return Block(
        "broken-promises",
        "Promises that the content breaks",
        f"Readers see these on the page on method. Mend the entries, then check anew with “manage.py check_content”.{when}",
        f"Every promise is kept.{when}" if checks else "Never checked yet: “manage.py check_content” does it.",
        [Part("promises", len(broken), rows, list_url(ContentCheck))],
    )
