"""Finding codes: digits, or capital letters with digits, near a word that says what they are; pure and linear."""

import re
from bisect import bisect_right
from collections.abc import Iterator

REACH = 60
"""Characters between the word and its code; line ends count, since codes often stand on a line of their own."""
REACH_OF_LINES = 400
"""Characters between the word and a code that has a line for itself: sentences about it may come between them."""
_WORD = re.compile(
    r"(?<![a-z])(?:codes?|pins?|otp|passcode|passwords?|passwort|kennwort|verification|one-time|2fa|tan)(?![a-z])"
    r"|(?:bestätigungs|sicherheits|anmelde|zugangs|einmal|aktivierungs|freischalt)(?:codes?|pins?|passwort|kennwort)"
    r"|(?:验证|校验|动态|激活|取件|确认|安全|授权|登录|登陆|认证|提取|短信|随机)码|动态密码|口令|密码"
    r"|(?:驗證|校驗|確認|安全|授權|登入|認證|簡訊|啟用)碼|密碼",
    re.IGNORECASE,
)
_SHAPES = (
    r"[0-9]{4,10}",
    r"[0-9]{2,5}(?:[ \xa0\u2010-\u2015-][0-9]{2,5}){1,3}",
    r"[0-9](?:\s{1,3}[0-9]){3,9}",
    r"(?=[A-Z]{0,9}[0-9])[A-Z0-9]{4,10}",
    r"[A-Z0-9]{2,5}(?:-[A-Z0-9]{2,5}){1,3}(?<=[0-9A-Z])",
)
_CODE = re.compile(rf"(?<![0-9A-Za-z])(?:{'|'.join(_SHAPES)})(?![0-9A-Za-z])")
_LETTERS = re.compile(r"(?:[:\uff1a=]|\bis|\u662f|\u4e3a)\s{0,4}([A-Z]{4,10})(?![0-9A-Za-z])")
"""Capital letters alone are a code only where it is said so: `Your code is KXQW`."""
_DECORATION = r"[ \t\r\xa0*_|>.:`'\"]{0,40}"
_LINE = re.compile(rf"^{_DECORATION}({'|'.join(_SHAPES)}){_DECORATION}$", re.MULTILINE)
"""A line of nothing but a code."""
_TWO_GROUPS = re.compile(r"[A-Z]{3,4}-[A-Z]{3,4}")
"""On a line of their own these are a code without a digit, too."""


def find_codes(text: str) -> Iterator[str]:
    """Find the codes in a text; a code may stand before its word too, as in `482913 is your code`."""
    for start, end in _reaches(text, REACH):
        within = text[start:end]
        for found in _CODE.finditer(within):
            if _has_digit(found[0]):
                yield found[0]
        for letters in _LETTERS.finditer(within):
            yield letters[1]
    yield from _codes_on_lines(text)


def _codes_on_lines(text: str) -> Iterator[str]:
    reaches = list(_reaches(text, REACH_OF_LINES))
    if not reaches:
        return
    starts = [start for start, _end in reaches]
    for line in _LINE.finditer(text):
        if not (_has_digit(line[1]) or _TWO_GROUPS.fullmatch(line[1])):
            continue
        before = bisect_right(starts, line.start(1)) - 1
        if before >= 0 and line.start(1) < reaches[before][1]:
            yield line[1]


def _has_digit(text: str) -> bool:
    return any(char.isdigit() for char in text)


def _reaches(text: str, reach: int) -> Iterator[tuple[int, int]]:
    """Give the stretches around the words, each once."""
    open_start = open_end = -1
    for word in _WORD.finditer(text):
        # A little further, so that a code at the end of the reach is whole.
        start, end = max(word.start() - reach, 0), min(word.end() + reach + 20, len(text))
        if open_start >= 0 and start <= open_end:
            open_end = end
            continue
        if open_start >= 0:
            yield open_start, open_end
        open_start, open_end = start, end
    if open_start >= 0:
        yield open_start, open_end
