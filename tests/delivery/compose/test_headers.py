"""Header fields: encoded words, folding, display names, addresses."""

import email
import email.policy
import re
from email.header import decode_header
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.compose.encoded_words import encode_words
from delivery.compose.message import compose
from delivery.values import ComposedMail

from .reading import draft, header_lines, raw_field, read, read_mailbox

WORD = re.compile(r"=\?utf-8\?[bq]\?[!-~]+\?=")


@pytest.mark.parametrize(
    ("subject", "field"),
    [
        ("Load finished", "Subject: Load finished"),
        ("  Load finished ", "Subject: Load finished"),
        ("", "Subject: "),
        ("a  b", "Subject: a  b"),
        ("Die große Übung gelang", "Subject: =?utf-8?q?Die_gro=C3=9Fe_=C3=9Cbung_gelang?="),
        ("Übung", "Subject: =?utf-8?b?w5xidW5n?="),
        ("任务失败", "Subject: =?utf-8?b?5Lu75Yqh5aSx6LSl?="),
        ("🎉", "Subject: =?utf-8?b?8J+OiQ==?="),
        ("50 % = ok? yes_no", "Subject: 50 % = ok? yes_no"),
        ("é = a_b? c", "Subject: =?utf-8?b?w6kgPSBhX2I/IGM=?="),
        ("=?utf-8?q?hello?=", "Subject: =?utf-8?b?PT91dGYtOD9xP2hlbGxvPz0=?="),
        ("=?", "Subject: =?utf-8?b?PT8=?="),
    ],
)
def test_a_subject_is_written_so(subject: str, field: str) -> None:
    assert raw_field(compose(draft(subject=subject)), "Subject") == field


def test_a_long_ascii_subject_folds_at_spaces() -> None:
    subject = "The nightly load of orders into the warehouse failed " + "again and " * 12 + "again"
    field = raw_field(compose(draft(subject=subject)), "Subject")
    assert field.replace("\r\n", "") == f"Subject: {subject}"
    assert max(map(len, field.split("\r\n"))) <= 78


def test_a_run_without_spaces_too_long_to_fold_becomes_encoded_words() -> None:
    subject = "x" * 2000
    mail = compose(draft(subject=subject))
    assert max(map(len, header_lines(mail))) <= 78
    assert str(read(mail)["Subject"]) == subject


@pytest.mark.parametrize(
    "text", ["数据平台任务执行失败" * 40, "🎉👩‍👩‍👧🇨🇳" * 30, "Größenänderungsübung " * 30, "é" * 500, "a𝄞" * 300]
)
def test_encoded_words_are_short_and_whole(text: str) -> None:
    words = encode_words(text, room=67)
    assert len(words[0]) <= 67
    assert max(map(len, words)) <= 75
    assert all(WORD.fullmatch(word) for word in words)
    # Each word decodes by itself: no character is parted (RFC 2047 §5, rule 3).
    assert "".join(map(_decode, words)) == text


def _decode(word: str) -> str:
    octets, charset = decode_header(word)[0]
    assert isinstance(octets, bytes)
    assert charset == "utf-8"
    return octets.decode()


@settings(deadline=None, max_examples=200)
@given(text=st.text(st.characters(codec="utf-8"), min_size=1, max_size=300), room=st.integers(24, 75))
def test_any_text_survives_encoded_words(text: str, room: int) -> None:
    words = encode_words(text, room)
    assert "".join(map(_decode, words)) == text
    assert len(words[0]) <= room
    assert max(map(len, words)) <= 75


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("Ops", "From: Ops <ops@example.com>"),
        ("Data Platform", "From: Data Platform <ops@example.com>"),
        ("Ops, Inc.", 'From: "Ops, Inc." <ops@example.com>'),
        ('The "Ops"', r'From: "The \"Ops\"" <ops@example.com>'),
        (r"DOMAIN\user", r'From: "DOMAIN\\user" <ops@example.com>'),
        ("evil@example.net", 'From: "evil@example.net" <ops@example.com>'),
        ("<evil@example.net>,", 'From: "<evil@example.net>," <ops@example.com>'),
        ("(comment)", 'From: "(comment)" <ops@example.com>'),
        ("数据平台", "From: =?utf-8?b?5pWw5o2u5bmz5Y+w?= <ops@example.com>"),
        ("Ops  数据", "From: =?utf-8?b?T3BzIOaVsOaNrg==?= <ops@example.com>"),
        ("O'Neil & Söhne", "From: =?utf-8?b?TydOZWlsICYgU8O2aG5l?= <ops@example.com>"),
        ("=?utf-8?q?x?=", "From: =?utf-8?b?PT91dGYtOD9xP3g/PQ==?= <ops@example.com>"),
        ("", "From: <ops@example.com>"),
    ],
)
def test_a_display_name_is_written_so(name: str, field: str) -> None:
    mail = compose(draft(display_name=name))
    assert raw_field(mail, "From") == field
    assert read_mailbox(field) == (re.sub(" +", " ", name), "ops@example.com")


