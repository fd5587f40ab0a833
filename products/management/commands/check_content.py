from typing import Any

from django.core.management.base import BaseCommand, CommandError

from products import checks


class Command(BaseCommand):
    help = "Check that the guide keeps its promises, print the outcome as a table, and keep it for /method/."

    def handle(self, *args: Any, **options: Any) -> None:
        outcome = checks.run()
        width = max(len(check.promise) for check in outcome)
        self.stdout.write(f"{'Promise':<{width}}  Problems")
        for check in outcome:
            self.stdout.write(f"{check.promise:<{width}}  {len(check.problems) or 'none'}")
            for problem in check.problems:
                self.stdout.write(f"    {problem}")
        broken = sum(bool(check.problems) for check in outcome)
        if broken:
            raise CommandError(f"{broken} of {len(outcome)} promises are broken.")
