"""Many mails over one session, the commands of each behind the final dot of the one before (RFC 2920).

So a far server costs one round trip a mail. A server that does not announce PIPELINING gets one command at a time.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial

from delivery.smtp.dialogue import Dialogue
from delivery.smtp.errors import FOREIGN_ERRORS, translate
from delivery.smtp.outgoing import Outgoing
from delivery.smtp.steps import Steps
from delivery.smtp.transaction import Transaction
from delivery.values import ComposedMail, Delivery
from records.enums import Phase


class Pipeline:
    """Hands mails over; used once."""

    def __init__(
        self,
        dialogue: Dialogue,
        steps: Steps,
        mails: Iterator[ComposedMail],
        before_dot: Callable[[ComposedMail], bool],
        seconds_per_mail: float,
    ) -> None:
        """Prepare; no mail is taken yet."""
        self._dialogue = dialogue
        self._steps = steps
        self._mails = mails
        self._before_dot = before_dot
        self._seconds_per_mail = seconds_per_mail
        self._next: Outgoing | None = None
        self._owes_reset = False
        self._is_amid = False

    @property
    def is_in_step(self) -> bool:
        """Whether the server waits for the next mail, and for nothing else."""
        return not (self._is_amid or self._owes_reset or (self._next and self._next.is_announced))

    def run(self) -> Iterator[Delivery]:
        """Hand over one mail after the other; yields, and raises, as `Session.deliver_all` says."""
        while outgoing := self._next or self._take():
            self._next = None
            if outgoing.problem:
                self._end()
                raise ValueError(outgoing.problem)
            self._dialogue.stream.deadline = time.monotonic() + self._seconds_per_mail
            self._is_amid = True
            if not self._begin(outgoing):
                return
            delivery = self._hand_over(outgoing)
            self._is_amid = False
            yield delivery
            if self._dialogue.stream.is_closed:
                return
        self._end()

    def _take(self) -> Outgoing | None:
        mail = next(self._mails, None)
        return None if mail is None else Outgoing(mail, self._dialogue.offer)

    def _begin(self, outgoing: Outgoing) -> bool:
        """Say what has to be said before the first reply to the mail; False: the session ended with the mail before.

        Raises:
            SessionError: The session ended.
        """
        if outgoing.is_announced or outgoing.refusal:
            return True
        if not self._dialogue.offer.pipelining:
            return self._end()
        outgoing.is_announced = True
        if self._owes_reset:
            self._owes_reset = False
            return self._dialogue.reset(outgoing.commands)
        self._announce(outgoing)
        return True

    def _announce(self, outgoing: Outgoing) -> None:
        self._dialogue.phase = Phase.MAIL
        try:
            self._dialogue.refuse_unasked()
            self._dialogue.say(outgoing.commands)
        except FOREIGN_ERRORS as error:
            raise translate(error, Phase.MAIL) from error

    def _hand_over(self, outgoing: Outgoing) -> Delivery:
        transaction = Transaction(
            self._dialogue,
            self._steps,
            outgoing,
            before_dot=partial(self._before_dot, outgoing.mail),
            behind=self._behind,
        )
        delivery = transaction.run()
        self._owes_reset = transaction.is_open
        return delivery

    def _behind(self) -> bytes:
        """Take the next mail, and give what can be said for it behind the final dot of this one."""
        upcoming = self._next = self._take()
        if upcoming is None or upcoming.problem or upcoming.refusal or not self._dialogue.offer.pipelining:
            return b""
        upcoming.is_announced = True
        return upcoming.commands

    def _end(self) -> bool:
        """End the transaction that a mail left open; False: the session ended with it."""
        if not self._owes_reset:
            return True
        self._owes_reset = False
        return self._dialogue.reset()
