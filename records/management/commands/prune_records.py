"""`manage.py prune_records`: remove at once what need not be kept any longer, or tell what would go."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from records.keeping.models import KeepingRound
from records.keeping.pretending import pretend_round
from records.keeping.rounds import run_whole
from records.keeping.rules import get_rules


class Command(BaseCommand):
    """Does a whole round of keeping."""

    help = (
        "Remove records, contents and attachments that were kept as long as the rules say. "
        "Workers do the same, a little every quarter of a minute; this does all of it now, in short transactions."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer to remove nothing."""
        parser.add_argument("--dry-run", action="store_true", help="only tell what would go")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Remove, and tell what went."""
        if connection.vendor == "postgresql":
            # Every step has an index; a plan that was made while the tables were all but empty has none.
            with connection.cursor() as cursor:
                cursor.execute("SET enable_seqscan TO off")
        is_dry = bool(options["dry_run"])
        self._report(pretend_round(get_rules()) if is_dry else run_whole(), "would go" if is_dry else "removed")

    def _report(self, did: KeepingRound, what: str) -> None:
        self.stdout.write(f"Mails {what}: {did.removed_mails}, with {did.removed_records} records.")
        self.stdout.write(f"Contents of mails {what}: {did.removed_contents}.")
        self.stdout.write(f"Bodies whose attachments {what}: {did.stripped_bodies}.")
