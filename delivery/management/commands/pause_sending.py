"""`manage.py pause_sending`: hold the mail of one account, or all mail."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from delivery.control.command import CALLER, find_sender, read_text
from delivery.control.pausing import pause_everything, pause_sender


class Command(BaseCommand):
    """Pauses one account or everything."""

    help = "Pause sending: mail is accepted and waits, the mail in hand is finished. See resume_sending."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare whose mail."""
        parser.add_argument(
            "--sender", type=read_text, metavar="ADDRESS", help="only the mail of this account; all where it is missing"
        )

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Pause, and say whether that was news.

        Raises:
            CommandError: There is no such account (exit code 2).
        """
        sender = find_sender(options["sender"])
        is_news = pause_sender(sender, CALLER) if sender else pause_everything(CALLER)
        what = sender.address if sender else "All sending"
        self.stdout.write(f"{what} is paused." if is_news else f"{what} was paused before.")