def test_a_long_quoted_name_folds() -> None:
    name = "Reports, alerts and everything else that the platform sends to people, by night and by day; really"
    field = raw_field(compose(draft(display_name=name)), "From")
    assert max(map(len, field.split("\r\n"))) <= 78
    assert read_mailbox(field) == (name, "ops@example.com")


def test_many_receivers_fold_between_addresses() -> None:
    to = tuple(f"some.person.{number}@department{number}.example.com" for number in range(100))
    mail = compose(draft(to=to))
    assert max(map(len, header_lines(mail))) <= 78
    assert tuple(address.addr_spec for address in read(mail)["To"].addresses) == to


def test_an_address_as_long_as_can_be_stays_whole() -> None:
    address = "a" * 64 + "@" + ".".join(["b" * 59] * 3) + ".example"
    mail = compose(draft(to=("x@example.com", address)))
    assert raw_field(mail, "To") == f"To: x@example.com,\r\n {address}"


def test_one_address_stands_once_in_a_field() -> None:
    assert raw_field(compose(draft(to=("a@x.example", "a@X.EXAMPLE"))), "To") == "To: a@x.example"


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a@例子.公司", "a@xn--fsqu00a.xn--55qx5d"),
        ("a@xn--fsqu00a.xn--55qx5d", "a@xn--fsqu00a.xn--55qx5d"),
        ("r&d#1@Example.COM", "r&d#1@example.com"),
        ("a@intranet", "a@intranet"),
        ("a@[192.0.2.1]", "a@[192.0.2.1]"),
        ("a@[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]"),
    ],
)
def test_domains_have_a_labels_in_header_and_envelope(address: str, written: str) -> None:
    mail = compose(draft(sender_address=address, to=(address,), reply_to=(address,)))
    assert raw_field(mail, "To") == f"To: {written}"
    assert raw_field(mail, "From") == f"From: Ops <{written}>"
    assert raw_field(mail, "Reply-To") == f"Reply-To: {written}"
    assert (mail.envelope.reverse_path, mail.envelope.forward_paths) == (written, (written,))
    assert mail.envelope.needs_smtputf8 is False
    assert mail.mime.isascii()


def _read_utf8(mail: ComposedMail) -> EmailMessage:
    # The library reads raw UTF-8 in headers (RFC 6532) from text only, not from bytes.
    message = email.message_from_string(mail.mime.decode(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


@pytest.mark.parametrize("field", ["to", "cc", "reply_to"])
def test_a_local_part_beyond_ascii_stands_in_utf8_and_needs_smtputf8(field: str) -> None:
    mail = compose(draft(**{field: ("用户@例子.公司",)}, bcc=("b@bücher.example",)))
    name = {"to": "To", "cc": "Cc", "reply_to": "Reply-To"}[field]
    assert raw_field(mail, name) == f"{name}: 用户@例子.公司"
    assert mail.envelope.needs_smtputf8 is True
    assert mail.envelope.forward_paths[-1] == "b@xn--bcher-kva.example"
    assert _read_utf8(mail)[name].addresses[0].addr_spec == "用户@例子.公司"


def test_a_sender_beyond_ascii_needs_smtputf8() -> None:
    mail = compose(draft(sender_address="用户@例子.公司"))
    assert raw_field(mail, "From") == "From: Ops <用户@例子.公司>"
    assert mail.envelope.reverse_path == "用户@xn--fsqu00a.xn--55qx5d"
    assert mail.envelope.needs_smtputf8 is True
    assert mail.message_id.endswith("@xn--fsqu00a.xn--55qx5d>")


def test_a_blind_copy_beyond_ascii_needs_smtputf8_in_the_envelope_only() -> None:
    mail = compose(draft(bcc=("用户@例子.公司",)))
    assert mail.envelope.needs_smtputf8 is True
    assert mail.mime.isascii()
