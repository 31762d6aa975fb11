"""What is taken for a secret, and that none is left of it, however it is written."""

from html import escape, unescape
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.compose.plain_text import text_from_html
from delivery.masking.codes import find_codes
from delivery.masking.copies import mask
from delivery.masking.files import Files
from delivery.masking.hiding import MARK, essences, hide, holds
from delivery.masking.links import find_tokens
from delivery.masking.markup import hide_in_html, html_holds
from delivery.masking.patterns import compile_pattern
from delivery.masking.rules import Rule
from delivery.request import MailRequest
from records.masking.models import MaskingRule


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Your code is 482 913.", ["482 913"]),
        ("482913 is your sign-in code", ["482913"]),
        ("G-482913 is your verification code", ["482913"]),
        ("Use the code below:\n\n4  8  2  9  1  3\n", ["4  8  2  9  1  3"]),
        ("您的验证码是：739218，5分钟内有效", ["739218"]),
        ("OTP: A7K9Q2", ["A7K9Q2"]),
        ("Your PIN is KXQW", ["KXQW"]),
        ("The report has 48112 rows.", []),
        ("Encoded in 2026, decoded later", []),
    ],
)
def test_codes_stand_near_a_word_that_says_so(text: str, found: list[str]) -> None:
    assert list(dict.fromkeys(find_codes(text))) == found


SENTENCES = (
    "Enter it in the window that you left open, and we sign you in. It is good for ten minutes and for one use.\n\n"
)


@pytest.mark.parametrize(
    "code", ["482913", "> *482 913*", "A7K9Q2", "ABC-DEF", "WDJB-MJHT", "4\n8\n2\n9\n1\n3", "  482913\r"]
)
def test_a_code_on_a_line_of_its_own_may_be_sentences_away_from_its_word(code: str) -> None:
    [found] = find_codes(f"Your sign-in code is below.\n{SENTENCES}{code}\n\nBye\n")
    assert found == code.strip("> *\r")


@pytest.mark.parametrize(
    "text",
    [
        f"Your code is below.\n{SENTENCES}There are 482913 rows\n",
        f"Your code is below.\n{SENTENCES}OPT-IN\nNOTES\n",
        f"Your code is below.\n{SENTENCES * 4}482913\n",
        f"The rows\n{SENTENCES}482913\n",
    ],
)
def test_what_is_far_from_a_word_and_not_alone_or_no_code_stays(text: str) -> None:
    assert list(find_codes(text)) == []


@pytest.mark.parametrize("word", ["授权码", "确认码", "動態密碼", "確認碼", "Bestätigungscode", "security code"])
def test_words_that_announce_codes_in_other_tongues(word: str) -> None:
    assert list(find_codes(f"{word} 482913 !")) == ["482913"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Go to https://x.com/reset/aB3dE5fG7hI9jK1l?next=/home.", ["aB3dE5fG7hI9jK1l"]),
        ("https://x.com/?token=abc123&lang=en", ["abc123"]),
        ("https://r.com/?url=https%3A%2F%2Fx.com%2F%3Fcode%3D99aa88", ["99aa88"]),
        ("https://x/550e8400-e29b-41d4-a716-446655440000/", ["550e8400-e29b-41d4-a716-446655440000"]),
        ("https://u:pw1234@h/", ["pw1234"]),
        ("https://x.com/#/confirm/7f3c1a9be2d4460f8c1d", ["7f3c1a9be2d4460f8c1d"]),
        ("请点击https://x.com/reset?token=abc123。", ["abc123"]),
        ("https://x.com/reset?token=abc123后即可登录", ["abc123后即可登录", "abc123"]),
        ("www.x.com/reset?token=abc123", ["abc123"]),
        ("Go to (x.com:8443/reset/aB3dE5fG7hI9jK1l)", ["aB3dE5fG7hI9jK1l"]),
        ("/login?next=%2Freset%3Ftoken%3Dabc123", ["abc123"]),
        ("On 2026/11/30 and/or never, e.g. 1.5/2.5?", []),
        ("https://x.com/quarterly-report-2026-november-final?code=welcome", []),
    ],
)
def test_tokens_are_what_looks_random_or_is_called_so(text: str, found: list[str]) -> None:
    assert list(find_tokens(text)) == found


