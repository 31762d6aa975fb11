"""What is said in a session, remembered so that a try that fails can show it.

A mail that is accepted costs a few references to commands and replies that exist anyway: lines are written only when
a try failed. What is remembered is never content, and of a sign-in nothing but its mechanism.
"""

from collections.abc import Iterable
from dataclasses import replace

from delivery.exceptions import SessionError
from delivery.smtp.errors import FOREIGN_ERRORS, translate
from delivery.smtp.replies import clean
from delivery.smtp.scrub import REMOVED
from delivery.values import Delivery, Reply
from records.dialogue.lines import Line, LineKind, shorten
from records.enums import Fault, Phase

_EHLO_LINES = 40
"""So many lines of a long reply are remembered."""


class Transcript:
    """The lines of one session since its last mail ended."""

    __slots__ = ("_said",)

    def __init__(self) -> None:
        """Begin before the host name is resolved."""
        self._said: list[bytes | Reply | int | Line] = []

    def heard(self, reply: Reply) -> None:
        """Remember a reply; what it holds was scrubbed."""
        self._said.append(reply)

    def sent(self, size: int) -> None:
        """Remember that so many bytes of content went out, or were about to."""
        self._said.append(size)

    def said(self, command: bytes) -> None:
        """Remember a command of a mail: MAIL, RCPT, DATA, RSET. Never anything of a sign-in."""
        self._said.append(command)

    def asked(self, command: str, phase: Phase) -> None:
        """Remember any other command; in the phase of signing in only what it begins with.

        Args:
            command: Without its line end.
            phase: In which it is said.
        """
        self._said.append(Line(LineKind.CLIENT, _hide_sign_in(command) if phase is Phase.AUTH else clean(command)))

    def heard_lines(self, code: int, lines: Iterable[str]) -> None:
        """Remember a reply line by line, as EHLO is answered; the lines were scrubbed."""
        texts = list(lines)[:_EHLO_LINES]
        for text in texts[:-1]:
            self._said.append(Line(LineKind.SERVER, f"{code}-{text}"))
        self._said.append(Line(LineKind.SERVER, f"{code} {texts[-1]}"))

    def note(self, kind: LineKind, text: str) -> None:
        """Remember what happened."""
        self._said.append(Line(kind, text))

    def end_mail(self, delivery: Delivery, *, is_plain_success: bool) -> Delivery:
        """Forget what was said of a mail, and have its delivery keep it where not all went well."""
        if not is_plain_success:
            return replace(delivery, dialogue=self.take())
        self._said.clear()
        return delivery

    def lose(self, error: Exception, phase: Phase) -> None:
        """Remember how the session ended amid a mail."""
        if isinstance(error, FOREIGN_ERRORS):
            error = translate(error, phase)
        if isinstance(error, SessionError):
            self._note_end(error)

    def explain(self, error: SessionError) -> None:
        """Have an error keep what was said before it."""
        self._note_end(error)
        error.dialogue = self.take()

    def take(self) -> tuple[Line, ...]:
        """Write out what was said since the last mail ended."""
        lines = shorten([_written(each) for each in self._said])
        self._said.clear()
        return lines

    def _note_end(self, error: SessionError) -> None:
        if error.fault is not Fault.REPLY:
            self.note(LineKind.ENDED, str(error.fault))


def _hide_sign_in(command: str) -> str:
    """Keep `AUTH` and the mechanism; whatever else is said while signing in is a secret, or near one."""
    words = command.split()
    if not words or words[0].upper() != "AUTH":
        return REMOVED
    return " ".join([*words[:2], *([REMOVED] if len(words) > 2 else [])])


def _written(said: bytes | Reply | int | Line) -> Line:
    match said:
        case Reply():
            return Line(LineKind.SERVER, str(said))
        case bytes():
            return Line(LineKind.CLIENT, clean(said.decode(errors="replace")))
        case int():
            return Line(LineKind.CONTENT, str(said))
    return said
