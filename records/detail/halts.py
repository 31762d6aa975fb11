"""What keeps a mail that waits: why the time of its next try may come and nobody tries it."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from records.models import DeliveryPause, Mail
from records.waiting import find_waiting
from senders.listing import SenderRow, row_of, show_time
from senders.models import Sender
from senders.standing import Standing, standing_of


@dataclass(frozen=True, slots=True)
class Halt:
    """Why a mail is not tried for now."""

    sentence: str
    is_untimed: bool = False
    """The time until it is given up stands still meanwhile."""


def find_halt(mail: Mail) -> Halt | None:
    """Find what keeps a mail; None: nothing does, or it does not wait."""
    if not mail.is_waiting or mail.sender_id is None:
        return None
    sender = Sender.objects.select_related("circuit", "allowance").filter(pk=mail.sender_id).first()
    if sender is None:
        return None
    if DeliveryPause.objects.exists():
        return Halt(_("All sending is paused."), is_untimed=not mail.expires_untried)
    row = row_of(sender)
    standing = standing_of(row)
    if standing is Standing.PAUSED:
        return Halt(_("Its sender account is paused."), is_untimed=not mail.expires_untried)
    sentence = _keeps(standing, row) or _misses_worker()
    return Halt(sentence) if sentence else None


def _keeps(standing: Standing, row: SenderRow) -> str:
    match standing:
        case Standing.UNREADABLE:
            return _("The stored password can't be read. Type it again.")
        case Standing.REFUSED:
            return _("The server refused the sign-in. Mail waits until the account is edited or tested well.")
        case Standing.UNREACHABLE:
            return _("The mail server can't be reached. Mail goes out when it answers again.")
        case Standing.DISABLED:
            return _("Mail waits until the account is enabled, or its time to give up has passed.")
        case Standing.LIMITED:
            assert row.allowance.exhausted_until
            return _("Mail goes on at %(time)s.") % {"time": show_time(row.allowance.exhausted_until)}
        case _:
            return ""


def _misses_worker() -> str:
    waiting = find_waiting()
    if waiting is None or not waiting.is_stuck:
        return ""
    if waiting.worker_seen_at is None:
        return _("No worker was seen yet. Start the worker; nothing is lost.")
    sentence = _("No worker was seen since %(time)s. Start the worker or look into its log; nothing is lost.")
    return sentence % {"time": show_time(waiting.worker_seen_at)}
