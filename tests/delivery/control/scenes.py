"""Mails that stand where a person can do something about them."""

from datetime import timedelta
from typing import Any

from django.db.models import F

from delivery.engine.skip import skip_pending
from records.clock import database_now
from records.enums import MailState, ReceiverState, SkipReason
from records.interventions import Intervention
from records.models import Mail
from senders.models import Sender
from tests.delivery.engine.scenes import accept

BY = "ada"


def fail(mail: Mail, *, served: tuple[str, ...] = ()) -> Mail:
    """Let a mail have ended without everybody served."""
    mail.receivers.filter(address__in=served).update(state=ReceiverState.ACCEPTED)
    mail.receivers.exclude(address__in=served).update(state=ReceiverState.REFUSED)
    state = MailState.PARTLY_SENT if served else MailState.FAILED
    Mail.objects.filter(pk=mail.pk).update(state=state, finished_at=database_now(), attempts=4)
    return mail


def hold(mail: Mail, *, served: tuple[str, ...] = ()) -> Mail:
    """Let a mail wait for a person's decision: the answer to its content was lost."""
    mail.receivers.filter(address__in=served).update(state=ReceiverState.ACCEPTED)
    mail.receivers.exclude(address__in=served).update(state=ReceiverState.UNCERTAIN)
    Mail.objects.filter(pk=mail.pk).update(state=MailState.UNCERTAIN, finished_at=database_now(), epoch=1)
    return mail


def expire(mail: Mail) -> Mail:
    """Let a mail have been given up."""
    skip_pending(Mail.objects.get(pk=mail.pk), SkipReason.EXPIRED, database_now())
    return mail


def wait_for_retry(mail: Mail, **ahead: float) -> Mail:
    """Let a mail wait for its next try."""
    later = F("due_at") + timedelta(**(ahead or {"minutes": 20}))
    Mail.objects.filter(pk=mail.pk).update(state=MailState.RETRY, due_at=later, attempts=3)
    return mail


def accept_many(sender: Sender, count: int, **values: Any) -> list[Mail]:
    """Accept so many mails."""
    return [accept(sender, **values) for _ in range(count)]


def deeds_at(mail: Mail) -> list[tuple[str, str]]:
    """List what people did to a mail: what, and who."""
    return list(Intervention.objects.filter(mail=mail).values_list("deed", "done_by"))


def states() -> list[str]:
    """List the states of all mails in the order of their acceptance."""
    return list(Mail.objects.order_by("pk").values_list("state", flat=True))
