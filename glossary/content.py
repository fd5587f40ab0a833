"""From the content files to the database, and the promise that an editor's change is never overwritten.

Reading turns YAML into `Entry` objects and collects every problem in words; `sync` writes them in one transaction or,
when there is any problem, not at all. The format is described in `glossary/content/README.md`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from glossary.models import (
    Alias,
    Concept,
    Effect,
    Finding,
    LoadedEntry,
    Publishable,
    Risk,
    Source,
    State,
    cited_keys,
)

ROOT = Path(__file__).parent / "content"
CHANGE_REASON = "Loaded from the content files"

type Key = tuple[str, ...]
type Contents = tuple[dict[str, Any], dict[str, list[str]], dict[str, list[dict[str, Any]]]]


class ContentError(Exception):
    """The files were refused; `problems` says why, one sentence each, naming file, entry and field."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass
class Entry:
    """One row as the files say it.

    `fields` holds plain values, foreign keys as natural keys; `many` the natural keys of many-to-many rows;
    `children` rows that belong to this one alone and are replaced as a whole.
    """

    model: type[models.Model]
    key: Key
    where: str
    fields: dict[str, Any]
    many: dict[str, list[str]] = field(default_factory=dict)
    children: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


# --- Reading


class StrictLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML in which no field stands twice: the usual loader silently keeps the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for name, count in names.items():
            if count > 1:
                problem = f"the field “{name}” stands here {count} times"
                raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return super().construct_mapping(node, deep)


class Reader:
    """Reads one folder of content files and remembers what is wrong with them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: list[str] = []
        if not root.is_dir():
            self.problem(root.as_posix(), "there is no such folder.")

    def problem(self, where: str, message: str) -> None:
        self.problems.append(f"{where}: {message}")

    def load(self, path: Path) -> Any:
        """The parsed file, or None with a problem that gives line and column."""
        where = path.relative_to(self.root.parent).as_posix()
        try:
            return yaml.load(path.read_text(encoding="utf-8"), Loader=StrictLoader)  # noqa: S506 - a safe loader
        except yaml.YAMLError as error:
            self.problem(where, f"this is not valid YAML. {' '.join(str(error).split())}")
        except UnicodeDecodeError as error:
            self.problem(where, f"this is not UTF-8 text. {error}")
        return None

    def mappings(self, pattern: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """(slug, where, content) of every file that holds one entry."""
        for path in sorted(self.root.glob(pattern)):
            where = path.relative_to(self.root.parent).as_posix()
            content = self.load(path)
            if isinstance(content, dict):
                yield path.stem, where, content
            elif not self.problems or not self.problems[-1].startswith(where):
                self.problem(where, "expected fields with values, as in “name: …”.")

    def lists(self, pattern: str, named_by: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """(where, content) of every entry of the files that hold lists."""
        for path in sorted(self.root.glob(pattern)):
            where = path.relative_to(self.root.parent).as_posix()
            content = self.load(path)
            if content is None:
                continue
            yield from self.rows(content, where, "", named_by)

    def rows(self, content: Any, where: str, name: str, named_by: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """(where, row) of a list of mappings, each named by one of its fields."""
        place = f"{where}, {name}" if name else where
        if not isinstance(content, list):
            self.problem(place, "expected a list, each entry starting with “- ”.")
            return
        for number, row in enumerate(content, 1):
            if isinstance(row, dict):
                yield f"{place} {row.get(named_by) or number}", row
            else:
                self.problem(f"{place} {number}", "expected fields with values, as in “name: …”.")

    def take(
        self, raw: dict[str, Any], where: str, *, required: str, optional: str = "", parts: str = ""
    ) -> dict[str, Any]:
        """The fields of one entry by name; missing, unknown and ill-typed ones are problems.

        `parts` are lists that the caller reads itself. Absent optional fields are left out.
        """
        needed, allowed = required.split(), {*required.split(), *optional.split(), *parts.split()}
        for name in needed:
            if raw.get(name) in (None, "", []):
                self.problem(where, f"the field “{name}” is missing.")
        for name in raw:
            if name not in allowed:
                self.problem(where, f"there is no field “{name}”.")
        return {
            name: value.strip() if isinstance(value, str) else value
            for name, value in raw.items()
            if name in allowed and name not in parts.split() and value is not None
        }

    def text(self, values: dict[str, Any], where: str, *names: str) -> None:
        """These fields are text: anything else is a problem, since YAML turns `2019` and `no` into other things."""
        for name in names:
            value = values.get(name)
            if value is not None and not isinstance(value, str):
                self.problem(where, f"the field “{name}” is not text; put quotes around it.")
                values[name] = str(value)

    def flag(self, values: dict[str, Any], where: str, name: str, *, default: bool) -> bool:
        """A yes or no; “no” in quotes is text, and text would count as yes."""
        value = values.pop(name, default)
        if not isinstance(value, bool):
            self.problem(where, f"the field “{name}” is neither true nor false.")
        return value is True

    def keys(self, raw: dict[str, Any], where: str, name: str) -> list[str]:
        """A list of slugs or source keys, without repeats."""
        value = raw.get(name) or []
        if not isinstance(value, list) or not all(isinstance(key, str) for key in value):
            self.problem(where, f"the field “{name}” is not a list of keys, as in “[first, second]”.")
            return []
        for key, count in Counter(value).items():
            if count > 1:
                self.problem(where, f"the field “{name}” names “{key}” {count} times.")
        return list(dict.fromkeys(value))

    def wordings(self, raw: dict[str, Any], where: str) -> list[dict[str, str]]:
        """`{en: [...], ja: [...]}` as rows."""
        value = raw.get("wordings") or {}
        if not isinstance(value, dict) or not all(
            isinstance(texts, list) and all(isinstance(text, str) for text in texts) for texts in value.values()
        ):
            self.problem(where, "the field “wordings” is not a list of wordings per language.")
            return []
        return [
            {"language": language, "text": text} for language, texts in value.items() for text in dict.fromkeys(texts)
        ]


def read_glossary(root: Path = ROOT) -> tuple[list[Entry], list[str]]:
    """Every entry of the glossary's content folder, and every problem found on the way."""
    reader = Reader(root)
    entries = [*read_sources(reader), *read_effects(reader), *read_concepts(reader)]
    return entries, reader.problems


