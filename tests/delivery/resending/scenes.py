"""Mails that went out some time ago, and orders to send them again."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.models import User

from delivery.engine.rollup import roll_up
from delivery.resending import orders
from delivery.resending.orders import Order
from records.clock import database_now
from records.enums import MailKind, MailState, Outcome, ReceiverState
from records.filters import RecordFilters
from records.models import Mail
from records.paging import Position
from records.resending.models import Resending
from senders.models import Sender
from tests.delivery.engine.scenes import accept
from tests.people import make_person
from tests.records.rows import make_record

BY = "ada"
NEEDED = ("records.view_sendingrecord", "records.send_mail", "records.view_content")
_STATES = {Outcome.ACCEPTED: ReceiverState.ACCEPTED, Outcome.UNKNOWN: ReceiverState.UNCERTAIN}


def went(
    sender: Sender,
    *to: str,
    outcome: Outcome = Outcome.ACCEPTED,
    state: MailState = MailState.SENT,
    lacking: tuple[str, ...] = (),
    tries: int = 1,
    **values: Any,
) -> Mail:
    """Let a mail have been tried at all its receivers a day ago; those that lack it were refused."""
    mail = accept(sender, *to, **values)
    began = database_now() - timedelta(days=1)
    for receiver in mail.receivers.all():
        ended = Outcome.REFUSED if receiver.address in lacking else outcome
        receiver.state = _STATES.get(ended, ReceiverState.REFUSED)
        receiver.save()
        for number in range(tries):
            make_record(
                mail,
                receiver_address=receiver.address,
                epoch=number + 1,
                outcome=ended,
                started_at=began + timedelta(minutes=number),
                kind=mail.kind,
                template_name=mail.template_name,
            )
    is_over = state not in {MailState.QUEUED, MailState.RETRY}
    Mail.objects.filter(pk=mail.pk).update(state=state, finished_at=database_now() if is_over else None)
    return Mail.objects.get(pk=mail.pk)


def healed(sender: Sender, *to: str, **values: Any) -> Mail:
    """Let a mail have failed at first, and have arrived with the next try."""
    mail = went(sender, *to, outcome=Outcome.DEFERRED, **values)
    for receiver in mail.receivers.all():
        make_record(mail, receiver_address=receiver.address, epoch=2, started_at=database_now() - timedelta(hours=23))
    mail.receivers.update(state=ReceiverState.ACCEPTED)
    return mail


def failed(sender: Sender, *to: str, **values: Any) -> Mail:
    """Let a mail have been refused for all its receivers."""
    return went(sender, *to, outcome=Outcome.REFUSED, state=MailState.FAILED, **values)


def end_copy(mail: Mail, outcome: Outcome, *addresses: str) -> Mail:
    """Let the latest copy of a mail have ended so, at all its receivers or some; returns the copy."""
    copy = copies_of(mail)[-1]
    meant = copy.receivers.filter(address__in=addresses) if addresses else copy.receivers.all()
    for receiver in meant:
        make_record(copy, receiver_address=receiver.address, outcome=outcome, started_at=database_now())
    meant.update(state=_STATES.get(outcome, ReceiverState.REFUSED))
    end = roll_up(copy.receivers.values_list("state", flat=True))
    if end:
        Mail.objects.filter(pk=copy.pk).update(state=end, finished_at=database_now())
    return copy


def went_many(sender: Sender, count: int, **values: Any) -> list[Mail]:
    """Let so many mails have gone out."""
    return [went(sender, f"r{number}@example.org", **values) for number in range(count)]


def ask() -> User:
    """Return who asks: Ada."""
    return User.objects.filter(username=BY).first() or make_person(*NEEDED, name=BY)


def order(
    *,
    to: str = "",
    sender_id: int | None = None,
    ticket: UUID | None = None,
    up_to: Position | None = None,
    person: User | None = None,
    **filters: Any,
) -> Resending:
    """Give an order; nothing of it is done yet."""
    return orders.give(
        Order(
            ticket=ticket or uuid4(),
            filters=RecordFilters(**filters),
            up_to=up_to or orders.find_end(),
            to=to,
            sender_id=sender_id,
            person=person or ask(),
            requester_ip="10.0.0.7",
        )
    )


def again(**values: Any) -> Resending:
    """Give an order and have it done."""
    return orders.run(order(**values))


def copies_of(mail: Mail) -> list[Mail]:
    """List the mails that a mail was sent again as."""
    return list(mail.resends.order_by("pk"))


def receivers_of_copies(mail: Mail) -> list[list[str]]:
    """List to whom each of them goes."""
    return [list(copy.receivers.values_list("address", flat=True)) for copy in copies_of(mail)]


def is_test(mail: Mail) -> None:
    """Let a mail be a test mail, and its records too."""
    Mail.objects.filter(pk=mail.pk).update(kind=MailKind.TEST)
    mail.records.update(kind=MailKind.TEST)
