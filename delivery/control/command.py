"""What the commands share that deal with many mails: the filters as options, the rehearsal, the answer."""

import argparse
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from delivery.control import bulk
from delivery.control.counting import MAX_COUNTED
from delivery.control.paging import get_mail_page
from delivery.control.selection import MailFilters, MailGroup, count_up_to
from delivery.control.wording import tell_result
from delivery.management.commands.send_mail import read_moment
from delivery.request import aware
from records.enums import Priority
from records.interventions import BulkState, Deed
from senders.models import Sender
from senders.validators import has_control_characters

CALLER = "command"
"""Who did it, for the record."""
MISUSED = 2
"""Exit code: an option can't be used, or none says which mails are meant."""
SHOWN = 10


def read_id(text: str) -> int:
    """Read the number of a mail."""
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a mail")
    return int(text)


def read_text(text: str) -> str:
    """Read a text that a database can be asked for."""
    if has_control_characters(text) or any("\ud800" <= character <= "\udfff" for character in text):
        raise argparse.ArgumentTypeError(f"{text!r} is no text")
    return text


def read_day(text: str) -> datetime:
    """Read a time that a mail could have been accepted at."""
    moment = aware(read_moment(text))
    if not 1970 <= moment.year < 3000:
        raise argparse.ArgumentTypeError(f"{text!r} is no time from 1970 to 2999")
    return moment


def find_sender(address: str | None) -> Sender | None:
    """Find the account that an option names; None where it names none.

    Raises:
        CommandError: There is no such account (exit code 2).
    """
    if address is None:
        return None
    sender = Sender.objects.filter(address__iexact=address).first()
    if sender is None:
        raise CommandError(f"There is no sender account {address}.", returncode=MISUSED)
    return sender


class DeedCommand(BaseCommand):
    """Does one deed to all mails of a group that the options keep."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare which mails may be meant, and whether it is only a rehearsal."""
        which = parser.add_argument_group("which mails; at least one of these")
        which.add_argument("--all", action="store_true", help="all of them")
        which.add_argument("--mail", type=read_id, metavar="ID", help="one mail")
        which.add_argument("--sender", type=read_text, metavar="ADDRESS", help="those of one account")
        which.add_argument(
            "--template", type=read_text, default="", metavar="NAME", help="those made from this template"
        )
        which.add_argument(
            "--receiver", type=read_text, default="", metavar="PART", help="those to an address with this in it"
        )
        which.add_argument(
            "--subject", type=read_text, default="", metavar="PART", help="those with this in their subject"
        )
        which.add_argument("--since", type=read_day, metavar="TIME", help="accepted then or later: 2030-12-31T08:00")
        which.add_argument("--until", type=read_day, metavar="TIME", help="accepted before then")
        which.add_argument(
            "--priority", choices=[priority.name.lower() for priority in Priority], help="those of this priority"
        )
        parser.add_argument("--dry-run", action="store_true", help="only tell how many are meant, and the first ones")

    def do(self, deed: Deed, group: MailGroup, options: dict[str, Any]) -> None:
        """Do it, or tell what would be done.

        Should this be broken off, a worker goes on with it.

        Raises:
            CommandError: No option says which mails are meant, or one can't be used (exit code 2).
        """
        filters = read_filters(group, options)
        if not (filters.is_narrowed or options["all"]):
            raise CommandError("Say which mails are meant, or --all.", returncode=MISUSED)
        if options["dry_run"]:
            self._rehearse(filters)
            return
        work = bulk.run(bulk.begin(deed, filters, CALLER))
        self.stdout.write(tell_result(work))
        if work.is_unfinished:
            self.stderr.write("Not finished: a worker goes on with it.")
        elif work.state == BulkState.CANCELLED:
            self.stderr.write(f"Stopped by {work.cancelled_by}: the rest of the mails stays as it was.")

    def _rehearse(self, filters: MailFilters) -> None:
        total = count_up_to(filters.find(), MAX_COUNTED + 1)
        number = f"more than {MAX_COUNTED:,}" if total > MAX_COUNTED else f"{total:,}"
        self.stdout.write(f"{number} {'mail is' if total == 1 else 'mails are'} meant; nothing was done.")
        for listed in get_mail_page(filters, SHOWN).mails:
            more = f" +{listed.unnamed}" if listed.unnamed else ""
            self.stdout.write(f"  {listed.mail.pk}  {listed.mail.state}  {', '.join(listed.named)}{more}")


def read_filters(group: MailGroup, options: dict[str, Any]) -> MailFilters:
    """Read the filters out of a command's options."""
    sender = find_sender(options["sender"])
    return MailFilters(
        group=group,
        mail_id=options["mail"],
        sender_id=sender.pk if sender else None,
        template=options["template"],
        receiver=options["receiver"],
        subject=options["subject"],
        accepted_from=options["since"],
        accepted_before=options["until"],
        priority=Priority[options["priority"].upper()] if options["priority"] else None,
    )
