import sys
from typing import Any

from django.core.management.base import BaseCommand

from config import doctor


class Command(BaseCommand):
    help = "Say what is wrong with this installation, and what to do. Changes nothing; fails when something is wrong."
    requires_system_checks: list = []  # it runs them itself, and says more

    def handle(self, *args: Any, **options: Any) -> None:
        found = doctor.examine()
        for finding in found:
            self.stdout.write(f"{finding.weight.upper():<7} {finding.words}\n        {finding.todo}")
        count = sum(finding.weight == "wrong" for finding in found)
        if count:
            self.stdout.write(f"{count} {'things are' if count > 1 else 'thing is'} wrong.")
            sys.exit(1)
        self.stdout.write("Nothing is wrong.")
