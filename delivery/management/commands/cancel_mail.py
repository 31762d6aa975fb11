"""`manage.py cancel_mail`: cancel waiting mail."""

from typing import Any

from delivery.control.command import DeedCommand
from delivery.control.selection import MailGroup
from records.interventions import Deed


class Command(DeedCommand):
    """Cancels the waiting mails that are meant."""

    help = "Cancel waiting mail: it is not sent to anyone who has not got it, and its record says so."

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Cancel them.

        Raises:
            CommandError: No option says which mails are meant, or one can't be used (exit code 2).
        """
        self.do(Deed.CANCEL, MailGroup.WAITING, options)
