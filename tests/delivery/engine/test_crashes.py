"""What a crash leads to at each point of a mail's way: real processes, really killed."""

import os
import signal
from pathlib import Path

import pytest

from delivery.engine.drain import drain
from delivery.engine.sweep import sweep
from tests import smtpd
from tests.delivery.engine.processes import dying_worker
from tests.delivery.engine.scenes import accept, end_leases, fresh, make_due, make_sender, outcomes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("point", "tries", "copies"),
    [
        pytest.param("claimed", ["lost", "accepted"], (0, 1), id="between claim and dialogue"),
        pytest.param("before fence", ["lost", "accepted"], (0, 1), id="with the content sent and the dot withheld"),
        pytest.param("after fence", ["unknown", "accepted"], (0, 1), id="between the point of no return and the dot"),
        pytest.param("before settling", ["unknown", "accepted"], (1, 2), id="between the reply and settling"),
        pytest.param("after settling", ["accepted"], (1, 1), id="between settling and quit"),
    ],
)
def test_a_worker_is_killed(
    point: str, tries: list[str], copies: tuple[int, int], server: smtpd.MailServer, tmp_path: Path
) -> None:
    sender = make_sender(server)
    mail = accept(sender)
    with dying_worker(point, sender.pk, tmp_path / "log") as worker:
        assert worker.wait(60) == -signal.SIGKILL
    before = len(server.mails)
    end_leases()
    sweep()
    make_due()
    drain(sender.pk)
    assert outcomes(mail) == tries
    assert fresh(mail).state == "sent"
    assert (before, len(server.mails)) == copies


def test_a_worker_is_killed_between_the_dot_and_the_reply(server: smtpd.MailServer, tmp_path: Path) -> None:
    sender = make_sender(server)
    mail = accept(sender)
    seen = server.take_answer

    def kill_at_dot(command: str, argument: str) -> "str | smtpd.Misbehaviour | None":
        if command == "DOT" and worker.poll() is None:
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait()
        return seen(command, argument)

    server.take_answer = kill_at_dot  # type: ignore[method-assign]
    with dying_worker("never", sender.pk, tmp_path / "log") as worker:
        assert worker.wait(60) == -signal.SIGKILL
        server.wait_for(1)
    end_leases()
    sweep()
    make_due()
    drain(sender.pk)
    assert (outcomes(mail), fresh(mail).state, len(server.mails)) == (["unknown", "accepted"], "sent", 2)


def test_a_killed_workers_group_is_lost_before_its_first_dot_and_sent_once(
    server: smtpd.MailServer, tmp_path: Path
) -> None:
    sender = make_sender(server)
    mails = [accept(sender) for _ in range(3)]
    with dying_worker("before fence", sender.pk, tmp_path / "log", group=3) as worker:
        assert worker.wait(60) == -signal.SIGKILL
    end_leases()
    sweep()
    make_due()
    drain(sender.pk)
    assert [outcomes(mail) for mail in mails] == [["lost", "accepted"]] * 3
    assert len(server.mails) == 3


def test_a_worker_is_killed_amid_a_group_so_that_all_of_it_may_arrive_twice_and_says_so(
    server: smtpd.MailServer, tmp_path: Path
) -> None:
    sender = make_sender(server)
    mails = [accept(sender) for _ in range(5)]
    with dying_worker("amid a group", sender.pk, tmp_path / "log", group=3) as worker:
        assert worker.wait(60) == -signal.SIGKILL
    assert len(server.mails) == 2
    end_leases()
    sweep()
    assert [outcomes(mail) for mail in mails] == [["unknown"]] * 3 + [[]] * 2
    make_due()
    drain(sender.pk)
    assert [outcomes(mail) for mail in mails] == [["unknown", "accepted"]] * 3 + [["accepted"]] * 2
    assert len(server.mails) == 2 + 5
