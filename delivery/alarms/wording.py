"""What an alarm says to a person: what is wrong, since when, what to do about it, and where."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records.alarms.enums import AlarmKind
from records.alarms.models import Alarm
from records.error_book import find_entry
from senders.sentences import join_sentences


@dataclass(frozen=True, slots=True)
class Way:
    """Where something can be done about it."""

    url: str
    label: str
    permission: str
    """What the page asks for."""


@dataclass(frozen=True, slots=True)
class Words:
    """An alarm in words, in the active language."""

    headline: str
    """What is wrong, in one sentence."""
    details: str
    """Since when and how much; may be empty."""
    advice: str
    """What to do."""
    way: Way | None = None

    @property
    def body(self) -> str:
        """What follows the headline, as one text."""
        return join_sentences([self.details, self.advice])


def tell(alarm: Alarm) -> Words:
    """Put an alarm into words."""
    return Words(_headline(alarm), join_sentences(_details(alarm)), _advice(alarm), _find_way(alarm))


def _headline(alarm: Alarm) -> str:
    sentence = {
        AlarmKind.SIGN_IN_REFUSED: _("The mail server refuses the sign-in of %(sender)s."),
        AlarmKind.PASSWORD_UNREADABLE: _("The stored password of %(sender)s can't be read."),
        AlarmKind.UNREACHABLE: _("The mail server of %(sender)s can't be reached."),
        AlarmKind.NOT_CONFIGURED: _("Mail was refused, since there is no system default sender."),
        AlarmKind.QUEUE_OLD: _("Mail of %(sender)s waits too long."),
        AlarmKind.QUOTA_EXHAUSTED: _("The quota of %(sender)s for today is used up."),
        AlarmKind.QUOTA_NEAR: _("The quota of %(sender)s for today is nearly used up."),
        AlarmKind.HELD: _("Mail of %(sender)s may have arrived, and waits for a decision."),
        AlarmKind.CERTIFICATE_EXPIRES: _("A trusted certificate of %(sender)s expires."),
    }[AlarmKind(alarm.kind)]
    return sentence % {"sender": alarm.sender_address or _("a deleted account")}


def _details(alarm: Alarm) -> list[str]:
    """Say how it stands: each sentence only where there is something to say."""
    found = [_count(alarm), _beginning(alarm)]
    if alarm.cause and AlarmKind(alarm.kind) in {AlarmKind.SIGN_IN_REFUSED, AlarmKind.UNREACHABLE}:
        entry = find_entry(alarm.cause)
        found.insert(0, str(entry.cause) if entry else "")
    return found


def _count(alarm: Alarm) -> str:
    if alarm.amount is None:
        return ""
    values = {"total": localize(alarm.amount), "bound": localize(alarm.bound)}
    match AlarmKind(alarm.kind):
        case AlarmKind.QUOTA_EXHAUSTED | AlarmKind.QUOTA_NEAR:
            return _("%(total)s of %(bound)s were used today.") % values
        case AlarmKind.HELD:
            return ngettext("%(total)s mail is held.", "%(total)s mails are held.", alarm.amount) % values
        case AlarmKind.NOT_CONFIGURED:
            return ngettext("%(total)s mail was refused.", "%(total)s mails were refused.", alarm.amount) % values
        case _:
            return ngettext("%(total)s mail waits.", "%(total)s mails wait.", alarm.amount) % values


def _beginning(alarm: Alarm) -> str:
    if alarm.began_at is None:
        return ""
    time = date_format(timezone.localtime(alarm.began_at), "Y-m-d H:i")
    match AlarmKind(alarm.kind):
        case AlarmKind.CERTIFICATE_EXPIRES:
            return _("It is valid until %(time)s.") % {"time": time}
        case AlarmKind.QUEUE_OLD:
            return _("The first was due at %(time)s.") % {"time": time}
        case _:
            return _("Since %(time)s.") % {"time": time}


def _advice(alarm: Alarm) -> str:
    entry = find_entry(alarm.cause)
    if entry and AlarmKind(alarm.kind) is not AlarmKind.HELD:
        return str(entry.fix)
    return {
        AlarmKind.SIGN_IN_REFUSED: _("Correct login and password, and send a test mail."),
        AlarmKind.PASSWORD_UNREADABLE: _("Type the password again, or bring the lost key back."),
        AlarmKind.UNREACHABLE: _(
            "Nothing is lost: mail goes out when the server answers again. Send a test mail to see why."
        ),
        AlarmKind.NOT_CONFIGURED: _("Choose a system default sender, then send the refused mail again."),
        AlarmKind.QUEUE_OLD: _("See whether workers run, and whether there are enough of them for this much mail."),
        AlarmKind.QUOTA_EXHAUSTED: _(
            "Nothing is lost: what waits goes out tomorrow. Raise the limit, or send by another account."
        ),
        AlarmKind.QUOTA_NEAR: _("What exceeds it goes out tomorrow. Raise the limit, or send by another account."),
        AlarmKind.HELD: _("Decide for each mail whether it is sent again."),
        AlarmKind.CERTIFICATE_EXPIRES: _(
            "Add the new certificate to the account before; else its mail stops that day."
        ),
    }[AlarmKind(alarm.kind)]


def _find_way(alarm: Alarm) -> Way | None:
    """Find the page where something can be done; None where the account is gone."""
    match AlarmKind(alarm.kind):
        case AlarmKind.NOT_CONFIGURED:
            url = reverse("senders:list") + "#default-sender"
            return Way(url, _("Choose the default sender"), "senders.set_default_sender")
        case AlarmKind.HELD:
            sender = {"sender": alarm.sender_id} if alarm.sender_id else {}
            url = f"{reverse('delivery:queue_mails')}?{urlencode({'group': 'held', **sender})}"
            return Way(url, _("Decide"), "records.view_sendingrecord")
        case AlarmKind.QUEUE_OLD if not alarm.cause:
            return Way(reverse("delivery:queue"), _("Open the queue"), "records.view_sendingrecord")
        case AlarmKind.PASSWORD_UNREADABLE if alarm.sender_id:
            url = reverse("senders:edit", args=[alarm.sender_id]) + "#id_password"
            return Way(url, _("Type the password again"), "senders.change_sender")
        case _ if alarm.sender_id:
            return Way(reverse("senders:edit", args=[alarm.sender_id]), _("Open the account"), "senders.change_sender")
    return None
