"""TLS: verified always, never given up, and a refused certificate shown to the person who must decide."""

import datetime as dt
import ssl
from typing import Any

import pytest
import trustme

from delivery.exceptions import SessionError
from delivery.values import Credentials, Reply, ServerSettings
from records.enums import Fault, Phase
from senders.certificates import facts_from_der
from senders.enums import Encryption
from tests import smtpd
from tests.delivery.smtp.certificates import self_signed
from tests.delivery.smtp.dialling import SHORT, failure_of_opening, hand_over, session
from tests.scripted_smtpd import Close, Expect, Hang, ReadBlock, Say, Script, StartTls, Step, scripted_server

ENCRYPTED = [Encryption.SSL, Encryption.TLS]
OTHER_CA = trustme.CA(organization_name="Some Other CA")


def facts_of(leaf: trustme.LeafCert) -> tuple[str, ...]:
    return tuple(
        facts_from_der(ssl.PEM_cert_to_DER_cert(pem.bytes().decode())).fingerprint_sha256
        for pem in leaf.cert_chain_pems
    )


def shown(error: SessionError) -> tuple[str, ...]:
    return tuple(certificate.fingerprint_sha256 for certificate in error.certificates)


def refusal(encryption: Encryption, leaf: trustme.LeafCert, **changes: Any) -> SessionError:
    context = smtpd.server_context(certificate=leaf)
    with smtpd.mail_server(encryption, users={"alice": "canary"}, context=context) as server:
        error = failure_of_opening(server.settings(login="alice", **changes))
    assert "AUTH" not in server.commands
    assert error.phase is Phase.TLS
    return error


@pytest.mark.parametrize("encryption", ENCRYPTED)
def test_a_certificate_of_the_trusted_ca_is_accepted_and_described(encryption: Encryption) -> None:
    with smtpd.mail_server(encryption) as server, session(server.settings()) as opened:
        assert opened.tls is not None
        assert opened.tls.version == "TLSv1.3"
        assert opened.tls.cipher.startswith("TLS_")
        assert opened.tls.certificate is not None
        hand_over(opened)
    assert [mail.encrypted for mail in server.mails] == [True]


@pytest.mark.parametrize("encryption", ENCRYPTED)
def test_a_certificate_of_an_unknown_ca_is_refused_with_its_fingerprint(encryption: Encryption) -> None:
    leaf = OTHER_CA.issue_cert("127.0.0.1")
    error = refusal(encryption, leaf)
    assert error.fault is Fault.CERTIFICATE_UNKNOWN_ISSUER
    assert shown(error)[:1] == facts_of(leaf)[:1]


@pytest.mark.parametrize("encryption", ENCRYPTED)
def test_a_certificate_is_refused_without_any_trusted_pem(encryption: Encryption) -> None:
    leaf = smtpd.authority().issue_cert("127.0.0.1")
    assert refusal(encryption, leaf, trusted_certificates="").fault is Fault.CERTIFICATE_UNKNOWN_ISSUER


@pytest.mark.parametrize("encryption", ENCRYPTED)
def test_a_certificate_of_another_host_is_refused_even_from_the_trusted_ca(encryption: Encryption) -> None:
    leaf = smtpd.authority().issue_cert("mail.example.org")
    error = refusal(encryption, leaf)
    assert error.fault is Fault.CERTIFICATE_WRONG_HOST
    assert shown(error)[:1] == facts_of(leaf)[:1]


def test_a_name_in_the_certificate_is_no_ip_address_and_the_reverse() -> None:
    by_name = smtpd.authority().issue_cert("localhost")
    assert refusal(Encryption.SSL, by_name, host="127.0.0.1").fault is Fault.CERTIFICATE_WRONG_HOST
    by_address = smtpd.authority().issue_cert("127.0.0.1")
    assert refusal(Encryption.SSL, by_address, host="localhost").fault is Fault.CERTIFICATE_WRONG_HOST


def test_an_expired_certificate_is_refused() -> None:
    past = dt.datetime.now(dt.UTC) - dt.timedelta(days=2)
    leaf = smtpd.authority().issue_cert("127.0.0.1", not_after=past)
    assert refusal(Encryption.TLS, leaf).fault is Fault.CERTIFICATE_EXPIRED


def test_a_certificate_of_the_future_is_refused() -> None:
    future = dt.datetime.now(dt.UTC) + dt.timedelta(days=2)
    leaf = smtpd.authority().issue_cert("127.0.0.1", not_before=future)
    assert refusal(Encryption.TLS, leaf).fault is Fault.CERTIFICATE_NOT_YET_VALID


