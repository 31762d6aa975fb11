"""Detect settings: provider by domain, by mail exchanger, and what answers on the usual names and ports."""

import time
from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from delivery.check import detection, name_server
from delivery.check.detection import Grade, detect, probe
from delivery.check.mail_exchangers import _TABLE, find_preset_by_exchangers
from delivery.check.name_server import NameServer, _name_server
from delivery.smtp.policy import DialPolicy, load_dial_policy
from senders.enums import Encryption
from senders.presets import find_preset
from senders.validators import parse_address
from tests import smtpd
from tests.dns_server import DnsServer, dns_server
from tests.services import AT_ONCE

ZONE = {
    ("hosted.test", "MX"): ["10 mxbiz2.qq.com.", "5 mxbiz1.qq.com."],
    ("tenant.test", "MX"): ["0 tenant-test.mail.protection.outlook.com."],
    ("workspace.test", "MX"): ["1 aspmx.l.google.com.", "5 alt1.aspmx.l.google.com."],
    ("aliyun-hosted.test", "MX"): ["5 mx1.sg.aliyun.mxhichina.com."],
    ("nomail.test", "MX"): ["0 ."],
    ("own.test", "MX"): ["10 mx.own.test.", "20 backup.elsewhere.test."],
    ("mx.own.test", "A"): ["127.0.0.1"],
    ("xn--fiqs8s.test", "MX"): ["10 mxbiz1.qq.com."],
}


@pytest.fixture
def names(settings: Settings) -> Iterator[DnsServer]:
    with dns_server(ZONE) as server:
        settings.MAILBOX_NAMESERVERS = [server.address]
        yield server


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("a@qq.com", "smtp.qq.com"),
        ("a@foxmail.com", "smtp.qq.com"),
        ("a@163.com", "smtp.163.com"),
        ("a@GMAIL.com", "smtp.gmail.com"),
        ("a@outlook.com", "smtp-mail.outlook.com"),
    ],
)
def test_the_domain_of_a_provider_needs_no_question_at_all(names: DnsServer, address: str, host: str) -> None:
    proposals = detect(parse_address(address))

    assert proposals[0].host == host
    assert proposals[0].grade is Grade.PRESET
    assert names.questions == []


def test_a_provider_with_a_second_way_proposes_both_the_usual_first(names: DnsServer) -> None:
    proposals = detect(parse_address("a@qq.com"))

    assert [(each.port, each.encryption) for each in proposals] == [(465, Encryption.SSL), (587, Encryption.TLS)]


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("a@hosted.test", "smtp.exmail.qq.com"),
        ("a@tenant.test", "smtp.office365.com"),
        ("a@workspace.test", "smtp.gmail.com"),
        ("a@aliyun-hosted.test", "smtp.qiye.aliyun.com"),
        ("a@中国.test", "smtp.exmail.qq.com"),
    ],
)
def test_the_mail_exchanger_tells_who_hosts_a_domain(names: DnsServer, address: str, host: str) -> None:
    assert detect(parse_address(address))[0].host == host


def test_every_provider_in_the_table_is_a_preset_with_a_host() -> None:
    presets = [find_preset(key) for _patterns, key in _TABLE]

    assert all(preset and preset.host for preset in presets)


@pytest.mark.parametrize("host", ["mxbiz1.qq.com.evil.test", "google.com.evil.test", "evil.test", ""])
def test_a_name_that_only_looks_like_a_providers_is_none(host: str) -> None:
    assert find_preset_by_exchangers([host]) is None


def test_exchangers_come_most_preferred_first(names: DnsServer) -> None:
    server = NameServer(deadline=time.monotonic() + AT_ONCE)

    assert server.mail_exchangers("hosted.test") == ("mxbiz1.qq.com", "mxbiz2.qq.com")


def test_a_domain_that_takes_no_mail_has_no_exchanger(names: DnsServer) -> None:
    assert NameServer(deadline=time.monotonic() + AT_ONCE).mail_exchangers("nomail.test") == ()


def test_a_silent_name_server_costs_no_more_than_the_deadline(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(name_server, "ANSWER_SECONDS", AT_ONCE * 2)
    with dns_server(ZONE, is_silent=True) as server:
        settings.MAILBOX_NAMESERVERS = [server.address]
        begun = time.monotonic()
        found = NameServer(deadline=begun + 0.3).mail_exchangers("hosted.test")

    assert found == ()
    assert time.monotonic() - begun < AT_ONCE


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("192.0.2.53", "192.0.2.53", 53),
        ("127.0.0.1:5300", "127.0.0.1", 5300),
        ("2001:db8::53", "2001:db8::53", 53),
        ("[2001:db8::53]:5300", "2001:db8::53", 5300),
        ("[2001:db8::53]", "2001:db8::53", 53),
    ],
)
def test_a_name_server_is_written_with_or_without_port(text: str, address: str, port: int) -> None:
    server = _name_server(text)

    assert (server.address, server.port) == (address, port)


def test_an_unknown_domain_proposes_nothing(names: DnsServer) -> None:
    assert detect(parse_address("a@unknown.test")) == ()


def test_a_foreign_exchanger_is_not_taken_for_the_own_mail_server(names: DnsServer) -> None:
    detect(parse_address("a@own.test"), ports=())

    asked = {name for name, kind in names.questions if kind == "A"}
    assert asked == {"smtp.own.test", "mail.own.test", "mx.own.test"}


def test_what_answers_is_proposed_best_first() -> None:
    with (
        smtpd.mail_server(Encryption.NONE) as clear,
        smtpd.mail_server(Encryption.TLS) as secret,
    ):
        ports = ((clear.port, Encryption.TLS), (secret.port, Encryption.TLS))
        proposals = probe(["127.0.0.1"], ports, load_dial_policy(), deadline=time.monotonic() + AT_ONCE)

    assert [(each.port, each.encryption, each.grade) for each in proposals] == [
        (secret.port, Encryption.TLS, Grade.UNTRUSTED),
        (clear.port, Encryption.NONE, Grade.CLEAR),
    ]


def test_nobody_signs_in_while_looking() -> None:
    with smtpd.mail_server(Encryption.NONE, users={"a": "b"}) as server:
        probe(["127.0.0.1"], ((server.port, Encryption.NONE),), load_dial_policy(), deadline=time.monotonic() + AT_ONCE)

    assert "AUTH" not in server.commands
    assert "MAIL" not in server.commands


def test_a_forbidden_address_is_not_dialled() -> None:
    with smtpd.mail_server(Encryption.NONE) as server:
        policy = DialPolicy.of_networks("192.0.2.0/24")
        proposals = probe(["127.0.0.1"], ((server.port, Encryption.NONE),), policy, deadline=time.monotonic() + AT_ONCE)

    assert proposals == ()
    assert server.connections == 0


def test_silent_servers_are_given_up_at_the_deadline_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection, "PROBE_SECONDS", AT_ONCE * 2)
    with smtpd.mail_server(Encryption.NONE) as server:
        server.answer("EHLO", smtpd.Misbehaviour.HANG)
        begun = time.monotonic()
        ports = tuple((server.port, Encryption.NONE) for _each in range(4))
        proposals = probe(["127.0.0.1"], ports, load_dial_policy(), deadline=begun + 0.5)

    assert proposals == ()
    assert time.monotonic() - begun < AT_ONCE