def test_own_patterns_give_their_first_group_or_all() -> None:
    assert list(compile_pattern(r"Ref (\w+)")("Ref ab1, é Ref cd2")) == ["ab1", "cd2"]
    assert list(compile_pattern(r"[A-Z]{3}\d|x*")("ABC1")) == ["ABC1"]


@pytest.mark.parametrize(
    ("html", "masked"),
    [
        ("<p>Code <b>48</b>29<i>13</i>.</p>", f"<p>Code <b>{MARK}</b><i></i>.</p>"),
        ("<td>4</td><td>8</td><td>2</td><td>9</td><td>1</td><td>3</td>", f"<td>{MARK}</td>" + "<td></td>" * 5),
        ("<p>48&#50;9<!-- 482913 -->13</p>", f"<p>{MARK}<!-- {MARK} --></p>"),
        ("<a href='/?a=1&amp;c=48%32913'>x</a>", f"<a href='/?a=1&amp;c={MARK}'>x</a>"),
        ("<!--[if mso]><b>482</b>913<![endif]-->", "<p>••••••</p>\n"),
    ],
)
def test_no_way_of_writing_html_keeps_a_secret(html: str, masked: str) -> None:
    assert hide_in_html(html, essences(["482913"])) == masked


@pytest.mark.parametrize(
    "joint", [" ", "\u3000", "-", "\u2212", "\uff0d", "_", "\u200d", "\u2066", "\ufe0f\u20e3", "%E2%81%A6"]
)
def test_what_joins_or_is_invisible_does_not_count(joint: str) -> None:
    assert hide(f"Your code: {joint.join('482913')}!", essences(["482-913"])) == f"Your code: {MARK}!"


SECRETS = st.text("abcXYZ0189+/=&<>é码", min_size=4, max_size=24).filter(lambda secret: bool(essences([secret])))
AROUND = st.text("ab 1<>&;%-é码\n\"'", max_size=30)
WRITINGS = st.sampled_from(
    [str, escape, quote, lambda secret: quote(quote(secret)), " ".join, "<b></b>".join, lambda secret: secret.upper()]
)


@given(SECRETS, AROUND, AROUND, WRITINGS)
def test_nothing_is_left_of_a_secret(secret: str, before: str, after: str, write) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    wanted = essences([secret])
    written = before + write(secret) + after
    assert not holds(hide(written, wanted), wanted)
    html = hide_in_html(f"<p title='{escape(written)}'>{written}</p>", wanted)
    assert not html_holds(html, wanted)
    assert secret not in unescape(html)
    assert secret not in text_from_html(html)


@given(st.from_regex(r"[0-9]{6}", fullmatch=True), AROUND, AROUND)
def test_what_a_rule_finds_is_nowhere_in_the_copy(code: str, before: str, after: str) -> None:
    rule = Rule.of(MaskingRule(name="Codes", target="codes"))
    asked = MailRequest(
        to=["bob@example.org"],
        subject=f"{code} is your code",
        text=f"{before} The code: {code} {after}",
        html=f"<p>{escape(before)}</p><p>The code: <b>{code[:3]}</b>{code[3:]}</p>",
    )
    copy = mask(asked, [rule], Files())
    assert copy is not None
    kept = copy.request
    assert not any(holds(part, copy.secrets) for part in (kept.subject, kept.text, unescape(kept.html)))


def test_text_without_secrets_stays_as_it_is() -> None:
    wanted = essences(["482913"])
    for text in ("", "100%", "a - b\r\n", "%zz %41", "é码"):
        assert hide(text, wanted) == text
        assert hide_in_html(f"<p>{text}</p>", wanted) == f"<p>{text}</p>"
