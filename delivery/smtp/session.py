"""Sessions with mail servers: opened, used for any number of mails, ended (RFC 5321 §3).

    session = open_session(settings, policy=load_dial_policy(), deadline=time.monotonic() + 30)
    try:
        delivery = session.deliver(mail, before_dot=fence, deadline=time.monotonic() + 900)
    finally:
        session.quit()

A session belongs to one thread. Its watcher hears, in the order of what happens:

- resolve, connect;
- with implicit TLS: tls, greeting; with STARTTLS: greeting, tls, and greeting again, whose time is then that of both
  parts and whose extensions are those under TLS; without encryption: tls skipped, greeting;
- auth, or auth skipped;
- per mail: mail, rcpt for each receiver, data. `FAILED` on rcpt means that this receiver was refused.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from delivery.exceptions import SessionError
from delivery.smtp.dialogue import Dialogue
from delivery.smtp.errors import FOREIGN_ERRORS
from delivery.smtp.opening import Opening
from delivery.smtp.outgoing import Outgoing
from delivery.smtp.pipeline import Pipeline
from delivery.smtp.policy import DialPolicy
from delivery.smtp.steps import Steps
from delivery.smtp.transaction import Transaction
from delivery.values import ComposedMail, Delivery, ServerSettings, TlsFacts, Watcher

QUIT_LIMIT = 2.0
"""Seconds that QUIT and its reply may take; nothing depends on them."""


def open_session(
    settings: ServerSettings, *, policy: DialPolicy, deadline: float, watcher: Watcher | None = None
) -> "Session":
    """Connect, secure the connection, introduce ourselves and sign in.

    Args:
        settings: Where and how. `settings.timeout` limits connect, handshake, greeting, and each command.
        policy: Which addresses may be dialled.
        deadline: When all that must be done, of time.monotonic().
        watcher: Hears of each step, here and in `Session.deliver`.

    Raises:
        SessionError: It failed, and nothing is left open.
    """
    steps = Steps(watcher)
    dialogue, tls = Opening(settings, policy, deadline, steps).run()
    return Session(dialogue, steps, tls)


@dataclass(slots=True)
class Session:
    """An open, signed-in session."""

    _dialogue: Dialogue
    _steps: Steps
    tls: TlsFacts | None
    """What was agreed in the handshake; None: the session is in clear text."""
    _is_broken: bool = False

    @property
    def peer(self) -> str:
        """The address that was dialled, such as `192.0.2.1:25`."""
        return str(self._dialogue.stream.target)

    @property
    def extensions(self) -> Mapping[str, str]:
        """What EHLO announced last: parameters by keyword in upper case."""
        return self._dialogue.extensions

    @property
    def is_usable(self) -> bool:
        """Whether another mail may be handed over: in step, and the server neither left nor said goodbye."""
        return not self._is_broken and not self._dialogue.stream.has_arrived()

    def deliver(self, mail: ComposedMail, *, before_dot: Callable[[], bool], deadline: float) -> Delivery:
        """Hand one mail to the server.

        Args:
            mail: The composed mail.
            before_dot: Called once, right before the last block of the content goes out with the final dot: the
                point of no return. False withholds the dot and drops the connection. What it raises drops it, too,
                and is not caught.
            deadline: When all must be done, of time.monotonic(), the reply to the final dot included.

        Raises:
            SessionError: The session ended; the final dot was certainly not sent.
            ValueError: The mail could smuggle commands; nothing was sent.
        """
        outgoing = Outgoing(mail, self._dialogue.offer)
        if outgoing.problem:
            raise ValueError(outgoing.problem)
        self._dialogue.stream.deadline = deadline
        transaction = Transaction(self._dialogue, self._steps, outgoing, before_dot=before_dot)
        self._is_broken = True  # until it is known to be in step again, whatever is raised
        try:
            delivery = transaction.run()
        except SessionError as error:
            self._dialogue.transcript.explain(error)
            self.close()
            raise
        except BaseException:
            self.close()
            raise
        self._is_broken = self._dialogue.stream.is_closed or (transaction.is_open and not self._dialogue.reset())
        return delivery

    def deliver_all(
        self, mails: Iterable[ComposedMail], *, before_dot: Callable[[ComposedMail], bool], seconds_per_mail: float
    ) -> Iterator[Delivery]:
        """Hand many mails to the server, one behind the other.

        Each is handed over as by `deliver`. The next mail is taken from `mails` before the final dot of the present
        one is sent; at any time at most one mail is past its dot without a reply. A delivery that costs the session
        (unknown, fenced, 421, out of step) is the last one; then the session is not usable, and of a mail that was
        taken and not yielded no dot was sent.

        Args:
            mails: What to send. Asked for the next one while the server waits for the dot of this one: it must be
                quick.
            before_dot: Called once per mail, right before its dot goes out; as in `deliver`.
            seconds_per_mail: The time from the end of the mail before to the reply to the final dot.

        Yields:
            One delivery per mail, in the order in which they were taken.

        Raises:
            SessionError: The session ended; the dots of mails that were taken and not yielded were not sent.
            ValueError: The first mail that was taken and not yielded could smuggle commands; nothing of it was sent,
                and the session goes on.
        """
        self._is_broken = True  # as in `deliver`; the caller may also leave amid the iteration
        pipeline = Pipeline(self._dialogue, self._steps, iter(mails), before_dot, seconds_per_mail)
        try:
            yield from pipeline.run()
        except SessionError as error:
            self._dialogue.transcript.explain(error)
            raise
        finally:
            if not pipeline.is_in_step:
                self.close()
            self._is_broken = self._dialogue.stream.is_closed

    def quit(self) -> None:
        """Say goodbye and end the connection; never raises."""
        if not self._is_broken:
            self._dialogue.stream.deadline = time.monotonic() + QUIT_LIMIT
            with suppress(*FOREIGN_ERRORS, SessionError):
                self._dialogue.ask("QUIT")
        self.close()

    def close(self) -> None:
        """End the connection at once, without a word; never raises."""
        self._is_broken = True
        self._dialogue.stream.close()