def read_sources(reader: Reader) -> Iterator[Entry]:
    for where, raw in reader.lists("sources/*.yaml", "key"):
        values = reader.take(
            raw,
            where,
            required="key kind title url read checked_on",
            optional="authors year container doi pmid funding funder note status superseded_by",
        )
        reader.text(values, where, "key", "title", "authors", "container", "doi", "pmid", "url", "funding", "note")
        blank = dict.fromkeys(("authors", "container", "doi", "pmid", "funding", "note"), "")
        fields = {
            **blank,
            "year": None,
            "funder": "not-stated",
            "status": "current",
            "superseded_by": None,
            **values,
        }
        if fields["superseded_by"]:
            fields["superseded_by"] = (fields["superseded_by"],)
        yield Entry(Source, (str(fields.get("key")),), where, fields)


def read_effects(reader: Reader) -> Iterator[Entry]:
    for position, (where, raw) in enumerate(reader.lists("effects.yaml", "slug")):
        values = reader.take(raw, where, required="slug name wish body_area description", parts="wordings")
        reader.text(values, where, "slug", "name", "wish", "description")
        yield Entry(
            Effect,
            (str(values.get("slug")),),
            where,
            {**values, "position": position},
            children={"wordings": reader.wordings(raw, where)},
        )


def read_concepts(reader: Reader) -> Iterator[Entry]:
    for slug, where, raw in reader.mappings("concepts/*.yaml"):
        values = reader.take(
            raw,
            where,
            required="name kind summary body reviewed_on review_due",
            optional="parent not_same_as state",
            parts="aliases findings risks",
        )
        reader.text(values, where, "name", "summary", "body", "not_same_as", "parent")
        parent = (values.pop("parent"),) if values.get("parent") else None
        fields = {"slug": slug, "parent": parent, "not_same_as": "", "state": State.PUBLISHED, **values}
        yield Entry(Concept, (slug,), where, fields)
        for place, alias in reader.rows(raw.get("aliases") or [], where, "alias", "text"):
            yield read_alias(reader, slug, place, alias)
        for place, finding in reader.rows(raw.get("findings") or [], where, "finding", "effect"):
            yield read_finding(reader, slug, f"{place}, {finding.get('route')}", finding)
        for place, risk in reader.rows(raw.get("risks") or [], where, "risk", "title"):
            yield read_risk(reader, slug, place, risk)


