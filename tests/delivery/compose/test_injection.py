"""Nobody outside decides which header fields a mail has."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.compose.exceptions import ComposeError
from delivery.compose.headers import check_fields
from delivery.compose.message import compose
from delivery.values import Attachment

from .reading import composed, draft, header_lines

BREAKS = ["\n", "\r", "\r\n", "\r\n ", "\0", "\x0b", "\x0c", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\ud800"]
CODED = [
    "=?utf-8?q?a=0AX-Injected:_yes?=",
    "=?utf-8?q?a=0D=0AX-Injected:_yes?=",
    "=?utf-8?b?YQpYLUluamVjdGVkOiB5ZXM=?=",
    "=?iso-8859-1?Q?=00?=",
    "=?utf-8*en?q?=0A?=",
    "=?nosuch?q?=0A?=",
    "=?utf-7?q?+AAo-?=",
    "=?utf-8?b?a?= =?utf-8?q?=0A?=",
    "=?utf-8?q?a b=0A?=",
    "before =?utf-8?q?x?= =?utf-8?q?=0Ay?= after",
]
FIELDS = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Auto-Submitted", "X-Auto-Response-Suppress",
          "Content-Type", "Content-Transfer-Encoding"]  # fmt: skip


@pytest.mark.parametrize("line_break", BREAKS)
@pytest.mark.parametrize("field", ["subject", "display_name"])
def test_a_control_character_in_a_text_is_refused(field: str, line_break: str) -> None:
    with pytest.raises(ComposeError, match="control character") as refusal:
        compose(draft(**{field: f"a{line_break}X-Injected: yes"}))
    assert refusal.value.field == field


@pytest.mark.parametrize("coded", CODED)
@pytest.mark.parametrize("field", ["subject", "display_name"])
def test_an_encoded_word_that_decodes_to_a_control_character_is_refused(field: str, coded: str) -> None:
    with pytest.raises(ComposeError, match="control character") as refusal:
        compose(draft(**{field: coded}))
    assert refusal.value.field == field


@pytest.mark.parametrize("subject", ["=?utf-8?q?a_b?=", "=?utf-8?b?a?=", "=?", "=?=?=?", "=?utf-8?q?é?="])
def test_other_encoded_words_are_text_like_any_other(subject: str) -> None:
    assert str(composed(subject=subject)["Subject"]) == subject


@pytest.mark.parametrize("name", [*(f"a{line_break}b.txt" for line_break in BREAKS), *CODED])
def test_a_control_character_in_a_file_name_is_refused(name: str) -> None:
    with pytest.raises(ComposeError) as refusal:
        compose(draft(attachments=[Attachment(name, b"")]))
    assert refusal.value.field == "attachments"


@pytest.mark.parametrize(
    "media_type",
    [
        "text",
        "text/",
        "/plain",
        "a b/c",
        'text/"x"',
        "text/plain\r\nX-Injected: yes",
        "a/b/c",
        "te,xt/plain",
        "текст/plain",
    ],
)
def test_a_wrong_media_type_is_refused(media_type: str) -> None:
    with pytest.raises(ComposeError, match="application/pdf") as refusal:
        compose(draft(attachments=[Attachment("a", b"", media_type)]))
    assert refusal.value.field == "attachments"


@pytest.mark.parametrize(
    "address",
    ["", "a",
     "a@b\r\nX-Injected: yes", "a@b, c@d", "a@b>", "<a@b>", "X <a@b>", "a b@c", "alice@example.org)bob@evil.com",
     "(x)a@b", '"a\r\n"@b', "a@b\0", "a@b\n", " a@b\t"],
)  # fmt: skip
@pytest.mark.parametrize("field", ["to", "cc", "bcc", "reply_to"])
def test_what_is_not_one_bare_address_is_refused(field: str, address: str) -> None:
    with pytest.raises(ComposeError) as refusal:
        compose(draft(**{field: (address,)}))
    assert refusal.value.field == field


def test_a_sender_that_is_not_one_bare_address_is_refused() -> None:
    with pytest.raises(ComposeError) as refusal:
        compose(draft(sender_address="a@b\r\nBcc: c@d"))
    assert refusal.value.field == "sender_address"


@settings(deadline=None, max_examples=300)
@given(
    subject=st.one_of(st.text(), st.text("=?utf8QqBb_0AaDdXx:\r\n \t")),
    name=st.one_of(st.text(), st.text('=?utf8Qqb0AaD"\\<>@,:;\r\n ')),
    filename=st.text(),
)
def test_a_mail_has_just_its_own_fields_or_is_refused(subject: str, name: str, filename: str) -> None:
    try:
        mail = compose(draft(subject=subject, display_name=name))
        attached = compose(draft(attachments=[Attachment(filename, b"")]))
    except ComposeError:
        return
    names = [line.partition(b":")[0].decode() for line in header_lines(mail) if line[:1] != b" "]
    assert names == FIELDS
    assert re.findall(rb"(?m)^[A-Za-z-]+:", attached.mime.split(b"\r\n\r\n")[-2]) == [
        b"Content-Type:", b"Content-Transfer-Encoding:", b"Content-Disposition:",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "field",
    ["Subject: a\r\nX-Injected: yes", "Subject: a\nb", "Subject: a\rb", "Subject: a\r\n\r\nbody", "Subject: a\r\n ",
     "Subject: a\r\n \r\n b", "Subject: " + "x" * 990],
)  # fmt: skip
def test_the_last_check_refuses_a_field_that_became_more_than_one(field: str) -> None:
    with pytest.raises(ComposeError, match="breaks out of its header line"):
        check_fields(["From: a@b", field])


def test_the_last_check_passes_folded_fields() -> None:
    assert check_fields(["From: a@b", "Subject: a\r\n b"]) == "From: a@b\r\nSubject: a\r\n b\r\n"


@settings(deadline=None, max_examples=500)
@given(
    st.lists(st.text("a: \r\n\t", max_size=8) | st.sampled_from(["X: a", "X: a\r\n b", "X: " + "é" * 600]), max_size=4)
)
def test_the_last_check_lets_no_field_become_more_or_less_than_one(fields: list[str]) -> None:
    try:
        block = check_fields(fields)
    except ComposeError:
        return
    assert len(re.findall(r"(?m)^[^ ]", block)) == len(fields)
    assert re.fullmatch(r"(?:[^\r\n]*[^\r\n\s][^\r\n]*\r\n)*", block)
    assert max((len(line.encode()) for line in block.split("\r\n")), default=0) <= 998
