from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from config import backup


class Command(BaseCommand):
    help = (
        "Bring a backup back. Stop the server first. A database that is there already is replaced only with --replace."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the backup, as “manage.py backup” named it")
        parser.add_argument("--replace", action="store_true", help="put the database that is there aside")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            manifest, aside = backup.restore(options["file"], replace=options["replace"])
        except (backup.Refused, OSError, DatabaseError) as error:
            raise CommandError(f"Nothing was brought back. {error}") from error
        self.stdout.write(f"Brought back edition {manifest.edition} of {manifest.made_at}: {manifest.rows} rows.")
        if aside:
            self.stdout.write(f"What was there before is kept in {aside}")
        self.stdout.write("Now run: manage.py migrate. Then start the server.")
