"""Attached files: names, types, bytes."""

import email
from email.header import decode_header, make_header
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.compose.attachments import MAX_FILE_NAME_LENGTH
from delivery.compose.exceptions import ComposeError
from delivery.compose.message import compose
from delivery.values import Attachment, ComposedMail

from .reading import composed, draft

FILE_NAMES = [
    "report.pdf",
    "quarterly report (final).pdf",
    'say "hi".txt',
    "a;b=c,d'e%20f*g.txt",
    "报表 2026年.xlsx",
    "数据平台任务执行结果统计报表" * 8 + ".xlsx",
    "Übersicht.csv",
    "🎉🎉🎉.png",
    "=?utf-8?q?x?=.txt",
    "x" * 200 + ".txt",
    "no extension",
    ".hidden",
]


def attached(filename: str, file: bytes = b"x", content_type: str = "") -> EmailMessage:
    part = next(composed(attachments=[Attachment(filename, file, content_type)]).iter_attachments())
    assert isinstance(part, EmailMessage)
    return part


def part_fields(mail: ComposedMail) -> str:
    return mail.mime.decode().split("\r\n\r\n")[-2].partition("\r\n--=_")[2].partition("\r\n")[2]


@pytest.mark.parametrize(
    ("filename", "content_type"),
    [
        ("a.pdf", "application/pdf"),
        ("a.PDF", "application/pdf"),
        ("a.png", "image/png"),
        ("a.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.csv", "text/csv"),
        ("task.log", "text/plain"),
        ("a.json", "application/json"),
        ("a.xml", "application/xml"),
        ("a.yaml", "application/yaml"),
        ("a.tar.gz", "application/octet-stream"),
        ("a", "application/octet-stream"),
        ("", "application/octet-stream"),
        ("a.unheard-of", "application/octet-stream"),
        ("mail.eml", "application/octet-stream"),
        ("page.mht", "application/octet-stream"),
    ],
)
def test_the_type_is_guessed_from_the_name(filename: str, content_type: str) -> None:
    assert attached(filename).get_content_type() == content_type


@pytest.mark.parametrize(
    ("given_type", "written"),
    [
        ("image/svg+xml", "image/svg+xml"),
        ("Image/PNG", "image/png"),
        ("text/csv; charset=gbk", "text/csv"),
        ("message/rfc822", "application/octet-stream"),
        ("multipart/mixed; boundary=x", "application/octet-stream"),
    ],
)
def test_a_given_type_is_kept_unless_its_content_could_not_stay_whole(given_type: str, written: str) -> None:
    assert attached("a.bin", b"From: x\r\n\r\ny", given_type).get_content_type() == written


def test_a_text_file_in_utf8_says_so_and_another_does_not() -> None:
    assert attached("a.csv", "数据".encode()).get_content_charset() == "utf-8"
    assert attached("a.csv", "数据".encode("gbk")).get_content_charset() is None


@settings(deadline=None, max_examples=60)
@given(file=st.binary(max_size=5000), filename=st.sampled_from(["a.bin", "a.txt", "a.html", "a.eml"]))
def test_every_byte_arrives(file: bytes, filename: str) -> None:
    assert attached(filename, file).get_payload(decode=True) == file


def test_files_stay_in_order() -> None:
    files = [Attachment(f"{number}.bin", bytes([number])) for number in range(5)]
    parts = list(composed(attachments=files).iter_attachments())
    assert [(part.get_filename(), part.get_content()) for part in parts] == [(f.filename, f.content) for f in files]


@pytest.mark.parametrize("filename", FILE_NAMES)
def test_a_file_name_arrives(filename: str) -> None:
    part = attached(filename)
    assert part.get_content_disposition() == "attachment"
    assert part.get_filename() == filename


@pytest.mark.parametrize("filename", FILE_NAMES)
def test_a_file_name_arrives_at_readers_that_know_encoded_words_only(filename: str) -> None:
    mail = compose(draft(attachments=[Attachment(filename, b"x")]))
    part = list(email.message_from_bytes(mail.mime).walk())[-1]
    name = part.get_param("name")
    assert isinstance(name, str)
    assert _decode(name) == filename


def _decode(text: str) -> str:
    return str(make_header(decode_header(text)))


@settings(deadline=None, max_examples=150)
@given(
    st.text(
        st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters="/\\"), min_size=1, max_size=200
    )
)
def test_any_file_name_arrives(filename: str) -> None:
    mail = compose(draft(attachments=[Attachment(filename, b"")]))
    assert max(map(len, mail.mime.split(b"\r\n"))) <= 78
    assert attached(filename).get_filename() == (filename.strip() or "attachment")


@pytest.mark.parametrize(
    ("filename", "arrives"),
    [
        ("/etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\reports\\a.csv", "a.csv"),
        ("folder/", "attachment"),
        ("", "attachment"),
        ("   ", "attachment"),
    ],
)
def test_a_path_is_cut_to_its_name(filename: str, arrives: str) -> None:
    assert attached(filename).get_filename() == arrives


def test_a_short_name_is_written_plainly() -> None:
    mail = compose(draft(attachments=[Attachment("a.pdf", b"")]))
    assert part_fields(mail) == (
        'Content-Type: application/pdf;\r\n name="a.pdf"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        'Content-Disposition: attachment;\r\n filename="a.pdf"'
    )


def test_a_chinese_name_is_written_by_both_rules() -> None:
    mail = compose(draft(attachments=[Attachment("报表.pdf", b"")]))
    assert part_fields(mail) == (
        'Content-Type: application/pdf;\r\n name="=?utf-8?b?5oql6KGoLnBkZg==?="\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        "Content-Disposition: attachment;\r\n filename*=utf-8''%E6%8A%A5%E8%A1%A8.pdf"
    )


def test_a_long_chinese_name_is_written_in_sections() -> None:
    mail = compose(draft(attachments=[Attachment("数据平台任务执行结果.pdf", b"")]))
    assert part_fields(mail).partition("attachment;\r\n")[2] == (
        " filename*0*=utf-8''%E6%95%B0%E6%8D%AE%E5%B9%B3%E5%8F%B0%E4%BB%BB%E5%8A%A1;\r\n"
        " filename*1*=%E6%89%A7%E8%A1%8C%E7%BB%93%E6%9E%9C.pdf"
    )


def test_a_name_that_is_too_long_is_refused() -> None:
    with pytest.raises(ComposeError, match="too long: 255 characters") as refusal:
        compose(draft(attachments=[Attachment("x" * (MAX_FILE_NAME_LENGTH + 1), b"")]))
    assert refusal.value.field == "attachments"
