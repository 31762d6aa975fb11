"""The transport alone against postfix: mail as it arrives, and receivers that are refused one by one."""

import pytest

from records.enums import Fault, Phase
from tests import services
from tests.delivery.smtp.dialling import hand_over, mail, session
from tests.postfix_server import ADDRESS, DOMAIN, Port, Postfix


@pytest.mark.parametrize("kind", [Port.STARTTLS, Port.SSL, Port.CLEAR])
def test_a_mail_arrives_as_it_was_composed(postfix: Postfix, kind: Port) -> None:
    content = f"Subject: over {kind.value}\r\n\r\n.dot\r\n".encode()
    with session(postfix.settings(kind)) as opened:
        delivery = hand_over(opened, mail(f"ops@{DOMAIN}", sender=ADDRESS, mime=content))
        assert delivery.final_reply is not None
        assert delivery.final_reply.code == 250
        queue_id = delivery.queue_id
        services.wait_until(lambda: queue_id in postfix.log, what="the log of the mail")
        assert opened.is_usable
        opened.quit()

    arrived = postfix.wait_for_mail_with(f"ops@{DOMAIN}", f"Subject: over {kind.value}\n".encode())
    assert arrived.endswith(b"\n\n.dot\n")


def test_receivers_are_refused_one_by_one(postfix: Postfix) -> None:
    receivers = [f"{local}@{DOMAIN}" for local in ("full", "ops", "unknown", "slow")]
    with session(postfix.settings(Port.STARTTLS)) as opened:
        delivery = hand_over(opened, mail(*receivers, sender=ADDRESS))

    assert {one.forward_path.split("@")[0]: str(one.reply)[:9] for one in delivery.receivers if not one.accepted} == {
        "full": "452 5.2.2", "unknown": "550 5.1.1", "slow": "450 4.2.0",
    }  # fmt: skip
    assert [one.forward_path for one in delivery.receivers if one.accepted] == [f"ops@{DOMAIN}"]


def test_several_mails_go_over_one_connection(postfix: Postfix) -> None:
    with session(postfix.settings(Port.STARTTLS)) as opened:
        for number in range(3):
            content = f"Subject: one connection {number}\r\n\r\nhi\r\n".encode()
            hand_over(opened, mail(f"ops@{DOMAIN}", sender=ADDRESS, mime=content))

    for number in range(3):
        postfix.wait_for_mail_with(f"ops@{DOMAIN}", f"Subject: one connection {number}\n".encode())


def test_a_server_that_wants_a_sign_in_takes_no_receiver_without(postfix: Postfix) -> None:
    with session(postfix.settings(Port.STARTTLS, credentials=None)) as opened:
        delivery = hand_over(opened, mail("someone@example.net", sender=ADDRESS))

    assert (delivery.receivers[0].phase, delivery.receivers[0].reply.code) == (Phase.RCPT, 554)


def test_a_mail_that_is_too_large_is_refused_before_it_is_sent(postfix: Postfix) -> None:
    with session(postfix.settings(Port.STARTTLS)) as opened:
        delivery = hand_over(opened, mail(f"ops@{DOMAIN}", sender=ADDRESS, mime=b"line\r\n" * 20_000))

    assert delivery.receivers[0].fault is Fault.TOO_LARGE


@pytest.mark.parametrize("kind", [Port.STARTTLS, Port.SSL, Port.CLEAR])
def test_a_stream_of_mails_arrives_with_the_refused_ones_left_out(postfix: Postfix, kind: Port) -> None:
    names = [("ops",), ("unknown",), ("ops", "full"), ("slow", "unknown"), ("ops",)]
    mails = [
        mail(
            *(f"{name}@{DOMAIN}" for name in receivers),
            sender=ADDRESS,
            mime=f"Subject: {kind.value} stream {number}\r\n\r\n".encode() + b".dot\r\n" * 6_000,
        )
        for number, receivers in enumerate(names)
    ]
    with session(postfix.settings(kind)) as opened:
        assert "PIPELINING" in opened.extensions
        deliveries = list(opened.deliver_all(mails, before_dot=lambda one: True, seconds_per_mail=30))
        assert opened.is_usable

    fates = [{one.forward_path.split("@")[0]: one.reply.code for one in delivery.receivers} for delivery in deliveries]
    assert fates == [
        {"ops": 250}, {"unknown": 550}, {"full": 452, "ops": 250}, {"slow": 450, "unknown": 550}, {"ops": 250},
    ]  # fmt: skip
    assert [delivery.committed for delivery in deliveries] == [True, False, True, False, True]
    for number in (0, 2, 4):
        postfix.wait_for_mail_with(f"ops@{DOMAIN}", f"Subject: {kind.value} stream {number}\n".encode())
