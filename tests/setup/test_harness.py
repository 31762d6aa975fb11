import socket

import pytest
from django.db import connection
from playwright.sync_api import Page
from redis import Redis

from tests.network_guard import ForeignAddressError


def test_dialling_a_foreign_address_is_refused() -> None:
    with socket.socket() as dialler, pytest.raises(ForeignAddressError):
        dialler.connect(("192.0.2.1", 25))


def test_looking_up_a_foreign_name_is_refused() -> None:
    with pytest.raises(ForeignAddressError):
        socket.getaddrinfo("mail.example.org", 25)


def test_a_datagram_to_a_foreign_address_is_refused() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sender, pytest.raises(ForeignAddressError):
        sender.sendto(b"x", ("192.0.2.1", 53))


def test_a_name_below_invalid_does_not_exist() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("mail.invalid", 25)


def test_loopback_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_a_real_redis_answers(redis_url: str) -> None:
    with Redis.from_url(redis_url) as client:
        client.set("key", "value")
        assert client.get("key") == b"value"


@pytest.mark.django_db
def test_the_database_answers() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_a_real_browser_shows_a_page(page: Page) -> None:
    page.set_content("<h1>Mailbox</h1>")
    assert page.inner_text("h1") == "Mailbox"
