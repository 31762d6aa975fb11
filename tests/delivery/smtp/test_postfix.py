"""The transport against Debian's postfix: right settings, and wrong ones that people type."""

from collections.abc import Iterator

import pytest

from records.enums import Fault, Phase
from senders.enums import Encryption
from tests import postfix as servers
from tests.delivery.smtp.dialling import failure_of_opening, hand_over, mail, session
from tests.postfix import Postfix
from tests.services import MissingServerError

ALICE = "alice@example.org"


@pytest.fixture(scope="module")
def postfix() -> Iterator[Postfix]:
    try:
        with servers.postfix(users={ALICE: "canary-秘密"}) as running:
            yield running
    except MissingServerError as error:
        pytest.skip(f"needs {error}")


@pytest.mark.parametrize("encryption", list(Encryption))
def test_a_mail_arrives(postfix: Postfix, encryption: Encryption) -> None:
    subject = f"Subject: over {encryption}\r\n"
    with session(postfix.settings(encryption, login=ALICE)) as opened:
        delivery = hand_over(opened, mail(mime=subject.encode() + b"\r\n.dot\r\n"))
        assert delivery.final_reply is not None
        assert delivery.final_reply.code == 250
        assert delivery.queue_id in postfix.log
        assert opened.is_usable
        opened.quit()
    arrived = postfix.wait_for_mail_with(f"Subject: over {encryption}\n".encode())
    assert arrived.endswith(b"\n\n.dot\n")


def test_receivers_are_refused_one_by_one(postfix: Postfix) -> None:
    receivers = ("full@example.org", "bob@example.org", "unknown@example.org", "grey@example.org")
    with session(postfix.settings(Encryption.TLS, login=ALICE)) as opened:
        delivery = hand_over(opened, mail(*receivers))
    assert {one.forward_path.split("@")[0]: str(one.reply)[:9] for one in delivery.receivers if not one.accepted} == {
        "full": "452 5.2.2", "unknown": "550 5.1.1", "grey": "450 4.7.1",
    }  # fmt: skip
    assert [one.forward_path for one in delivery.receivers if one.accepted] == ["bob@example.org"]


def test_relaying_needs_a_sign_in(postfix: Postfix) -> None:
    with session(postfix.settings(Encryption.TLS)) as opened:
        delivery = hand_over(opened, mail("someone@example.net"))
    assert (delivery.receivers[0].phase, delivery.receivers[0].reply.code) == (Phase.RCPT, 554)


def test_a_mail_that_is_too_large_is_refused_before_it_is_sent(postfix: Postfix) -> None:
    with session(postfix.settings(Encryption.TLS, login=ALICE)) as opened:
        delivery = hand_over(opened, mail(mime=b"line\r\n" * 200_000))
    assert delivery.receivers[0].fault is Fault.TOO_LARGE


WRONG = [
    ({"password": "wrong"}, Encryption.TLS, Phase.AUTH, Fault.REPLY),
    ({"login": "bob@example.org", "password": "x"}, Encryption.SSL, Phase.AUTH, Fault.REPLY),
    ({"trusted_certificates": ""}, Encryption.TLS, Phase.TLS, Fault.CERTIFICATE_UNKNOWN_ISSUER),
    ({"trusted_certificates": ""}, Encryption.SSL, Phase.TLS, Fault.CERTIFICATE_UNKNOWN_ISSUER),
    ({"encryption": Encryption.SSL}, Encryption.TLS, Phase.TLS, Fault.TLS_NOT_SPOKEN),
    ({"encryption": Encryption.TLS, "timeout": 0.5}, Encryption.SSL, Phase.GREETING, Fault.GREETING_TIMEOUT),
    ({"encryption": Encryption.NONE}, Encryption.TLS, Phase.AUTH, Fault.AUTH_CLEARTEXT),
    ({"encryption": Encryption.TLS}, Encryption.NONE, Phase.TLS, Fault.STARTTLS_MISSING),
]


@pytest.mark.parametrize(("changes", "server", "phase", "fault"), WRONG)
def test_wrong_settings_are_told_apart(
    postfix: Postfix, changes: dict[str, object], server: Encryption, phase: Phase, fault: Fault
) -> None:
    error = failure_of_opening(postfix.settings(server, **({"login": ALICE} | changes)))  # type: ignore[arg-type]
    assert (error.phase, error.fault) == (phase, fault)
    assert bool(error.certificates) == (fault is Fault.CERTIFICATE_UNKNOWN_ISSUER)
