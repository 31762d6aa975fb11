"""`manage.py resume_sending`: let the mail of one account, or all mail, flow again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from delivery.control.bulk import run
from delivery.control.command import CALLER, find_sender, read_text
from delivery.control.pausing import resume_everything, resume_sender
from delivery.control.wording import tell_result


class Command(BaseCommand):
    """Resumes one account or everything."""

    help = (
        "Resume sending: the mail that waited gets the time of the pause back, then it flows. Without --sender "
        "what pause_sending paused without it; accounts that were paused by themselves stay so."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare whose mail."""
        parser.add_argument("--sender", type=read_text, metavar="ADDRESS", help="only the mail of this account")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Resume, and say what that did.

        Raises:
            CommandError: There is no such account (exit code 2).
        """
        sender = find_sender(options["sender"])
        work = resume_sender(sender, CALLER) if sender else resume_everything(CALLER)
        self.stdout.write("Nothing was paused." if work is None else tell_result(run(work)))
