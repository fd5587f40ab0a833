import getpass
import sys
from typing import Any

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.urls import reverse

from config.roles import ADMINISTRATOR, ROLES


class Command(BaseCommand):
    help = "Make an account for the editors' desk. Asks for the password, unless that comes from standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the user name to log in with")
        parser.add_argument("--role", required=True, choices=[role.lower() for role in ROLES], help="what it may do")
        parser.add_argument("--email", default="")
        parser.add_argument(
            "--password-from-stdin",
            action="store_true",
            help="for scripts: the password is the first line of the input",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = User(username=User.normalize_username(options["name"]), email=options["email"], is_staff=True)
        if User.objects.filter(username=user.username).exists():
            raise CommandError(f"There is an account {user.username!r} already. Nothing was changed.")
        try:
            user.full_clean(exclude=["password"])
        except ValidationError as error:
            raise CommandError("Nothing was made. " + " ".join(error.messages)) from None
        user.set_password(self.piped(user) if options["password_from_stdin"] else self.asked(user))
        role = options["role"].capitalize()
        with transaction.atomic():
            user.save()
            user.groups.add(Group.objects.get(name=role))
        self.stdout.write(f"Made {user.username!r}, {role.lower()}. The desk is at {reverse('admin:index')}.")
        if role == ADMINISTRATOR:
            self.stdout.write("Further accounts can be made there, under “Users”.")

    def piped(self, user: User) -> str:
        password = sys.stdin.readline().rstrip("\r\n")
        if weaknesses := self.weaknesses(password, user):
            raise CommandError("Nothing was made. " + " ".join(weaknesses))
        return password

    def asked(self, user: User) -> str:
        """Typed twice and not shown; asked again until it will do."""
        if not sys.stdin.isatty():
            raise CommandError("There is nobody to ask for a password here: use --password-from-stdin.")
        while True:
            try:
                password = getpass.getpass("Password (12 characters or more): ")
                again = getpass.getpass("The same again: ")
            except (KeyboardInterrupt, EOFError):
                raise CommandError("\nNothing was made.") from None
            weaknesses = self.weaknesses(password, user) if password == again else ["Those two are not the same."]
            if not weaknesses:
                return password
            self.stderr.write(" ".join(weaknesses))

    def weaknesses(self, password: str, user: User) -> list[str]:
        """What is wrong with a password, as sentences."""
        try:
            validate_password(password, user)
        except ValidationError as error:
            return error.messages
        return []
