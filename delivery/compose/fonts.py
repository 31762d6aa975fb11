"""Show fonts that aren't supported as SimSun: those whose names hold anything but letters and digits."""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from delivery.compose.css_tokens import Block, Declaration, Token, TokenKind, read_blocks, read_tokens
from records.html_scanner import Attribute, Comment, Tag, decode_references, scan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

REPLACEMENT = "SimSun"

_KEYWORDS = frozenset(
    (
        # Generic families: a reader's choice, no font of that name (CSS Fonts Module Level 4 §2.1.4).
        *("serif", "sans-serif", "monospace", "cursive", "fantasy", "system-ui", "math", "emoji", "fangsong"),
        *("ui-serif", "ui-sans-serif", "ui-monospace", "ui-rounded"),
        # Words that any property takes (CSS Cascading Level 5 §7.3).
        *("inherit", "initial", "unset", "revert", "revert-layer"),
    )
)
_SIZES = frozenset(
    (
        *("xx-small", "x-small", "small", "medium", "large", "x-large", "xx-large", "xxx-large"),
        *("larger", "smaller", "math"),
    )
)
_SIZE_FUNCTIONS = frozenset(("calc(", "min(", "max(", "clamp(", "var("))
_ANGLES = ("deg", "grad", "rad", "turn")
_MAY_NAME_FONT = re.compile(r"font|\\", re.IGNORECASE)
# In HTML the letters, or the backslash that escapes them, may stand as character references too.
_MAY_NAME_FONT_IN_HTML = re.compile(r"font|\\|&#|&bsol;", re.IGNORECASE)
_CACHED_LENGTH = 1000


class _FindingKind(Enum):
    """What a piece of CSS in HTML is."""

    SHEET = "sheet"
    """The content of a `style` element: rules."""
    INLINE = "inline"
    """The value of a `style` attribute: declarations."""
    FACE = "face"
    """The value of the `face` attribute of a `font` element: a list of families."""


class _Finding(NamedTuple):
    """A piece of CSS in HTML: `html[start:end]`."""

    kind: _FindingKind
    start: int
    end: int


class _Edit(NamedTuple):
    """Replace `[start:end]` by the text."""

    start: int
    end: int
    text: str


def replace_unsupported_fonts(html: str) -> str:
    """Return the HTML with every unsupported font name replaced by SimSun; all else stays as it is.

    Looks at `font-family` and `font` in style attributes and style elements, at font faces, and at `<font face>`.
    Names and their order stay where a font is supported, generic families and CSS keywords stay too. Never raises.
    """
    if not _MAY_NAME_FONT_IN_HTML.search(html):
        return html
    edits = [edit for finding in _find_css(html, 0, len(html)) for edit in _edits_of(html, finding)]
    return _apply(html, edits) if edits else html


def _find_css(html: str, start: int, end: int) -> Iterator[_Finding]:
    for piece in scan(html, start, end):
        if isinstance(piece, Tag):
            yield from (finding for attribute in piece.attributes if (finding := _read_attribute(piece, attribute)))
        elif isinstance(piece, Comment):
            # What only Outlook reads stands in a comment: `<!--[if mso]>…<![endif]-->`.
            if html.startswith("[if", piece.start):
                yield from _find_css(html, piece.start, piece.end)
        elif piece.raw_element == "style":
            yield _Finding(_FindingKind.SHEET, piece.start, piece.end)


def _read_attribute(tag: Tag, attribute: Attribute) -> _Finding | None:
    if attribute.name == "style":
        return _Finding(_FindingKind.INLINE, attribute.start, attribute.end)
    if (tag.name, attribute.name) == ("font", "face"):
        return _Finding(_FindingKind.FACE, attribute.start, attribute.end)
    return None


def _apply(text: str, edits: Iterable[_Edit]) -> str:
    pieces = []
    position = 0
    for edit in sorted(edits, key=lambda edit: edit.start):
        pieces += [text[position : edit.start], edit.text]
        position = edit.end
    return "".join([*pieces, text[position:]])


def _edits_of(html: str, finding: _Finding) -> Iterator[_Edit]:
    raw = html[finding.start : finding.end]
    if finding.kind is _FindingKind.SHEET:
        for edit in _css_edits(raw, finding.kind):
            yield _Edit(finding.start + edit.start, finding.start + edit.end, edit.text)
        return
    decoded = decode_references(raw)
    for start, end, text in _css_edits(decoded.text, finding.kind):
        yield _Edit(finding.start + decoded.offsets[start], finding.start + decoded.offsets[end], text)


