"""Where rules look for secrets: in all that is kept of a mail, taken together, and in its files."""

from typing import Any

import pytest

from delivery.masking import files as files_room
from delivery.masking.copies import MOST_FOUND, MaskedCopy, mask
from delivery.masking.files import LONGEST, Files, read_text
from delivery.masking.hiding import MARK
from delivery.masking.markup import NOT_KEPT
from delivery.masking.rules import Rule
from delivery.request import MailRequest
from delivery.values import Attachment
from records.masking.models import MaskingRule

CODE = "482913"
TOKEN = "aB3dE5fG7hJ9kL1m"
LINK = f"https://meet.example.com/j/1?pwd={TOKEN}"


def find(target: str, *, words: str = "", pattern: str = "", **values: Any) -> MaskedCopy | None:
    """Mask a mail by one rule."""
    rule = Rule.of(MaskingRule(name="R", target=target, words=words, pattern=pattern))
    usual: dict[str, Any] = {"to": ["bob@example.org"], "subject": "Hello", "text": "See you\n"}
    return mask(MailRequest(**(usual | values)), [rule], Files())


def masked(target: str, **values: Any) -> MailRequest:
    copy = find(target, **values)
    assert copy is not None
    return copy.request


@pytest.mark.parametrize("body", [{"text": f"{CODE}\nvalid"}, {"html": f"<p>{CODE}</p>"}, {"html": "<b>48</b>2913"}])
def test_what_the_subject_announces_is_found_in_the_body(body: dict[str, str]) -> None:
    kept = masked("codes", subject="Your verification code", **body)
    assert kept.subject == "Your verification code"
    assert MARK in kept.text + kept.html
    assert "2913" not in kept.text + kept.html
    assert masked("after_words", words="Activation number", subject="Activation number", text="4711-X7").text == MARK


@pytest.mark.parametrize(
    "code", ["482\u200b913", "482\xad913", "４８２９１３", "482\u2013913", "482\u202d913", "4\n8\n2\n9\n1\n3"]
)
def test_codes_are_found_however_they_are_typed(code: str) -> None:
    assert masked("codes", text=f"Your code is {code}!").text == f"Your code is {MARK}!"


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<p>Your code</p><input value='482913'>", f"<p>Your code</p><input value='{MARK}'>"),
        ("<p>Your code is 482&zwnj;913</p>", f"<p>Your code is {MARK}</p>"),
        ("<!-- Your code: 482913 -->", f"<!-- Your code: {MARK} -->"),
        ("<title>Your code: 482913</title>", f"<title>Your code: {MARK}</title>"),
        ("<textarea>Your code: 482913</textarea>", f"<textarea>Your code: {MARK}</textarea>"),
        ('<script>{"code": "482913"}</script>', f'<script>{{"code": "{MARK}"}}</script>'),
    ],
)
def test_codes_are_found_wherever_html_may_hide_or_show_them(html: str, kept: str) -> None:
    assert masked("codes", html=html).html == kept


def test_numbers_of_styles_are_no_codes() -> None:
    assert find("codes", html="<style>.code { color: #112233 }</style><p style='color:#445566'>The code</p>") is None


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<a href='/reset?token=abc123'>Go</a>", f"<a href='/reset?token={MARK}'>Go</a>"),
        ("<a href='//x.com/reset?token=abc123'>Go</a>", f"<a href='//x.com/reset?token={MARK}'>Go</a>"),
        (
            "<!--[if mso]><v:rect href='https://x.com/?a=1&amp;token=abc123'><![endif]-->",
            f"<!--[if mso]><v:rect href='https://x.com/?a=1&amp;token={MARK}'><![endif]-->",
        ),
        (
            r'<script>{"url": "https:\/\/x.com\/?token=abc123"}</script>',
            rf'<script>{{"url": "https:\/\/x.com\/?token={MARK}"}}</script>',
        ),
    ],
)
def test_tokens_are_found_in_all_links_of_html(html: str, kept: str) -> None:
    assert masked("links", html=html).html == kept


def test_tokens_are_found_in_a_path_that_is_the_accessed_resource() -> None:
    assert masked("links", accessed_resource="/reset?token=abc123").accessed_resource == f"/reset?token={MARK}"
    assert masked("links", accessed_resource=f"/r/{TOKEN}").accessed_resource == f"/r/{MARK}"


def test_codes_are_found_in_names_of_files() -> None:
    [file] = masked("codes", attachments=[Attachment(f"code_{CODE}.pdf", b"%PDF\xff\0")]).attachments
    assert file.filename == f"code_{MARK}.pdf"


@pytest.mark.parametrize("name", ["\ud800.txt", "\ud800"])
def test_a_file_name_that_is_refused_later_breaks_no_pattern(name: str) -> None:
    assert find("pattern", pattern="Ref ([0-9]+)", attachments=[Attachment(name, b"x")]) is None


