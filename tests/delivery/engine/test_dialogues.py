"""What was said in tries that failed is kept with them; of mails that were taken nothing is."""

from base64 import b64encode

import pytest

from delivery.check.events import Verdict
from delivery.check.order import order_check
from delivery.check.running import start_check
from delivery.engine.drain import drain
from records.dialogue.keeping import find_dialogues, keep_dialogues
from records.dialogue.lines import Line, LineKind
from records.dialogue.models import Dialogue
from records.models import Mail
from senders.enums import LoginMethod
from tests import smtpd
from tests.delivery.engine.scenes import accept, make_due, make_sender
from tests.scripted_smtpd import Expect, Say, Script, scripted_server

pytestmark = pytest.mark.django_db(transaction=True)


def said(mail: Mail, epoch: int = 1) -> list[str]:
    """Write what was said in a try, without greeting and addresses."""
    lines = find_dialogues(mail.pk, [epoch])[epoch]
    begin = next((number for number, line in enumerate(lines) if line.text.startswith("MAIL")), 0)
    return [f"{line.kind} {line.text}" for line in lines[begin:]]


def test_a_refused_mail_keeps_its_dialogue(server: smtpd.MailServer) -> None:
    mail = accept(make_sender(server))
    server.answer("DOT", "554 5.7.1 Spam")
    drain(mail.sender_id or 0)
    *begun, content, end = said(mail)
    assert begun[0].startswith("C MAIL FROM:<reports@example.com>")
    assert begun[1:] == ["S 250 OK", "C RCPT TO:<bob@example.org>", "S 250 OK", "C DATA", *begun[-1:]]
    assert content == f"content {mail.size}"
    assert end == "S 554 5.7.1 Spam"


def test_a_mail_that_was_taken_keeps_none(server: smtpd.MailServer) -> None:
    mail = accept(make_sender(server))
    drain(mail.sender_id or 0)
    assert (len(server.mails), Dialogue.objects.count()) == (1, 0)


def test_every_failed_try_has_its_own(server: smtpd.MailServer) -> None:
    mail = accept(make_sender(server))
    server.answer("RCPT", "450 4.2.1 Later", times=1)
    drain(mail.sender_id or 0)
    server.answer("RCPT", "550 5.1.1 Unknown", times=1)
    make_due()
    drain(mail.sender_id or 0)
    assert [said(mail, epoch)[-1] for epoch in (1, 2)] == ["S 450 4.2.1 Later", "S 550 5.1.1 Unknown"]


def test_a_mail_to_many_has_one_however_many_were_refused(server: smtpd.MailServer) -> None:
    mail = accept(make_sender(server), "a@example.org", "b@example.org", "c@example.org")
    server.answer("RCPT", "550 5.1.1 Unknown", about="a@")
    server.answer("RCPT", "450 4.2.1 Later", about="b@")
    drain(mail.sender_id or 0)
    assert Dialogue.objects.count() == 1
    assert [line for line in said(mail) if line.startswith("C RCPT")] == [
        f"C RCPT TO:<{name}@example.org>" for name in "abc"
    ]


def test_a_try_that_nobody_answered_tells_how_it_ended(server: smtpd.MailServer) -> None:
    mail = accept(make_sender(server))
    server.answer("DOT", smtpd.Misbehaviour.TAKE_AND_DROP)
    drain(mail.sender_id or 0)
    assert said(mail)[-1] == "ended disconnected"


@pytest.mark.usefixtures("own_keys")
def test_mail_that_waits_for_a_refused_sign_in_tells_of_it_without_the_password() -> None:
    with smtpd.mail_server(users={"reports@example.com": "right"}) as server:
        sender = make_sender(server, login_method=LoginMethod.ADDRESS, password="canary-4711")
        mails = [accept(sender), accept(sender)]
        drain(sender.pk)
    for mail in mails:
        dialogue = said(mail)
        assert "C AUTH PLAIN […]" in dialogue
        assert dialogue[-1] == "S 535 5.7.8 Authentication credentials invalid"
        assert "canary" not in repr(dialogue)


def test_a_server_that_is_away_shows_the_address_that_was_dialled() -> None:
    mail = accept(make_sender())
    drain(mail.sender_id or 0)
    assert said(mail) == ["addresses 127.0.0.1", "ended connection_refused"]


def test_a_dialogue_goes_with_its_mail() -> None:
    mail = accept(make_sender())
    drain(mail.sender_id or 0)
    mail.delete()
    assert Dialogue.objects.count() == 0


def test_what_was_written_down_twice_stands_once() -> None:
    mail = accept(make_sender())
    for text in ("220 first", "220 second"):
        keep_dialogues([(mail.pk, 7, [Line(LineKind.SERVER, text)]), (mail.pk, 8, [])])
    assert dict(find_dialogues(mail.pk, [7, 8])) == {7: [Line(LineKind.SERVER, "220 second")]}


def test_a_check_that_fails_keeps_its_dialogue_with_its_test_mail(server: smtpd.MailServer) -> None:
    server.answer("RCPT", "550 5.1.1 Unknown")
    order = order_check(make_sender(server), "", "me@example.org", tests_saved_values=True)
    *_steps, verdict = start_check(order)
    assert isinstance(verdict, Verdict)
    assert said(Mail.objects.get(pk=verdict.mail_id or 0))[-2:] == ["C RCPT TO:<me@example.org>", "S 550 5.1.1 Unknown"]


@pytest.mark.usefixtures("own_keys")
def test_a_server_that_repeats_what_it_heard_leaves_no_secret_behind() -> None:
    secrets = ["canary-4711", b64encode(b"\0reports@example.com\0canary-4711").decode()]
    script = [*Script.greeting("AUTH PLAIN"), Expect("AUTH"), Say(f"535 {' '.join(secrets)}")]
    with scripted_server(script) as hostile:
        sender = make_sender(port=hostile.port, login_method=LoginMethod.ADDRESS, password="canary-4711")
        mail = accept(sender)
        drain(sender.pk)
    assert said(mail)[-1] == "S 535 […] […]"
    kept = repr(list(Dialogue.objects.values_list("lines", flat=True)))
    assert [secret for secret in secrets if secret in kept] == []
