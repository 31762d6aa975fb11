"""Texts: which transfer encoding they get, and that they arrive."""

import base64
import quopri
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.compose.message import compose
from delivery.compose.parts import encode_base64, text_part

from .reading import composed, content, draft, raw_field, unix

DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "7bit": bytes,
    "base64": base64.b64decode,
    "quoted-printable": quopri.decodestring,
}


def encoding_of(text: str) -> str:
    return raw_field(compose(draft(text=text)), "Content-Transfer-Encoding").partition(": ")[2]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("", "7bit"),
        ("Hello\tworld", "7bit"),
        ("Hello\n\nworld\n", "7bit"),
        ("x" * 78, "7bit"),
        (".\n..\n.", "7bit"),
        ("x" * 79, "quoted-printable"),
        ("Hello \nworld", "quoted-printable"),
        ("tab\t\nend", "quoted-printable"),
        ("bell\a", "quoted-printable"),
        ("\0", "quoted-printable"),
        ("Grüße aus der Datenplattform", "quoted-printable"),
        ("数据平台任务执行失败" * 10, "base64"),
        ("🎉" * 30, "base64"),
    ],
)
def test_a_text_gets_this_encoding_and_arrives(text: str, encoding: str) -> None:
    assert encoding_of(text) == encoding
    assert content(composed(text=text)).removesuffix("\n") == text.removesuffix("\n")


@pytest.mark.parametrize("text", ["one\ntwo\n", "one\r\ntwo\r\n", "one\rtwo\r", "one\r\ntwo\n", "one\ntwo"])
def test_line_ends_of_any_kind_become_crlf(text: str) -> None:
    assert text_part(text, "plain").body == b"one\r\ntwo\r\n"


def test_a_last_empty_line_is_kept() -> None:
    assert text_part("one\n\n", "plain").body == b"one\r\n\r\n"


def test_a_lone_surrogate_becomes_a_question_mark() -> None:
    assert text_part("a\ud800b", "plain").body == b"a?b\r\n"


def test_the_charset_is_always_utf_8() -> None:
    assert text_part("x", "html").fields[0] == 'Content-Type: text/html; charset="utf-8"'


@settings(deadline=None, max_examples=200)
@given(st.text(st.one_of(st.sampled_from("aé数🎉=._ \t\n\r\0"), st.characters(codec="utf-8")), max_size=600))
def test_any_text_arrives_in_lines_that_are_short_enough(text: str) -> None:
    part = text_part(text, "plain")
    encoding = part.fields[1].partition(": ")[2]
    assert unix(DECODERS[encoding](part.body).decode()).removesuffix("\n") == unix(text).removesuffix("\n")
    assert part.body.endswith(b"\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", part.body)
    assert max(map(len, part.body.split(b"\r\n"))) <= (78 if encoding == "7bit" else 76)


@given(st.text("aé数", max_size=400))
def test_the_shorter_of_two_encodings_is_chosen(text: str) -> None:
    octets = text.encode()
    part = text_part(text, "plain")
    if part.fields[1].endswith("7bit"):
        return
    alternatives = (len(encode_base64(octets)), len(quopri.encodestring(octets + b"\n")))
    assert len(part.body) <= min(alternatives) + 3 * (1 + len(octets) // 70)


@pytest.mark.parametrize("size", [0, 1, 56, 57, 58, 114, 5000])
def test_base64_is_what_the_standard_library_writes(size: int) -> None:
    octets = bytes(range(256)) * 20
    expected = base64.encodebytes(octets[:size]).replace(b"\n", b"\r\n") or b"\r\n"
    assert encode_base64(octets[:size]) == expected
