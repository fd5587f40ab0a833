"""What search looks things up in: one row for each thing, kept in step with edits, with the database's full-text search.

The interface is small: `rebuild` and `is_in_step` for the operator, `postings`, `matching_sources` and `holding` for
`products.search`. Everything that differs between SQLite (FTS5) and PostgreSQL (tsvector, pg_trgm) is in this file.

Entries are written by receivers of signals, in the transaction of the edit itself. Writes that send no signals
(`bulk_create`, `update`) need a `rebuild` after them.
"""
# ruff: noqa: S608 - statements are built from names in this file; what visitors type is passed as a parameter.

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import DatabaseError, connection, connections, models, transaction
from django.db.models.signals import post_delete, post_save

from glossary.models import Alias, Concept, Effect, EffectWording, Source
from glossary.revisions import is_quiet, written
from glossary.text import fold
from products.models import Category, Goal, Ingredient, Question, SearchEntry, SearchState

# Raise this after a change in `words` or in what an entry holds: `is_in_step` then asks for a rebuild.
FORM = 1
# More of a text than this is not looked through, and longer words than this are cut.
LONGEST_TEXT, LONGEST_WORD = 60_000, 40

# A word that stands in more texts than this tells little: so many of them are looked at.
MOST_TEXTS = 1_000

TABLE = "products_searchentry"
WORDS, PIECES = "products_search_words", "products_search_pieces"


# --- Words: the same for what is kept and for what is asked

HAN, KANA, HANGUL = r"㐀-鿿豈-﫿𠀀-𳎟々", r"ァ-ヺー", r"가-힣"
# A run of letters of one script: Latin words stand alone, Chinese, Japanese and Korean ones are cut into pairs.
RUN = re.compile(rf"([{HAN}]+|[{KANA}]+|[{HANGUL}]+)|((?:(?![{HAN}{KANA}{HANGUL}])[^\W_])+)")
HIRAGANA = {code: code + 0x60 for code in range(0x3041, 0x3097)}
# The longest first, so that “injections”, “injected” and “injection” all become “inject”.
ENDINGS = re.compile(
    r"(?:(?<=[a-z]{2}t)ions?|(?<=[a-z]{3})(?:ings?|ies|ied)|(?<=[a-z]{4})(?:ed|es|e|y)|(?<=[a-z]{2}[a-rtv-z])s)$"
)
DOUBLED = re.compile(r"([bdgmnprt])\1$")


def stem(word: str) -> str:
    """A folded Latin word without its ending: plural, -ing, -ed, -tion."""
    if len(word) < 4 or not word.isascii() or not word.isalpha():
        return word
    return DOUBLED.sub(r"\1", ENDINGS.sub("", word))


def plain(text: str) -> str:
    """Folded text, with one kind of Japanese letters only."""
    return fold(text).translate(HIRAGANA)


def words(text: str) -> list[str]:
    """The words of a text as they are looked up, in order, repeats included."""
    found = []
    for pairs, word in RUN.findall(plain(text)):
        if word:
            found.append(stem(word[:LONGEST_WORD]))
        elif len(pairs) == 1:
            found.append(pairs)
        else:
            found += [pairs[start : start + 2] for start in range(len(pairs) - 1)]
    return found


def packed(*texts: str) -> str:
    """Each word of the texts once, with spaces between: what goes into the database."""
    return " ".join(dict.fromkeys(word for text in texts for word in words(text[:LONGEST_TEXT])))


# --- What an entry holds


def concept_entries(rows: models.QuerySet[Concept]) -> Iterator[SearchEntry]:
    for concept in rows.published().prefetch_related("aliases"):
        aliases = [(alias.text, alias.kind) for alias in concept.aliases.all()]
        yield SearchEntry(
            kind="concept",
            object_id=concept.pk,
            slug=concept.slug,
            name=concept.name,
            summary=concept.summary,
            spellings=[(concept.name, "name"), *aliases],
            names=packed(concept.name, *[text for text, _ in aliases]),
            lead=packed(concept.summary),
            body=packed(concept.body, concept.not_same_as),
        )


