"""Names to addresses, and dialling one of several: DNS failures are the one thing that is made up here."""

import errno
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from delivery.exceptions import SessionError
from delivery.smtp.dial import dial
from delivery.smtp.errors import translate
from delivery.smtp.opening import ascii_host
from delivery.smtp.policy import DialPolicy
from delivery.smtp.resolve import Target, resolve
from records.enums import Fault, Phase
from tests.delivery.smtp.dialling import LOOPBACK, SHORT, failure_of_opening, session
from tests.scripted_smtpd import Script, scripted_server
from tests.services import AT_ONCE

Rows = list[tuple[Any, ...]]


def rows(*addresses: str) -> Rows:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any], None]]:
    """Let the resolver give what the test says, raise it, or hang until the test is over."""
    over = threading.Event()

    def answer_with(answer: Any) -> None:
        def getaddrinfo(*_arguments: Any, **_options: Any) -> Rows:
            if answer is None:
                over.wait(AT_ONCE * 2)
            if isinstance(answer, Exception):
                raise answer
            return answer or []

        monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)

    yield answer_with
    over.set()


def test_a_name_that_does_not_exist_is_not_found() -> None:
    with scripted_server([]) as server:
        error = failure_of_opening(server.settings(host="mail.invalid"))
    assert (error.phase, error.fault) == (Phase.RESOLVE, Fault.NAME_NOT_FOUND)


@pytest.mark.parametrize("host", ["", ".", "a..b.invalid", "x" * 64 + ".invalid", "bad\0name.invalid"])
def test_what_is_no_host_name_is_not_found(host: str) -> None:
    with scripted_server([]) as server:
        error = failure_of_opening(server.settings(host=host))
    assert (error.phase, error.fault) == (Phase.RESOLVE, Fault.NAME_NOT_FOUND)


@pytest.mark.parametrize(("answer", "fault"), [
    (socket.gaierror(socket.EAI_AGAIN, "again"), Fault.NAME_SERVER_SILENT),
    (socket.gaierror(socket.EAI_FAIL, "fail"), Fault.NAME_SERVER_SILENT),
    (socket.gaierror(socket.EAI_NONAME, "none"), Fault.NAME_NOT_FOUND),
    ([], Fault.NAME_NOT_FOUND),
    (None, Fault.NAME_SERVER_SILENT),
])  # fmt: skip
def test_failures_of_the_name_server_are_told_apart(
    name_server: Callable[[Any], None], answer: Any, fault: Fault
) -> None:
    name_server(answer)
    with scripted_server([]) as server:
        begun = time.monotonic()
        error = failure_of_opening(server.settings(host="mail.test", timeout=SHORT))
    assert (error.phase, error.fault) == (Phase.RESOLVE, fault)
    assert time.monotonic() - begun < AT_ONCE


def test_of_several_addresses_only_the_permitted_are_dialled(name_server: Callable[[Any], None]) -> None:
    name_server(rows("169.254.169.254", "127.0.0.1", "10.0.0.1", "127.0.0.1"))
    assert resolve("mail.test", 25, LOOPBACK, limit=1) == tuple(resolve("127.0.0.1", 25, LOOPBACK, limit=1))


def test_families_take_turns_and_hostile_zones_are_cut_short(name_server: Callable[[Any], None]) -> None:
    name_server(
        rows(*(f"2001:db8::{number}" for number in range(2, 9)), *(f"127.0.0.{number}" for number in range(1, 9)))
    )
    targets = resolve("mail.test", 25, DialPolicy(), limit=1)
    assert [target.address.version for target in targets] == [6, 4, 6, 4, 6, 4]


def test_the_next_address_is_dialled_where_one_refuses(name_server: Callable[[Any], None]) -> None:
    name_server(rows("127.0.0.9", "127.0.0.1"))
    with scripted_server(Script.greeting()) as server, session(server.settings(host="mail.test")) as opened:
        assert opened.peer == f"127.0.0.1:{server.port}"


def test_a_name_is_looked_up_once(name_server: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = socket.getaddrinfo

    def counting(host: str, *arguments: Any, **options: Any) -> Rows:
        asked.append(host)
        return rows("127.0.0.1") if host == "mail.test" else [*real(host, *arguments, **options)]

    monkeypatch.setattr("socket.getaddrinfo", counting)
    with scripted_server(Script.greeting()) as server, session(server.settings(host="mail.test")):
        pass
    assert asked.count("mail.test") == 1


def test_the_failure_that_says_most_is_told() -> None:
    with scripted_server([]) as server:
        port = server.port
    unreachable = Target(resolve("::1", 25, LOOPBACK, limit=1)[0].address, port)
    refusing = resolve("127.0.0.1", port, LOOPBACK, limit=1)[0]
    with pytest.raises(ConnectionRefusedError):
        dial([unreachable, refusing], limit=1, deadline=time.monotonic() + 1)


def test_no_time_left_is_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        dial(resolve("127.0.0.1", 9, LOOPBACK, limit=1), limit=1, deadline=time.monotonic() - 1)


@pytest.mark.parametrize(("number", "fault"), [
    (errno.ECONNREFUSED, Fault.CONNECTION_REFUSED), (errno.ETIMEDOUT, Fault.CONNECT_TIMEOUT),
    (errno.ENETUNREACH, Fault.UNREACHABLE), (errno.EHOSTUNREACH, Fault.UNREACHABLE),
    (errno.EPERM, Fault.UNREACHABLE), (errno.EADDRNOTAVAIL, Fault.UNREACHABLE), (errno.EINVAL, Fault.UNREACHABLE),
])  # fmt: skip
def test_errors_of_connecting_are_told_apart(number: int, fault: Fault) -> None:
    error = translate(OSError(number, "words of the kernel"), Phase.CONNECT)
    assert (error.fault, error.detail) == (fault, errno.errorcode[number])


@pytest.mark.parametrize(("typed", "meant"), [
    ("MAIL.example.org.", "MAIL.example.org"), ("bücher.example", "xn--bcher-kva.example"), ("[::1]", "::1"),
    (" 192.0.2.1 ", "192.0.2.1"), ("中国.example", "xn--fiqs8s.example"), ("ä" * 70, "ä" * 70),
])  # fmt: skip
def test_hosts_are_looked_up_in_ascii(typed: str, meant: str) -> None:
    assert ascii_host(typed) == meant


def test_an_address_is_written_with_its_port() -> None:
    assert [str(resolve(host, 25, LOOPBACK, limit=1)[0]) for host in ("127.0.0.1", "::1")] == [
        "127.0.0.1:25",
        "[::1]:25",
    ]


def test_no_address_at_all_raises() -> None:
    with pytest.raises(SessionError):
        resolve("", 25, LOOPBACK, limit=1)
