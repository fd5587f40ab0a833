import sys
from argparse import ArgumentTypeError
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from glossary.models import Source
from glossary.reference_import import SourceForm, Unreadable, likeness, saved, understand


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is not a date; write it as 2026-11-23") from None


class Command(BaseCommand):
    help = (
        "Add sources from a file of references in CSL-JSON, RIS or BibTeX, all or none. What a reference does not say "
        "has to be given, and holds for all of them; the admin has a page that asks for each."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="a file, or - for what is piped in")
        parser.add_argument("--dry-run", action="store_true", help="only show what was understood")
        parser.add_argument("--kind", choices=Source.Kind.values, help="which kind of source these are")
        parser.add_argument("--read", choices=Source.Read.values, help="what was read of them")
        parser.add_argument("--funder", choices=Source.Funder.values, help="who paid")
        parser.add_argument("--checked-on", type=day, help="when it was looked at; today if left out")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            data = sys.stdin.buffer.read() if options["file"] == "-" else Path(options["file"]).read_bytes()
            rows = understand(data.decode("utf-8-sig"))
        except OSError as error:
            raise CommandError(f"The file cannot be read. {error}") from None
        except UnicodeDecodeError:
            raise CommandError("The file is not UTF-8 text.") from None
        except Unreadable as error:
            raise CommandError(str(error)) from None
        for row in rows:
            self.show(row)
        if options["dry_run"]:
            self.stdout.write("Nothing was saved: this was a dry run.")
            return
        given = {name: options[name] for name in ("kind", "read", "funder")}
        if missing := [f"--{name}" for name, value in given.items() if not value]:
            raise CommandError(f"Nothing was saved: a reference does not say this, so give {', '.join(missing)}.")
        given["checked_on"] = options["checked_on"]
        forms = [
            SourceForm(
                row | given | {"checked_on": given["checked_on"] or row.get("checked_on") or timezone.localdate()}
            )
            for row in rows
        ]
        if not saved(forms, f"Imported from {Path(options['file']).name}"):
            lines = [
                f"  {row['key']}, {name}: {sentence}"
                for row, form in zip(rows, forms, strict=True)
                for name, sentences in form.errors.items()
                for sentence in sentences
            ]
            raise CommandError("Nothing was saved.\n" + "\n".join(lines).replace(", __all__:", ":"))
        self.stdout.write(f"{len(forms)} added.")

    def show(self, row: dict[str, Any]) -> None:
        guess = f" (the title sounds like: {row['kind']})" if row["kind"] else ""
        self.stdout.write(f"{row['key']}{guess}")
        for name, value in row.items():
            if name not in ("key", "kind"):
                self.stdout.write(f"  {name}: {value}")
        for shared, source in likeness(row):
            self.stdout.write(f"  NB there is already a source with this {shared}: {source.key}")
