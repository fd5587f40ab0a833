import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from glossary import links
from glossary.models import LinkCheck


class Command(BaseCommand):
    help = "Ask the address of every source and office whether it still answers. Reports; changes no entry."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--limit", type=int, default=500, help="ask at most so many addresses (500)")
        parser.add_argument("--older-than", type=int, default=7, metavar="DAYS", help="only those not asked since (7)")
        parser.add_argument("--seconds", type=int, default=1800, help="stop after so long (1800)")
        parser.add_argument("--pause", type=float, default=2, help="seconds between two requests to one host (2)")
        parser.add_argument("--timeout", type=float, default=20, help="seconds to wait for an answer (20)")
        parser.add_argument(
            "--allow-local", action="store_true", help="also ask addresses inside a network; for tests only"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for name in ("limit", "seconds", "timeout"):
            if options[name] <= 0:
                raise CommandError(f"--{name} is a number above 0.")
        for name in ("older_than", "pause"):
            if options[name] < 0:
                raise CommandError(f"--{name.replace('_', '-')} is 0 or more.")
        every = links.addresses()
        forgotten = links.forget_all_but(every)
        waiting = links.due(every, options["older_than"])
        asker = links.Asker(
            pause=options["pause"],
            timeout=options["timeout"],
            ends_at=time.monotonic() + options["seconds"],
            allow_local=options["allow_local"],
        )
        for answer in links.run(waiting[: options["limit"]], asker):
            if isinstance(answer, links.Report):
                report = answer
            elif options["verbosity"] > 1:
                self.stdout.write(f"{answer.status or '–'} {answer.url}: {LinkCheck.Outcome(answer.outcome).label}")
        if report.is_offline:
            raise CommandError(
                f"None of {report.asked} addresses could be reached, so this machine seems to have no way out. "
                "Nothing was written down."
            )
        later = len(waiting) - report.asked
        self.stdout.write(
            f"{len(every)} addresses: {report.asked} asked now, {len(every) - len(waiting)} asked lately, {later} left."
        )
        for outcome in LinkCheck.Outcome:
            if count := report.outcomes.get(outcome):
                self.stdout.write(f"{count:>5}  {outcome.label}")
        if forgotten:
            self.stdout.write(f"{forgotten} addresses are cited no more and were forgotten.")
        if report.unsaved:
            self.stdout.write(
                f"{report.unsaved} could not be reached, nor could any site that is known to answer, so this machine "
                "seems to have no way out. They were not written down."
            )
        users = links.cited_by(url for url, _ in report.failed)
        for url, check in sorted(report.failed, key=lambda pair: (not pair[1].is_dead, pair[0])):
            word = "DEAD" if check.is_dead else "fails"
            days = f"{check.failed_days} day{'s' if check.failed_days != 1 else ''}"
            self.stdout.write(f"{word}: {url}")
            self.stdout.write(f"    {check.get_outcome_display()}; {days}; {'; '.join(map(str, users[url]))}")
