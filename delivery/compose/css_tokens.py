"""Read CSS into tokens and declarations that know their place (CSS Syntax Module Level 3).

Only as fine as telling declarations from selectors needs, and exact about places: what isn't changed stays as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class TokenKind(Enum):
    """The kinds of token that matter here."""

    SPACE = "space"
    """White space or a comment."""
    STRING = "string"
    """A quoted string, its end perhaps missing."""
    NUMBER = "number"
    """A number, a percentage or a dimension."""
    WORD = "word"
    """An identifier, escapes included."""
    FUNCTION = "function"
    """An identifier with its opening parenthesis, or a whole unquoted `url(…)`."""
    SIGN = "sign"
    """Any other single character."""


class Token(NamedTuple):
    """One token: `css[start:end]`."""

    kind: TokenKind
    source: str
    start: int
    end: int

    @property
    def value(self) -> str:
        """Return what a word or a string says, its quotes and escapes removed."""
        inner = self.source[1:].removesuffix(self.source[0]) if self.kind is TokenKind.STRING else self.source
        return _ESCAPE.sub(_unescape, inner) if "\\" in inner else inner


@dataclass(frozen=True, slots=True)
class Declaration:
    """A property, in lower case, and the tokens of its value without `!important`."""

    name: str
    value: tuple[Token, ...]


@dataclass(slots=True)
class Block:
    """The declarations that stand in one pair of braces."""

    at_rule: str = ""
    """The name of the at-rule that the braces belong to, such as `font-face`."""
    declarations: list[Declaration] = field(default_factory=list)


_ESCAPE_SOURCE = r"\\(?:[0-9a-fA-F]{1,6}+(?:\r\n|[ \t\n\r\f])?+|[^\n\r\f0-9a-fA-F])"
_NAME_CHARS = rf"(?:[-\w]|[^\x00-\x7f]|{_ESCAPE_SOURCE})"
_IN_STRING = r"\\(?:\r\n|[\s\S]|\Z)"
_TOKEN = re.compile(
    rf"""(?P<space>[ \t\n\r\f]++|/\*(?:[^*]|\*(?!/))*+(?:\*/)?+)
    |(?P<string>"(?:[^"\\\n\r\f]|{_IN_STRING})*+"?+|'(?:[^'\\\n\r\f]|{_IN_STRING})*+'?+)
    |(?P<number>[+-]?+(?:[0-9]++(?:\.[0-9]++)?+|\.[0-9]++)(?:%|{_NAME_CHARS}*+))
    |(?P<function>url\((?!\s*+["'])(?:[^)\\]|\\[\s\S])*+\)?+|{_NAME_CHARS}++\()
    |(?P<word>{_NAME_CHARS}++)
    |(?P<sign>[\s\S])""",
    re.VERBOSE | re.IGNORECASE,
)
_KINDS: dict[str | None, TokenKind] = {kind.value: kind for kind in TokenKind}
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})(?:\r\n|[ \t\n\r\f])?|(\r\n|[\s\S])|\Z)")


def read_tokens(css: str) -> Iterator[Token]:
    """Yield all tokens of the text; their sources joined are the text."""
    for match in _TOKEN.finditer(css):
        yield Token(_KINDS[match.lastgroup], match[0], match.start(), match.end())


def read_blocks(css: str, *, is_sheet: bool) -> Iterator[Block]:
    """Yield the blocks of a style sheet, or for a style attribute the one block that it is, inner blocks first."""
    stack: list[Block] = [Block()]
    item: list[Token] = []
    depth = 0
    for token in read_tokens(css):
        if token.source == "{":
            stack.append(Block(_at_rule(item)))
        elif token.source == "}":
            _close_item(stack, item, is_sheet=is_sheet)
            if len(stack) > 1:
                yield stack.pop()
        elif token.source == ";" and not depth:
            _close_item(stack, item, is_sheet=is_sheet)
        else:
            depth = max(0, depth + _nesting(token))
            item.append(token)
            continue
        item, depth = [], 0
    _close_item(stack, item, is_sheet=is_sheet)
    yield from reversed(stack)


def _close_item(stack: Sequence[Block], item: Sequence[Token], *, is_sheet: bool) -> None:
    # Outside of braces a style sheet has no declarations: `font:hover` is a selector there.
    if is_sheet and len(stack) == 1:
        return
    declaration = _find_declaration(item)
    if declaration:
        stack[-1].declarations.append(declaration)


def _find_declaration(item: Sequence[Token]) -> Declaration | None:
    spoken = [index for index, token in enumerate(item) if token.kind is not TokenKind.SPACE]
    if len(spoken) < 2 or item[spoken[0]].kind is not TokenKind.WORD or item[spoken[1]].source != ":":
        return None
    value = item[spoken[1] + 1 :]
    end = next((index for index, token in enumerate(value) if token.source == "!"), len(value))
    return Declaration(item[spoken[0]].value.lower(), tuple(value[:end]))


def _at_rule(prelude: Sequence[Token]) -> str:
    # Word writes `<!--` before the first rule of a style element; the sign may stand behind it.
    names = (name for sign, name in pairwise(prelude) if sign.source == "@")
    return next((name.value.lower() for name in names), "")


def _nesting(token: Token) -> int:
    if token.kind is TokenKind.FUNCTION:
        return 0 if token.source.endswith(")") else 1
    return {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.source, 0)


def _unescape(escape: re.Match[str]) -> str:
    if escape[1]:
        code = int(escape[1], 16)
        return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
    return "" if escape[2] is None or escape[2] in ("\r\n", "\n", "\r", "\f") else escape[2]
