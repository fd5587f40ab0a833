from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from glossary.content import lost, read_glossary
from glossary.content_export import glossary_files
from glossary.models import Concept
from products.content import read_products
from products.content_export import products_files

# Where every file is an entry, or a letter of the sources: one that is no longer written is removed.
WHOLE_FOLDERS = ("glossary/content/concepts", "glossary/content/sources", "products/content/categories")


class Command(BaseCommand):
    help = "Write the whole guide from the database to the content files, which load_content reads."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "folder",
            nargs="?",
            type=Path,
            default=settings.BASE_DIR,
            help="gets glossary/content and products/content; this project's own folder if left out",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # One transaction, so that files do not show an edit by halves.
        with transaction.atomic():
            if not Concept.objects.exists():
                raise CommandError("Nothing was written: the database holds no guide. Run load_content first.")
            files = {f"glossary/content/{name}": text for name, text in glossary_files().items()}
            files |= {f"products/content/{name}": text for name, text in products_files().items()}
            if problems := unreadable(files):
                lines = "\n".join(f"  {problem}" for problem in problems)
                raise CommandError(f"Nothing was written: load_content would refuse this. Mend it first.\n{lines}")
        root = options["folder"]
        try:
            changed = [name for name, text in files.items() if put(root / name, text)]
            removed = [path for folder in WHOLE_FOLDERS for path in (root / folder).glob("*.yaml")]
            removed = [path for path in removed if path.relative_to(root).as_posix() not in files]
            for path in removed:
                path.unlink()
        except OSError as error:
            raise CommandError(f"A file could not be written. {error}") from None
        self.stdout.write(
            f"{len(files)} files: {len(changed)} written, {len(removed)} removed, {len(files) - len(changed)} as before."
        )


def put(path: Path, text: str) -> bool:
    """Write a file unless it says the same already; whether it was written."""
    data = text.encode()
    if path.is_file() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return True


def unreadable(files: dict[str, str]) -> list[str]:
    """What the readers say of these files, and which rows they would bring back otherwise than they stand."""
    with TemporaryDirectory() as folder:
        for name, text in files.items():
            put(Path(folder) / name, text)
        entries, problems = read_glossary(Path(folder) / "glossary/content")
        more_entries, more_problems = read_products(Path(folder) / "products/content")
    return (problems + more_problems) or lost(entries + more_entries)
