"""The connection check in Simplified Chinese."""

from collections.abc import Iterator

import pytest
from django.test import Client

from senders.enums import Encryption
from tests import smtpd
from tests.web.checking import ADDRESS, CANARY, CHECK, MAILBOX, form_values, lines_of, save_account
from tests.web.chinese.reading import assert_chinese, chinese, english_in

pytestmark = pytest.mark.usefixtures("own_keys")


class TestTheConnectionCheck:
    pytestmark = pytest.mark.django_db(transaction=True)

    @pytest.fixture
    def server(self) -> Iterator[smtpd.MailServer]:
        with smtpd.mail_server(Encryption.TLS, users={ADDRESS: CANARY}) as running:
            yield running

    @pytest.fixture
    def stranger(self, transactional_db: None) -> Client:
        return chinese(role="administrator")

    def test_its_steps_and_its_verdict(self, stranger: Client, server: smtpd.MailServer) -> None:
        for changes in ({}, {"password": "wrong"}, {"trusted_certificates": ""}, {"encryption": "ssl"}):
            values = form_values(server, **changes)
            lines = lines_of(stranger.post(CHECK, values, headers={"Accept": "application/x-ndjson"}))
            said = [line[part] for line in lines for part in ("steps", "html", "say") if part in line]
            assert [english_in(part) for part in said] == [[]] * len(said)
            assert_chinese(stranger.post(CHECK, values).content.decode())

    def test_of_a_stored_account(self, stranger: Client, server: smtpd.MailServer) -> None:
        account = save_account(server, display_name="数据平台")
        url = f"{MAILBOX}senders/{account.pk}/check/"
        for recipient in ("me@acme.test", "me"):
            assert_chinese(stranger.post(url, {"recipient": recipient}).content.decode())
