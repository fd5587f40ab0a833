import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.commands import migrate
from django.db import connections

# Any number, as long as it is always this one.
LOCK = 7_205_759


class Command(migrate.Command):
    help = (
        f"{migrate.Command.help} One at a time: of two started at once, the second waits and finds nothing left to do."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        with alone(options["database"]):
            super().handle(*args, **options)


@contextmanager
def alone(database: str) -> Iterator[None]:
    """Hold what another `migrate` of this database would have to hold. Whoever dies lets go of it."""
    connection = connections[database]
    if connection.vendor == "postgresql":
        # A connection of its own, since migrations may close theirs.
        with connection.copy().cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            try:
                yield
            finally:
                cursor.connection.close()
        return
    path = Path(connection.settings_dict["NAME"])
    with path.with_name(f"{path.name}.migrating").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
