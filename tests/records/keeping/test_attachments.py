"""Taking files out of bodies."""

from datetime import date, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from delivery.compose.message import compose_body
from delivery.values import Attachment
from records.clock import database_now
from records.content import find_mime
from records.keeping.pretending import pretend_round
from records.keeping.rounds import run_whole
from records.keeping.rules import get_rules
from records.keeping.stripping import RemovedFile, read_note, strip_files
from records.models import Body, Mail
from tests.records.keeping.rows import mail_with_files, old_mail, set_rules

REPORT = Attachment("report.pdf", b"%PDF" * 10_000, "application/pdf")
ROWS = Attachment("行数.csv", b"a,b\r\n1,2\r\n", "text/csv")
DAY = date(2026, 3, 10)


def read(body: bytes) -> EmailMessage:
    message = message_from_bytes(body, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_each_file_leaves_a_note_with_its_name_type_and_size() -> None:
    stripped = read(
        strip_files(compose_body("Hello", "<p>Hello</p>", [REPORT, ROWS, Attachment("empty.txt", b"")]), DAY)
    )
    files = list(stripped.iter_attachments())
    assert [file.get_filename() for file in files] == ["report.pdf", "行数.csv", "empty.txt"]
    assert [read_note(file) for file in files] == [
        RemovedFile(DAY, 40_000, "application/pdf"),
        RemovedFile(DAY, 10, "text/csv"),
        RemovedFile(DAY, 0, "text/plain"),
    ]
    assert files[0].get_content() == "This file is not kept any more. It was removed on 2026-03-10."


def test_text_and_html_stay_as_they_are() -> None:
    stripped = read(strip_files(compose_body("Hello", "<p>Hello</p>", [REPORT]), DAY))
    text, html = stripped.get_body(("plain",)), stripped.get_body(("html",))
    assert text is not None
    assert html is not None
    assert (text.get_content(), html.get_content()) == ("Hello", "<p>Hello</p>")


@pytest.mark.parametrize("size", range(12))
def test_the_size_of_a_file_is_told_to_the_byte(size: int) -> None:
    (file,) = read(strip_files(compose_body("x", "", [Attachment("a", b"x" * size)]), DAY)).iter_attachments()
    note = read_note(file)
    assert note is not None
    assert note.size == size


def test_a_body_that_was_stripped_stays_as_it_is() -> None:
    once = strip_files(compose_body("Hello", "", [REPORT]), DAY)
    assert strip_files(once, date(2027, 1, 1)) == once


@pytest.mark.parametrize("html", ["", "<p>Hello</p>"])
def test_a_body_without_files_stays_as_it_is(html: str) -> None:
    body = compose_body("Hello", html)
    assert strip_files(body, DAY) == body


def test_a_file_itself_is_no_note_whatever_it_is_called() -> None:
    (file,) = read(
        compose_body("x", "", [Attachment("Mailbox-Removed: 2026-03-10; size=1; type=a", b"x")])
    ).iter_attachments()
    assert read_note(file) is None


def run() -> int:
    """Run a round, which does what was told before; returns how many bodies lost their files."""
    told = pretend_round(get_rules())
    did = run_whole(pause=0)
    assert told.stripped_bodies == did.stripped_bodies
    return did.stripped_bodies


@pytest.mark.django_db(transaction=True)
def test_files_go_when_they_are_old_enough_and_the_rest_of_the_mail_stays() -> None:
    set_rules(attachments_days=10)
    old, young = mail_with_files(11, REPORT), mail_with_files(9, REPORT)
    whole = find_mime(young.pk)
    assert run() == 1
    body = Body.objects.get(pk=old.pk)
    assert body.attached_size == 0
    assert body.attachments_removed_at is not None
    assert len(body.octets) < 1000
    (file,) = read(find_mime(old.pk) or b"").iter_attachments()
    assert file.get_filename() == "report.pdf"
    assert find_mime(young.pk) == whole
    assert run() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "values",
    [{"state": "retry", "finished_at": None}, {"state": "uncertain"}, {"finished_at": "lately"}],
    ids=["waiting", "held", "ended lately"],
)
def test_files_of_a_shared_body_stay_while_one_of_its_mails_is_not_old_enough(values: dict[str, Any]) -> None:
    set_rules(attachments_days=10)
    first = mail_with_files(30, REPORT)
    if values.get("finished_at") == "lately":
        values = {"finished_at": database_now() - timedelta(days=1)}
    second = old_mail(20, body=Body.objects.get(pk=first.pk), **values)
    whole = find_mime(second.pk)
    assert run() == 0
    assert find_mime(second.pk) == whole
    Mail.objects.filter(pk=second.pk).update(state="sent", finished_at=second.accepted_at)
    assert run() == 1


@pytest.mark.django_db(transaction=True)
def test_files_of_a_body_whose_first_mail_is_gone_go_too() -> None:
    first = mail_with_files(30, REPORT)
    old_mail(20, body=Body.objects.get(pk=first.pk))
    set_rules(records_days=25)
    assert run() == 0
    set_rules(attachments_days=10)
    assert run() == 1


@pytest.mark.django_db(transaction=True)
def test_too_many_bytes_of_files_go_oldest_first() -> None:
    mails = [mail_with_files(20 - number, REPORT) for number in range(5)]
    set_rules(max_attachments_size=90_000)
    assert run() == 3
    assert list(Body.objects.filter(attached_size__gt=0).order_by("pk").values_list("pk", flat=True)) == [
        mail.pk for mail in mails[3:]
    ]


@pytest.mark.django_db(transaction=True)
def test_files_that_go_with_their_contents_do_not_count_against_the_size_of_files() -> None:
    mail_with_files(40, REPORT)
    kept = mail_with_files(5, REPORT)
    set_rules(contents_days=30, max_attachments_size=50_000)
    assert run() == 0
    assert list(Body.objects.values_list("pk", "attached_size")) == [(kept.pk, 40_000)]


@pytest.mark.django_db(transaction=True)
def test_the_files_of_many_bodies_go_in_several_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("records.keeping.finding.FEW_BODIES", 2)
    set_rules(attachments_days=3)
    mails = [mail_with_files(20 - number, ROWS) for number in range(7)]
    assert run() == 7
    assert all(b"Mailbox-Removed" in (find_mime(mail.pk) or b"") for mail in mails)