def category_entries(rows: models.QuerySet[Category]) -> Iterator[SearchEntry]:
    for category in rows.published().prefetch_related("ingredients", "goals"):
        parts: dict[str, list[int]] = {"active": [], "others": [], "goals": [g.effect_id for g in category.goals.all()]}
        for part in category.ingredients.all():
            parts["active" if part.role == Ingredient.Role.ACTIVE else "others"].append(part.concept_id)
        yield SearchEntry(
            kind="category",
            object_id=category.pk,
            slug=category.slug,
            name=category.name,
            summary=category.summary,
            spellings=[(category.name, "name")],
            parts=parts,
            names=packed(category.name),
            lead=packed(category.summary, category.get_route_display()),
            body=packed(category.body, category.daily_life),
        )


def effect_entries(rows: models.QuerySet[Effect]) -> Iterator[SearchEntry]:
    for effect in rows.prefetch_related("wordings"):
        # Only wordings that are plain words; the ad check alone reads those with gaps and choices.
        plain_ones = [w.text.rstrip("*") for w in effect.wordings.all() if not set("()|…*[]") & set(w.text.rstrip("*"))]
        yield SearchEntry(
            kind="effect",
            object_id=effect.pk,
            slug=effect.slug,
            name=effect.name,
            summary=effect.description,
            spellings=[(effect.name, "name"), (effect.wish, "synonym"), *[(text, "wording") for text in plain_ones]],
            names=packed(effect.name, effect.wish, *plain_ones),
            lead=packed(effect.description),
        )


def question_entries(rows: models.QuerySet[Question]) -> Iterator[SearchEntry]:
    for question in rows.all():
        yield SearchEntry(
            kind="question",
            object_id=question.pk,
            slug=question.slug,
            name=question.text,
            summary=question.why,
            spellings=[(question.text, "name")],
            names=packed(question.text),
            lead=packed(question.why),
            body=packed(question.good_answer, question.vague_answer, question.follow_up),
        )


def source_entries(rows: models.QuerySet[Source]) -> Iterator[SearchEntry]:
    for source in rows.all():
        told = f"{source.short_authors}, {source.year or 'undated'}"
        label = f"{source.key} {source.doi} {source.pmid} {source.title} {source.authors}"
        yield SearchEntry(
            kind="source",
            object_id=source.pk,
            slug=source.key,
            name=source.title,
            summary=told,
            names=packed(source.title, source.authors, source.key.replace("-", " "), str(source.year or "")),
            lead=packed(source.container, source.note),
            pieces=plain(label)[:LONGEST_TEXT].replace("\x00", ""),
        )


ENTRIES = {
    Concept: ("concept", concept_entries),
    Category: ("category", category_entries),
    Effect: ("effect", effect_entries),
    Question: ("question", question_entries),
    Source: ("source", source_entries),
}
GUIDE = ["concept", "category", "effect", "question"]
# What belongs to a thing, and by which field: an edit of it is an edit of the thing.
OWNERS = {Alias: "concept", EffectWording: "effect", Ingredient: "category", Goal: "category"}


# --- Keeping in step

_is_paused: ContextVar[bool] = ContextVar("search_is_paused", default=False)


@contextmanager
def paused() -> Iterator[None]:
    """Edits inside leave the entries alone; a `rebuild` has to follow in the same transaction."""
    token = _is_paused.set(True)
    try:
        yield
    finally:
        _is_paused.reset(token)


def write(model: type[models.Model], pks: Iterable[int]) -> None:
    """Bring the entries of these rows to what the rows say; those that readers may not see have none."""
    kind, make = ENTRIES[model]
    pks = set(pks)
    entries = list(make(model._default_manager.filter(pk__in=pks)))
    fields = [f.name for f in SearchEntry._meta.concrete_fields if f.name not in ("id", "kind", "object_id")]
    with transaction.atomic():
        if gone := pks - {entry.object_id for entry in entries}:
            SearchEntry.objects.filter(kind=kind, object_id__in=gone).delete()
        SearchEntry.objects.bulk_create(
            entries, update_conflicts=True, unique_fields=["kind", "object_id"], update_fields=fields
        )
        touch()


def touch() -> None:
    """Tell every process that what it remembers is stale."""
    state = SearchState(pk=1, stamp=uuid.uuid4().hex, form=FORM)
    SearchState.objects.bulk_create(
        [state], update_conflicts=True, unique_fields=["id"], update_fields=["stamp", "form"]
    )


