"""Fixtures of the records room's tests."""

from collections.abc import Callable

import pytest
from django.test import Client

LIST = "/system/setting/mailbox/records/"
Found = Callable[..., list[str]]


@pytest.fixture
def found(client: Client) -> Found:
    """The receivers of the records that a query finds, newest first."""

    def find(**query: str) -> list[str]:
        response = client.get(LIST, query)
        assert response.status_code == 200
        return [record.receiver_address for record in response.context["page"].records]

    return find
