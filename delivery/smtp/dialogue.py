"""smtplib's client with strict replies, limits that hold, and secrets kept out of what it gives back."""

import smtplib
from contextlib import suppress

from delivery.exceptions import SessionError
from delivery.smtp.errors import FOREIGN_ERRORS
from delivery.smtp.offer import Offer
from delivery.smtp.replies import NotAReplyError, ReplyReader, clean, read_reply, reply_of, texts_of
from delivery.smtp.scrub import Scrubber
from delivery.smtp.stream import Stream
from delivery.smtp.transcript import Transcript
from delivery.values import Reply
from records.enums import Fault, Phase

MAX_EXTENSIONS = 1_000
"""Characters of the list of extensions that is shown."""
RSET = b"RSET\r\n"
_NOT_UNDERSTOOD = (500, 502)


class Dialogue(smtplib.SMTP):
    """Commands and replies over one `Stream` (RFC 5321 §4.1); knows in which phase it is.

    Of smtplib it uses how commands are put and how EHLO is read; connecting, sending and reading are its own.
    """

    def __init__(
        self, stream: Stream, ehlo_name: str, scrub: Scrubber, limit: float, transcript: Transcript | None = None
    ) -> None:
        """Begin on a fresh connection.

        Args:
            stream: The connection.
            ehlo_name: How we introduce ourselves.
            scrub: Knows the secrets that may be said.
            limit: Seconds for each command and its reply.
            transcript: Remembers what is said.
        """
        super().__init__(local_hostname=ehlo_name)
        self.stream = stream
        self.scrub = scrub
        self.limit = limit
        self.transcript = transcript or Transcript()
        self.phase = Phase.GREETING
        self.banner = ""
        self.extensions: dict[str, str] = {}
        """What EHLO announced last: parameters by keyword in upper case, cleaned."""
        self.offer = Offer()
        self._replies = ReplyReader(stream, scrub)
        self._reply = Reply(0)

    def send(self, s: object) -> None:
        """Send bytes, or text of a command, as smtplib's methods ask for it."""
        self.say(s.encode("ascii") if isinstance(s, str) else bytes(s))  # type: ignore[call-overload]

    def say(self, lines: bytes) -> None:
        """Send whole lines; whether the server may have said something before is the caller's care."""
        self.stream.send(lines, self.limit)

    def putcmd(self, cmd: str, args: str = "") -> None:
        """Send a command; what the server said before it, unasked, ends the session.

        Raises:
            SessionError: Something unasked arrived; a 421 is an honest way to leave (RFC 5321 §3.8).
        """
        self.refuse_unasked()
        self.transcript.asked(f"{cmd} {args}".strip(), self.phase)
        super().putcmd(cmd, args)

    def refuse_unasked(self) -> None:
        """See to it that nothing arrived that was not asked for.

        Raises:
            SessionError: Something did, or the server ended the connection.
        """
        if self.stream.has_arrived():
            reply = self.reply()
            raise self.failure(Fault.REPLY if reply.code == 421 else Fault.PROTOCOL)

    def getreply(self) -> tuple[int, bytes]:
        """Read one reply within the limit, for smtplib's methods."""
        try:
            raw = read_reply(self.stream, self.stream.end_of(self.limit))
        except NotAReplyError as error:
            raise self._no_reply() from error
        self._reply = reply_of(raw, self.scrub)
        self.transcript.heard_lines(raw.code, texts_of(raw, self.scrub))
        return raw.code, b"\n".join(raw.lines)

    def reply(self, limit: float | None = None) -> Reply:
        """Read one reply within `limit` seconds, or the limit of every command.

        Raises:
            SessionError: It is no SMTP reply.
            OSError: It did not come; `TimeoutError` if not in time.
            EOFError: The server ended the connection.
        """
        try:
            self._reply = self._replies.read(self.limit if limit is None else limit)
        except NotAReplyError as error:
            raise self._no_reply() from error
        self.transcript.heard(self._reply)
        return self._reply

    def _no_reply(self) -> SessionError:
        return SessionError(self.phase, Fault.NOT_A_MAIL_SERVER if self.phase is Phase.GREETING else Fault.PROTOCOL)

    def ask(self, command: str) -> Reply:
        """Send a command and read its reply; raises as `putcmd` and `reply` do."""
        self.putcmd(command)
        return self.reply()

    def reset(self, behind: bytes = b"") -> bool:
        """Say RSET, with whole lines behind it in the same write, and read its reply.

        Returns:
            False: the server isn't ready for the next mail, and the connection was closed. No more is lost by it.
        """
        with suppress(*FOREIGN_ERRORS, SessionError):
            self.refuse_unasked()
            self.transcript.said(RSET)
            self.say(RSET + behind)
            if self.reply().code == 250:
                return True
        self.stream.close()
        return False

    def failure(self, fault: Fault) -> SessionError:
        """Build the error for the reply that was read last; only an honest refusal keeps its words."""
        return SessionError(self.phase, fault, reply=self._reply if fault not in _WORDLESS else None)

    def greet(self) -> None:
        """Wait for the greeting.

        Raises:
            SessionError: Silence, a refusal (RFC 5321 §3.1), or no mail server.
        """
        try:
            greeting = self.reply()
        except TimeoutError as error:
            raise SessionError(Phase.GREETING, Fault.GREETING_TIMEOUT) from error
        if greeting.code == 220:
            self.banner = greeting.text
            return
        raise self.failure(Fault.NOT_A_MAIL_SERVER if greeting.is_positive else Fault.REPLY)

    def introduce(self) -> None:
        """Say EHLO, or HELO to a server that knows no EHLO (RFC 5321 §4.1.4); read the extensions.

        Raises:
            SessionError: Both were refused.
        """
        self.esmtp_features = {}
        self.does_esmtp = False
        self.extensions = {}
        self.ehlo()
        if self._reply.is_permanent:
            self._introduce_plainly()
        if self._reply.code != 250:
            raise self.failure(Fault.PROTOCOL if self._reply.is_positive else Fault.REPLY)
        features = self.esmtp_features.items()
        self.extensions = {name.upper(): clean(str(parameters)) for name, parameters in features}
        self.offer = Offer.of(self.extensions)

    def _introduce_plainly(self) -> None:
        refusal = self.failure(Fault.REPLY)
        not_understood = self._reply.code in _NOT_UNDERSTOOD
        try:
            self.helo()
        except (OSError, EOFError) as error:  # the refusal of EHLO was its last word, and says more
            raise refusal from error
        if not_understood and self._reply.code in _NOT_UNDERSTOOD:
            raise self.failure(Fault.NOT_A_MAIL_SERVER)

    def describe_extensions(self) -> str:
        """Write the extensions as the server announced them, one line."""
        words = (f"{name} {parameters}".strip() for name, parameters in self.extensions.items())
        return self.scrub(", ".join(words))[:MAX_EXTENSIONS]


_WORDLESS = (Fault.NOT_A_MAIL_SERVER, Fault.PROTOCOL)
