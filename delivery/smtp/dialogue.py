"""smtplib's client with strict replies, limits that hold, and secrets kept out of what it gives back."""

import smtplib
from collections.abc import Mapping

from delivery.exceptions import SessionError
from delivery.smtp.replies import NotAReplyError, RawReply, clean, read_reply, reply_of
from delivery.smtp.scrub import Scrubber
from delivery.smtp.stream import Stream
from delivery.values import Reply
from records.enums import Fault, Phase

MAX_EXTENSIONS = 1_000
"""Characters of the list of extensions that is shown."""
_NOT_UNDERSTOOD = (500, 502)


class Dialogue(smtplib.SMTP):
    """Commands and replies over one `Stream` (RFC 5321 §4.1); knows in which phase it is.

    Of smtplib it uses how commands are put and how EHLO is read; connecting, sending and reading are its own.
    """

    def __init__(self, stream: Stream, ehlo_name: str, scrub: Scrubber, limit: float) -> None:
        """Begin on a fresh connection; `limit` is in seconds, for each command and its reply."""
        super().__init__(local_hostname=ehlo_name)
        self.stream = stream
        self.scrub = scrub
        self.limit = limit
        self.phase = Phase.GREETING
        self.banner = ""
        self._reply = Reply(0)
        self._encoding = "ascii"

    @property
    def extensions(self) -> Mapping[str, str]:
        """What EHLO announced: parameters by keyword in upper case, cleaned."""
        return {name.upper(): clean(str(parameters)) for name, parameters in self.esmtp_features.items()}

    def send(self, s: object) -> None:
        """Send bytes, or text of a command, as smtplib's methods ask for it."""
        content = s.encode(self._encoding) if isinstance(s, str) else bytes(s)  # type: ignore[call-overload]
        self.stream.send(content, self.limit)

    def putcmd(self, cmd: str, args: str = "") -> None:
        """Send a command; what the server said before it, unasked, ends the session.

        Raises:
            SessionError: Something unasked arrived; a 421 is an honest way to leave (RFC 5321 §3.8).
        """
        self.refuse_unasked()
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
        raw = self._read(self.limit)
        return raw.code, b"\n".join(raw.lines)

    def reply(self, limit: float | None = None) -> Reply:
        """Read one reply within `limit` seconds, or the limit of every command.

        Raises:
            SessionError: It is no SMTP reply.
            OSError: It did not come; `TimeoutError` if not in time.
            EOFError: The server ended the connection.
        """
        self._read(self.limit if limit is None else limit)
        return self._reply

    def ask(self, command: str, *, utf8: bool = False, limit: float | None = None) -> Reply:
        """Send a command and read its reply; raises as `putcmd` and `reply` do."""
        self._encoding = "utf-8" if utf8 else "ascii"
        self.putcmd(command)
        return self.reply(limit)

    def _read(self, limit: float) -> RawReply:
        try:
            raw = read_reply(self.stream, self.stream.end_of(limit))
        except NotAReplyError as error:
            fault = Fault.NOT_A_MAIL_SERVER if self.phase is Phase.GREETING else Fault.PROTOCOL
            raise SessionError(self.phase, fault) from error
        self._reply = reply_of(raw, self.scrub)
        return raw

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
        self.ehlo()
        if self._reply.is_permanent:
            self._introduce_plainly()
        if self._reply.code != 250:
            raise self.failure(Fault.PROTOCOL if self._reply.is_positive else Fault.REPLY)

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
