"""A worker's turn at a sender's mail, against a real mail server."""

import pytest
from pytest_django import Settings

from delivery.engine.drain import drain
from records.models import SendingRecord
from tests import smtpd
from tests.delivery.engine.scenes import accept, fresh, make_sender, outcomes, states_of_receivers

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_accepted_mail_is_sent_and_its_record_tells_how(server: smtpd.MailServer) -> None:
    mail = accept(make_sender(server), template_name="load", accessed_resource="/tasks/7", requester_ip="192.0.2.7")
    assert drain(mail.sender_id) is False
    [received] = server.mails
    assert (received.reverse_path, received.forward_paths) == ("reports@example.com", ("bob@example.org",))
    assert received.message["Message-ID"] == mail.message_id
    record = SendingRecord.objects.get()
    assert (record.outcome, record.step, record.phase, record.reply_code) == ("accepted", "committed", "data", 250)
    assert (record.sender_address, record.receiver_address) == ("reports@example.com", "bob@example.org")
    assert (record.template_name, record.accessed_resource, record.requester_ip) == ("load", "/tasks/7", "192.0.2.7")
    assert (record.queue_id, record.server) == ("000000000001", f"127.0.0.1:{server.port}")
    assert record.started_at <= record.ended_at
    assert fresh(mail).state == "sent"
    assert fresh(mail).finished_at is not None
    assert states_of_receivers(mail) == {"bob@example.org": "accepted"}


def test_many_mails_go_over_one_connection(server: smtpd.MailServer, settings: Settings) -> None:
    settings.MAILBOX_BATCH_SIZE = 2
    sender = make_sender(server)
    mails = [accept(sender, f"r{number}@example.org") for number in range(5)]
    drain(sender.pk)
    assert [received.forward_paths for received in server.mails] == [(f"r{number}@example.org",) for number in range(5)]
    assert server.connections == 1
    assert [outcomes(mail) for mail in mails] == [["accepted"]] * 5