def follow(sender: type[models.Model], instance: Any, raw: bool = False, **kwargs: Any) -> None:
    """Receiver of `post_save` and `post_delete`, and of `written` for an entry with all its parts at once."""
    if _is_paused.get() or is_quiet.get() or raw or sender not in (*ENTRIES, *OWNERS):
        return
    if sender in OWNERS:
        owner = OWNERS[sender]
        model = sender._meta.get_field(owner).related_model
        write(model, [getattr(instance, f"{owner}_id")])
    else:
        write(sender, [instance.pk])


def connect() -> None:
    """Listen to the edits of everything that search finds."""
    for model in (*ENTRIES, *OWNERS):
        for signal in (post_save, post_delete):
            signal.connect(follow, sender=model, dispatch_uid=f"search_{model.__name__}_{id(signal)}")
    written.connect(follow, dispatch_uid="search_written")


def rebuild() -> int:
    """Write every entry anew, in one transaction; how many there are."""
    with transaction.atomic():
        install(connection.alias)
        SearchEntry.objects.all().delete()
        entries = [entry for model, (_, make) in ENTRIES.items() for entry in make(model._default_manager.all())]
        SearchEntry.objects.bulk_create(entries, batch_size=500)
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                for table in (WORDS, PIECES):
                    cursor.execute(f"INSERT INTO {table}({table}) VALUES ('rebuild')")
            else:
                cursor.execute(f"ANALYZE {TABLE}")  # without figures on the new rows it would not use its indexes
        touch()
    return len(entries)


def is_in_step() -> bool:
    """Whether there is an entry for everything there is, in the form this code reads: seven counts."""
    state = SearchState.objects.first()
    if state is None or state.form != FORM:
        return False
    there = Concept.objects.published().count() + Category.objects.published().count()
    there += sum(model._default_manager.count() for model in (Effect, Question, Source))
    return SearchEntry.objects.count() == there


# --- The database's own part


def sqlite_statements() -> list[str]:
    statements = [
        f"""CREATE VIRTUAL TABLE IF NOT EXISTS {WORDS} USING fts5(
            kind, names, lead, body, content='{TABLE}', content_rowid='id',
            tokenize='unicode61 remove_diacritics 0', prefix='2 4')""",
        f"""CREATE VIRTUAL TABLE IF NOT EXISTS {PIECES} USING fts5(
            pieces, content='{TABLE}', content_rowid='id', tokenize='trigram')""",
    ]
    for table, columns in ((WORDS, ["kind", "names", "lead", "body"]), (PIECES, ["pieces"])):
        names = ", ".join(columns)

        def values(row: str, columns: list[str] = columns) -> str:
            return ", ".join(f"{row}.{column}" for column in columns)

        put = f"INSERT INTO {table}(rowid, {names}) VALUES (new.id, {values('new')});"
        take = f"INSERT INTO {table}({table}, rowid, {names}) VALUES ('delete', old.id, {values('old')});"
        for event, does in (("INSERT", put), ("DELETE", take), ("UPDATE", take + put)):
            name = f"{table}_{event.lower()}"
            statements.append(f"CREATE TRIGGER IF NOT EXISTS {name} AFTER {event} ON {TABLE} BEGIN {does} END")
    return statements


def postgresql_statements() -> list[str]:
    parts = (("names", "A"), ("lead", "B"), ("body", "C"))
    vector = " || ".join(f"setweight(to_tsvector('simple', {column}), '{weight}')" for column, weight in parts)
    return [
        f"ALTER TABLE {TABLE} ADD COLUMN IF NOT EXISTS vector tsvector GENERATED ALWAYS AS ({vector}) STORED",
        # Two, since an index of its own spares the few entries of the guide a walk through all the sources.
        f"CREATE INDEX IF NOT EXISTS {WORDS}_guide ON {TABLE} USING gin (vector) WHERE kind <> 'source'",
        f"CREATE INDEX IF NOT EXISTS {WORDS}_source ON {TABLE} USING gin (vector) WHERE kind = 'source'",
    ]


