"""What is searched for secrets: the texts of a mail as their readers have them, and what belongs together; pure."""

import re
from collections.abc import Iterator

from delivery.compose.plain_text import text_from_html
from delivery.masking.hiding import INVISIBLE
from delivery.masking.markup import texts_of_html
from delivery.request import MailRequest

_SEAM = 4096
"""Characters of a body that are searched with the subject before them: what it announces stands at the beginning."""
# Invisible marks, and digits and letters as they are typed in Chinese. Never punctuation: it ends links.
_PLAIN = {
    **dict.fromkeys(map(ord, INVISIBLE)),
    **{0xFF01 + offset: 0x21 + offset for offset in range(94) if chr(0x21 + offset).isalnum()},
}
_JSON_ESCAPE = re.compile(r"\\(?:(/)|u((?![Dd][89A-Fa-f])[0-9A-Fa-f]{4}))")
"""Half characters are left as they are."""
_COLOUR = re.compile(r"\x1b\[[0-9;]{0,20}m")
"""As in logs of programs."""


def texts_of_mail(request: MailRequest, text: str, html: str) -> Iterator[str]:
    """Give everything beside its files that a secret of a mail may stand in.

    Args:
        request: The mail.
        text: What is sent as its text.
        html: What is sent as its HTML; may be empty.
    """
    yield request.subject
    yield request.accessed_resource
    # Half a character in a name is refused later, and no pattern can be searched for in it.
    yield from (file.filename.encode(errors="replace").decode() for file in request.attachments)
    yield from _body(request.subject, text)
    if html:
        if request.text:  # else the text is what the HTML says
            yield from _body(request.subject, text_from_html(html))
        yield from texts_of_html(html)


def _body(subject: str, text: str) -> Iterator[str]:
    yield text
    yield f"{subject}\n{text[:_SEAM]}"


def spellings(text: str) -> Iterator[str]:
    """Give a text, and once more as plainly as it can be written, where that is something else."""
    yield text
    if not text.isascii() or "\\" in text or "\x1b" in text:
        plain = _JSON_ESCAPE.sub(lambda escape: escape[1] or chr(int(escape[2], 16)), text)
        plain = _COLOUR.sub("", plain).translate(_PLAIN)
        if plain != text:
            yield plain
