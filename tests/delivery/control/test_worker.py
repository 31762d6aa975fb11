"""Pausing under way, and deeds that a person did not wait for, with a real worker process."""

import threading
from pathlib import Path

import pytest
from django.db import connection
from redis import Redis

from delivery.acceptance import accept_mails
from delivery.control import bulk
from delivery.control.pausing import pause_sender, resume_sender
from delivery.control.selection import MailFilters
from delivery.request import MailRequest
from delivery.wake import wake_for_deed
from records.interventions import Deed
from records.models import Mail
from tests import services, smtpd
from tests.delivery.control.scenes import BY, accept_many, states
from tests.delivery.engine.scenes import copies, do_once_at, make_sender
from tests.delivery.engine.test_worker import running_worker

pytestmark = pytest.mark.django_db(transaction=True)

MAILS = 150


def test_a_pause_under_way_stops_all_but_what_is_in_hand(
    server: smtpd.MailServer, broker: Redis, redis_url: str, tmp_path: Path
) -> None:
    sender, is_paused = make_sender(server), threading.Event()

    def pause() -> None:
        try:
            pause_sender(sender, BY)
        finally:
            connection.close()  # of the server's thread
        is_paused.set()

    do_once_at(server, "DOT", pause)
    with running_worker(redis_url, tmp_path / "worker.log"):
        request = MailRequest(to=["bob@example.org"], subject="Nightly load", text="Done.", sender=sender)
        accept_mails([request] * MAILS)
        assert is_paused.wait(services.AT_ONCE)
        services.wait_until(lambda: not Mail.objects.filter(state="sending").exists(), what="the pause")
        waiting = Mail.objects.filter(state="queued", attempts=0).count()
        assert waiting + Mail.objects.filter(state="sent").count() == MAILS
        assert 0 < waiting < MAILS
        work = resume_sender(sender, BY)
        assert work is not None
        assert bulk.run(work).changed == waiting
        services.wait_until(lambda: not Mail.objects.exclude(state="sent").exists(), seconds=180, what="all mail")
    assert set(copies(server).values()) == {1}
    assert len(copies(server)) == MAILS


def test_a_deed_that_was_broken_off_is_finished_by_a_worker(
    broker: Redis, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "BATCH", 1)
    sender = make_sender()
    pause_sender(sender, BY)
    accept_many(sender, 3)
    with running_worker(redis_url, tmp_path / "worker.log"):
        work = bulk.run(bulk.begin(Deed.CANCEL, MailFilters(), BY), seconds=0)
        assert work.finished_at is None
        assert wake_for_deed(work.pk)
        services.wait_until(lambda: states() == ["cancelled"] * 3, what="the worker's work")
