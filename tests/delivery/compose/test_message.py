"""Whole mails: header, structure, envelope."""

import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.compose.addressing import read_parties
from delivery.compose.exceptions import ComposeError
from delivery.compose.message import compose, compose_body, compose_head, serialise
from delivery.compose.parts import Part, attachment_part
from delivery.values import Attachment

from .reading import composed, content, draft, header_lines, raw_field, read, read_mailbox, unix

LINE = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=200)
BODY = st.text(st.characters(codec="utf-8"), max_size=2000)


def test_a_plain_mail_has_these_fields_in_this_order() -> None:
    mail = compose(draft(cc=("bob@example.com",), reply_to=("desk@example.com",)))
    assert [line.partition(b":")[0].decode() for line in header_lines(mail)] == [
        "From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version",
        "Auto-Submitted", "X-Auto-Response-Suppress", "Content-Type", "Content-Transfer-Encoding",
    ]  # fmt: skip


def test_a_plain_mail_reads_back_as_it_was_asked_for() -> None:
    message = composed(cc=("bob@example.com", "cid@example.com"), reply_to=("desk@example.com",))
    assert {name: str(message[name]) for name in ("From", "To", "Cc", "Reply-To", "Subject")} == {
        "From": "Ops <ops@example.com>",
        "To": "ann@example.com",
        "Cc": "bob@example.com, cid@example.com",
        "Reply-To": "desk@example.com",
        "Subject": "Load finished",
    }
    assert content(message) == "Done.\n"


def test_it_says_that_a_machine_wrote_it() -> None:
    message = composed()
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"


def test_its_date_is_now_in_utc_as_rfc_5322_writes_it() -> None:
    mail = compose(draft())
    assert re.fullmatch(r"Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000", raw_field(mail, "Date"))
    assert abs(datetime.now(UTC) - read(mail)["Date"].datetime) < timedelta(minutes=1)


def test_its_message_id_is_in_the_senders_domain_and_given_back() -> None:
    mail = compose(draft(sender_address="ops@bücher.example"))
    assert re.fullmatch(r"<[0-9a-f]{32}@xn--bcher-kva\.example>", mail.message_id)
    assert raw_field(mail, "Message-ID") == f"Message-ID: {mail.message_id}"


def test_no_two_mails_share_a_message_id() -> None:
    assert len({compose(draft()).message_id for _ in range(100)}) == 100


def test_the_envelope_holds_every_receiver_once() -> None:
    mail = compose(
        draft(to=("a@x.example", "b@x.example"), cc=("A@x.example", "a@X.example"), bcc=("b@x.example", "c@y"))
    )
    assert mail.envelope.reverse_path == "ops@example.com"
    assert mail.envelope.forward_paths == ("a@x.example", "b@x.example", "A@x.example", "c@y")
    assert mail.envelope.needs_smtputf8 is False


def test_blind_copies_are_in_the_envelope_and_nowhere_in_the_bytes() -> None:
    mail = compose(draft(bcc=("secret@example.net",)))
    assert mail.envelope.forward_paths == ("ann@example.com", "secret@example.net")
    assert b"secret" not in mail.mime
    assert b"bcc" not in mail.mime.lower()


def test_a_mail_to_blind_copies_only_names_nobody() -> None:
    mail = compose(draft(to=(), bcc=("a@x.example",)))
    assert raw_field(mail, "To") == "To: undisclosed-recipients:;"
    assert read(mail)["To"].addresses == ()


def test_a_mail_without_receivers_is_refused() -> None:
    with pytest.raises(ComposeError, match="Name at least one receiver") as refusal:
        compose(draft(to=()))
    assert refusal.value.field == "to"


def test_what_is_a_mails_own_comes_before_what_others_may_share() -> None:
    mail = compose(draft(html="<p>Done.</p>", attachments=[Attachment("a.bin", b"a")]))
    assert mail.head + mail.body == mail.mime
    assert mail.head.endswith(b"X-Auto-Response-Suppress: All\r\n")
    assert mail.body.startswith(b"Content-Type: multipart/mixed;\r\n boundary=")


