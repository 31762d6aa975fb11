"""The real worker process: woken, told to stop, its broker emptied."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from celery import current_app

from records.models import Heartbeat, Mail, SendingRecord
from senders.models import Sender
from tests import services, smtpd
from tests.delivery.engine.processes import order_sweep, start, start_worker
from tests.delivery.engine.scenes import accept, copies, make_sender

pytestmark = pytest.mark.django_db(transaction=True)

NO_SWEEPS = {"SWEEP_SECONDS": "900"}
"""Whatever goes out was woken for."""


def is_listening(redis_url: str) -> bool:
    with redis.Redis.from_url(redis_url) as client:
        return any(other["cmd"] == "brpop" for other in client.client_list())


@contextmanager
def running_worker(redis_url: str, log: Path, pool: str = "threads", **values: str) -> Iterator[subprocess.Popen[str]]:
    values["REDIS_URL"] = redis_url
    if pool == "threads":
        worker = start_worker("--concurrency", "2", log=log, **values)
    else:
        worker = start("celery", "-A", "mailbox_admin", "worker", "-P", pool, "-c", "2", log=log, **values)
    try:
        services.wait_until(lambda: is_listening(redis_url), what="the worker's start")
        yield worker
    finally:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


@contextmanager
def worker_without_a_broker(log: Path, **values: str) -> Iterator[subprocess.Popen[str]]:
    """Run a worker whose broker is not there."""
    url = f"redis://127.0.0.1:{services.free_port()}/0"
    worker = start_worker(log=log, REDIS_URL=url, **values)
    try:
        yield worker
    finally:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def all_are(state: str) -> bool:
    return not Mail.objects.exclude(state=state).exists()


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_an_accepted_mail_is_sent_without_waiting_for_a_sweep(
    pool: str, broker: "redis.Redis", redis_url: str, server: smtpd.MailServer, tmp_path: Path
) -> None:
    sender = make_sender(server)
    with running_worker(redis_url, tmp_path / "log", pool, **NO_SWEEPS):
        for number in range(1, 4):
            accept(sender)
            server.wait_for(number, 30)
        services.wait_until(lambda: all_are("sent"))


def test_an_emptied_broker_loses_no_mail(
    broker: "redis.Redis", redis_url: str, server: smtpd.MailServer, tmp_path: Path
) -> None:
    sender = make_sender(server)
    mails = [accept(sender) for _ in range(20)]
    broker.flushall()
    with running_worker(redis_url, tmp_path / "log"):
        order_sweep()
        server.wait_for(len(mails))
        services.wait_until(lambda: all_are("sent"))
    assert Heartbeat.objects.filter(name="worker").exists()


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_a_worker_told_to_stop_finishes_the_mail_in_hand_and_gives_the_rest_back(
    pool: str, broker: "redis.Redis", redis_url: str, server: smtpd.MailServer, tmp_path: Path
) -> None:
    sender = make_sender(server)
    mails = [accept(sender, f"r{number}@example.org") for number in range(300)]
    with running_worker(redis_url, tmp_path / "log", pool) as worker:
        order_sweep()
        server.wait_for(10)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0
    assert set(Mail.objects.values_list("state", flat=True)) <= {"sent", "queued"}
    assert set(SendingRecord.objects.values_list("outcome", flat=True)) == {"accepted"}
    assert Mail.objects.filter(state="sent").count() == len(server.mails) <= len(mails)
    assert set(copies(server).values()) == {1}


def test_without_any_broker_a_worker_sends_by_its_own_sweeps_and_stops_when_told(
    server: smtpd.MailServer, tmp_path: Path
) -> None:
    sender = make_sender(server)
    accept(sender)
    with worker_without_a_broker(tmp_path / "log", SWEEP_SECONDS="0.5") as worker:
        server.wait_for(1, 60)  # it has to start first
        accept(sender)
        server.wait_for(2)
        services.wait_until(lambda: all_are("sent"))
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0


def test_one_account_is_served_at_once_while_the_servers_of_twenty_others_hang(
    broker: "redis.Redis", redis_url: str, server: smtpd.MailServer, tmp_path: Path
) -> None:
    with smtpd.mail_server() as silent:
        silent.answer("EHLO", smtpd.Misbehaviour.HANG)
        hanging = [make_sender(silent, address=f"h{number}@example.com", timeout=120) for number in range(20)]
        working = make_sender(server)
        with running_worker(redis_url, tmp_path / "log", **NO_SWEEPS):
            for sender in hanging:
                accept(sender)
            services.wait_until(lambda: silent.connections == len(hanging), what="twenty hanging sessions")
            accept(working)
            server.wait_for(1, 30)
            assert silent.connections == len(hanging)


def test_two_workers_share_the_only_connection_of_an_account_without_waiting_for_a_sweep(
    broker: "redis.Redis", redis_url: str, server: smtpd.MailServer, tmp_path: Path
) -> None:
    sender = make_sender(server, max_connections=1)
    with (
        running_worker(redis_url, tmp_path / "one", **NO_SWEEPS),
        running_worker(redis_url, tmp_path / "other", **NO_SWEEPS),
    ):
        for number in range(1, 9):
            accept(sender)
            server.wait_for(number, 30)
    assert {mail.connection for mail in server.mails} == {1}


def test_a_wrong_sender_id_or_a_failing_sweep_does_not_end_the_worker(
    broker: "redis.Redis", redis_url: str, server: smtpd.MailServer, tmp_path: Path
) -> None:
    sender = make_sender(server)
    with running_worker(redis_url, tmp_path / "log"):
        current_app.send_task("delivery.tasks.drain", args=["no id"], ignore_result=True)
        current_app.send_task("delivery.tasks.drain", args=[4711], ignore_result=True)
        accept(sender)
        server.wait_for(1)
    assert Sender.objects.count() == 1
