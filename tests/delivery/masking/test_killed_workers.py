"""A worker is killed with a masked mail in hand: its original is there until the mail has ended, and not any longer."""

import signal
from pathlib import Path

import pytest

from delivery.engine.drain import drain
from delivery.engine.sweep import sweep
from records.masking.models import SealedContent
from tests import smtpd
from tests.delivery.engine.processes import dying_worker
from tests.delivery.engine.scenes import accept, end_leases, fresh, make_due, make_sender, outcomes
from tests.delivery.masking.searching import is_stored
from tests.delivery.masking.test_masked_mail import CODE, SECRET_MAIL, TOKEN

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_keys")]


@pytest.mark.parametrize(
    ("point", "tries", "copies"),
    [
        pytest.param("claimed", ["lost", "accepted"], (0, 1), id="before the dialogue"),
        pytest.param("before settling", ["unknown", "accepted"], (1, 2), id="between the reply and settling"),
        pytest.param("amid settling what was sent", ["unknown", "accepted"], (1, 2), id="amid settling"),
        pytest.param("after settling", ["accepted"], (1, 1), id="after settling"),
    ],
)
def test_a_mail_that_is_sent(
    point: str, tries: list[str], copies: tuple[int, int], server: smtpd.MailServer, tmp_path: Path
) -> None:
    sender = make_sender(server)
    mail = accept(sender, **SECRET_MAIL)
    _kill_at(point, sender.pk, tmp_path)
    assert SealedContent.objects.exists() == (fresh(mail).finished_at is None) == (len(tries) > 1)
    before = len(server.mails)
    _go_on(sender.pk)
    assert (fresh(mail).state, outcomes(mail), (before, len(server.mails))) == ("sent", tries, copies)
    assert {received.message["Subject"] for received in server.mails} == {SECRET_MAIL["subject"]}
    assert not SealedContent.objects.exists()
    assert not any(map(is_stored, (CODE, TOKEN)))


@pytest.mark.parametrize(
    ("point", "tries"),
    [
        pytest.param("before settling", ["unknown", "refused"], id="between the reply and settling"),
        pytest.param("amid settling what failed", ["unknown", "refused"], id="amid settling"),
        pytest.param("after settling", ["refused"], id="after settling"),
    ],
)
def test_a_mail_that_fails(point: str, tries: list[str], server: smtpd.MailServer, tmp_path: Path) -> None:
    server.answer("DOT", f"554 5.7.1 Looks like spam: {CODE}")
    sender = make_sender(server)
    mail = accept(sender, **SECRET_MAIL)
    _kill_at(point, sender.pk, tmp_path)
    assert SealedContent.objects.exists() == (fresh(mail).finished_at is None) == (len(tries) > 1)
    _go_on(sender.pk)
    assert (fresh(mail).state, outcomes(mail), server.mails) == ("failed", tries, [])
    assert not SealedContent.objects.exists()
    assert not any(map(is_stored, (CODE, TOKEN)))


def test_a_group_of_which_one_ends_amid_the_others(server: smtpd.MailServer, tmp_path: Path) -> None:
    sender = make_sender(server)
    masked, plain = accept(sender, **SECRET_MAIL), accept(sender)
    _kill_at("amid settling what was sent", sender.pk, tmp_path, group=2)
    assert SealedContent.objects.get().mail == masked
    _go_on(sender.pk)
    assert [outcomes(mail) for mail in (masked, plain)] == [["unknown", "accepted"]] * 2
    assert len(server.mails) == 4
    assert not SealedContent.objects.exists()


def _kill_at(point: str, sender_id: int, folder: Path, *, group: int = 1) -> None:
    with dying_worker(point, sender_id, folder / "log", group=group) as worker:
        assert worker.wait(120) == -signal.SIGKILL, (folder / "log").read_text()


def _go_on(sender_id: int) -> None:
    end_leases()
    sweep()
    make_due()
    drain(sender_id)