def read_alias(reader: Reader, slug: str, where: str, raw: dict[str, Any]) -> Entry:
    values = reader.take(raw, where, required="text", optional="lang kind ambiguous")
    reader.text(values, where, "text", "lang")
    fields = {
        "concept": (slug,),
        "text": values.get("text", ""),
        "language": values.get("lang", "en"),
        "kind": values.get("kind", "synonym"),
        "is_ambiguous": reader.flag(values, where, "ambiguous", default=False),
    }
    return Entry(Alias, (slug, fields["text"], fields["language"]), where, fields)


COUNT = re.compile(r"(\d+) of (\d+)")


def read_finding(reader: Reader, slug: str, where: str, raw: dict[str, Any]) -> Entry:
    values = reader.take(
        raw,
        where,
        required="effect route claimed shown population direction certainty certainty_reason would_change searched_on",
        optional="people follow_up size state main_source",
        parts="sources claim_sources events",
    )
    reader.text(values, where, "claimed", "shown", "population", "follow_up", "certainty_reason", "would_change")
    sources = reader.keys(raw, where, "sources")
    if not sources and values.get("certainty") != "none":
        reader.problem(where, "the field “sources” is missing; only certainty “none” does without.")
    has_main = reader.flag(values, where, "main_source", default=True)
    fields = {
        "concept": (slug,),
        "people": None,
        "follow_up": "",
        "size": "not-stated",
        "state": State.PUBLISHED,
        "main_source": (sources[0],) if sources and has_main else None,
        **values,
        "effect": (values.get("effect"),),
    }
    counts = []
    for place, event in reader.rows(raw.get("events") or [], where, "event", "outcome"):
        taken = reader.take(event, place, required="outcome with without compared_with", optional="wanted after")
        arms = [COUNT.fullmatch(str(taken.get(arm))) for arm in ("with", "without")]
        if not all(arms):
            reader.problem(place, "“with” and “without” are counts, as in “16 of 25”.")
            continue
        (events_with, total_with), (events_without, total_without) = (map(int, arm.groups()) for arm in arms if arm)
        counts.append(
            {
                "outcome": str(taken.get("outcome")),
                "is_wanted": reader.flag(taken, place, "wanted", default=True),
                "events_with": events_with,
                "total_with": total_with,
                "events_without": events_without,
                "total_without": total_without,
                "compared_with": str(taken.get("compared_with")),
                "after": str(taken.get("after", "")),
            }
        )
    return Entry(
        Finding,
        (slug, str(values.get("effect")), str(values.get("route"))),
        where,
        fields,
        many={"sources": sources, "claim_sources": reader.keys(raw, where, "claim_sources")},
        children={"event_counts": counts},
    )


def read_risk(reader: Reader, slug: str, where: str, raw: dict[str, Any]) -> Entry:
    values = reader.take(raw, where, required="route title known severity", optional="onset", parts="sources")
    reader.text(values, where, "title", "known", "onset")
    sources = reader.keys(raw, where, "sources")
    if not sources:
        reader.problem(where, "the field “sources” is missing.")
    fields = {"concept": (slug,), "onset": "", **values}
    return Entry(Risk, (slug, str(values.get("route")), str(values.get("title"))), where, fields, {"sources": sources})


# --- Writing


def plain(value: Any) -> Any:
    """A value as JSON can hold it: the form in which two values are compared."""
    return value.isoformat() if isinstance(value, date) else str(value)


def as_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=plain)