def test_any_head_and_any_body_make_a_mail() -> None:
    bodies = [compose_body("Hi", "<p>Hi</p>", [Attachment("a.bin", b"a")]), compose_body("数据" * 300, "")]
    heads = [compose_head(read_parties(draft(to=(f"user{number}@y",))), "Ops", "Load") for number in range(2)]
    for head in heads:
        contents = [message_from_bytes(head.octets + body, policy=policy.default) for body in bodies]
        assert [message["Message-ID"] for message in contents] == [head.message_id] * 2
        assert [content(part) for part in contents[0].walk() if part.get_content_maintype() == "text"] == [
            "Hi", "<p>Hi</p>",
        ]  # fmt: skip
        assert content(contents[1]) == "数据" * 300


def test_a_file_is_written_once_where_its_writer_remembers_it() -> None:
    written = []

    def write(file: Attachment) -> Part:
        written.append(file.filename)
        return attachment_part(file)

    remember = lru_cache(write)
    files = [Attachment("a.bin", b"a"), Attachment("b.bin", b"b")]
    for text in ("Dear Ann", "Dear Bob"):
        body = compose_body(text, "", files, encode_file=remember)
        message = message_from_bytes(body, policy=policy.default)
        assert [part.get_content() for part in message.iter_attachments()] == [b"a", b"b"]
    assert written == ["a.bin", "b.bin"]


def test_text_alone_is_one_text_part() -> None:
    message = composed(text="Zwei\nZeilen")
    assert message.get_content_type() == "text/plain"
    assert content(message) == "Zwei\nZeilen\n"


def test_html_alone_is_one_html_part() -> None:
    message = composed(text="", html="<p>Hi</p>")
    assert message.get_content_type() == "text/html"
    assert content(message) == "<p>Hi</p>\n"


def test_text_and_html_are_alternatives_the_richer_last() -> None:
    message = composed(text="Hi", html="<p>Hi</p>")
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert [part.get_content() for part in message.iter_parts()] == ["Hi", "<p>Hi</p>"]


def test_attachments_stand_beside_the_alternatives() -> None:
    message = composed(
        text="Hi", html="<p>Hi</p>", attachments=[Attachment("a.bin", b"\0"), Attachment("b.pdf", b"%PDF")]
    )
    assert message.get_content_type() == "multipart/mixed"
    assert [part.get_content_type() for part in message.iter_parts()] == [
        "multipart/alternative", "application/octet-stream", "application/pdf",
    ]  # fmt: skip
    assert [part.get_content() for part in message.iter_attachments()] == [b"\0", b"%PDF"]


def test_an_empty_body_is_still_a_mail() -> None:
    assert content(composed(text="")) == "\n"


def test_multiparts_inside_each_other_have_different_boundaries() -> None:
    message = composed(text="Hi", html="<p>Hi</p>", attachments=[Attachment("a.bin", b"")])
    inner = next(message.iter_parts())
    assert message.get_boundary() != inner.get_boundary()


@settings(deadline=None, max_examples=150)
@given(subject=LINE, name=LINE.filter(str.strip), text=BODY, html=BODY, file=st.binary(max_size=500))
def test_whatever_was_asked_for_reads_back(subject: str, name: str, text: str, html: str, file: bytes) -> None:
    mail = compose(
        draft(subject=subject, display_name=name, text=text, html=html, attachments=[Attachment("x.bin", file)])
    )
    message = read(mail)
    assert str(message["Subject"]) == subject.strip()
    assert read_mailbox(raw_field(mail, "From")) == (re.sub(" +", " ", name.strip()), "ops@example.com")
    assert [part.get_content() for part in message.iter_attachments()] == [file]
    for subtype, given_text in (("plain", text), ("html", html)):
        part = message.get_body((subtype,))
        if part and (given_text or subtype == "plain"):
            assert content(part).removesuffix("\n") == unix(given_text).removesuffix("\n")


@settings(deadline=None, max_examples=150)
@given(subject=LINE, name=LINE, text=BODY, html=BODY, filename=LINE)
def test_no_line_is_too_long_and_no_line_end_is_bare(
    subject: str, name: str, text: str, html: str, filename: str
) -> None:
    mail = compose(
        draft(subject=subject, display_name=name, text=text, html=html, attachments=[Attachment(filename, b"\r\n")])
    ).mime
    assert mail.endswith(b"\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", mail)
    assert max(map(len, mail.split(b"\r\n"))) <= 78
    assert mail.isascii()


def test_a_body_part_that_would_smuggle_a_bare_line_feed_is_refused() -> None:
    with pytest.raises(ComposeError, match="unsafe"):
        serialise(Part(("Content-Type: text/plain",), b"a\n.\nMAIL FROM:<evil@example.com>\r\n"))