def install(using: str, **kwargs: Any) -> None:
    """Receiver of `post_migrate`: make what no migration can describe. Harmless when it is there already.

    Without pg_trgm, which not every account may create, pieces of words are looked for without an index.
    """
    connection = connections[using]
    if TABLE not in connection.introspection.table_names():
        return
    statements = {"sqlite": sqlite_statements, "postgresql": postgresql_statements}[connection.vendor]()
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    if connection.vendor == "postgresql":
        try:
            with transaction.atomic(using), connection.cursor() as cursor:
                cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
                cursor.execute(f"CREATE INDEX IF NOT EXISTS {PIECES} ON {TABLE} USING gin (pieces gin_trgm_ops)")
        except DatabaseError:
            pass


def pattern(word: str) -> str:
    """A word for the full-text search: as a beginning where it is long enough to mean something."""
    star = "*" if len(word) > 3 and word.isalpha() else ""
    return f'"{word}"{star}' if connection.vendor == "sqlite" else f"'{word}'{':*' if star else ''}"


def postings(asked: list[str]) -> list[tuple[int, str, int]]:
    """Where words stand: (number of the word, place, id of the entry), in one query.

    The places are “lead” and “body” of what is not a source; and “source”, with any one of them, when some source
    has the word.
    """
    selects, values = [], []
    for number, word in enumerate(asked):
        term = pattern(word)
        if connection.vendor == "sqlite":
            for place in ("lead", "body"):
                some = f"SELECT {number}, '{place}', rowid FROM {WORDS} WHERE {WORDS} MATCH %s LIMIT {MOST_TEXTS}"
                selects.append(f"SELECT * FROM ({some}) AS {place}_{number}")
                values.append(f"{place} : {term} NOT kind : source")
            one = f"SELECT {number}, 'source', rowid FROM {WORDS} WHERE {WORDS} MATCH %s LIMIT 1"
            values.append(f"{term} AND kind : source")
        else:
            star = "" if ":" in term else ":"
            for place, weight in (("lead", "B"), ("body", "C")):
                some = (
                    f"SELECT {number}, '{place}', id FROM {TABLE} "
                    f"WHERE kind <> 'source' AND vector @@ to_tsquery('simple', %s) LIMIT {MOST_TEXTS}"
                )
                selects.append(f"SELECT * FROM ({some}) AS {place}_{number}")
                values.append(f"{term}{star}{weight}")
            one = (
                f"SELECT {number}, 'source', id FROM {TABLE} "
                "WHERE kind = 'source' AND vector @@ to_tsquery('simple', %s) LIMIT 1"
            )
            values.append(term)
        selects.append(f"SELECT * FROM ({one}) AS one_{number}")
    if not selects:
        return []
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(selects), values)
        return cursor.fetchall()


def matching_sources(asked: list[str], limit: int) -> list[int]:
    """The ids of the entries of sources that hold all of these words, the closest first."""
    if not asked:
        return []
    if connection.vendor == "sqlite":
        query = f"SELECT rowid FROM {WORDS} WHERE {WORDS} MATCH %s ORDER BY bm25({WORDS}, 0, 4, 1, 1), rowid LIMIT %s"
        values = [" AND ".join(["kind : source", *map(pattern, asked)]), limit]
    else:
        query = (
            f"SELECT id FROM {TABLE}, to_tsquery('simple', %s) AS query WHERE kind = 'source' AND vector @@ query "
            "ORDER BY ts_rank(vector, query, 1) DESC, id LIMIT %s"
        )
        values = [" & ".join(map(pattern, asked)), limit]
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return [pk for (pk,) in cursor.fetchall()]


def holding(piece: str, limit: int) -> list[int]:
    """The ids of the entries of sources with this folded text in their key, title, authors or number."""
    escaped = re.sub(r"([\\%_])", r"\\\1", piece)
    if len(piece) < 3:
        return []
    if connection.vendor == "sqlite":
        query = f"SELECT rowid FROM {PIECES} WHERE {PIECES} MATCH %s ORDER BY rowid LIMIT %s"
        values: list[Any] = [f'"{piece.replace(chr(34), "")}"', limit]
    else:
        query = f"SELECT id FROM {TABLE} WHERE pieces LIKE %s ORDER BY id LIMIT %s"
        values = [f"%{escaped}%", limit]
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return [pk for (pk,) in cursor.fetchall()]
