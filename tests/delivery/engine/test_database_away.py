"""PostgreSQL drops the worker's connection amid a mail: nothing unrecorded is sent, and what was sent is recorded."""

import os

import psycopg
import pytest
from django.db import connection

from delivery.engine.drain import drain
from tests import smtpd
from tests.delivery.engine.scenes import accept, do_once_at, fresh, make_sender, outcomes

pytestmark = pytest.mark.django_db(transaction=True)


def drop_connections() -> None:
    """End every session at the test's database but our own."""
    database = connection.settings_dict
    with psycopg.connect(
        host=database["HOST"], port=database["PORT"], user=database["USER"], dbname="postgres", autocommit=True
    ) as operator:
        operator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database["NAME"]]
        )


if os.environ.get("TEST_DB") == "postgres":

    def test_away_at_the_point_of_no_return_no_dot_is_sent_and_the_mail_goes_out_later(
        server: smtpd.MailServer,
    ) -> None:
        sender = make_sender(server)
        mail = accept(sender)
        do_once_at(server, "DATA", drop_connections)
        drain(sender.pk)
        assert (outcomes(mail), fresh(mail).state) == (["lost", "accepted"], "sent")
        assert len(server.mails) == 1

    def test_away_at_settling_it_is_settled_over_a_new_connection(server: smtpd.MailServer) -> None:
        sender = make_sender(server)
        mail = accept(sender)
        do_once_at(server, "DOT", drop_connections)
        drain(sender.pk)
        assert (outcomes(mail), fresh(mail).state) == (["accepted"], "sent")
        assert len(server.mails) == 1
