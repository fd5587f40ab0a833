from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from glossary.content import ROOT as GLOSSARY_ROOT
from glossary.content import ContentError, read_glossary, sync
from products import checks, search_index
from products.content import ROOT as PRODUCTS_ROOT
from products.content import read_products
from products.models import ContentCheck


class Command(BaseCommand):
    help = "Bring the guide to what the content files say; entries that an editor has changed stay as they are."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--glossary", type=Path, default=GLOSSARY_ROOT, help="another folder of glossary content")
        parser.add_argument("--products", type=Path, default=PRODUCTS_ROOT, help="another folder of products content")

    def handle(self, *args: Any, **options: Any) -> None:
        entries, problems = read_glossary(options["glossary"])
        more_entries, more_problems = read_products(options["products"])
        try:
            with transaction.atomic(), search_index.paused():
                report = sync(entries + more_entries, problems + more_problems)
                # Once at the end: entry by entry it would take many times as long.
                if report.changes or not search_index.is_in_step():
                    search_index.rebuild()
        except ContentError as error:
            lines = "\n".join(f"  {problem}" for problem in error.problems)
            raise CommandError(f"Nothing was changed. Problems found: {len(error.problems)}\n{lines}") from None
        self.stdout.write(f"Content: {report}.")
        if report.changes or not ContentCheck.objects.exists():
            checks.run()
        if options["verbosity"] > 1:
            for label in report.kept:
                self.stdout.write(f"  kept as an editor left it: {label}")
