from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from config import backup


class Command(BaseCommand):
    help = (
        "Copy the whole database to BACKUP_DIR, look into the copy, and remove copies that are older than they need be."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--drill",
            action="store_true",
            help="PostgreSQL: also bring the copy back into a scratch database and count (needs leave to make one)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            copy, manifest = backup.make(with_drill=options["drill"])
        except (backup.Refused, OSError, DatabaseError) as error:
            raise CommandError(f"No backup was made. {error}") from error
        self.stdout.write(
            f"{copy}: {manifest.size / 1e6:.1f} MB, edition {manifest.edition}, {manifest.rows} rows. "
            f"Checked: {', '.join(manifest.checks)}."
        )
        for gone in backup.tidy():
            self.stdout.write(f"Removed, being older than need be: {gone.name}")
