"""Saving, weighing and publishing entries so that nothing that was written is lost.

Every save is a `Revision`: the content of one entry with the rows that are parts of it. An entry that readers can see
is edited beside the live one: its newest revision is a draft until a reviewer publishes it. Editing, previewing and
checking a draft all happen in a `rehearsal`: the draft is written to the database, used, and undone, so that forms,
pages and checks need not know of drafts at all.

Entries without a state (sources, warning signs …) are live with each save; for them every revision is a published one.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core import serializers
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, models, transaction
from django.dispatch import Signal
from django.utils.translation import gettext

from glossary.gaps import Gap, gaps
from glossary.models import Publishable, Revision, State

# A part that a draft adds has no row yet. Its number in the draft is above any that a database gives out.
FIRST_DRAFT_ID = 2**40

# True while rows are written that readers will not see so, or one by one for what is a single edit: whoever follows
# edits by their signals waits for `written`, or need not care.
is_quiet: ContextVar[bool] = ContextVar("is_quiet", default=False)
# Sent once an entry and its parts have been written for good, in the same transaction: `sender`, `instance`.
written = Signal()

type Content = dict[str, Any]
# (field,) of the entry itself, or (part, primary key) of a row that belongs to it.
type Place = tuple[str, ...] | tuple[str, int]


class NotAllowed(Exception):
    """A step that this person may not take now; the message says why and what would help."""


class NotReady(Exception):
    """What is still missing before an entry can be published: `gaps`."""

    def __init__(self, found: Sequence[Gap]) -> None:
        super().__init__(" ".join(gap.words for gap in found))
        self.gaps = found


class Conflict(Exception):
    """Somebody else saved since: this save was kept as `aside`, and `latest` is what they saved."""

    def __init__(self, aside: Revision, latest: Revision) -> None:
        super().__init__("Somebody else saved this entry since you opened it.")
        self.aside, self.latest = aside, latest


# --- An entry as plain values


def has_drafts(entry: models.Model | type[models.Model]) -> bool:
    """Whether entries of this kind are edited beside the live one."""
    return isinstance(entry, Publishable) or (isinstance(entry, type) and issubclass(entry, Publishable))


def row_content(row: models.Model) -> Content:
    """Fields and many-to-many links of one row as JSON holds them; rows are named by primary key."""
    values = json.loads(json.dumps(serializers.serialize("python", [row])[0]["fields"], cls=DjangoJSONEncoder))
    for link in row._meta.many_to_many:
        if link.name in values:
            values[link.name] = sorted(values[link.name])
    return values


def part_names(model: type[models.Model]) -> tuple[str, ...]:
    return getattr(model, "PARTS", ())


def snapshot(entry: models.Model) -> Content:
    """The entry and its parts, `{"fields": {…}, "parts": {name: [{"pk": 1, "fields": {…}}]}}`, read from the database."""
    fields = row_content(type(entry)._default_manager.get(pk=entry.pk))
    fields.pop("state", None)
    parts = {}
    for name in part_names(type(entry)):
        relation = entry._meta.get_field(name)
        rows = relation.related_model._default_manager.filter(**{relation.field.name: entry.pk}).order_by("pk")
        many = [link.name for link in relation.related_model._meta.many_to_many]
        parts[name] = [{"pk": row.pk, "fields": row_content(row)} for row in rows.prefetch_related(*many)]
        for part in parts[name]:
            del part["fields"][relation.field.name]
    return {"fields": fields, "parts": parts}


def write_row(row: models.Model, values: Content, *, check: bool, reason: str) -> bool:
    """Save one row with these values, and only where they differ from what stands there; whether it was saved."""
    is_new = row._state.adding
    present = {} if is_new else row_content(row)
    if not is_new and all(present.get(name) == value for name, value in values.items()):
        return False
    links = {link.name: link for link in row._meta.many_to_many}
    for field in row._meta.concrete_fields:
        if field.name in values and not field.primary_key:
            setattr(row, field.attname, field.to_python(values[field.name]))
    if check:
        row.full_clean()
    row._change_reason = reason  # type: ignore[attr-defined]
    row.save()
    for name in links.keys() & values.keys():
        if is_new or set(values[name]) != set(getattr(row, name).values_list("pk", flat=True)):
            getattr(row, name).set(values[name])
    return True


def write(entry: models.Model, content: Content, *, check: bool, reason: str = "") -> None:
    """Bring an entry and its parts to what a snapshot says; its state stays.

    With `check`, every row is validated and parts that a draft added get numbers from the database; without, as in
    a rehearsal, they keep those of the draft. Raises ValidationError, with `check`, and IntegrityError.
    """
    with quietly():
        write_all(entry, content, check=check, reason=reason)
    if check:
        written.send(type(entry), instance=entry)


def write_all(entry: models.Model, content: Content, *, check: bool, reason: str) -> None:
    is_told = write_row(entry, content["fields"], check=check, reason=reason)
    has_new_parts = False
    for name, wanted in content["parts"].items():
        relation = entry._meta.get_field(name)
        model = relation.related_model
        rows = {row.pk: row for row in model._default_manager.filter(**{relation.field.name: entry.pk})}
        for pk in rows.keys() - {part["pk"] for part in wanted}:
            rows[pk].delete()
            has_new_parts = True
        for part in wanted:
            pk = None if check and part["pk"] >= FIRST_DRAFT_ID else part["pk"]
            row = rows.get(pk) or model(pk=pk)
            values = part["fields"] | {relation.field.name: entry.pk}
            try:
                has_new_parts |= write_row(row, values, check=check, reason=reason)
            except ValidationError as error:
                raise ValidationError([f"{row}: {message}" for message in error.messages]) from error
    if has_new_parts and not is_told and check:
        # Not every kind of part has a history of its own: the entry's tells that something changed, and why.
        entry._change_reason = reason  # type: ignore[attr-defined]
        entry.save()


def with_draft_ids(content: Content, known: Content) -> Content:
    """A snapshot in which the parts that `known` does not have get a number that no row will ever have."""
    content = deepcopy(content)
    for name, parts in content["parts"].items():
        before = {part["pk"] for part in known["parts"].get(name, [])}
        for part in parts:
            if part["pk"] not in before:
                part["pk"] = FIRST_DRAFT_ID + secrets.randbelow(2**50)
    return content


@contextmanager
def quietly() -> Iterator[None]:
    token = is_quiet.set(True)
    try:
        yield
    finally:
        is_quiet.reset(token)


@contextmanager
def rehearsal() -> Iterator[None]:
    """A transaction whose effects are undone at its end, whatever happens."""
    with transaction.atomic(), quietly():
        yield
        transaction.set_rollback(True)


# --- What was saved


def latest(entry: models.Model) -> Revision | None:
    """The newest save that was not set aside: the working copy."""
    return Revision.objects.of(entry).current().last()


def shown_state(entry: models.Model) -> str:
    """Where readers find the entry now."""
    return entry.state if has_drafts(entry) else State.PUBLISHED


def lock(entry: models.Model) -> models.Model:
    """The row as it stands, held until the transaction ends; one editor at a time."""
    return type(entry)._default_manager.select_for_update(of=("self",)).get(pk=entry.pk)


def record(
    entry: models.Model,
    state: str,
    content: Content,
    by: AbstractBaseUser | None = None,
    reason: str = "",
    based_on: int | None = None,
) -> Revision:
    """Keep one save. Call with the row locked."""
    newest = Revision.objects.of(entry).last()
    return Revision.objects.create(
        model=entry._meta.label_lower,
        entry_id=entry.pk,
        number=newest.number + 1 if newest else 1,
        state=state,
        content=content,
        name=str(entry)[:200],
        saved_by=by,
        reason=reason,
        based_on=based_on,
    )


def record_new(entry: models.Model, by: AbstractBaseUser | None, reason: str = "") -> Revision:
    """Keep the first save of an entry that was just made."""
    state = Revision.State.DRAFT if has_drafts(entry) else Revision.State.PUBLISHED
    return record(entry, state, snapshot(entry), by, reason)


def working_copy(entry: models.Model) -> Revision:
    """The newest save; when the content files have written the entry since, or nobody has saved it yet, that is kept first.

    Call with the row locked.
    """
    newest = latest(entry)
    if newest and newest.is_open and has_drafts(entry) and entry.state == State.PUBLISHED:
        return newest
    live = snapshot(entry)
    if newest is None or newest.content != live:
        newest = record(entry, shown_state(entry), live, reason="As the content files say")
    return newest


def flat(content: Content) -> dict[Place, Any]:
    """Every field by place; a part that is gone is not in it."""
    fields = {(name,): value for name, value in content["fields"].items()}
    parts = {(name, part["pk"]): part["fields"] for name, rows in content["parts"].items() for part in rows}
    return {**fields, **parts}


def unflat(values: dict[Place, Any]) -> Content:
    content: Content = {"fields": {}, "parts": {}}
    for place, value in values.items():
        if len(place) == 1:
            content["fields"][place[0]] = value
        elif value is not None:
            content["parts"].setdefault(place[0], []).append({"pk": place[1], "fields": value})
    return content


@dataclass
class Merge:
    """Two saves that began from the same one: `content` has both, except at `disputed` places, where it has `theirs`."""

    content: Content
    disputed: list[Place]


def merge(base: Content, theirs: Content, mine: Content) -> Merge:
    """What changed on one side only is taken; what changed on both, and differently, is disputed."""
    before, left, right = flat(base), flat(theirs), flat(mine)
    merged, disputed = {}, []
    for place in dict.fromkeys([*left, *right, *before]):
        was, one, other = before.get(place), left.get(place), right.get(place)
        merged[place] = other if one == was else one
        if one != was and other != was and one != other:
            disputed.append(place)
    content = unflat(merged)
    for name in theirs["parts"]:
        content["parts"].setdefault(name, [])
    return Merge(content, disputed)


# --- Steps


def save(
    entry: models.Model, content: Content, base: Revision, by: AbstractBaseUser | None, reason: str = ""
) -> Revision:
    """Keep a save that began from `base`; it is the working copy from now on.

    What readers cannot see yet is written to its row; what they can see stays as it is until it is published. Entries
    without a state are live at once. Raises Conflict when somebody saved something else since, and ValidationError.
    """
    with transaction.atomic():
        entry = lock(entry)
        newest = working_copy(entry)
        if newest.content == content and (newest.is_open or not has_drafts(entry)):
            return newest
        if newest.content == base.content:
            state = Revision.State.DRAFT
            if not has_drafts(entry) or entry.state != State.PUBLISHED:
                write(entry, content, check=True, reason=reason)
                content = snapshot(entry)
                if has_drafts(entry):
                    to_draft(entry)
                else:
                    state = Revision.State.PUBLISHED
            return record(entry, state, content, by, reason)
        aside = record(entry, Revision.State.ASIDE, content, by, reason, based_on=base.number)
    # Outside of the transaction, so that what was set aside stays.
    raise Conflict(aside, newest)


def to_draft(entry: Publishable) -> None:
    """What was in review or withdrawn becomes a draft again when somebody edits it."""
    if entry.state != State.DRAFT:
        entry.state = State.DRAFT
        entry._change_reason = "Edited again"  # type: ignore[attr-defined]
        entry.save()


def propose(
    entry: models.Model, edit: Callable[[models.Model], None], by: AbstractBaseUser | None, reason: str = ""
) -> Revision:
    """A change made by code, an import for example: `edit` changes and saves the row, and the outcome is kept as by `save`.

    When there is a draft already, `edit` changes that one.
    """
    with transaction.atomic():
        row = lock(entry)
        newest = working_copy(row)
        with rehearsal():
            write(row, newest.content, check=False)
            edit(row)
            content = with_draft_ids(snapshot(row), newest.content)
        return save(row, content, newest, by, reason)


def may_publish(by: Any, entry: models.Model) -> bool:
    return by.has_perm(f"{entry._meta.app_label}.publish_{entry._meta.model_name}")


def weighed_by(entry: models.Model) -> AbstractBaseUser | None:
    """Who chose the direction, size and certainty of the working copy; None when they are as last published."""
    names = getattr(type(entry), "WEIGHED", ())

    def weight(revision: Revision) -> list[Any]:
        return [revision.content["fields"].get(name) for name in names]

    saves = list(Revision.objects.of(entry).current().select_related("saved_by"))
    if not names or not saves:
        return None
    live = [save for save in saves if save.state == Revision.State.PUBLISHED]
    if live and weight(live[-1]) == weight(saves[-1]):
        return None
    author = None
    for revision in reversed(saves):
        if weight(revision) != weight(saves[-1]):
            break
        author = revision.saved_by
    return author


def submit(entry: Publishable, by: Any, reason: str = "") -> Revision:
    """Draft to in review. Raises NotAllowed."""
    with transaction.atomic():
        entry = lock(entry)
        newest = working_copy(entry)
        if newest.state == Revision.State.IN_REVIEW:
            return newest
        if newest.state != Revision.State.DRAFT:
            raise NotAllowed("There is no draft to send to review.")
        if entry.state != State.PUBLISHED:
            step(entry, State.IN_REVIEW, reason)
        return record(entry, Revision.State.IN_REVIEW, newest.content, by, reason or newest.reason)


def step(entry: Publishable, state: State, reason: str) -> None:
    entry.state = state
    entry._change_reason = reason  # type: ignore[attr-defined]
    entry.save()


def send_back(entry: Publishable, by: Any, reason: str) -> Revision:
    """In review to draft, with what is still to do. Raises NotAllowed and PermissionDenied."""
    if not may_publish(by, entry):
        raise PermissionDenied(gettext("Only a reviewer sends a draft back."))
    with transaction.atomic():
        entry = lock(entry)
        newest = working_copy(entry)
        if newest.state != Revision.State.IN_REVIEW:
            raise NotAllowed("This is not in review.")
        if entry.state == State.IN_REVIEW:
            step(entry, State.DRAFT, reason)
        return record(entry, Revision.State.DRAFT, newest.content, by, reason)


def publish(entry: Publishable, by: Any, reason: str = "") -> Revision:
    """In review to published: readers see it from now on.

    Raises PermissionDenied without the permission to publish, NotAllowed when the step or this person is the wrong one,
    NotReady with the gaps, ValidationError when the draft no longer fits what it refers to.
    """
    if not may_publish(by, entry):
        raise PermissionDenied(gettext("Only a reviewer publishes."))
    with transaction.atomic():
        entry = lock(entry)
        newest = working_copy(entry)
        if newest.state != Revision.State.IN_REVIEW:
            raise NotAllowed("Send it to review first; only what is in review can be published.")
        if weighed_by(entry) == by and not settings.PUBLISH_OWN_CERTAINTY:
            raise NotAllowed(
                "You changed how this finding is weighed (direction, size or certainty), so somebody else publishes it."
            )
        reason = reason or newest.reason
        live = Revision.objects.of(entry).filter(state=Revision.State.PUBLISHED).last()
        if live and not reason:
            raise NotAllowed("Readers have seen this entry: say what you changed, and why.")
        if entry.state == State.PUBLISHED and live and live.content != snapshot(entry):
            raise NotAllowed(
                "The content files have changed the live entry since this draft began. "
                "Give the draft up, or save it again after looking at the history."
            )
        write(entry, newest.content, check=True, reason=reason)
        if found := gaps(type(entry)._default_manager.get(pk=entry.pk)):
            raise NotReady(found)
        if entry.state != State.PUBLISHED:
            step(entry, State.PUBLISHED, reason or "First published")
        return record(entry, Revision.State.PUBLISHED, snapshot(entry), by, reason)


def withdraw(entry: Publishable, by: Any, reason: str) -> Revision:
    """Published to withdrawn: its address stays, its words go. An open draft stays in the history."""
    if not may_publish(by, entry):
        raise PermissionDenied(gettext("Only a reviewer withdraws."))
    if not reason.strip():
        raise NotAllowed("Say why it is withdrawn: readers are told.")
    with transaction.atomic():
        entry = lock(entry)
        if entry.state != State.PUBLISHED:
            raise NotAllowed("Only what is published can be withdrawn.")
        working_copy(entry)
        step(entry, State.WITHDRAWN, reason)
        return record(entry, Revision.State.WITHDRAWN, snapshot(entry), by, reason)


def discard(entry: Publishable, by: Any, reason: str = "") -> Revision:
    """Give a draft up: the live entry is the working copy again. The draft stays in the history."""
    with transaction.atomic():
        entry = lock(entry)
        newest = working_copy(entry)
        if not newest.is_open or entry.state != State.PUBLISHED:
            raise NotAllowed("There is no draft beside the live entry.")
        return record(entry, Revision.State.DISCARDED, snapshot(entry), by, reason)


def restore(entry: models.Model, number: int, by: Any, reason: str = "") -> Revision:
    """Bring back what an earlier save held: as a draft, or at once where entries have no drafts."""
    with transaction.atomic():
        entry = lock(entry)
        old = Revision.objects.of(entry).get(number=number)
        newest = working_copy(entry)
        # A part that has gone since gets a row of its own again.
        return save(entry, with_draft_ids(old.content, newest.content), newest, by, reason)


def keep_deleted(entry: models.Model, by: Any) -> Revision:
    """Keep the last words of an entry that is about to be deleted."""
    with transaction.atomic():
        return record(entry, Revision.State.DELETED, snapshot(entry), by)


def deleted(model: type[models.Model]) -> list[Revision]:
    """Entries of a kind that were deleted and are still gone, the latest first."""
    last = Revision.objects.filter(model=model._meta.label_lower, state=Revision.State.DELETED).select_related(
        "saved_by"
    )
    found = {revision.entry_id: revision for revision in last.order_by("number")}
    present = set(model._default_manager.filter(pk__in=found).values_list("pk", flat=True))
    return sorted((r for pk, r in found.items() if pk not in present), key=lambda r: r.saved_at, reverse=True)


def undelete(revision: Revision, by: Any) -> models.Model:
    """Make a deleted entry anew under its old number: as a draft where entries have drafts. Raises ValidationError."""
    model = apps.get_model(revision.model)
    with transaction.atomic():
        entry = model(pk=revision.entry_id)
        try:
            write(
                entry, with_draft_ids(revision.content, {"parts": {}}), check=True, reason="Brought back after deletion"
            )
        except IntegrityError as error:
            raise ValidationError(
                gettext("Something that this entry names is gone as well. Bring that back first.")
            ) from error
        state = Revision.State.DRAFT if has_drafts(model) else Revision.State.PUBLISHED
        record(entry, state, snapshot(entry), by, "Brought back after deletion")
    return entry
