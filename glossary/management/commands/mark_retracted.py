from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from glossary import retractions
from glossary.models import Source


class Command(BaseCommand):
    help = "Mark a source as retracted (or doubted, or replaced) and list everything that rests on it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", help="the source's short name, as in [@key]")
        parser.add_argument("--reason", required=True, help="why; readers see it in the list of changes")
        other = parser.add_mutually_exclusive_group()
        other.add_argument("--concern", action="store_true", help="an expression of concern, no retraction yet")
        other.add_argument("--superseded-by", metavar="KEY", help="a newer edition took its place")

    def handle(self, *args: Any, **options: Any) -> None:
        source, newer = self.source(options["key"]), None
        status = Source.Status.CONCERN if options["concern"] else Source.Status.RETRACTED
        if options["superseded_by"]:
            status, newer = Source.Status.SUPERSEDED, self.source(options["superseded_by"])
        try:
            retractions.mark(source, status, options["reason"], newer)
        except ValidationError as error:
            raise CommandError(f"Nothing was changed. {' '.join(error.messages)}") from None
        self.stdout.write(f"{source.key} is now marked: {status.label}.")
        groups = retractions.resting_on(source)
        if not groups:
            self.stdout.write("Nothing in the guide rests on it.")
        for words, rows in groups:
            self.stdout.write(f"To judge again, {words}: {len(rows)}")
            for row in rows:
                state = f" ({row.get_state_display()})" if hasattr(row, "state") else ""
                self.stdout.write(f"    {retractions.label(row)}{state}")

    def source(self, key: str) -> Source:
        """The source of that key; CommandError when there is none."""
        source = Source.objects.filter(key=key).first()
        if source is None:
            near = Source.objects.filter(key__icontains=key[:12]).values_list("key", flat=True)[:5]
            hint = f" Did you mean {', '.join(near)}?" if near else ""
            raise CommandError(f"There is no source “{key}”.{hint}")
        return source
