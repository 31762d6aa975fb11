"""Trusted certificates: what is read from PEM, and what is refused."""

import contextlib
import ssl
import warnings
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from senders.certificates import MAX_NAMES, MAX_PEM_LENGTH, check_certificates, facts_from_der, read_certificates
from tests.senders.certificates import PRIVATE_KEY_PEM, PUBLIC_KEY_PEM, make_certificate

SOUND = make_certificate()


def code_of(pem: str) -> str | None:
    with pytest.raises(ValidationError) as caught:
        check_certificates(pem)
    return caught.value.code


def test_a_certificate_tells_who_it_is_for_and_until_when() -> None:
    pem = make_certificate(ends=timedelta(days=90))
    (facts,) = check_certificates(pem)
    assert facts.subject == facts.issuer == "CN=mail.corp.example,O=Corp"
    assert facts.days_left in {89, 90}
    assert facts.not_before < datetime.now(UTC) < facts.not_after
    assert facts.pem == pem


def test_a_certificate_tells_which_servers_it_is_for() -> None:
    leaf = trustme.CA().issue_cert("mail.acme.example", "*.acme.example", "192.0.2.7")
    (facts,) = read_certificates(leaf.cert_chain_pems[0].bytes().decode())
    assert facts.names == ("mail.acme.example", "*.acme.example", "192.0.2.7")


def test_of_very_many_names_only_the_first_are_told() -> None:
    leaf = trustme.CA().issue_cert(*(f"host{number}.example" for number in range(100)))
    (facts,) = read_certificates(leaf.cert_chain_pems[0].bytes().decode())
    assert facts.names == tuple(f"host{number}.example" for number in range(MAX_NAMES))


def test_a_certificate_may_name_no_server() -> None:
    assert check_certificates(make_certificate())[0].names == ()


@given(st.lists(st.tuples(st.integers(min_value=0), st.integers(0, 255)), min_size=1, max_size=3))
def test_a_damaged_certificate_is_described_or_refused_and_nothing_else(changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(ssl.PEM_cert_to_DER_cert(SOUND))
    for position, value in changes:
        damaged[position % len(damaged)] = value
    with warnings.catch_warnings(), contextlib.suppress(ValueError, ValidationError):
        warnings.simplefilter("ignore")  # the parser tells of oddities that it lets pass
        facts_from_der(bytes(damaged))
        read_certificates(ssl.DER_cert_to_PEM_cert(bytes(damaged)))


def test_a_certificate_of_an_unknown_version_is_refused() -> None:
    version_three = bytes.fromhex("a003020102")
    der = ssl.PEM_cert_to_DER_cert(SOUND).replace(version_three, bytes.fromhex("a003020107"), 1)
    with pytest.raises(ValueError, match="not a certificate"):
        facts_from_der(der)
    assert code_of(ssl.DER_cert_to_PEM_cert(der)) == "unparsable"


def test_the_fingerprint_is_the_one_that_openssl_prints() -> None:
    pem = make_certificate()
    (facts,) = check_certificates(pem)
    assert len(facts.fingerprint_sha256) == 32 * 2 + 31
    assert facts == facts_from_der(ssl.PEM_cert_to_DER_cert(pem))
    assert facts.fingerprint_sha256 == facts.fingerprint_sha256.upper()


def test_a_chain_is_read_in_order_and_each_certificate_once() -> None:
    first, second = make_certificate("a.example"), make_certificate("b.example")
    facts = check_certificates(f"subject=a\n{first}\n\r\n{second}{first}")
    assert [one.subject for one in facts] == ["CN=a.example,O=Corp", "CN=b.example,O=Corp"]


def test_white_space_and_other_line_ends_do_no_harm() -> None:
    pem = make_certificate()
    assert check_certificates("  \n" + pem.replace("\n", "\r\n"))[0].pem == pem


@pytest.mark.parametrize(
    ("pem", "code"),
    [
        ("no certificate", "unparsable"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "unparsable"),
        ("-----BEGIN CERTIFICATE-----\n", "unparsable"),
        (PRIVATE_KEY_PEM, "private_key"),
        ("-----BEGIN RSA PRIVATE KEY-----\ncut", "private_key"),
        (PUBLIC_KEY_PEM, "not_a_certificate"),
        ("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----", "not_a_certificate"),
        ("x" * (MAX_PEM_LENGTH + 1), "too_large"),
    ],
)
def test_what_is_no_certificate_is_refused(pem: str, code: str) -> None:
    assert code_of(pem) == code


def test_a_certificate_with_its_private_key_is_refused() -> None:
    assert code_of(make_certificate() + PRIVATE_KEY_PEM) == "private_key"


def test_a_private_key_is_not_repeated() -> None:
    with pytest.raises(ValidationError) as caught:
        check_certificates(PRIVATE_KEY_PEM)
    assert PRIVATE_KEY_PEM.splitlines()[1] not in str(caught.value)


def test_an_expired_one_is_refused_with_its_name_and_date() -> None:
    pem = make_certificate(starts=timedelta(days=-20), ends=timedelta(days=-3))
    with pytest.raises(ValidationError) as caught:
        check_certificates(pem)
    assert caught.value.code == "expired"
    year = (datetime.now(UTC) - timedelta(days=3)).year
    assert "CN=mail.corp.example,O=Corp expired on" in caught.value.messages[0]
    assert str(year) in caught.value.messages[0]
    assert read_certificates(pem)[0].days_left < 0


def test_one_that_is_not_yet_valid_is_refused() -> None:
    assert code_of(make_certificate(starts=timedelta(days=2))) == "not_yet_valid"


def test_one_bad_certificate_spoils_a_chain() -> None:
    expired = make_certificate(starts=timedelta(days=-20), ends=timedelta(days=-3))
    assert code_of(make_certificate() + expired) == "expired"


def test_a_name_stays_on_one_line_and_short() -> None:
    (facts,) = read_certificates(make_certificate("a\nb\x1b[31m" + "c" * 40))
    assert facts.subject.isprintable()
    assert len(facts.subject) <= 300


@given(text=st.text(max_size=400))
def test_nothing_that_is_pasted_crashes_it(text: str) -> None:
    for pem in (text, f"-----BEGIN CERTIFICATE-----{text}-----END CERTIFICATE-----"):
        with pytest.raises(ValidationError):
            check_certificates(pem)
