"""Which fields a click changes."""

import json

import pytest

from delivery.check.mends import choose_mends, find_mend, trust
from records.enums import Fault, Phase, Remedy
from records.error_book import Failure
from senders.enums import Encryption


@pytest.mark.parametrize(
    ("remedy", "fields"),
    [
        ("use_ssl_465", {"encryption": "ssl", "port": "465"}),
        ("use_tls_587", {"encryption": "tls", "port": "587"}),
        ("use_tls_25", {"encryption": "tls", "port": "25"}),
        ("use_no_encryption_25", {"encryption": "none", "port": "25"}),
        ("sign_in", {"login_method": "address"}),
        ("skip_sign_in", {"login_method": "none"}),
    ],
)
def test_a_wrong_choice_is_changed_and_the_check_runs_again(remedy: str, fields: dict[str, str]) -> None:
    mend = find_mend(remedy)

    assert mend is not None
    assert json.loads(mend.as_json) == {"fields": fields, "focus": ""}


@pytest.mark.parametrize(
    ("remedy", "field"),
    [
        ("check_host", "host"),
        ("check_address", "address"),
        ("check_login_name", "login_name"),
        ("retype_password", "password"),
        ("set_ehlo_name", "ehlo_name"),
    ],
)
def test_what_only_a_person_knows_leads_to_its_field(remedy: str, field: str) -> None:
    mend = find_mend(remedy)

    assert mend is not None
    assert mend.focus == field


@pytest.mark.parametrize("key", ["", "none", "open_guide", "trust_certificate", "drop table"])
def test_what_is_no_such_click_changes_nothing(key: str) -> None:
    assert find_mend(key) is None


def test_every_remedy_has_a_control() -> None:
    of_their_own = {Remedy.NONE, Remedy.OPEN_GUIDE, Remedy.TRUST_CERTIFICATE}

    assert {remedy for remedy in Remedy if find_mend(remedy) is None} == of_their_own


def test_a_trusted_certificate_joins_those_that_are_there() -> None:
    assert trust("one\n", "two") == {"trusted_certificates": "one\ntwo"}
    assert trust("", " two ") == {"trusted_certificates": "two"}


@pytest.mark.parametrize(
    ("fault", "encryption", "port", "remedy", "offered"),
    [
        (Fault.TLS_NOT_SPOKEN, Encryption.SSL, 2525, Remedy.USE_SSL_465, ["same_port_tls", "use_ssl_465"]),
        (Fault.GREETING_TIMEOUT, Encryption.TLS, 10465, Remedy.NONE, ["same_port_ssl"]),
        (Fault.GREETING_TIMEOUT, Encryption.NONE, 10465, Remedy.NONE, ["same_port_ssl"]),
        (Fault.STARTTLS_MISSING, Encryption.TLS, 2525, Remedy.USE_NO_ENCRYPTION_25, ["same_port_none"]),
        (Fault.STARTTLS_MISSING, Encryption.TLS, 2525, Remedy.USE_SSL_465, ["use_ssl_465"]),
        (Fault.TLS_NOT_SPOKEN, Encryption.SSL, 587, Remedy.USE_TLS_587, ["use_tls_587"]),
        (Fault.REPLY, Encryption.TLS, 2525, Remedy.RETYPE_PASSWORD, ["retype_password"]),
        (Fault.REPLY, Encryption.TLS, 587, Remedy.CHECK_LOGIN_NAME, ["check_login_name", "retype_password"]),
        (Fault.AUTH_CLEARTEXT, Encryption.NONE, 2525, Remedy.USE_TLS_587, ["same_port_tls", "use_tls_587"]),
        (Fault.REPLY, Encryption.NONE, 2525, Remedy.USE_TLS_587, ["same_port_tls", "use_tls_587"]),
        (Fault.AUTH_CLEARTEXT, Encryption.NONE, 587, Remedy.USE_TLS_587, ["use_tls_587"]),
        (Fault.CERTIFICATE_SELF_SIGNED, Encryption.TLS, 2525, Remedy.TRUST_CERTIFICATE, []),
    ],
)
def test_the_likeliest_click_comes_first_on_an_unusual_port_another_encryption(
    fault: Fault, encryption: Encryption, port: int, remedy: Remedy, offered: list[str]
) -> None:
    failure = Failure(Phase.TLS, fault, port=port, encryption=encryption)

    assert [mend.key for mend in choose_mends(failure, remedy)] == offered
