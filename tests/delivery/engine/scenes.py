"""What the engine's tests set up and look at. Time passes by moving the rows' times, never by waiting."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from delivery.acceptance import accept_mail
from delivery.engine.claim import claim_due
from delivery.engine.values import Claim
from records.models import Mail, SendingRecord
from senders.enums import Encryption, LoginMethod
from senders.models import Circuit, ConnectionSlot, Sender
from senders.services import save_sender
from tests import smtpd

NOWHERE = 9
"""A port of loopback where nothing listens."""


def make_sender(server: smtpd.MailServer | None = None, **values: Any) -> Sender:
    """Save an account that sends through the server; without one, through a port where nothing listens."""
    usual: dict[str, Any] = {
        "address": "reports@example.com",
        "display_name": "Reports",
        "host": smtpd.HOST,
        "port": server.port if server else NOWHERE,
        "encryption": server.encryption if server else Encryption.NONE,
        "login_method": LoginMethod.NONE,
        "timeout": 5,
    }
    if server and server.encryption != Encryption.NONE:
        usual["trusted_certificates"] = smtpd.authority_pem()
    password = values.pop("password", None)
    return save_sender(Sender(**(usual | values)), password=password)


def accept(sender: Sender, *to: str, **values: Any) -> Mail:
    """Accept a mail, to Bob unless others are named."""
    usual: dict[str, Any] = {"to": to or ("bob@example.org",), "subject": "Nightly load", "text": "Done.\n"}
    return accept_mail(sender=sender, **(usual | values))


def take(mail: Mail) -> Claim:
    """Claim the oldest due mail of the mail's sender, which must be this one."""
    assert mail.sender_id is not None
    [claimed] = claim_due(mail.sender_id, 1)
    assert claimed.mail_id == mail.pk
    return claimed


def lease_of(mail: Mail) -> datetime:
    """Tell when the claim on the mail is over."""
    lease = fresh(mail).lease_until
    assert lease is not None
    return lease


def fresh(mail: Mail) -> Mail:
    """Load the mail again."""
    return Mail.objects.get(pk=mail.pk)


def outcomes(mail: Mail) -> list[str]:
    """List how the tries of the mail ended, in the order of their beginning."""
    return list(SendingRecord.objects.filter(mail=mail).order_by("epoch", "pk").values_list("outcome", flat=True))


def outcomes_of(mail: Mail, address: str) -> list[str]:
    """List how the tries at one receiver ended."""
    records = SendingRecord.objects.filter(mail=mail, receiver_address=address).order_by("epoch")
    return list(records.values_list("outcome", flat=True))


def states_of_receivers(mail: Mail) -> dict[str, str]:
    """Give the state of every receiver by address."""
    return dict(mail.receivers.values_list("address", "state"))


def end_leases() -> None:
    """Let every lease be over, of mails and of connections, as when their workers died long ago."""
    Mail.objects.exclude(lease_until=None).update(lease_until=F("lease_until") - timedelta(days=1))
    ConnectionSlot.objects.update(lease_until=F("lease_until") - timedelta(days=1))


def make_due() -> None:
    """Let every waiting mail be due; a worker may be at work on the others."""
    Mail.objects.filter(state__in=("queued", "retry")).update(due_at=F("accepted_at") - timedelta(seconds=1))


def let_expire(mail: Mail) -> None:
    """Let the mail's time to give up have passed."""
    Mail.objects.filter(pk=mail.pk).update(expires_at=F("accepted_at") - timedelta(seconds=1))


def make_probe_due() -> None:
    """Let every open circuit be due for its probe."""
    Circuit.objects.exclude(probe_at=None).update(probe_at=F("probe_at") - timedelta(days=1))


def copies(server: smtpd.MailServer) -> Counter[tuple[str, str]]:
    """Count what the server took, by Message-ID and forward-path."""
    return Counter((mail.message["Message-ID"], path) for mail in server.mails for path in mail.forward_paths)


def do_once_at(server: smtpd.MailServer, verb: str, action: Callable[[], object]) -> None:
    """Do something when the server reads a command for the first time, before it answers."""
    seen = server.take_answer
    pending = [action]

    def act_and_answer(command: str, argument: str) -> "str | smtpd.Misbehaviour | None":
        if command == verb and pending:
            pending.pop()()
        return seen(command, argument)

    server.take_answer = act_and_answer  # type: ignore[method-assign]
