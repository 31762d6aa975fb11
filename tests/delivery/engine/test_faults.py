"""What befalls real workers: frozen beyond their lease, restarted again and again, a server that is dead."""

import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from django.db import connection, transaction

from delivery.engine.sweep import sweep
from records.models import Mail, SendingRecord
from tests import services, smtpd
from tests.delivery.engine.processes import order_sweep
from tests.delivery.engine.scenes import accept, copies, end_leases, fresh, make_due, make_sender, outcomes
from tests.delivery.engine.test_worker import all_are, running_worker

pytestmark = pytest.mark.django_db(transaction=True)


def freeze_at(server: smtpd.MailServer, verb: str, worker: subprocess.Popen[str]) -> threading.Event:
    """Stop the worker when the server first reads a command, before it answers, and amid no transaction.

    Stopped within one of another thread's, such as of a sweep, it would keep its locks from everybody for ever.
    """
    seen, frozen = server.take_answer, threading.Event()

    def freeze_and_answer(command: str, argument: str) -> "str | smtpd.Misbehaviour | None":
        if command == verb and not frozen.is_set():
            try:
                services.wait_until(lambda: _freeze_between_transactions(worker))
            finally:
                connection.close()  # of the server's thread
            frozen.set()
        return seen(command, argument)

    server.take_answer = freeze_and_answer  # type: ignore[method-assign]
    return frozen


def _freeze_between_transactions(worker: subprocess.Popen[str]) -> bool:
    if connection.vendor == "sqlite":
        with transaction.atomic():  # nobody else writes meanwhile
            services.freeze(worker.pid)
        return True
    services.freeze(worker.pid)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND xact_start IS NOT NULL)"
        )
        (is_amid,) = cursor.fetchone()
    if is_amid:
        os.kill(worker.pid, signal.SIGCONT)
    return not is_amid


@pytest.mark.parametrize(
    ("verb", "first_try", "taken"),
    [
        pytest.param("DATA", "lost", 1, id="before the point of no return"),
        pytest.param("DOT", "unknown", 2, id="after the dot"),
    ],
)
def test_what_a_frozen_worker_had_in_hand_is_taken_over_and_the_record_says_what_may_have_arrived(  # noqa: PLR0917
    verb: str,
    first_try: str,
    taken: int,
    broker: object,
    redis_url: str,
    server: smtpd.MailServer,
    tmp_path: Path,
) -> None:
    sender = make_sender(server)
    with running_worker(redis_url, tmp_path / "frozen") as worker:
        frozen = freeze_at(server, verb, worker)
        mail = accept(sender)
        assert frozen.wait(60)
        end_leases()
        sweep()
        make_due()
        with running_worker(redis_url, tmp_path / "other"):
            services.wait_until(lambda: fresh(mail).state == "sent")
            os.kill(worker.pid, signal.SIGCONT)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(60) == 0
    assert outcomes(mail) == [first_try, "accepted"]
    assert sum(copies(server).values()) == taken


def test_workers_restarted_again_and_again_send_everything_once(
    broker: object, redis_url: str, server: smtpd.MailServer, tmp_path: Path
) -> None:
    sender = make_sender(server)
    mails = [accept(sender, f"r{number}@example.org") for number in range(120)]
    for stop in range(1, 3):
        with running_worker(redis_url, tmp_path / "log") as worker:
            order_sweep()
            server.wait_for(stop * 40, 30)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(60) == 0
    with running_worker(redis_url, tmp_path / "log"):
        order_sweep()
        server.wait_for(len(mails), 60)
        services.wait_until(lambda: all_are("sent"))
    assert set(copies(server).values()) == {1}
    assert set(SendingRecord.objects.values_list("outcome", flat=True)) == {"accepted"}


def test_a_dead_server_is_asked_by_one_session_at_a_time_however_much_mail_waits(
    broker: object, redis_url: str, server: smtpd.MailServer, tmp_path: Path
) -> None:
    server.answer("EHLO", smtpd.Misbehaviour.DROP)
    sender = make_sender(server)
    for number in range(50):
        accept(sender, f"r{number}@example.org")
    with running_worker(redis_url, tmp_path / "log"):
        for _ in range(10):
            order_sweep()
        services.wait_until(lambda: server.connections > 0)
        services.wait_until(lambda: SendingRecord.objects.filter(outcome="not_connected").exists())
        for _ in range(10):
            order_sweep()
        accept(sender)
        # Several groups may have been claimed, and are given back one after the other.
        services.wait_until(lambda: not Mail.objects.filter(state="sending").exists())
    # One that failed and those that were on their way at the same moment; none for any of what came later.
    assert server.connections <= 4
    assert Mail.objects.exclude(state__in=["queued", "retry"]).count() == 0
    assert set(Mail.objects.values_list("attempts", flat=True)) == {0}
