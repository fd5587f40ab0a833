"""The public trail: what changed, when and why, read from the history of every entry.

What readers could not see when it happened is never told: not a draft's history, not an unpublished finding, not
what was done to a page while it was withdrawn. Of a page that has gone, only that it went. Nobody is named.

An entry of the trail gathers what happened to one page on one day for one reason. `groups` finds them in one query, so
that a list can be cut into pages; `told` puts some of them into words, with a fixed number of queries more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.db.models import CharField, Exists, F, Max, Model, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Coalesce, Trim, TruncDate
from django.utils import timezone
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from glossary import recorded
from glossary.evidence import lower_first
from glossary.models import Concept, Effect, Finding, Risk, Route, Source, State
from glossary.pieces import keep, row_values
from glossary.verdict import Certainty, Direction, Size, verdict

CORRECTION = "Correction:"
MOST_VERDICTS = 12
WEIGHED: dict[str, Any] = {"certainty": Certainty, "direction": Direction, "size": Size}


NOUNS = {
    "page": _("page"),
    "finding": ngettext_lazy("%(count)s finding", "%(count)s findings", "count"),
    "risk": ngettext_lazy("%(count)s risk", "%(count)s risks", "count"),
    "rule": ngettext_lazy("%(count)s rule", "%(count)s rules", "count"),
}
VERBS = {
    "added": _("added"),
    "changed": _("changed"),
    "removed": _("removed"),
    "withdrawn": _("withdrawn"),
    "restored": _("restored"),
}
WEIGHED_WORDS = {"certainty": _("certainty"), "direction": _("direction"), "size": _("size")}


@dataclass(frozen=True)
class Kept:
    """One kind of row whose history is public.

    `noun`: what a reader calls it, of NOUNS; `owner`: the foreign key to the entry on whose page it stands, if not its own;
    `gone`: what is said in place of the name of a page that readers can no longer open.
    """

    model: type[Model]
    noun: str
    owner: str = ""
    gone: str = ""

    @property
    def page_model(self) -> Any:
        return self.model._meta.get_field(self.owner).related_model if self.owner else self.model

    @property
    def page_field(self) -> str:
        return f"{self.owner}_id" if self.owner else "id"

    @property
    def where(self) -> str:
        """The name of the kind of page, which tells ids apart."""
        return self.page_model._meta.model_name


KINDS = (
    Kept(Concept, "page", gone=_("A page of the glossary")),
    Kept(Finding, "finding", owner="concept"),
    Kept(Risk, "risk", owner="concept"),
    Kept(Source, "page", gone=_("A source")),
)

type Group = tuple[date, str, int, str]


def has_state(model: type[Model]) -> bool:
    """Whether rows of this model are published one by one."""
    return any(f.name == "state" for f in model._meta.concrete_fields)


def public(kept: Kept) -> QuerySet:
    """The history records of one kind that readers may hear of, with `day`, `where`, `page`, `reason`, `before`.

    `before` is the state of the row in the record before, where it has one.
    """
    history = kept.model.history.model._default_manager  # type: ignore[attr-defined]
    earlier = history.filter(id=OuterRef("id"), history_id__lt=OuterRef("history_id")).order_by("-history_id")
    records = history.annotate(
        day=TruncDate("history_date"),
        where=Value(kept.where, output_field=CharField()),
        page=F(kept.page_field),
        reason=Coalesce(Trim("history_change_reason"), Value(""), output_field=TextField()),
    )
    pages = kept.page_model._default_manager
    present = (pages.published() if has_state(kept.page_model) else pages.all()).values("pk")
    is_present = Q(**{f"{kept.page_field}__in": present})
    if has_state(kept.model):
        records = records.annotate(before=Subquery(earlier.values("state")[:1]))
        has_left = Q(before=State.PUBLISHED) & ~Q(state=State.PUBLISHED)
        visible = Q(state=State.PUBLISHED) | has_left
        farewell = has_left | Q(history_type="-", state=State.PUBLISHED)
    else:
        records = records.annotate(before=Value("", output_field=CharField()))
        # A new source is part of the entry that cites it.
        visible = ~Q(history_type="+") if kept.model is Source else Q()
        farewell = Q(history_type="-")
    if not kept.owner:
        return records.filter((is_present & visible) | (~is_present & farewell))
    if has_state(kept.page_model):
        page_history = kept.page_model.history.model._default_manager.filter(
            id=OuterRef(kept.page_field), history_date__lte=OuterRef("history_date")
        )
        then = page_history.order_by("-history_date", "-history_id").values("state")[:1]
        records = records.annotate(page_state=Subquery(then)).filter(page_state=State.PUBLISHED)
    return records.filter(is_present & visible)


def groups(kinds: Sequence[Kept] = KINDS, *, corrections: bool = False, page: Model | None = None) -> QuerySet:
    """The entries of the trail as (day, where, page, reason), newest day first; one query however it is cut.

    `corrections` leaves the corrections alone; `page` what happened to that one.
    """
    parts = []
    for kept in kinds:
        records = public(kept)
        if page is not None:
            records = records.filter(page=page.pk)
        if corrections:
            records = records.filter(reason__istartswith=CORRECTION)
        parts.append(records.order_by().values_list("day", "where", "page", "reason"))
    return parts[0].union(*parts[1:]).order_by("-day", "where", "page", "reason")


@dataclass
class Change:
    """What happened to one page on one day, for one reason. `url` is empty when there is nothing to open any more."""

    day: date
    page: str
    url: str
    reason: str
    id: str
    at: datetime
    rows: dict[tuple[str, str], set[int]] = field(default_factory=dict)
    verdicts: list[str] = field(default_factory=list)

    @property
    def is_correction(self) -> bool:
        return self.reason.casefold().startswith(CORRECTION.casefold())

    @property
    def why(self) -> str:
        """The reason, without the word that marks a correction."""
        return self.reason[len(CORRECTION) :].strip() if self.is_correction else self.reason

    @property
    def summary(self) -> str:
        """E.g. “page added, 12 findings added, 3 risks changed”."""
        parts = [
            gettext("%(what)s %(done)s") % {"what": NOUNS[noun] % {"count": len(ids)}, "done": VERBS[verb]}
            for (noun, verb), ids in self.rows.items()
        ]
        return ", ".join(parts)


def told(groups: Iterable[Group], kinds: Sequence[Kept] = KINDS) -> list[Change]:
    """These entries of the trail in words, in order of day and name. Two queries for each kind, at most."""
    wanted = list(groups)
    if not wanted:
        return []
    first, last = min(g[0] for g in wanted), max(g[0] for g in wanted)
    zone = timezone.get_current_timezone()
    span = (datetime.combine(first, time(), zone), datetime.combine(last + timedelta(days=1), time(), zone))
    names: dict[tuple[str, int], tuple[str, str]] = {}
    for kept in kinds:
        if not kept.owner:
            ids = {page for _, where, page, _ in wanted if where == kept.where}
            rows = kept.page_model._default_manager.filter(pk__in=ids)
            for row in rows.published() if has_state(kept.model) else rows:
                # A source is known by its title; its own name begins with its authors.
                names[kept.where, row.pk] = (getattr(row, "title", "") or str(row), row.get_absolute_url())
    missing = {kept.where: kept.gone for kept in kinds if not kept.owner}
    changes: dict[Group, Change] = {}
    for group in wanted:
        day, where, page, reason = group
        name, url = names.get((where, page), (missing.get(where, ""), ""))
        mark = str(uuid5(NAMESPACE_URL, f"{where}/{page}/{day}/{reason}"))
        changes[group] = Change(day, name, url, reason, mark, datetime.combine(day, time(), zone))
    for kept in kinds:
        ids = {page for _, where, page, _ in wanted if where == kept.where}
        records = public(kept).filter(page__in=ids, history_date__gte=span[0], history_date__lt=span[1])
        tell(kept, records, changes)
    for change in changes.values():
        settle(change)
    return sorted((c for c in changes.values() if c.rows), key=lambda c: (-c.day.toordinal(), c.page.casefold()))


def tell(kept: Kept, records: QuerySet, changes: dict[Group, Change]) -> None:
    """Count the records of one kind into the changes they belong to."""
    fields = ["day", "where", "page", "reason", "id", "history_type", "history_date", "before"]
    history = kept.model.history.model._default_manager  # type: ignore[attr-defined]
    earlier = history.filter(id=OuterRef("id"), history_id__lt=OuterRef("history_id"))
    if has_state(kept.model):
        records = records.annotate(was_published=Exists(earlier.filter(state=State.PUBLISHED)))
        fields += ["state", "was_published"]
    if kept.model is Finding:
        previous = earlier.order_by("-history_id")
        records = records.annotate(**{f"was_{name}": Subquery(previous.values(name)[:1]) for name in WEIGHED})
        fields += [*WEIGHED, *(f"was_{name}" for name in WEIGHED), "effect__name", "route", "searched_on"]
    weighed: dict[tuple[int, int], tuple[Change, dict[str, Any], dict[str, Any]]] = {}
    for record in records.order_by("history_id").values(*fields):
        change = changes.get((record["day"], record["where"], record["page"], record["reason"]))
        if change is None:
            continue
        verb = verb_of(record)
        change.rows.setdefault((kept.noun, verb), set()).add(record["id"])
        change.at = max(change.at, record["history_date"])
        if kept.model is Finding and verb == "changed":
            begin = {name: record[f"was_{name}"] for name in WEIGHED}
            known = weighed.get((id(change), record["id"]))
            weighed[id(change), record["id"]] = (change, known[1] if known else begin, record)
    for change, begin, record in weighed.values():
        if words := verdict_words(begin, record):
            change.verdicts.append(words)


def verb_of(record: dict[str, Any]) -> str:
    """What a record did, as a reader saw it."""
    if record["history_type"] == "-":
        return "removed"
    if "state" not in record:
        return "added" if record["history_type"] == "+" else "changed"
    if record["state"] != State.PUBLISHED:
        return "withdrawn"
    if record["before"] == State.PUBLISHED:
        return "changed"
    return "restored" if record["was_published"] else "added"


def verdict_words(begin: dict[str, Any], record: dict[str, Any]) -> str:
    """E.g. “finding on fewer wrinkles, injected: certainty low → moderate, now “Probably improves it””; else empty."""
    moved = []
    for name, words in WEIGHED.items():
        if begin[name] and begin[name] != record[name]:
            labels = dict(words.choices)
            moved.append(
                f"{WEIGHED_WORDS[name]} {labels.get(begin[name], begin[name])} → {labels.get(record[name], record[name])}"
            )
    if not moved:
        return ""
    try:
        now = verdict(record["direction"], record["size"], record["certainty"], record["searched_on"]).sentence
    except (KeyError, ValueError):  # a word that the vocabulary had in those days
        return ""
    route = dict(Route.choices).get(record["route"], record["route"])
    return gettext("finding on %(effect)s, %(route)s: %(moved)s, now “%(verdict)s”") % {
        "effect": lower_first(record["effect__name"] or gettext("an effect")),
        "route": lower_first(route),
        "moved": ", ".join(moved),
        "verdict": now,
    }


def settle(change: Change) -> None:
    """A row that was added, or removed, in the same breath was not changed as well; few verdicts are told in full."""
    for noun, verb in list(change.rows):
        if verb == "changed":
            others = [ids for (n, v), ids in change.rows.items() if n == noun and v != "changed"]
            change.rows[noun, verb] -= set().union(*others)
            if not change.rows[noun, verb]:
                del change.rows[noun, verb]
    if len(change.verdicts) > MOST_VERDICTS:
        rest = len(change.verdicts) - MOST_VERDICTS
        change.verdicts[MOST_VERDICTS:] = [gettext("and %(count)s more verdicts") % {"count": rest}]


def of_page(entry: Model, kinds: Sequence[Kept] = KINDS, limit: int = 6) -> list[Change]:
    """The latest of what happened to one page: its text, and what stands on it."""
    own = [kept for kept in kinds if kept.where == entry._meta.model_name]
    records = [kept.model.history.model._default_manager.filter(**{kept.page_field: entry.pk}) for kept in own]  # type: ignore[attr-defined]
    # Of a page that is there, the trail is told anew when something is added to it: the history is never rewritten.
    # With the date, because SQLite gives the number of a record that was undone to the next one.
    newest = [(*rows.order_by().aggregate(Max("history_id"), Max("history_date")).values(),) for rows in records]
    effects = tuple(Effect.objects.values_list("pk", "name"))  # a verdict that moved is told by the effect's name
    key = ("trail", row_values(entry), *newest, effects, limit)
    return keep(key, lambda: latest(entry, own, limit))


def latest(entry: Model, kinds: Sequence[Kept], limit: int) -> list[Change]:
    with recorded.unheard():  # a page rests on what the trail is kept by, and need not ask for the rest again
        return sorted(told(groups(kinds, page=entry)[:limit], kinds), key=lambda change: change.at, reverse=True)
