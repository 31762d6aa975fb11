"""Another sender for a composed mail: From changes, answers go where they went, nothing else moves."""

import email
import email.policy
from email.message import EmailMessage

import pytest

from delivery.compose.exceptions import ComposeError
from delivery.compose.message import compose
from delivery.compose.readdressing import readdress
from delivery.values import Draft


def head_of(**values: object) -> bytes:
    usual: dict[str, object] = {
        "sender_address": "reports@example.com",
        "display_name": "Reports",
        "subject": "Nightly load: all tables of the warehouse were loaded, none was left out, and none was empty",
        "to": ("bob@example.org",),
        "text": "Done.\n",
    }
    mail = compose(Draft(**(usual | values)))  # type: ignore[arg-type]
    return mail.mime[: mail.mime.index(b"Content-Type")]


def moved(head: bytes, **values: str) -> bytes:
    usual = {"display_name": "Alerts", "address": "alerts@example.net", "answers_to": "reports@example.com"}
    return readdress(head, **(usual | values))


def parsed(head: bytes) -> EmailMessage:
    message = email.message_from_bytes(head, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_the_stand_in_is_the_sender_and_answers_go_to_the_original() -> None:
    message = parsed(moved(head_of()))
    assert (message["From"], message["Reply-To"]) == ("Alerts <alerts@example.net>", "reports@example.com")


def test_everything_else_stays_as_it_was() -> None:
    before = head_of(cc=("carol@example.org", "dave@example.org"))
    after = moved(before).split(b"\r\n")
    changed = (b"From:", b"Reply-To:")
    assert [line for line in after if not line.startswith(changed)] == [
        line for line in before.split(b"\r\n") if not line.startswith(changed)
    ]


def test_an_address_for_answers_that_was_asked_for_stays() -> None:
    message = parsed(moved(head_of(reply_to=("helpdesk@example.com",))))
    assert message["Reply-To"] == "helpdesk@example.com"


def test_the_way_back_brings_the_sender_back_and_the_next_way_out_is_the_same() -> None:
    out = moved(head_of())
    back = moved(out, display_name="Reports", address="reports@example.com")
    assert parsed(back)["From"] == "Reports <reports@example.com>"
    assert moved(back) == out


def test_a_name_of_many_words_and_signs_is_written_anew_however_long_the_old_one_was() -> None:
    head = head_of(display_name="数据平台 定时任务 通知 " * 5)
    message = parsed(moved(head, display_name="Müller & Söhne, Alarme"))
    assert message["From"].addresses[0].display_name == "Müller & Söhne, Alarme"
    assert message["Subject"].startswith("Nightly load")


def test_an_international_domain_is_written_as_before() -> None:
    message = parsed(moved(head_of(), address="alerts@bücher.example", answers_to="reports@bücher.example"))
    assert message["From"].addresses[0].addr_spec == "alerts@xn--bcher-kva.example"
    assert message["Reply-To"].addresses[0].addr_spec == "reports@xn--bcher-kva.example"


def test_a_name_cannot_break_out_of_its_field() -> None:
    with pytest.raises(ComposeError):
        moved(head_of(), display_name="Alerts\r\nBcc: eve@example.org")
    with pytest.raises(ComposeError):
        moved(head_of(), address="alerts@example.net>\r\nBcc: eve@example.org")