def _css_edits(css: str, kind: _FindingKind) -> Sequence[_Edit]:
    if kind is _FindingKind.SHEET:
        return [edit for block in read_blocks(css, is_sheet=True) for edit in _block_edits(block)]
    if kind is _FindingKind.INLINE and not _MAY_NAME_FONT.search(css):
        return ()
    # The same few attribute values stand in a mail many times, and in the next mail again.
    return _attribute_edits(css, kind) if len(css) <= _CACHED_LENGTH else _attribute_edits.__wrapped__(css, kind)


@lru_cache(maxsize=512)
def _attribute_edits(css: str, kind: _FindingKind) -> tuple[_Edit, ...]:
    if kind is _FindingKind.FACE:
        return tuple(_family_edits(tuple(read_tokens(css))))
    return tuple(edit for block in read_blocks(css, is_sheet=False) for edit in _block_edits(block))


def _block_edits(block: Block) -> Iterator[_Edit]:
    edits = [edit for declaration in block.declarations for edit in _declaration_edits(declaration)]
    yield from edits
    if edits and block.at_rule == "font-face":
        # The face now bears SimSun's name; its source must be SimSun too, or it would show the unsupported font.
        sources = (declaration for declaration in block.declarations if declaration.name == "src")
        for spoken in filter(None, map(_spoken, (source.value for source in sources))):
            yield _Edit(spoken[0].start, spoken[-1].end, f"local({REPLACEMENT})")


def _declaration_edits(declaration: Declaration) -> list[_Edit]:
    if declaration.name == "font-family":
        return _family_edits(declaration.value)
    if declaration.name == "font":
        return _family_edits(_families_of_shorthand(declaration.value))
    return []


def _families_of_shorthand(value: Sequence[Token]) -> Sequence[Token]:
    """Return what follows the size, and the line height, in a `font` value; nothing where there is no size."""
    spoken = _spoken(value)
    size = next((index for index, token in enumerate(spoken) if _is_size(token)), None)
    if size is None:
        return ()
    rest = _after_one(spoken, size)
    if rest < len(spoken) and spoken[rest].source == "/":
        rest = _after_one(spoken, rest + 1)
    return spoken[rest:]


def _is_size(token: Token) -> bool:
    if token.kind is TokenKind.NUMBER:
        # `400` is a weight, `10deg` a slant.
        return not token.source[-1].isdigit() and not token.source.lower().endswith(_ANGLES)
    if token.kind is TokenKind.FUNCTION:
        return token.value.lower() in _SIZE_FUNCTIONS
    return token.kind is TokenKind.WORD and token.value.lower() in _SIZES


def _after_one(tokens: Sequence[Token], index: int) -> int:
    """Return the index after one word, number or function with all its arguments."""
    depth = 0
    for position in range(index, len(tokens)):
        depth += _opens(tokens[position])
        if depth <= 0:
            return position + 1
    return len(tokens)


def _opens(token: Token) -> int:
    if token.source == ")":
        return -1
    return int(token.source.endswith("(") and token.kind in (TokenKind.FUNCTION, TokenKind.SIGN))


def _spoken(tokens: Sequence[Token]) -> list[Token]:
    return [token for token in tokens if token.kind is not TokenKind.SPACE]


def _family_edits(value: Sequence[Token]) -> list[_Edit]:
    """Return what to change in a list of families; of neighbours that are both SimSun now, one stays."""
    edits: list[_Edit] = []
    previous: list[Token] = []
    follows_replacement = was_replaced = False
    for family in _split_at_commas(value):
        is_unsupported = _is_unsupported(family)
        is_simsun = is_unsupported or _name(family).casefold() == REPLACEMENT.casefold()
        if is_simsun and follows_replacement and (is_unsupported or was_replaced):
            edits.append(_Edit(previous[-1].end, family[-1].end, ""))
        elif is_unsupported:
            edits.append(_Edit(family[0].start, family[-1].end, REPLACEMENT))
        previous, follows_replacement = family, is_simsun
        was_replaced = is_unsupported or (is_simsun and was_replaced)
    return edits


def _split_at_commas(value: Sequence[Token]) -> Iterator[list[Token]]:
    family: list[Token] = []
    depth = 0
    for token in _spoken(value):
        depth = max(0, depth + _opens(token))
        if token.source == "," and not depth:
            if family:
                yield family
            family = []
        else:
            family.append(token)
    if family:
        yield family


def _is_unsupported(family: Sequence[Token]) -> bool:
    if any(token.kind is TokenKind.FUNCTION for token in family):
        return False
    if len(family) == 1 and family[0].kind is TokenKind.WORD and family[0].value.lower() in _KEYWORDS:
        return False
    name = _name(family)
    return bool(name) and not all(unicodedata.category(char)[0] in "LNM" for char in name)


def _name(family: Sequence[Token]) -> str:
    """Return the name that the tokens spell: white space between words counts as one space."""
    return " ".join(token.value for token in family)
