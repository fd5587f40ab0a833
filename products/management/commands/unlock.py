from typing import Any

from axes.utils import reset
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import second_factor


class Command(BaseCommand):
    help = "Let an editor log in again at once, after too many wrong passwords or codes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the user name")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["name"]).first()
        if user is None:
            raise CommandError(f"There is no account {options['name']!r}.")
        places = reset(username=user.username)
        second_factor.forgive(user)
        self.stdout.write(f"{user.username!r} can log in again. Places with wrong passwords: {places}.")