def tidy(text: str) -> str:
    """Text as the files hold it: browsers send line breaks as two characters, and nobody means space at the ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def filled(values: dict[str, Any]) -> dict[str, Any]:
    """The values that are not empty, as the files would hold them."""
    tidied = {name: tidy(value) if isinstance(value, str) else value for name, value in values.items()}
    return {name: value for name, value in tidied.items() if value not in ("", None)}


def fingerprint(fields: dict[str, Any], many: dict[str, list[str]], children: dict[str, list[dict[str, Any]]]) -> str:
    """One string for everything the files say of a row; equal texts give equal strings.

    What is empty does not count. So a field that a new version adds, empty at first, does not look like an edit.
    """
    content = {
        "fields": filled(fields),
        "many": {name: sorted(keys) for name, keys in many.items() if keys},
        "children": {name: sorted(as_json(filled(row)) for row in rows) for name, rows in children.items() if rows},
    }
    return hashlib.sha256(as_json(content).encode()).hexdigest()


@dataclass(frozen=True)
class Shape:
    """What the files say of a row of one model: fields, many-to-many links, and the rows that are parts of it."""

    fields: list[models.Field]
    many: list[str]
    children: list[str]


@cache
def shape(model: type[models.Model]) -> Shape:
    """The shape of a model.

    Rows that go with another one and have no natural key of their own, such as prices, are parts of it.
    """
    return Shape(
        fields=[f for f in model._meta.concrete_fields if f.editable and not f.primary_key],
        many=[f.name for f in model._meta.many_to_many if f.remote_field.through._meta.auto_created],
        children=[
            relation.name
            for relation in model._meta.related_objects
            if relation.one_to_many
            and relation.on_delete is models.CASCADE
            and not hasattr(relation.related_model, "NATURAL_KEY")
        ],
    )


def current_rows(model: type[models.Model]) -> dict[Key, models.Model]:
    """Every row of a model by natural key, with all that `row_state` reads, in a fixed number of queries."""
    parts = shape(model)
    foreign = [f.name for f in parts.fields if f.is_relation]
    rows = model._default_manager.prefetch_related(*parts.many, *parts.children)
    return {row.natural_key(): row for row in (rows.select_related(*foreign) if foreign else rows)}


def entry_state(entry: Entry) -> str:
    """The fingerprint of what the files say."""
    return fingerprint(*entry_contents(entry))


def entry_contents(entry: Entry) -> Contents:
    """What the files say; what they leave out has its usual value."""
    parts = shape(entry.model)
    fields = {f.name: entry.fields.get(f.name, f.get_default()) for f in parts.fields}
    many = {name: entry.many.get(name, []) for name in parts.many}
    return fields, many, {name: entry.children.get(name, []) for name in parts.children}


def lost(entries: list[Entry]) -> list[str]:
    """Rows that these entries would not bring back as they stand, in words; order alone may be counted anew."""
    problems = []
    by_model: dict[type[models.Model], dict[Key, Entry]] = {}
    for entry in entries:
        by_model.setdefault(entry.model, {})[entry.key] = entry
    for model, of_model in by_model.items():
        for key, row in current_rows(model).items():
            entry = of_model.get(tuple(map(tidy, key)))
            said = without_places(entry_contents(entry)) if entry else {}
            stands = without_places(row_contents(row))
            if names := [name for name in stands if as_json(stands[name]) != as_json(said.get(name))]:
                label = f"{model._meta.verbose_name} {', '.join(key)}"
                problems.append(f"{label}: the files cannot say what stands in {', '.join(names)}.")
    return problems


def without_places(contents: Contents) -> dict[str, Any]:
    """What is not empty, without places in an order: the files count them from 0."""
    fields, many, children = contents
    parts = {name: sorted(as_json(filled(row | {"position": None})) for row in rows) for name, rows in children.items()}
    return filled(fields | {"position": None}) | {name: sorted(keys) for name, keys in many.items()} | parts


def row_state(row: models.Model) -> str:
    """The fingerprint of a row as it stands now, in the same terms as the files'."""
    return fingerprint(*row_contents(row))


def row_contents(row: models.Model) -> Contents:
    """What stands in a row, its links and its parts."""
    parts = shape(type(row))
    many = {name: [other.natural_key()[0] for other in getattr(row, name).all()] for name in parts.many}
    children = {name: [field_values(child, row) for child in getattr(row, name).all()] for name in parts.children}
    return field_values(row), many, children


def field_values(row: models.Model, parent: models.Model | None = None) -> dict[str, Any]:
    """What stands in a row, foreign keys as natural keys; a part leaves out the row that it belongs to."""
    values = {}
    for f in shape(type(row)).fields:
        if parent is not None and f.related_model is type(parent):
            continue
        value = getattr(row, f.name)
        values[f.name] = list(value.natural_key()) if isinstance(value, models.Model) else value
    return values


