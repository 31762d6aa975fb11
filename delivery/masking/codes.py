"""Finding codes: digits, or capital letters with digits, near a word that says what they are; pure and linear."""

import re
from collections.abc import Iterator

REACH = 60
"""Characters between the word and its code; line ends count, since codes often stand on a line of their own."""
_WORD = re.compile(
    r"(?<![a-z])(?:codes?|pins?|otp|passcode|passwords?|passwort|kennwort|verification|one-time|2fa|tan)(?![a-z])"
    r"|验证码|校验码|动态码|动态密码|动态口令|激活码|取件码|口令|密码|驗證碼|密碼",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"(?<![0-9A-Za-z])(?:"
    r"[0-9]{4,10}"
    r"|[0-9]{2,5}(?:[ \xa0\u2010-\u2015-][0-9]{2,5}){1,3}"
    r"|[0-9](?:\s{1,3}[0-9]){3,9}"
    r"|(?=[A-Z]{0,9}[0-9])[A-Z0-9]{4,10}"
    r"|[A-Z0-9]{2,5}(?:-[A-Z0-9]{2,5}){1,3}(?<=[0-9A-Z])"
    r")(?![0-9A-Za-z])"
)
_LETTERS = re.compile(r"(?:[:\uff1a=]|\bis|\u662f|\u4e3a)\s{0,4}([A-Z]{4,10})(?![0-9A-Za-z])")
"""Capital letters alone are a code only where it is said so: `Your code is KXQW`."""


def find_codes(text: str) -> Iterator[str]:
    """Find the codes in a text; a code may stand before its word too, as in `482913 is your code`."""
    for start, end in _reaches(text):
        within = text[start:end]
        for found in _CODE.finditer(within):
            if any(char.isdigit() for char in found[0]):
                yield found[0]
        for letters in _LETTERS.finditer(within):
            yield letters[1]


def _reaches(text: str) -> Iterator[tuple[int, int]]:
    """Give the stretches around the words, each once."""
    open_start = open_end = -1
    for word in _WORD.finditer(text):
        # A little further, so that a code at the end of the reach is whole.
        start, end = max(word.start() - REACH, 0), min(word.end() + REACH + 20, len(text))
        if open_start >= 0 and start <= open_end:
            open_end = end
            continue
        if open_start >= 0:
            yield open_start, open_end
        open_start, open_end = start, end
    if open_start >= 0:
        yield open_start, open_end
