"""By which name this machine introduces itself."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from delivery.smtp import ehlo_name
from delivery.smtp.ehlo_name import choose_ehlo_name
from tests.services import AT_ONCE


@pytest.fixture(autouse=True)
def unknown_machine() -> Iterator[None]:
    ehlo_name._machine_name.cache_clear()
    yield
    ehlo_name._machine_name.cache_clear()


@pytest.mark.parametrize(("wanted", "used"), [
    ("mail.example.org", "mail.example.org"), ("bücher.example", "xn--bcher-kva.example"),
    ("[192.0.2.1]", "[192.0.2.1]"), ("[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]"), ("intranet", "intranet"),
])  # fmt: skip
def test_the_wanted_name_is_used(wanted: str, used: str) -> None:
    assert choose_ehlo_name(wanted, "127.0.0.1") == used


@pytest.mark.parametrize("wanted", ["", "a b", "a\r\nMAIL FROM:<x@y.z>", "-a.example", "ä" * 70, "a..b", "[127.0.0.1"])
@pytest.mark.parametrize(
    "machine", ["localhost", "localhost.localdomain", "host", "192.0.2.7", "x.localhost", "bad_name.example"]
)
def test_without_a_usable_name_the_address_is_used(monkeypatch: pytest.MonkeyPatch, wanted: str, machine: str) -> None:
    monkeypatch.setattr("socket.getfqdn", lambda: machine)
    assert choose_ehlo_name(wanted, "192.0.2.1") == "[192.0.2.1]"
    assert choose_ehlo_name(wanted, "fe80::1%eth0") == "[IPv6:fe80::1]"


def test_the_machines_own_name_is_used_and_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(["app.example.org", "second.example.org"])
    monkeypatch.setattr("socket.getfqdn", lambda: next(names))
    assert [choose_ehlo_name("", "127.0.0.1") for _ in range(2)] == ["app.example.org", "app.example.org"]


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def hanging() -> str:
        over.wait(AT_ONCE * 2)
        return "late.example.org"

    monkeypatch.setattr(socket, "getfqdn", hanging)
    monkeypatch.setattr(ehlo_name, "LOOKUP_LIMIT", 0.1)
    begun = time.monotonic()
    assert choose_ehlo_name("", "127.0.0.1") == "[127.0.0.1]"
    assert time.monotonic() - begun < AT_ONCE
    over.set()
