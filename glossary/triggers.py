"""The one promise that no check constraint can hold: the family tree has no loop.

Installed after every migration, since SQLite drops a table's triggers when a migration rebuilds the table.
"""

from typing import Any

from django.db import connections

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


def install(using: str, **kwargs: Any) -> None:
    """Receiver of `post_migrate`."""
    connection = connections[using]
    if "glossary_concept" not in connection.introspection.table_names():
        return
    statements = {"sqlite": sqlite_statements, "postgresql": postgresql_statements}[connection.vendor]()
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
