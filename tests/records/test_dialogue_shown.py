"""What was said in a failed try, on the page of its record."""

import pytest
from django.test import Client

from records.dialogue.keeping import keep_dialogues
from records.dialogue.lines import Line, LineKind
from records.dialogue.telling import tell
from records.enums import Fault
from records.models import Mail
from tests.people import client_of, make_person
from tests.records.rows import make_mail, make_record

DEFERRED = {"outcome": "deferred", "fault": "reply", "phase": "rcpt", "reply_code": 450}


@pytest.fixture
def client(db: None) -> Client:
    return client_of(make_person("records.view_sendingrecord"))


def text_of(client: Client, mail: Mail) -> str:
    record = mail.records.latest("pk")
    return " ".join(client.get(f"/system/setting/mailbox/records/{record.pk}/").content.decode().split())


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (Line(LineKind.CLIENT, "DATA"), ("C:", "DATA", False)),
        (Line(LineKind.SERVER, "250 ok"), ("S:", "250 ok", False)),
        (Line(LineKind.SERVER, "550 no"), ("S:", "550 no", True)),
        (Line(LineKind.SERVER, "421 bye"), ("S:", "421 bye", True)),
        (Line(LineKind.ADDRESSES, "192.0.2.1"), ("", "The host name leads to 192.0.2.1.", False)),
        (Line(LineKind.CONNECTED, "192.0.2.1:25"), ("", "Connected to 192.0.2.1:25.", False)),
        (Line(LineKind.SECURED, "TLSv1.3 X"), ("", "From here on encrypted: TLSv1.3 X.", False)),
        (Line(LineKind.CONTENT, "2048"), ("", "The content of the mail: 2.0\xa0KB.", False)),
        (Line(LineKind.LEFT_OUT, "1"), ("", "1 line is left out.", False)),
        (Line(LineKind.LEFT_OUT, "12"), ("", "12 lines are left out.", False)),
        (Line(LineKind.ENDED, "timeout"), ("", "No answer in time", True)),
    ],
)
def test_every_kind_of_line_is_told(line: Line, shown: tuple[str, str, bool]) -> None:
    (told,) = tell([line])
    assert (told.speaker, told.text, told.is_bad) == shown


@pytest.mark.parametrize("fault", Fault)
def test_every_end_of_a_session_is_told(fault: Fault) -> None:
    (told,) = tell([Line(LineKind.ENDED, fault.value)])
    assert told.text == str(fault.label)


def test_it_stands_folded_below_its_try(client: Client) -> None:
    mail = make_mail()
    make_record(mail, **DEFERRED)
    keep_dialogues([(mail.pk, 1, [Line(LineKind.CLIENT, "RCPT TO:<a@example.net>"), Line(LineKind.SERVER, "450 no")])])
    text = text_of(client, mail)
    assert '<details class="more said-box"> <summary>What was said</summary>' in text
    assert "<b>C:</b> RCPT TO:&lt;a@example.net&gt;" in text
    assert "<b>S:</b> 450 no" in text
    assert 'data-copy="said-1"' in text


def test_a_try_without_one_offers_nothing(client: Client) -> None:
    mail = make_mail()
    make_record(mail, **DEFERRED)
    assert "What was said" not in text_of(client, mail)


def test_each_try_has_its_own(client: Client) -> None:
    mail = make_mail()
    for epoch, text in ((1, "450 first"), (2, "450 second")):
        make_record(mail, epoch=epoch, **DEFERRED)
        keep_dialogues([(mail.pk, epoch, [Line(LineKind.SERVER, text)])])
    text = text_of(client, mail)
    assert text.index("450 first") < text.index("450 second")
    assert text.count("said-box") == 2


def test_what_a_server_said_is_shown_as_text(client: Client) -> None:
    mail = make_mail()
    make_record(mail, **DEFERRED)
    keep_dialogues([(mail.pk, 1, [Line(LineKind.SERVER, "450 <script>alert(1)</script>")])])
    assert "450 &lt;script&gt;alert(1)&lt;/script&gt;" in text_of(client, mail)
