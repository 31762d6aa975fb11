"""`manage.py decide_mail`: say what becomes of mail that may have arrived."""

from typing import Any

from django.core.management.base import CommandParser

from delivery.control.command import DeedCommand
from delivery.control.selection import MailGroup
from records.interventions import Deed

_DECISIONS = {"arrived": Deed.ARRIVED, "send-again": Deed.SEND_AGAIN, "give-up": Deed.GIVE_UP}


class Command(DeedCommand):
    """Decides about the held mails that are meant."""

    help = (
        "Decide about held mail, which may have arrived. arrived: it counts as sent. send-again: whoever did get it "
        "gets it twice. give-up: it counts as failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the decision besides the filters."""
        super().add_arguments(parser)
        parser.add_argument("decision", choices=list(_DECISIONS), help="what becomes of it")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Decide.

        Raises:
            CommandError: No option says which mails are meant, or one can't be used (exit code 2).
        """
        self.do(_DECISIONS[options["decision"]], MailGroup.HELD, options)