@pytest.mark.parametrize("encryption", ENCRYPTED)
def test_a_self_signed_certificate_is_refused_until_it_is_trusted_itself(encryption: Encryption) -> None:
    leaf = self_signed("127.0.0.1")
    error = refusal(encryption, leaf)
    assert error.fault is Fault.CERTIFICATE_SELF_SIGNED
    assert shown(error) == facts_of(leaf)
    pem = error.certificates[0].pem
    context = smtpd.server_context(certificate=leaf)
    with (
        smtpd.mail_server(encryption, context=context) as server,
        session(server.settings(trusted_certificates=pem)) as opened,
    ):
        assert opened.tls is not None
        assert opened.tls.certificate == error.certificates[0]


def test_trust_in_a_self_signed_certificate_is_no_trust_for_other_names() -> None:
    leaf = self_signed("mail.example.org")
    pem = leaf.cert_chain_pems[0].bytes().decode()
    assert refusal(Encryption.SSL, leaf, trusted_certificates=pem).fault is Fault.CERTIFICATE_WRONG_HOST


def test_a_leaf_of_an_unknown_ca_can_be_trusted_by_itself() -> None:
    leaf = OTHER_CA.issue_cert("127.0.0.1")
    pem = leaf.cert_chain_pems[0].bytes().decode()
    context = smtpd.server_context(certificate=leaf)
    with (
        smtpd.mail_server(Encryption.TLS, context=context) as server,
        session(server.settings(trusted_certificates=pem)) as opened,
    ):
        assert opened.is_usable