@pytest.mark.parametrize(
    "content",
    [
        f"BEGIN:VCALENDAR\r\nURL:{LINK}\r\nEND:VCALENDAR\r\n".encode(),
        f"BEGIN:VCALENDAR\r\nURL:https://x.com/j/{TOKEN[:8]}\r\n {TOKEN[8:]}\r\n".encode(),
        f"<p>Join <a href='{LINK}'>here</a></p>".encode(),
        f"a,b\r\n1,{LINK}\r\n".encode("utf-16"),
        f"a,b\r\n1,{LINK}\r\n".encode("utf-16-le"),
        f"a,b\r\n1,{LINK}\r\n".encode("utf-16-be"),
        f"a,b\r\n1,{LINK}\r\n".encode("utf-16") + b"\0\xd8\0",
        rf'{{"url": "https:\/\/x.com\/?pwd={TOKEN}"}}'.encode(),
        f"Content-Transfer-Encoding: quoted-printable\r\n\r\nhttps://x.com/?pwd=3D{TOKEN[:7]}=\r\n{TOKEN[7:]}\r\n".encode(),
        b"\xe9t\xe9 " + LINK.encode(),
    ],
)
def test_a_file_in_which_a_rule_finds_something_is_not_kept_and_its_secret_nowhere(content: bytes) -> None:
    copy = find("links", text=f"The password is {TOKEN}.", attachments=[Attachment("invite", content)])
    assert copy is not None
    assert (copy.strips_files, copy.rule_names) == (True, ("R",))
    assert copy.request.text == f"The password is {MARK}."


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        ("您的验证码是：482913".encode(), ""),
        ("您的验证码是：482913".encode("gbk"), ""),
        ("您的验证码是：482913".encode("gbk"), 'text/plain; charset="GBK"'),
        ("您的驗證碼是：482913".encode("big5"), "text/plain; charset=big5"),
        (rb'{"\u9a8c\u8bc1\u7801": "482913"}', "application/json"),
        (b"Your code is 482913", "text/plain; charset=no-such"),
        (b"Your \x1b[1mcode\x1b[0m is 482913", "text/x-log"),
    ],
)
def test_files_are_read_in_their_encoding(content: bytes, content_type: str) -> None:
    copy = find("codes", attachments=[Attachment("code.txt", content, content_type)])
    assert copy is not None
    assert copy.strips_files


def test_files_in_which_nothing_is_found_are_kept() -> None:
    files = [Attachment("rows.csv", b"plant,rows\nA,48112\n"), Attachment("a.pdf", b"%PDF\0\xff code 482913"),
             Attachment("empty.txt", b""), Attachment("one.txt", b"x")]  # fmt: skip
    assert find("codes", attachments=files) is None
    assert find("links", attachments=files) is None
    assert read_text(files[1]) is None
    copy = find("codes", text=f"Your code is {CODE}", attachments=files[:1])
    assert copy is not None
    assert not copy.strips_files


@pytest.mark.parametrize("content", [b"<b>48</b>2913", "验证码482913".encode("gbk"), rb"\u0034\u0038\u0032913"])
def test_secrets_that_are_named_are_found_in_files_however_they_are_written(content: bytes) -> None:
    asked = MailRequest(
        to=["bob@example.org"], subject="Hello", secrets=[CODE], attachments=[Attachment("a.html", content)]
    )
    copy = mask(asked, (), Files())
    assert copy is not None
    assert copy.strips_files


def test_a_text_too_long_to_be_searched_is_not_kept() -> None:
    long, packed = (
        Attachment(name, octet * (LONGEST + 1)) for name, octet in (("a.csv", b"1"), ("a.zip", b"\xff\0\1"))
    )
    copy = find("codes", attachments=[long])
    assert copy is not None
    assert (copy.strips_files, copy.rule_names, copy.secrets) == (True, ("R",), frozenset())
    assert copy.request.text == "See you\n"
    assert find("codes", attachments=[packed]) is None


@pytest.mark.parametrize("name", ["unicode_escape", "utf-7", "punycode", "rot13", "zip", "nonsense"])
def test_what_a_type_declares_is_believed_where_it_is_an_encoding_of_text(name: str) -> None:
    file = Attachment("code.txt", rb"Your code is 482913 \ud800 quoted-printable", f"text/plain; charset={name}")
    copy = find("codes", attachments=[file])
    assert copy is not None
    assert copy.strips_files


def test_of_a_mail_with_too_many_secrets_nothing_is_kept() -> None:
    codes = [f"Code {number}" for number in range(10_000, 10_000 + MOST_FOUND)]
    assert masked("codes", text="\n".join(codes)).subject == "Hello"
    kept = masked("codes", text="\n".join([*codes, "Code 90000"]), html="<p>Hello</p>")
    assert (kept.subject, kept.text, kept.html) == (MARK, MARK, NOT_KEPT)


def test_a_file_that_goes_with_many_mails_is_searched_once() -> None:
    searched: list[str] = []

    def find_nothing(text: str) -> tuple[str, ...]:
        searched.append(text)
        return ()

    rule = Rule("R", None, find_nothing)
    files, file = Files(), Attachment("rows.csv", b"a,b\n")
    for receiver in ("a@example.org", "b@example.org"):
        asked = MailRequest(to=[receiver], subject="Rows", text="Hello\n", attachments=[file])
        assert mask(asked, [rule], files) is None
    assert searched.count("a,b\n") == 1


def test_a_file_that_goes_with_many_mails_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Attachment] = []

    def read_and_note(file: Attachment) -> str | None:
        read.append(file)
        return read_text(file)

    monkeypatch.setattr(files_room, "read_text", read_and_note)
    files, file = Files(), Attachment("rows.html", b"<p>a</p>")
    for secret in ("canary-1", "canary-2"):
        asked = MailRequest(to=["a@example.org"], subject=secret, text="-", attachments=[file], secrets=[secret])
        copy = mask(asked, [], files)
        assert copy is not None
        assert not copy.strips_files
    assert read == [file]


def test_a_text_too_long_to_be_read_is_looked_through_for_what_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_room, "LONGEST", 10)
    for content, is_found in ((b"rows of plants " + CODE.encode(), True), (b"rows of plants", False)):
        asked = MailRequest(
            to=["a@example.org"], subject="-", text="-", attachments=[Attachment("a.csv", content)], secrets=[CODE]
        )
        copy = mask(asked, [], Files())
        assert copy is not None
        assert copy.strips_files is is_found
