"""Replies of a server, read strictly (RFC 5321 §4.2) and cleaned of whatever could harm a reader."""

import re
import unicodedata
from dataclasses import dataclass

from delivery.smtp.scrub import Scrubber
from delivery.smtp.stream import LineTooLongError, Stream
from delivery.values import Reply

MAX_LINE = 2_048
"""Bytes; RFC 5321 §4.5.3.1.5 allows 512, and some servers more than that."""
MAX_LINES = 100
MAX_TEXT = 800
"""Characters of the text that is kept."""
MAX_QUEUE_ID = 200
MAX_KNOWN = 100
"""Lines of a server that are remembered."""

_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
_ENHANCED = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:\s+|$)")
_QUEUE_IDS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\[InternalId=([^,\]\s]+)",  # Exchange, Microsoft 365
        r"\bqueued as ([^\s,;]+)",  # Postfix, and many that follow it
        r"\bqueued mail for delivery.*?<([^<>\s]+)>",
        r"\bid=([^\s,;]+)",  # Exim
        r"\bmessage accepted for delivery:? ([^\s,;]+)",
        r"\b([0-9A-Za-z]{10,20}) message accepted for delivery",  # Sendmail
        r"\bmail ok queued as ([^\s,;]+)",  # Coremail: 163, 126
        r"\bqueue(?: id)?[:=] ?([^\s,;]+)",
        r"^ok:? ([0-9A-Za-z@._<>+-]{8,})$",  # Amazon SES
        r"\bok +[0-9]+ ([0-9A-Za-z._-]+) - gsmtp",  # Gmail
    )
)


class NotAReplyError(Exception):
    """What arrived is no SMTP reply. Not raised for silence or an end of the connection."""


@dataclass(frozen=True, slots=True)
class RawReply:
    """One reply as it came: the code, and the lines without it."""

    code: int
    lines: tuple[bytes, ...]


def read_reply(stream: Stream, end: float, *, first: bytes | None = None) -> RawReply:
    """Read one reply, all of it by the time `end`.

    Args:
        stream: From where.
        end: Of time.monotonic().
        first: The reply's first line, if it was taken from the stream before.

    Raises:
        NotAReplyError: What came is no reply, or more than `MAX_LINES` lines.
        TimeoutError: It was not complete in time.
        EOFError: The server ended the connection before.
        OSError: The connection broke.
    """
    code, is_last, text = _parse(_read_line(stream, end) if first is None else first)
    lines = [text]
    while not is_last:
        if len(lines) == MAX_LINES:
            raise NotAReplyError
        line_code, is_last, text = _parse(_read_line(stream, end))
        if line_code != code:
            raise NotAReplyError
        lines.append(text)
    return RawReply(int(code), tuple(lines))


def _read_line(stream: Stream, end: float) -> bytes:
    try:
        return stream.read_line(end, MAX_LINE)
    except LineTooLongError as error:
        raise NotAReplyError from error


def _parse(line: bytes) -> tuple[bytes, bool, bytes]:
    match = _LINE.fullmatch(line.rstrip(b"\r\n"))
    if match is None:
        raise NotAReplyError
    return match[1], match[2] != b"-", (match[3] or b"").strip()


def clean(text: str) -> str:
    """Write text on one line: control characters, line ends and invisible marks become spaces."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    kept = (" " if unicodedata.category(character)[0] in "CZ" else character for character in text)
    return " ".join("".join(kept).split())


def texts_of(raw: RawReply, scrub: Scrubber) -> list[str]:
    """Give the lines of a reply that may be kept and shown: secrets and control characters gone."""
    return [scrub(clean(line.decode(errors="replace"))) for line in raw.lines]


def reply_of(raw: RawReply, scrub: Scrubber) -> Reply:
    """Make the reply that may be kept and shown: enhanced status apart, secrets and control characters gone."""
    texts = texts_of(raw, scrub)
    match = _ENHANCED.match(texts[0])
    status = match[1] if match and match[1][0] == str(raw.code)[0] else ""
    without = [text.removeprefix(status).strip() for text in texts]
    return Reply(raw.code, status, _cut(" ".join(filter(None, without))))


def _cut(text: str) -> str:
    """Keep so much of a text, with a sign that it was cut: what is left of a secret there is looked for."""
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def find_queue_id(text: str) -> str:
    """Find the name that the server gave to an accepted mail; empty if its reply tells none."""
    for pattern in _QUEUE_IDS:
        if match := pattern.search(text):
            return match[1].strip("<>.")[:MAX_QUEUE_ID]
    return ""


class ReplyReader:
    """Reads the replies of one server.

    Servers say the same few lines over and over: a line that was made a reply once is not taken apart again.
    """

    def __init__(self, stream: Stream, scrub: Scrubber) -> None:
        """Begin; `scrub` must know all secrets before something is read."""
        self._stream = stream
        self._scrub = scrub
        self._known: dict[bytes, Reply] = {}

    def read(self, limit: float) -> Reply:
        """Read one reply within `limit` seconds; raises as `read_reply` does."""
        end = self._stream.end_of(limit)
        try:
            line = self._stream.read_line(end, MAX_LINE)
        except LineTooLongError as error:
            raise NotAReplyError from error
        known = self._known.get(line)
        return self._take_apart(line, end) if known is None else known

    def _take_apart(self, line: bytes, end: float) -> Reply:
        raw = read_reply(self._stream, end, first=line)
        reply = reply_of(raw, self._scrub)
        if len(raw.lines) == 1:
            if len(self._known) >= MAX_KNOWN:  # names of accepted mails never come again
                self._known.clear()
            self._known[line] = reply
        return reply
