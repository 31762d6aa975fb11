"""Finding tokens in links: what looks random, and the values of parameters that are called so; pure and linear."""

import re
from collections.abc import Iterator
from itertools import pairwise
from urllib.parse import unquote

LONG = 16
"""Characters from which on what looks random is a token, whatever its parameter is called."""
_DEPTH = 3
"""Links within links that are looked into."""
# Also without a scheme: `www.example.com/…`, `example.com/…`, and a path that stands for itself. Not by `\b`, since
# Chinese stands right before a link.
_LINK = re.compile(
    r"(?:(?<![a-z0-9])(?:[a-z][a-z0-9+.-]{1,20}:/{2}"
    r"|[a-z0-9][a-z0-9-]{0,62}(?:\.[a-z0-9-]{1,63}){1,8}+(?::[0-9]{1,5})?[/?])"
    r"|(?<![^\s\"\x27(<>=])/)"
    r"[^\s<>\"\x27\u3000-\u303f\uff00-\uffef]{1,8000}",
    re.IGNORECASE,
)
_BEFORE_HOST = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_ASCII = re.compile(r"[!-~]+")
_SPLIT = re.compile(r"[?&;#]")
_TELLING = re.compile(
    r"(?:^|[^a-z])(?:[a-z]*(?:token|secret|signature|password|passwd|ticket|nonce)|(?:api|auth|access|reset)?-?_?key"
    r"|code|sig|sign|reset|auth|otp|pin|pwd|pass|hash|hmac|jwt|sid|session|invite|confirm|verify|magic|t|k|s|c)(?![a-z])",
    re.IGNORECASE,
)
_CHUNK = re.compile(r"[A-Za-z0-9]+")
_CLOSERS = ".,;:!?)]}\u2019\u201d"


def find_tokens(text: str) -> Iterator[str]:
    """Find the tokens of all links in a text."""
    for link in _LINK.finditer(text):
        yield from _tokens_of(link[0].rstrip(_CLOSERS), _DEPTH)


def _tokens_of(link: str, depth: int) -> Iterator[str]:
    before = _BEFORE_HOST.match(link)
    place, *queries = _SPLIT.split(link[before.end() :] if before else link)
    host, *segments = place.split("/")
    user, at, _host = host.rpartition("@")
    if at and (password := user.partition(":")[2]):
        yield unquote(password)
    for segment in segments:
        yield from _token_in(segment, is_telling=False, depth=depth)
    for query in queries:
        name, equals, value = query.partition("=")
        if equals:
            yield from _token_in(value, is_telling=bool(_TELLING.search(name[:100])), depth=depth)
        else:  # a fragment such as `#/reset/…`, or a query that is the token
            for segment in name.split("/"):
                yield from _token_in(segment, is_telling=False, depth=depth)


def _token_in(raw: str, *, is_telling: bool, depth: int) -> Iterator[str]:
    value = unquote(raw)
    if depth and ("://" in value or (value.startswith("/") and "?" in value)):
        yield from (token for link in _LINK.finditer(value) for token in _tokens_of(link[0], depth - 1))
    elif (is_telling and _is_value(value)) or _is_random(value):
        yield value
        if not value.isascii() and (begin := _ASCII.match(value)):  # Chinese may follow a link without a space
            yield begin[0]


def _is_value(value: str) -> bool:
    """Tell whether the value of a telling parameter is one that tells, and no plain word such as `welcome`."""
    return len(value) >= 4 and (len(value) >= LONG or not value.isalpha() or not (value.islower() or value.istitle()))


def _is_random(value: str) -> bool:
    if len(value) < LONG:
        return False
    chunks = _CHUNK.findall(value)
    mixed = sum(len(chunk) for chunk in chunks if _changes(chunk) >= 2)
    return mixed >= LONG // 2 or any(len(chunk) >= 2 * LONG for chunk in chunks)


def _changes(chunk: str) -> int:
    """Count how often a chunk changes between small letters, capitals and digits; a capital first is no change."""
    kinds = ["d" if char.isdigit() else "u" if char.isupper() else "l" for char in chunk]
    return sum(1 for one, other in pairwise(kinds) if one != other and (one, other) != ("u", "l"))
