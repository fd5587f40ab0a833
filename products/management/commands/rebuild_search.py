from typing import Any

from django.core.management.base import BaseCommand

from products import search_index


class Command(BaseCommand):
    help = "Write everything that search looks things up in anew. Needed after changes made past the admin."

    def handle(self, *args: Any, **options: Any) -> None:
        count = search_index.rebuild()
        self.stdout.write(f"Search: {count} entries.")