def test_a_pem_that_cannot_be_read_is_told_before_anything_is_sent() -> None:
    with smtpd.mail_server(Encryption.SSL) as server:
        error = failure_of_opening(
            server.settings(trusted_certificates="-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        )
    assert (error.phase, error.fault) == (Phase.TLS, Fault.CERTIFICATE_INVALID)


def test_a_server_that_does_not_offer_starttls_gets_no_password_and_no_mail() -> None:
    with scripted_server(Script.greeting("AUTH PLAIN"), encryption=Encryption.TLS) as server:
        error = failure_of_opening(server.settings(credentials=Credentials("alice", "canary")))
    assert (error.phase, error.fault) == (Phase.TLS, Fault.STARTTLS_MISSING)
    assert bytes(server.received) == b"ehlo client.test\r\n"


@pytest.mark.parametrize(("line", "fault", "reply"), [
    ("454 4.7.0 TLS not available", Fault.REPLY, Reply(454, "4.7.0", "TLS not available")),
    ("501 no", Fault.REPLY, Reply(501, "", "no")),
    ("250 sure", Fault.PROTOCOL, None),
    ("xyz", Fault.PROTOCOL, None),
])  # fmt: skip
def test_a_refused_starttls_never_falls_back(line: str, fault: Fault, reply: Reply | None) -> None:
    script = [*Script.greeting("STARTTLS", "AUTH PLAIN"), Expect("STARTTLS"), Say(line)]
    with scripted_server(script, encryption=Encryption.TLS) as server:
        error = failure_of_opening(server.settings(credentials=Credentials("alice", "canary")))
    assert (error.phase, error.fault, error.reply) == (Phase.TLS, fault, reply)
    assert b"AUTH" not in server.received


def test_clear_text_after_the_answer_to_starttls_is_an_attack() -> None:
    injected = b"220 go\r\n250-mx\r\n250 AUTH PLAIN\r\n"
    script = [*Script.greeting("STARTTLS"), Expect("STARTTLS"), Say(injected), StartTls()]
    with scripted_server(script, encryption=Encryption.TLS) as server:
        error = failure_of_opening(server.settings())
    assert (error.phase, error.fault) == (Phase.TLS, Fault.PROTOCOL)


def test_what_was_announced_in_clear_text_is_forgotten_under_tls() -> None:
    script = [
        *Script.greeting("STARTTLS", "SMTPUTF8", "AUTH PLAIN"), Expect("STARTTLS"), Say("220 go"), StartTls(),
        Expect("EHLO"), Say("250 mx"),
    ]  # fmt: skip
    with scripted_server(script, encryption=Encryption.TLS) as server, session(server.settings()) as opened:
        assert dict(opened.extensions) == {}


def test_ehlo_may_be_refused_under_tls() -> None:
    script = [
        *Script.greeting("STARTTLS"), Expect("STARTTLS"), Say("220 go"), StartTls(),
        Expect("EHLO"), Say("421 4.3.2 No"), Close(),
    ]  # fmt: skip
    with scripted_server(script, encryption=Encryption.TLS) as server:
        error = failure_of_opening(server.settings())
    assert (error.phase, error.fault, error.reply) == (Phase.GREETING, Fault.REPLY, Reply(421, "4.3.2", "No"))


def test_clear_text_where_implicit_tls_is_wanted_is_told_as_such() -> None:
    with smtpd.mail_server(Encryption.NONE) as server:
        error = failure_of_opening(server.settings(encryption=Encryption.SSL))
    assert (error.phase, error.fault) == (Phase.TLS, Fault.TLS_NOT_SPOKEN)


def test_implicit_tls_where_clear_text_is_wanted_is_silence() -> None:
    with smtpd.mail_server(Encryption.SSL) as server:
        error = failure_of_opening(server.settings(encryption=Encryption.TLS, timeout=SHORT))
    assert (error.phase, error.fault) == (Phase.GREETING, Fault.GREETING_TIMEOUT)


@pytest.mark.parametrize(("after_hello", "fault"), [
    ([Close()], Fault.TLS_HANDSHAKE),
    ([Hang()], Fault.TIMEOUT),
    ([Say(b"\x15\x03\x03\x00\x02\x02\x28")], Fault.TLS_HANDSHAKE),
    ([Say(b"\x15\x03\x03\x00\x02\x02\x46")], Fault.TLS_HANDSHAKE),
    ([Say(b"HTTP/1.1 400 Bad Request\r\n\r\n")], Fault.TLS_NOT_SPOKEN),
    ([Say(b"220 mx ESMTP\r\n")], Fault.TLS_NOT_SPOKEN),
])  # fmt: skip
def test_a_handshake_may_fail_in_many_ways(after_hello: list[Step], fault: Fault) -> None:
    with scripted_server([ReadBlock(), *after_hello], encryption=Encryption.SSL) as server:
        error = failure_of_opening(server.settings(timeout=SHORT))
    assert (error.phase, error.fault) == (Phase.TLS, fault)


def test_a_server_that_knows_old_tls_only_is_refused() -> None:
    context = smtpd.server_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with smtpd.mail_server(Encryption.SSL, context=context) as server:
        error = failure_of_opening(server.settings())
    assert (error.phase, error.fault, error.certificates) == (Phase.TLS, Fault.TLS_HANDSHAKE, ())


def test_looking_at_a_refused_certificate_sends_nothing_but_the_handshake() -> None:
    leaf = OTHER_CA.issue_cert("127.0.0.1")
    context = smtpd.server_context(certificate=leaf)
    script = [*Script.greeting("STARTTLS"), Expect("STARTTLS"), Say("220 go"), StartTls(context), Hang()]
    with scripted_server(script, encryption=Encryption.TLS) as server:
        error = failure_of_opening(server.settings(credentials=Credentials("alice", "canary")))
    assert shown(error)[:1] == facts_of(leaf)[:1]
    assert server.connections == 2
    assert bytes(server.received) == b"ehlo client.test\r\nSTARTTLS\r\n" * 2


def test_a_server_that_refuses_to_be_looked_at_is_told_without_certificates() -> None:
    context = smtpd.server_context(certificate=OTHER_CA.issue_cert("127.0.0.1"))
    first = [StartTls(context)]
    with scripted_server(first, [Close()], encryption=Encryption.SSL) as server:
        error = failure_of_opening(server.settings())
    assert (error.fault, error.certificates) == (Fault.CERTIFICATE_UNKNOWN_ISSUER, ())


def test_the_host_as_typed_is_verified_not_the_address() -> None:
    context = smtpd.server_context("localhost")
    with (
        smtpd.mail_server(Encryption.SSL, context=context) as server,
        session(server.settings(host="localhost.")) as opened,
    ):
        assert opened.peer == f"127.0.0.1:{server.port}"


def test_an_unknown_encryption_never_means_clear_text() -> None:
    with smtpd.mail_server() as server:
        settings = ServerSettings("127.0.0.1", server.port, "STARTTLS")  # type: ignore[arg-type]
        with pytest.raises(AssertionError, match="unknown encryption"), session(settings):
            pass
    assert server.commands == []
