from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from config import second_factor


class Command(BaseCommand):
    help = "Take an editor's phone and recovery codes away, both being lost. Setting up anew follows the next log-in."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the user name")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["name"]).first()
        if user is None:
            raise CommandError(f"There is no account {options['name']!r}.")
        with transaction.atomic():
            was_there = second_factor.forget(user)
        if was_there:
            self.stdout.write(
                f"{user.username!r} has no second factor now. Until one is set up, the password alone is "
                "enough: let its owner log in soon."
            )
        else:
            self.stdout.write(f"{user.username!r} had no second factor. Nothing was changed.")
