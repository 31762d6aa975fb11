"""The error book finds for every failure, and for replies of real servers, the entry that helps."""

import time
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from records.enums import Fault, Outcome, Phase, Remedy, SkipReason
from records.error_book import ENTRIES, Failure, explain, explain_outcome, find_entry, get_entry
from records.error_book.failure import is_internal_host
from senders.enums import Encryption, LoginMethod
from tests.services import AT_ONCE

OTHER = "mail.example.com"
OFFICE = "smtp.office365.com"
REPLIES = tomllib.loads((Path(__file__).parent / "real_replies.toml").read_text(encoding="utf-8"))["replies"]


def reply(host: str, phase: str, code: int, status: str, text: str) -> Failure:
    return Failure(Phase(phase), Fault.REPLY, code, status, text, host, 587, Encryption.TLS, LoginMethod.ADDRESS)


@pytest.mark.parametrize(("failure", "key"), [(reply(*row[:5]), row[5]) for row in REPLIES])
def test_a_reply_of_a_real_server_is_explained(failure: Failure, key: str) -> None:
    assert explain(failure).key == key


def test_an_enhanced_status_that_stands_only_in_the_text_counts_too() -> None:
    assert (
        explain(reply(OFFICE, "auth", 535, "", "5.7.139 Authentication unsuccessful")).key == "microsoft-basic-disabled"
    )


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.REPLY])
def test_every_fault_has_an_entry_of_its_own(fault: Fault) -> None:
    entry = explain(Failure(None, fault))
    assert not entry.key.startswith("generic")


@pytest.mark.parametrize(
    ("server", "fault", "key", "remedy"),
    [
        (("smtp.qq.com", 25, "tls"), Fault.CONNECT_TIMEOUT, "connect-timeout-25", Remedy.USE_SSL_465),
        ((OFFICE, 25, "tls"), Fault.CONNECT_TIMEOUT, "connect-timeout-25", Remedy.USE_TLS_587),
        (("192.168.1.2", 25, "none"), Fault.CONNECT_TIMEOUT, "connect-timeout-internal", Remedy.NONE),
        ((OTHER, 25, "tls"), Fault.CONNECTION_REFUSED, "connection-refused-25", Remedy.USE_SSL_465),
        ((OTHER, 465, "ssl"), Fault.CONNECTION_REFUSED, "connection-refused-465", Remedy.USE_TLS_587),
        (("smtp.163.com", 465, "tls"), Fault.GREETING_TIMEOUT, "greeting-timeout-465", Remedy.USE_SSL_465),
        ((OTHER, 465, "tls"), Fault.DISCONNECTED, "greeting-timeout-465", Remedy.USE_SSL_465),
        ((OTHER, 587, "ssl"), Fault.TLS_NOT_SPOKEN, "tls-not-spoken-587", Remedy.USE_TLS_587),
        ((OTHER, 25, "ssl"), Fault.TLS_NOT_SPOKEN, "tls-not-spoken-25", Remedy.USE_SSL_465),
        (("10.0.0.5", 25, "ssl"), Fault.TLS_NOT_SPOKEN, "tls-not-spoken-25-internal", Remedy.USE_TLS_25),
        ((OTHER, 25, "tls"), Fault.STARTTLS_MISSING, "starttls-missing", Remedy.USE_SSL_465),
        (("10.0.0.5", 25, "tls"), Fault.STARTTLS_MISSING, "starttls-missing-internal", Remedy.USE_NO_ENCRYPTION_25),
        (("mail.corp.internal", 587, "tls"), Fault.CERTIFICATE_UNKNOWN_ISSUER, "certificate-unknown-issuer",
         Remedy.TRUST_CERTIFICATE),
        (("smtp.qq.com", 465, "ssl"), Fault.CERTIFICATE_SELF_SIGNED, "certificate-untrusted-at-provider", Remedy.NONE),
        (("10.0.0.5", 587, "tls"), Fault.CERTIFICATE_WRONG_HOST, "certificate-wrong-host-internal", Remedy.CHECK_HOST),
        (("relay01", 25, "none"), Fault.AUTH_MISSING, "auth-missing-internal", Remedy.SKIP_SIGN_IN),
        (("10.0.0.5", 25, "none"), Fault.AUTH_CLEARTEXT, "auth-needs-encryption-25", Remedy.USE_TLS_25),
        ((OTHER, 993, "ssl"), Fault.NOT_A_MAIL_SERVER, "receiving-port", Remedy.USE_SSL_465),
    ],
)  # fmt: skip
def test_a_wrong_pair_of_port_and_encryption_is_recognised_and_mended(
    server: tuple[str, int, str], fault: Fault, key: str, remedy: Remedy
) -> None:
    host, port, encryption = server
    entry = explain(Failure(Phase.GREETING, fault, host=host, port=port, encryption=Encryption(encryption)))
    assert (entry.key, entry.remedy) == (key, remedy)


@pytest.mark.parametrize(
    ("method", "remedy"),
    [
        (LoginMethod.ADDRESS, Remedy.RETYPE_PASSWORD),
        (LoginMethod.DISPLAY_NAME, Remedy.SIGN_IN),
        (LoginMethod.LOGIN_NAME, Remedy.CHECK_LOGIN_NAME),
    ],
)
def test_the_remedy_of_a_refused_sign_in_depends_on_the_name_it_used(method: LoginMethod, remedy: Remedy) -> None:
    refused = reply(OTHER, "auth", 535, "5.7.8", "authentication failed")
    assert explain(replace(refused, login_method=method)).remedy == remedy


