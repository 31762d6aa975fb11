"""One mail as it goes over the wire: its commands, its content, and what must never be sent."""

import io
import re

from delivery.smtp.offer import Offer
from delivery.values import ComposedMail, Reply
from records.enums import Fault

DATA = b"DATA\r\n"
FINAL_DOT = b".\r\n"
_UNFIT_PATH = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]|[<>](?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)")
"""Control characters and halves of characters anywhere, and angle brackets outside quotes."""


def find_problem(mail: ComposedMail) -> str:
    """Say how a mail could say more to the server than it should; empty: not at all. The last line of defence."""
    if _line_ends(mail.mime) not in (None, "\r\n"):
        return "The content has a bare CR or LF."
    if not mail.envelope.forward_paths:
        return "The envelope has no receiver."
    if any(map(_is_unfit, (mail.envelope.reverse_path, *mail.envelope.forward_paths))):
        return "An address of the envelope has control characters or angle brackets."
    return ""


def _line_ends(mime: bytes) -> object:
    """Find which line ends the content has; in one pass, since every mail goes through here."""
    decoder = io.IncrementalNewlineDecoder(None, translate=False)
    decoder.decode(mime.decode("latin-1"), final=True)
    return decoder.newlines


def _is_unfit(path: str) -> bool:
    if path.isprintable() and "<" not in path and ">" not in path:  # nearly all of them
        return False
    return _UNFIT_PATH.search(path) is not None


def on_the_wire(mime: bytes) -> bytes:
    """Give the content as it is sent after DATA, without the final dot: dots doubled, the last line ended."""
    # Searched from the end, which is twice as fast as `replace` finds out that there is nothing to do.
    stuffed = mime.replace(b"\r\n.", b"\r\n..") if mime.rfind(b"\r\n.") >= 0 else mime
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    return stuffed if stuffed.endswith(b"\r\n") or not stuffed else stuffed + b"\r\n"


class Outgoing:
    """A mail, and what is said for it to a server with that offer."""

    __slots__ = ("_offer", "_utf8", "is_announced", "mail", "paths", "problem")

    def __init__(self, mail: ComposedMail, offer: Offer) -> None:
        """Look whether it may be sent at all."""
        self.mail = mail
        self.problem = find_problem(mail)
        """Why nothing of it may be sent; empty: it may."""
        self.paths = tuple(dict.fromkeys(mail.envelope.forward_paths))
        """The receivers, each once."""
        self.is_announced = False
        """Its commands were sent ahead of the replies to them."""
        self._offer = offer
        self._utf8 = mail.envelope.needs_smtputf8 or not "".join((mail.envelope.reverse_path, *self.paths)).isascii()

    @property
    def refusal(self) -> tuple[Fault, Reply] | None:
        """Why the server can't take it, as its EHLO says."""
        if self._utf8 and not self._offer.utf8:
            return Fault.SMTPUTF8_MISSING, Reply(553, "5.6.7")
        if 0 < self._offer.size_limit < len(self.mail.mime):
            return Fault.TOO_LARGE, Reply(552, "5.3.4")
        return None

    @property
    def mail_command(self) -> bytes:
        """MAIL with its parameters."""
        size = f" SIZE={len(self.mail.mime)}" if self._offer.size else ""
        body = " BODY=8BITMIME" if self._offer.eight_bit and not self.mail.mime.isascii() else ""
        utf8 = " SMTPUTF8" if self._utf8 else ""
        return f"MAIL FROM:<{self.mail.envelope.reverse_path}>{size}{body}{utf8}\r\n".encode()

    @property
    def commands(self) -> bytes:
        """All commands of its transaction (RFC 2920 §3.1: DATA comes last)."""
        return b"".join((self.mail_command, *map(rcpt_command, self.paths), DATA))


def rcpt_command(path: str) -> bytes:
    """Write RCPT for one receiver."""
    return f"RCPT TO:<{path}>\r\n".encode()
