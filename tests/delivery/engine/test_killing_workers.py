"""Killing the real worker again and again while 500 mails go out: nothing is lost, and duplicates are known."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from delivery.engine.sweep import sweep
from records.models import Mail, SendingRecord
from tests import services, smtpd
from tests.delivery.conftest import publishing_to
from tests.delivery.engine.processes import order_sweep, start_worker
from tests.delivery.engine.scenes import accept, copies, end_leases, make_due, make_sender

pytestmark = pytest.mark.django_db(transaction=True)

MAILS = 500
KILLS = 6
SENDERS = 3


BROKERS = ["redis"] if os.environ.get("TEST_DB") == "postgres" else ["redis", "files"]
"""The embedded broker goes with SQLite: that is what runs without any service."""


@pytest.fixture(params=BROKERS)
def broker_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A broker: real Redis, or the one made of files."""
    if request.param == "files":
        yield ""
        return
    url: str = request.getfixturevalue("redis_url")
    with publishing_to(url), redis.Redis.from_url(url) as client:
        client.flushall()
        yield url


@contextmanager
def running_worker(broker_url: str, log: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the real worker, and kill it without warning in the end."""
    worker = start_worker(log=log, REDIS_URL=broker_url, MAILBOX_DRAIN_SECONDS="5")
    try:
        yield worker
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def is_finished() -> bool:
    return not Mail.objects.exclude(state="sent").exists()


def test_nothing_is_lost_and_every_possible_duplicate_is_recorded(
    broker_url: str, server: smtpd.MailServer, tmp_path: Path
) -> None:
    senders = [make_sender(server, address=f"s{number}@example.com") for number in range(SENDERS)]
    mails = [accept(senders[number % SENDERS], f"r{number}@example.org") for number in range(MAILS)]
    for kill in range(1, KILLS + 1):
        with running_worker(broker_url, tmp_path / "log"):
            order_sweep()
            server.wait_for(kill * MAILS // (KILLS + 2), 60)
        end_leases()
        sweep()
        make_due()
    with running_worker(broker_url, tmp_path / "log"):

        def is_finished_with_sweeps() -> bool:
            make_due()
            order_sweep()
            return is_finished()

        services.wait_until(is_finished_with_sweeps, seconds=180, what="the end of all mails")
    _check(mails, server)


def _check(mails: list[Mail], server: smtpd.MailServer) -> None:
    taken = copies(server)
    assert {message_id for message_id, _path in taken} == {mail.message_id for mail in mails}
    unknown = SendingRecord.objects.filter(outcome="unknown")
    for mail in mails:
        [receiver] = mail.receivers.all()
        assert 1 <= taken[mail.message_id, receiver.address] <= 1 + unknown.filter(mail=mail).count()
    assert not SendingRecord.objects.filter(outcome="sending").exists()
    assert SendingRecord.objects.filter(outcome="accepted").count() == MAILS
    assert sum(taken.values()) - MAILS <= unknown.count()