def is_used(row: models.Model) -> bool:
    """Whether rows other than its own parts point at it: deleting it would take them or their links along."""
    parts = shape(type(row)).children
    return any(
        getattr(row, relation.get_accessor_name()).exists()
        for relation in row._meta.related_objects
        if relation.name not in parts
    )


@dataclass
class Report:
    """What a load did, per kind of change: lists of “model key”."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    unchanged: int = 0

    @property
    def changes(self) -> int:
        """How many entries are not as they were."""
        return len(self.created) + len(self.updated) + len(self.removed)

    def __str__(self) -> str:
        done = f"{len(self.created)} new, {len(self.updated)} changed, {len(self.removed)} removed"
        words = f"{done}, {self.unchanged} as before"
        return f"{words}, {len(self.kept)} kept as an editor left them" if self.kept else words


class Deleted(Exception):
    """An entry rests on one that an editor has deleted."""


class Sync:
    """Writes entries, all or none. Used once.

    `rows` holds every row by natural key, `loaded` what an earlier load remembers by (model, key), `marks` what
    this one is to remember. `refused` entries stand in the files but were not taken, so that naming them elsewhere
    is no further problem; `deleted` ones an editor has deleted.
    """

    def __init__(self, entries: list[Entry], problems: list[str]) -> None:
        self.problems = problems
        self.report = Report()
        self.by_model: dict[type[models.Model], list[Entry]] = {}
        for entry in entries:
            self.by_model.setdefault(entry.model, []).append(entry)
        self.loaded = {(e.model, e.key): e for e in LoadedEntry.objects.all()}
        # A kind of which nothing is left in the files still has rows to remove.
        known = {model._meta.label_lower: model for model in apps.get_models()}
        for label in dict.fromkeys(label for label, _ in self.loaded):
            self.by_model.setdefault(known[label], [])
        self.rows = {model: current_rows(model) for model in self.by_model}
        self.marks: dict[tuple[str, str], str] = {}
        self.refused: set[tuple[type[models.Model], Key]] = set()
        self.deleted = {
            (e.model, e.key) for e in entries if e.key not in self.rows[e.model] and self.address(e) in self.loaded
        }

    @staticmethod
    def address(entry: Entry) -> tuple[str, str]:
        return entry.model._meta.label_lower, "|".join(entry.key)

    def find(self, model: type[models.Model], key: Key, entry: Entry, name: str) -> models.Model | None:
        """The row with that natural key, loading its table once; a missing one is a problem."""
        if model not in self.rows:
            self.rows[model] = current_rows(model)
        if not all(isinstance(part, str) for part in key):
            self.problems.append(f"{entry.where}: the field “{name}” is not a key, which is one word.")
            return None
        if (model, key) in self.deleted:
            raise Deleted
        row = self.rows[model].get(key)
        if row is None and (model, key) not in self.refused:
            what = f"{model._meta.verbose_name} “{', '.join(key)}”"
            self.problems.append(f"{entry.where}: the field “{name}” names {what}, which does not exist.")
        return row

    def run(self) -> Report:
        with transaction.atomic():
            self.refuse_repeats()
            # Before writing, so that a name can move from one concept to another; after it, what was in use until now.
            self.remove_what_left()
            for model, entries in self.by_model.items():
                self.write_model(model, entries)
            self.report.kept += self.remove_what_left()
            if self.problems:
                raise ContentError(self.problems)
            LoadedEntry.objects.bulk_create(
                [LoadedEntry(model=model, key=key, fingerprint=mark) for (model, key), mark in self.marks.items()],
                update_conflicts=True,
                unique_fields=["model", "key"],
                update_fields=["fingerprint"],
            )
        return self.report

    def refuse_repeats(self) -> None:
        for model, entries in self.by_model.items():
            for key, count in Counter(entry.key for entry in entries).items():
                if count > 1:
                    where = " and ".join(entry.where for entry in entries if entry.key == key)
                    what = f"{model._meta.verbose_name} “{', '.join(key)}”"
                    self.problems.append(f"{where}: {what} stands there {count} times.")

    def write_model(self, model: type[models.Model], entries: list[Entry]) -> None:
        rows = self.rows[model]
        # A parent may stand in a later file, so rows that point at their own table are linked once all are there.
        own = [f.name for f in model._meta.concrete_fields if f.is_relation and f.related_model is model]
        late: list[tuple[Entry, models.Model]] = []
        for entry in entries:
            label = f"{model._meta.verbose_name} {', '.join(entry.key)}"
            if self.misfits(entry):
                self.refused.add((model, entry.key))
                continue
            mark, known, row = entry_state(entry), self.loaded.get(self.address(entry)), rows.get(entry.key)
            if (model, entry.key) in self.deleted:
                self.report.kept.append(f"{label} (deleted)")
                continue
            if row is not None:
                now = row_state(row)
                if now == mark:
                    self.report.unchanged += 1
                    if known is None or known.fingerprint != mark:
                        self.marks[self.address(entry)] = mark
                    continue
                # An empty fingerprint is of a load whose way of making them is no longer known: the files count.
                if known is None or known.fingerprint not in ("", now):
                    self.report.kept.append(label)
                    continue
            new = row is None
            try:
                row = self.write_row(entry, row or model(), own)
            except Deleted:
                self.report.kept.append(f"{label} (rests on something deleted)")
                self.refused.add((model, entry.key))
                continue
            if row is None:
                self.refused.add((model, entry.key))
                continue
            rows[entry.key] = row
            if any(entry.fields.get(n) for n in own):
                late.append((entry, row))
            self.marks[self.address(entry)] = mark
            (self.report.created if new else self.report.updated).append(label)
        for entry, row in late:
            for name in own:
                if entry.fields[name]:
                    setattr(row, name, self.find(model, entry.fields[name], entry, name))
            if not self.problems and self.checked(entry, row, exclude=[]):
                row.skip_history_when_saving = True  # type: ignore[attr-defined]
                row.save()
                del row.skip_history_when_saving  # type: ignore[attr-defined]

    def misfits(self, entry: Entry) -> bool:
        """Whether a value would be kept in another form than the file's: a later load would take that for an edit."""
        before = len(self.problems)
        parts = [(entry.model, "", entry.fields)]
        for name, rows in entry.children.items():
            parts += [(entry.model._meta.get_field(name).related_model, f"{name}.", row) for row in rows]
        for model, prefix, values in parts:
            for name, value in values.items():
                target = model._meta.get_field(name)
                if value is None or target.is_relation:
                    continue
                try:
                    kept = target.to_python(value)
                    fault = "" if as_json(kept) == as_json(value) else f"{value!r} would be kept as {kept!r}."
                except ValidationError as error:
                    fault = " ".join(error.messages)
                except TypeError:
                    fault = f"{value!r} is of the wrong kind."
                if fault:
                    self.problems.append(f"{entry.where}: the field “{prefix}{name}”: {fault}")
        return len(self.problems) > before

    def write_row(self, entry: Entry, row: models.Model, own: list[str]) -> models.Model | None:
        """Save one row with all that belongs to it; None when something is wrong with it."""
        before, complete = len(self.problems), True
        values: dict[str, Any] = {}
        for name, value in entry.fields.items():
            if name in own:
                # Linked later; until then it stands alone, unless an editor has deleted what it would point at.
                if value and all(isinstance(part, str) for part in value) and (entry.model, value) in self.deleted:
                    raise Deleted
                value = None
            elif isinstance(value, tuple):
                value = self.find(entry.model._meta.get_field(name).related_model, value, entry, name)
                if value is None:
                    complete = False
                    continue
            values[name] = value
        many = {
            name: [self.find(entry.model._meta.get_field(name).related_model, (key,), entry, name) for key in keys]
            for name, keys in entry.many.items()
        }
        for name in ("body", "not_same_as"):
            for key in cited_keys(str(entry.fields.get(name, ""))):
                self.find(Source, (key,), entry, name)
        for name, value in values.items():
            setattr(row, name, value)
        parts = {name: list(self.make_children(entry, row, name, rows)) for name, rows in entry.children.items()}
        children = [child for rows in parts.values() for child in rows]
        complete = complete and all(other is not None for others in many.values() for other in others)
        complete = complete and None not in children
        if not complete or len(self.problems) > before or not self.checked(entry, row, exclude=own):
            return None
        row._change_reason = CHANGE_REASON  # type: ignore[attr-defined]
        if isinstance(row, Publishable):
            row.state_before = None  # whoever writes the files may set any state
        try:
            with transaction.atomic():
                row.save()
                for name, others in many.items():
                    getattr(row, name).set(others)
                for name, others in parts.items():
                    getattr(row, name).all().delete()
                    getattr(row, name).model._default_manager.bulk_create(others)
        except IntegrityError as error:
            # The database has the last word; the models put it into words.
            accepted = [self.checked(entry, one, exclude=(), ask_database=True) for one in (row, *children)]
            if all(accepted):
                self.problems.append(f"{entry.where}: the database refuses this. {error}")
            return None
        return row

    def make_children(
        self, entry: Entry, row: models.Model, name: str, rows: list[dict[str, Any]]
    ) -> Iterator[models.Model | None]:
        """The parts of a row; None for one that names what was refused, which is said there."""
        relation = entry.model._meta.get_field(name)
        for values in rows:
            child = relation.related_model(**{relation.field.name: row})
            complete = True
            for key, value in values.items():
                if isinstance(value, list):
                    value = self.find(child._meta.get_field(key).related_model, tuple(value), entry, f"{name}.{key}")
                    complete = complete and value is not None
                    if value is None:
                        continue
                setattr(child, key, value)
            if complete:
                self.checked(entry, child, exclude=[relation.field.name], prefix=f"{name}.")
            yield child if complete else None

    def checked(
        self,
        entry: Entry,
        row: models.Model,
        exclude: Iterable[str],
        prefix: str = "",
        ask_database: bool = False,
    ) -> bool:
        """Whether the model accepts the row; what it says becomes problems.

        What it points at comes from `find`, so it is there. Uniqueness and constraints are asked of the database one by
        one only when it has refused the row.
        """
        if not ask_database:
            exclude = {*exclude, *(f.name for f in row._meta.concrete_fields if f.is_relation)}
        try:
            row.full_clean(exclude=exclude, validate_unique=ask_database, validate_constraints=ask_database)
        except ValidationError as error:
            for name, messages in error.message_dict.items():
                for message in messages:
                    about = "" if name == "__all__" else f"the field “{prefix}{name}”: "
                    self.problems.append(f"{entry.where}: {about}{message}")
            return False
        return True

    def remove_what_left(self) -> list[str]:
        """Entries that are no longer in the files leave the site, unless an editor has taken them over.

        Returns those that stay because something still needs them; a later load tries these again.
        """
        needed: list[str] = []
        for model in reversed(list(self.by_model)):
            present = {"|".join(entry.key) for entry in self.by_model[model]}
            rows = {"|".join(key): row for key, row in self.rows[model].items()}
            leaving = {
                known.key: known
                for (label, key), known in self.loaded.items()
                if label == model._meta.label_lower and key not in present
            }
            # A whole family may leave: its head goes once the others are gone.
            while gone := [known for known in leaving.values() if self.remove(model, rows.get(known.key), known)]:
                for known in gone:
                    del leaving[known.key]
            needed += [f"{model._meta.verbose_name} {key} (still used)" for key in leaving]
        return needed

    def remove(self, model: type[models.Model], row: models.Model | None, known: LoadedEntry) -> bool:
        """Forget an entry and, unless an editor has changed it, delete its row; False while something needs it."""
        label = f"{model._meta.verbose_name} {known.key}"
        if row is not None and known.fingerprint not in ("", row_state(row)):
            self.report.kept.append(label)
        elif row is not None:
            if is_used(row):
                return False
            del self.rows[model][row.natural_key()]
            row.delete()
            self.report.removed.append(label)
        del self.loaded[known.model, known.key]
        known.delete()
        return True


def sync(entries: list[Entry], problems: list[str]) -> Report:
    """Bring the database to what the files say, in one transaction.

    A row that differs from what was last loaded was changed by an editor and stays as it is; so does a row that an
    editor deleted. Raises ContentError, and changes nothing, when the files have any problem.
    """
    return Sync(entries, problems).run()