def test_what_is_set_already_is_not_offered_as_a_remedy() -> None:
    failure = reply(OTHER, "mail", 502, "5.5.2", "command not recognized")
    assert explain(failure).remedy == Remedy.USE_SSL_465
    assert explain(replace(failure, port=465, encryption=Encryption.SSL)).remedy == Remedy.NONE


def test_who_signs_in_with_the_address_is_not_told_to() -> None:
    failure = reply(OTHER, "mail", 503, "5.5.1", "Bad sequence of commands")
    assert explain(replace(failure, login_method=LoginMethod.NONE)).remedy == Remedy.SIGN_IN
    assert explain(failure).remedy == Remedy.NONE


@pytest.mark.parametrize(
    ("text", "without", "signed_in"),
    [
        ("<bob@example.org>: Relay access denied", "relay-denied", "relay-denied-signed-in"),
        ("<app[203.0.113.9]>: Client host rejected: Access denied", "client-refused-no-sign-in", "client-refused"),
    ],
)
def test_a_refusal_is_explained_by_whether_the_account_signed_in(text: str, without: str, signed_in: str) -> None:
    failure = reply(OTHER, "rcpt", 554, "5.7.1", text)
    assert explain(replace(failure, login_method=LoginMethod.NONE)).key == without
    assert explain(failure).key == signed_in


def test_encryption_is_given_up_for_internal_hosts_only() -> None:
    offers = [rule for entry in ENTRIES if entry.remedy is Remedy.USE_NO_ENCRYPTION_25 for rule in entry.rules]
    assert offers
    assert all(rule.internal for rule in offers)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("10.0.0.5", True), ("192.168.1.1", True), ("127.0.0.1", True), ("fd00::1", True), ("[::1]", True),
        ("exchange01", True), ("mail.company.local", True), ("8.8.8.8", False), ("smtp.qq.com", False), ("", False),
        ("local.example.com", False),
    ],
)  # fmt: skip
def test_internal_hosts_are_told_from_public_ones(host: str, expected: bool) -> None:
    assert is_internal_host(host) is expected


def test_the_guide_of_the_provider_comes_with_a_general_entry() -> None:
    timeout = Failure(Phase.CONNECT, Fault.CONNECT_TIMEOUT, host="smtp.163.com", port=25, encryption=Encryption.TLS)
    assert explain(timeout).guide == "netease"


def test_a_guide_is_offered_only_where_there_is_one() -> None:
    entry = explain(reply(OTHER, "auth", 534, "5.7.9", "too weak"))
    assert (entry.guide, entry.remedy) == ("", Remedy.RETYPE_PASSWORD)


def test_a_reply_that_nobody_knows_gets_the_entry_of_its_class() -> None:
    assert explain(reply(OTHER, "data", 459, "", "???")).key == "generic-transient"
    assert explain(reply(OTHER, "data", 559, "", "???")).key == "generic-permanent"
    assert explain(Failure(None, Fault.REPLY)).key == "generic"


@pytest.mark.parametrize("reason", SkipReason)
def test_every_reason_for_not_sending_is_explained(reason: SkipReason) -> None:
    assert explain_outcome(Outcome.SKIPPED, reason).key == f"skipped-{reason.value}"


@pytest.mark.parametrize("outcome", ["lost", "unknown", "accepted", "sending", "skipped", "suppressed"])
def test_an_outcome_without_a_reply_is_explained(outcome: str) -> None:
    assert explain_outcome(Outcome(outcome)).key == f"outcome-{outcome}"


def test_the_key_of_an_entry_that_is_gone_leads_to_the_generic_one() -> None:
    assert get_entry("no-longer-there") == get_entry("generic")
    assert get_entry("") == get_entry("generic")
    assert find_entry("no-longer-there") is None
    assert find_entry("spam") == get_entry("spam")


def test_an_entry_speaks_the_active_language() -> None:
    entry = get_entry("receiver-full")
    with override("zh-hans"):
        assert str(entry.cause) == "收件人的邮箱已满。"
    with override("en"):
        assert str(entry.cause) == "The receiver's mailbox is full."


hostile_failures = st.builds(
    Failure,
    phase=st.sampled_from([None, *Phase]),
    fault=st.sampled_from(list(Fault)),
    reply_code=st.integers(0, 999),
    enhanced_status=st.text(max_size=20),
    reply_text=st.text(max_size=3000),
    host=st.text(max_size=300),
)


@given(failure=hostile_failures)
def test_nothing_that_a_server_writes_makes_a_look_up_fail(failure: Failure) -> None:
    assert find_entry(explain(failure).key)


@pytest.mark.parametrize("unit", ["a", "spam ", "5.7.1", "sender address rejected ", "\x00", "邮", "." * 7])
def test_a_huge_reply_is_looked_up_in_a_moment(unit: str) -> None:
    huge = reply(OTHER, "data", 550, "", unit * 1_000_000)
    began = time.perf_counter()
    explain(huge)
    assert time.perf_counter() - began < AT_ONCE
