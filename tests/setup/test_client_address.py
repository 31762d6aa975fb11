import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from mailbox_admin.client_address import TrustedProxyMiddleware


def client_seen(peer: str, forwarded: str | None) -> str:
    """The client's address as the rest of the product sees it."""
    seen: list[str] = []

    def answer(request: HttpRequest) -> HttpResponse:
        seen.append(request.META["REMOTE_ADDR"])
        return HttpResponse()

    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    TrustedProxyMiddleware(answer)(RequestFactory().get("/", REMOTE_ADDR=peer, headers=headers))
    return seen[0]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("10.0.0.5", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.5", "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.5", "203.0.113.9, 10.0.0.6", "203.0.113.9"),
        ("10.0.0.5", "2001:db8::7", "2001:db8::7"),
        ("10.0.0.5", None, "10.0.0.5"),
        ("10.0.0.5", "<script>", "10.0.0.5"),
        ("198.51.100.1", "203.0.113.9", "198.51.100.1"),
        ("::ffff:10.0.0.5", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.5", "::ffff:203.0.113.9", "203.0.113.9"),
        ("10.0.0.5", "fe80::7%eth0", "fe80::7"),
    ],
)
def test_only_our_own_proxies_are_believed(settings: Settings, peer: str, forwarded: str | None, expected: str) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/24"]
    assert client_seen(peer, forwarded) == expected


@pytest.mark.parametrize(
    ("peer", "expected"),
    [("fe80::7%eth0", "fe80::7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8::7", "2001:db8::7"), ("", "")],
)
def test_an_address_is_written_as_every_database_takes_it(settings: Settings, peer: str, expected: str) -> None:
    settings.TRUSTED_PROXIES = []
    assert client_seen(peer, None) == expected


def test_without_proxies_nobody_is_believed(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = []
    assert client_seen("127.0.0.1", "203.0.113.9") == "127.0.0.1"
