"""`manage.py prune_records`: remove at once what need not be kept any longer, or tell what would go."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from records.keeping.pretending import pretend_round
from records.keeping.rounds import find_under_way, run_whole
from records.keeping.rules import get_rules


class Command(BaseCommand):
    """Does a whole round of keeping."""

    help = (
        "Remove the records, contents and attachments that were kept as long as the rules on the page Keeping say. "
        "Workers do the same, a little after each sweep; this does all of it now, in short transactions beside them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer to remove nothing."""
        parser.add_argument("--dry-run", action="store_true", help="only tell what would go; remove nothing")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Remove, and tell what went."""
        if connection.vendor == "postgresql":
            # Every step has an index; a plan that was made while the tables were all but empty has none.
            with connection.cursor() as cursor:
                cursor.execute("SET enable_seqscan TO off")
        if options["dry_run"]:
            heading, did = "This would go; nothing was removed:", pretend_round(get_rules())
        elif find_under_way():
            heading, did = "This was removed, by the round that was under way and then by this one:", run_whole()
        else:
            heading, did = "This was removed:", run_whole()
        self.stdout.write(heading)
        for label, number in (
            ("mails", did.removed_mails),
            ("records of these mails", did.removed_records),
            ("contents, of these and other mails", did.removed_contents),
            ("contents that lose their attachments", did.stripped_bodies),
        ):
            self.stdout.write(f"{number:>14,}  {label}")
