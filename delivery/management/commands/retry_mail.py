"""`manage.py retry_mail`: try failed or cancelled mail again, or send waiting mail without waiting."""

from typing import Any

from django.core.management.base import CommandParser

from delivery.control.command import DeedCommand
from delivery.control.selection import MailGroup
from records.interventions import Deed

_DEEDS = {
    MailGroup.FAILED: Deed.RETRY,
    MailGroup.CANCELLED: Deed.RETRY,
    MailGroup.WAITING: Deed.SEND_NOW,
}


class Command(DeedCommand):
    """Tries again the mails that are meant."""

    help = (
        "Try failed mail again: each goes out as the same mail, to those receivers only who have not got it. "
        "With --group waiting: send mail that waits for its next try or its time at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the group besides the filters."""
        super().add_arguments(parser)
        groups = [group.value for group in _DEEDS]
        parser.add_argument("--group", choices=groups, default=groups[0], help="which mails; failed by default")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Try them again.

        Raises:
            CommandError: No option says which mails are meant, or one can't be used (exit code 2).
        """
        group = MailGroup(options["group"])
        self.do(_DEEDS[group], group, options)
