"""`manage.py rebuild_rollups`: make the overview's sums anew from the sending records."""

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from records.rollups.rebuilding import find_beginning, rebuild


class Command(BaseCommand):
    """Compares sums and records hour by hour, and corrects the sums; mail may be sent meanwhile."""

    help = "Correct the sums that the overview shows from the sending records. Sending goes on meanwhile."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare where to begin."""
        parser.add_argument(
            "--since",
            type=_read_day,
            metavar="YYYY-MM-DD",
            help="first day (UTC); else the first hour whose records are all there. Sums of days whose records were"
            " pruned become zero if they are included.",
        )

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Correct hour after hour, and say how many were looked at.

        Raises:
            CommandError: There are no records and no day was given (exit code 1).
        """
        beginning = options["since"] or find_beginning()
        if beginning is None:
            raise CommandError("There are no sending records. Give --since to clear sums.")
        hours = sum(1 for _hour in rebuild(beginning))
        self.stdout.write(f"The sums of {hours} hours since {beginning:%Y-%m-%d %H:%M} UTC agree with the records.")


def _read_day(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
