"""From a refused sign-in to the webhook: two real workers, a real mail server, a real receiver, no broker."""

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from records.alarms.models import Alarm, WebhookCall
from senders.enums import Encryption, LoginMethod
from senders.services import save_sender
from tests import services, smtpd
from tests.delivery.alarms.conftest import SECRET
from tests.delivery.engine.processes import start_worker
from tests.delivery.engine.scenes import accept
from tests.delivery.engine.scenes import make_sender as make_sender_of
from tests.webhook_receiver import Receiver

pytestmark = pytest.mark.django_db(transaction=True)
NO_BROKER = "redis://127.0.0.1:9/0"
WORKERS = 2


def start_workers(stack: ExitStack, log: Path, **settings: str) -> None:
    """Start workers that are killed without warning in the end."""
    for number in range(WORKERS):
        worker = start_worker(
            "--name", f"w{number}@%h",
            log=log, REDIS_URL=NO_BROKER, SWEEP_SECONDS="0.5", MAILBOX_ALARM_WEBHOOK_SECRET=SECRET, **settings,
        )  # fmt: skip
        stack.callback(worker.wait)
        stack.callback(os.killpg, worker.pid, signal.SIGKILL)


def test_a_refused_sign_in_is_called_out_once_and_its_end_too(receiver: Receiver, tmp_path: Path) -> None:
    users = {"reports@example.com": "right"}
    with smtpd.mail_server(Encryption.TLS, users=users) as server, ExitStack() as stack:
        sender = make_sender_of(server, login_method=LoginMethod.ADDRESS, password="wrong")
        accept(sender)
        receiver.answers = [503]
        start_workers(stack, tmp_path / "log", MAILBOX_ALARM_WEBHOOK=receiver.url)
        receiver.wait_for(1, timeout=60)
        WebhookCall.objects.filter(attempts=1).update(due_at="2020-01-01T00:00Z")  # not in ten seconds
        services.wait_until(lambda: WebhookCall.objects.filter(state="delivered").exists(), what="the second try")
        save_sender(sender, password="right")
        services.wait_until(lambda: not Alarm.objects.open().exists(), what="the end of the alarm")
        calls = receiver.wait_for(3, timeout=30)
    told = [(call.contents["event"], call.contents["kind"], call.contents["sender"]) for call in calls]
    raised = ("raised", "sign_in_refused", "reports@example.com")
    assert told == [raised, raised, ("cleared", "sign_in_refused", "reports@example.com")]
    assert calls[0].contents["id"] == calls[1].contents["id"] != calls[2].contents["id"]
    assert [mail.message["Subject"] for mail in server.mails] == ["Nightly load"]
