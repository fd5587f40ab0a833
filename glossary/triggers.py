"""What the database itself sees to: the family tree has no loop, and each change of the content makes a new edition.

Installed after every migration, since SQLite drops a table's triggers when a migration rebuilds the table.
"""

import hashlib
import secrets
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from glossary.models import Edition, State, TableEdition

# --- The family tree has no loop: the one promise that no check constraint can hold

NAME = "glossary_concept_no_loop"

# SQLite allows no recursive query inside a trigger, so the look-up climbs as far as this and refuses deeper trees.
SQLITE_DEPTH = 8


def sqlite_statements() -> list[str]:
    up = "NEW.parent_id"
    climbed = []
    for _ in range(SQLITE_DEPTH):
        climbed.append(up)
        up = f"(SELECT parent_id FROM glossary_concept WHERE id = {up})"
    loop = " OR ".join(f"{step} = NEW.id" for step in climbed)
    body = f"""
        BEFORE {{event}} ON glossary_concept WHEN NEW.parent_id IS NOT NULL AND ({loop} OR {up} IS NOT NULL)
        BEGIN SELECT RAISE(ABORT, '{NAME}'); END
    """
    events = {"insert": "INSERT", "update": "UPDATE OF parent_id"}
    return [f"CREATE TRIGGER IF NOT EXISTS {NAME}_{name} {body.format(event=event)}" for name, event in events.items()]


def postgresql_statements() -> list[str]:
    return [
        f"""
        CREATE OR REPLACE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            -- One at a time: of two moves made at once, neither would see the loop that they close together.
            PERFORM pg_advisory_xact_lock(hashtext('{NAME}'));
            IF EXISTS (
                WITH RECURSIVE up(id) AS (
                    SELECT NEW.parent_id
                    UNION SELECT c.parent_id FROM glossary_concept c JOIN up ON c.id = up.id
                )
                SELECT 1 FROM up WHERE id = NEW.id
            ) THEN
                RAISE EXCEPTION USING MESSAGE = '{NAME}', ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$
        """,
        f"""
        CREATE OR REPLACE TRIGGER {NAME} BEFORE INSERT OR UPDATE OF parent_id ON glossary_concept
        FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL) EXECUTE FUNCTION {NAME}()
        """,
    ]


# --- Each change of the content makes a new edition (see `edition.py`)


def shown_models() -> Iterator[type[models.Model]]:
    """Every model whose rows readers see: entries, their parts, the links between them."""
    for model in apps.get_models():
        if hasattr(model, "NATURAL_KEY") or hasattr(model, "IS_SHOWN"):
            yield model
            yield from (model._meta.get_field(part).related_model for part in getattr(model, "PARTS", ()))
            yield from (link.remote_field.through for link in model._meta.many_to_many)


PREFIX = "edition_"
# Rows that readers were never shown may change as they like; a withdrawn one is still told of. The parts and links of neither may: to
# tell them apart would take a look at another table for each row, and all that a needless edition costs is a few queries.
WHEN = {
    "insert": "NEW.state IN ({shown})",
    "update": "OLD.state IN ({shown}) OR NEW.state IN ({shown})",
    "delete": "OLD.state IN ({shown})",
}
SHOWN = f"'{State.PUBLISHED}', '{State.WITHDRAWN}'"
NEXT = {
    "sqlite": """
        UPDATE glossary_edition SET number = number + 1, token = lower(hex(randomblob(16))),
        changed_at = strftime('%Y-%m-%d %H:%M:%f', 'now')
    """,
    "postgresql": """
        UPDATE glossary_edition SET number = number + 1, token = replace(gen_random_uuid()::text, '-', ''),
        changed_at = clock_timestamp()
    """,
}
# Always after the edition, whose row everybody who changes something waits for: so nobody waits in a circle.
TOUCH = {
    "sqlite": "UPDATE glossary_tableedition SET token = lower(hex(randomblob(16))) WHERE name = '{table}'",
    "postgresql": """
        UPDATE glossary_tableedition SET token = replace(gen_random_uuid()::text, '-', '') WHERE name = TG_TABLE_NAME
    """,
}
FUNCTION = f"""
    CREATE OR REPLACE FUNCTION {PREFIX}next() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN {NEXT["postgresql"]}; {TOUCH["postgresql"]}; RETURN NULL; END $$
"""


def edition_triggers(vendor: str) -> dict[str, tuple[str, str]]:
    """Of each trigger its name, which tells what it says, its table, and the statement that makes it."""
    triggers = {}
    tables = {model._meta.db_table: model for model in shown_models()}
    for table, model in tables.items():
        has_state = any(field.name == "state" for field in model._meta.concrete_fields)
        for event, condition in WHEN.items():
            when = f"WHEN ({condition.format(shown=SHOWN)})" if has_state else ""
            if vendor == "sqlite":
                touch = TOUCH[vendor].format(table=table)
                body = f"AFTER {event} ON {table} FOR EACH ROW {when} BEGIN {NEXT[vendor]}; {touch}; END"
            else:
                each = "ROW" if has_state else "STATEMENT"
                body = f"AFTER {event} ON {table} FOR EACH {each} {when} EXECUTE FUNCTION {PREFIX}next()"
            does = body if vendor == "sqlite" else body + FUNCTION
            # 63 characters are the most that PostgreSQL keeps of a name.
            digest = hashlib.sha256((table + event + does).encode()).hexdigest()[:12]
            name = f"{PREFIX}{event}_{table[:32]}_{digest}"
            triggers[name] = (table, f"CREATE TRIGGER {name} {body}")
    return triggers


def install_edition(connection: BaseDatabaseWrapper) -> None:
    """Make what is missing and take away what is out of date: usually nothing, in one query."""
    present = {
        "sqlite": "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal",
    }[connection.vendor]
    wanted = edition_triggers(connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(present)
        found = {name: table for name, table in cursor.fetchall() if name.startswith(PREFIX)}
        for name in found.keys() - wanted.keys():
            on = f" ON {found[name]}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER {name}{on}")
        missing = wanted.keys() - found.keys()
        if missing and connection.vendor == "postgresql":
            cursor.execute(FUNCTION)
        for name in sorted(missing):
            cursor.execute(wanted[name][1])
        edition, _ = Edition.objects.using(connection.alias).get_or_create(
            pk=1, defaults={"token": "", "changed_at": timezone.now()}
        )
        if missing or not edition.token:  # what changed while they were not there, nobody noticed
            with transaction.atomic(using=connection.alias):
                cursor.execute(NEXT[connection.vendor])
                tables = TableEdition.objects.using(connection.alias)
                tables.all().delete()
                tables.bulk_create(
                    TableEdition(name=name, token=secrets.token_hex(16))
                    for name in {model._meta.db_table for model in shown_models()}
                )


def install(using: str, **kwargs: Any) -> None:
    """Receiver of `post_migrate`."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    if "glossary_concept" not in tables:
        return
    statements = {"sqlite": sqlite_statements, "postgresql": postgresql_statements}[connection.vendor]()
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    # Some are missing when migrations went half-way, or back.
    if {"glossary_edition", "glossary_tableedition", *(model._meta.db_table for model in shown_models())} <= tables:
        install_edition(connection)
