"""`manage.py rebuild_rollups`: make the overview's sums anew from the sending records."""

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from records.keeping.completeness import find_latest_removed
from records.rollups.rebuilding import find_beginning, rebuild


class Command(BaseCommand):
    """Compares sums and records hour by hour, and corrects the sums; mail may be sent meanwhile."""

    help = (
        "Count the sending records anew and correct the sums that the dashboard shows, hour by hour. "
        "Sending goes on meanwhile."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare where to begin."""
        parser.add_argument(
            "--since",
            type=_read_day,
            metavar="YYYY-MM-DD",
            help="first day (UTC); where it is missing, as early as can be. Sums of hours of which the rules of keeping"
            " removed any record stay as they are, whatever is given.",
        )

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Correct hour after hour, and say how many were looked at.

        Raises:
            CommandError: There are no records and no day was given (exit code 1).
        """
        since = options["since"]
        beginning = find_beginning(since)
        if beginning is None:
            raise CommandError("There are no sending records to count. Give --since to set sums to zero from a day on.")
        removed = find_latest_removed()
        if removed and (since is None or since <= removed):
            self.stdout.write(
                f"Records were removed up to {removed:%Y-%m-%d %H:%M} UTC: sums from before"
                f" {beginning:%Y-%m-%d %H:%M} stay as they are."
            )
        hours = sum(1 for _hour in rebuild(beginning))
        checked = "1 hour" if hours == 1 else f"{hours:,} hours"
        self.stdout.write(f"Since {beginning:%Y-%m-%d %H:%M} UTC the sums agree with the records: {checked} checked.")


def _read_day(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
