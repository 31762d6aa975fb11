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

    __slots__ = ("is_announced", "mail", "mail_command", "paths", "problem", "rcpt_commands", "refusal")

    def __init__(self, mail: ComposedMail, offer: Offer) -> None:
        """Look whether it may be sent at all, and write its commands."""
        self.mail = mail
        self.is_announced = False
        """Its commands were sent ahead of the replies to them."""
        self.paths = tuple(dict.fromkeys(mail.envelope.forward_paths))
        """The receivers, each once."""
        self.problem = find_problem(mail)
        """Why nothing of it may be sent; empty: it may."""
        self.refusal: tuple[Fault, Reply] | None = None
        """Why the server can't take it, as its EHLO says."""
        if not self.problem:
            self._prepare(offer)

    def _prepare(self, offer: Offer) -> None:
        mime, envelope = self.mail.mime, self.mail.envelope
        utf8 = envelope.needs_smtputf8 or not "".join((envelope.reverse_path, *self.paths)).isascii()
        if utf8 and not offer.utf8:
            self.refusal = Fault.SMTPUTF8_MISSING, Reply(553, "5.6.7")
        elif 0 < offer.size_limit < len(mime):
            self.refusal = Fault.TOO_LARGE, Reply(552, "5.3.4")
        size = f" SIZE={len(mime)}" if offer.size else ""
        body = " BODY=8BITMIME" if offer.eight_bit and not mime.isascii() else ""
        smtputf8 = " SMTPUTF8" if utf8 else ""
        self.mail_command = f"MAIL FROM:<{envelope.reverse_path}>{size}{body}{smtputf8}\r\n".encode()
        self.rcpt_commands = [f"RCPT TO:<{path}>\r\n".encode() for path in self.paths]

    @property
    def commands(self) -> bytes:
        """All commands of its transaction; DATA comes last (RFC 2920 §3.1)."""
        return b"".join((self.mail_command, *self.rcpt_commands, DATA))
