"""Which mail goes first, and that none starves."""

from collections import Counter

import pytest
from django.db import connection

from delivery.engine.claim import claim_due
from delivery.engine.drain import drain
from delivery.engine.priorities import share_out
from records.enums import Priority
from records.models import Mail
from senders.models import Sender
from tests import smtpd
from tests.delivery.engine.scenes import accept, do_once_at, make_sender

pytestmark = pytest.mark.django_db(transaction=True)

HIGH, NORMAL, BULK = Priority.HIGH, Priority.NORMAL, Priority.BULK


def accept_as(sender: Sender, priority: Priority, count: int) -> list[int]:
    """Accept mails of a priority; returns their ids."""
    mails = [accept(sender) for _ in range(count)]
    Mail.objects.filter(pk__in=[mail.pk for mail in mails]).update(priority=priority)
    return [mail.pk for mail in mails]


def claimed_priorities(sender: Sender, size: int) -> list[int]:
    ids = [claim.mail_id for claim in claim_due(sender.pk, size)]
    priorities = dict(Mail.objects.values_list("pk", "priority"))
    return [priorities[mail_id] for mail_id in ids]


def test_high_goes_before_normal_before_bulk_and_the_oldest_of_each_first() -> None:
    sender = make_sender()
    bulk, normal, high = (accept_as(sender, priority, 2) for priority in (BULK, NORMAL, HIGH))
    assert [claim.mail_id for claim in claim_due(sender.pk, 10)] == [*high, *normal, *bulk]


def test_a_quarter_goes_to_lower_priorities_as_long_as_they_have_mail() -> None:
    sender = make_sender()
    for priority in (HIGH, NORMAL, BULK):
        accept_as(sender, priority, 14)
    assert Counter(claimed_priorities(sender, 16)) == {HIGH: 12, NORMAL: 3, BULK: 1}


def test_what_a_priority_leaves_of_its_share_goes_to_the_next() -> None:
    sender = make_sender()
    accept_as(sender, HIGH, 1)
    accept_as(sender, BULK, 10)
    assert claimed_priorities(sender, 8) == [HIGH, *[BULK] * 7]


def test_one_priority_alone_gets_the_whole_batch() -> None:
    sender = make_sender()
    accept_as(sender, BULK, 5)
    assert claimed_priorities(sender, 4) == [BULK] * 4


def test_in_batches_of_one_lower_priorities_get_their_turn_too() -> None:
    shares = Counter(priority for _ in range(400) for priority, quota in share_out([HIGH, BULK], 1) if quota)
    assert shares.keys() == {HIGH, BULK}
    assert 200 < shares[HIGH] < 380


def test_mail_of_high_priority_overtakes_what_is_under_way(server: smtpd.MailServer) -> None:
    sender = make_sender(server)
    accept_as(sender, BULK, 10)
    urgent: list[int] = []

    def accept_an_urgent_one() -> None:  # in the server's thread
        urgent.extend(accept_as(sender, HIGH, 1))
        connection.close()

    do_once_at(server, "MAIL", accept_an_urgent_one)
    drain(sender.pk)
    sent = [mail.message["Message-ID"] for mail in server.mails]
    message_ids = dict(Mail.objects.values_list("message_id", "pk"))
    assert [message_ids[message_id] for message_id in sent[:4] if message_ids[message_id] in urgent] == urgent
    assert len(sent) == 11
