"""A sender's mail on its way over one line: sent one behind the other."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator

from django.db import DatabaseError, InterfaceError, connection

from delivery.engine import allowance, circuit, fallback, lessons
from delivery.engine.claim import claim_due
from delivery.engine.fence import Refusal
from delivery.engine.groups import Group, Handed
from delivery.engine.limits import DOT_TIMEOUT, get_limits
from delivery.engine.line import Line
from delivery.engine.settle import finish
from delivery.engine.shared import Shared
from delivery.engine.values import Claim, Ending, Server, TryResult
from delivery.engine.verdict import judge, judge_failure
from delivery.exceptions import SessionError
from delivery.smtp.outgoing import find_problem
from delivery.smtp.session import Session
from delivery.values import ComposedMail, Delivery
from records.clock import database_now
from records.enums import Outcome
from senders.models import Sender

logger = logging.getLogger(__name__)

ACCOUNT_REPLIES = frozenset({421, 454, 530, 535, 538})
"""Replies that end a session and say nothing about the mail in hand."""
LOST_SESSIONS_LIMIT = 3
"""So many sessions lost in a row, each with another mail, are the account's fault and no longer the mails'."""
PARKED_AT_ONCE = 100
"""So many mails that were never tried get a record that says why they wait, when their account fails."""


class AccountFailedError(Exception):
    """The account is at fault, or this line of it. Raised after its mail was parked, or left to other lines."""


class Flow:
    """Sends over one line what a supply gives to this line, and perhaps to others.

    While a mail is with the server the next is taken already, so that a far server costs a round trip a mail. A group
    passes the point of no return when its first mail comes to its final dot, and is settled when its last is answered.
    """

    def __init__(
        self, sender: Sender, line: Line, shared: Shared, *, is_stopping: Callable[[], bool], is_probe: bool = False
    ) -> None:
        """Prepare.

        Args:
            sender: The account as it was loaded with the line's settings.
            line: Where to.
            shared: What, and the books about it.
            is_stopping: Asked before each mail, and before each final dot.
            is_probe: It is looked whether the account works again.
        """
        self._sender = sender
        self._server = Server.of(sender)
        self._line = line
        self._shared = shared
        self._supply = shared.supply
        self._books = shared.books
        self._is_stopping = is_stopping
        self._is_probe = is_probe
        self._limits = get_limits()
        self._handed: deque[Handed] = deque()
        """In the present session, oldest first."""
        self._lost_in_a_row = 0
        self._is_answered = False
        """The present session took a mail, or refused one."""

    def run(self) -> bool:
        """Send all that the supply gives; returns whether anything was.

        Raises:
            AccountFailedError: The account is at fault.
            DatabaseError: Nothing could be claimed.
        """
        is_any_sent = False
        self._shared.join(self)
        try:
            while not self._supply.is_empty(self._is_stopping):
                self._send_over_one_session()
                is_any_sent = True
            self._books.settle_complete()
        finally:
            self._leave()
        if self._supply.trouble:
            self._get_over(self._supply.trouble, is_any_sent=is_any_sent)
        return is_any_sent

    def _get_over(self, trouble: Exception, *, is_any_sent: bool) -> None:
        """Go on with a new connection after the database failed for a moment.

        Raises:
            Exception: It failed from the beginning.
        """
        if not is_any_sent:
            raise trouble
        logger.warning("the next mails could not be claimed", extra={"sender_id": self._sender.pk}, exc_info=trouble)
        connection.close_if_unusable_or_obsolete()

    @property
    def in_hand(self) -> list[Claim]:
        """The mails that are with the present session."""
        return [handed.claim for handed in self._handed]

    def park(self, error: SessionError) -> None:
        """Park the account's mail, and give what was claimed back as it was, with a record of why.

        What other lines have in hand is theirs: they learn from their sessions what comes of it.
        """
        circuit.trip(self._sender, error, is_probe=self._is_probe)
        self._shared.failure = error
        in_hand = [(handed.group, handed.claim) for handed in self._handed] + self._supply.close()
        self._handed.clear()
        for group, claim in in_hand:
            group.add(self._failed(claim, error))
        self._books.settle_known()
        untried = claim_due(self._sender.pk, PARKED_AT_ONCE, untried_only=True)
        finish([self._failed(claim, error) for claim in untried])
        allowance.give_back(self._sender, [claim for _group, claim in in_hand])
        self._books.learn([error.reply] if error.reply else [])
        # Last: only what waits is handed over.
        fallback.hand_over(self._sender.pk, database_now())

    def _failed(self, claim: Claim, error: SessionError) -> TryResult:
        return judge_failure(claim, error, self._server, of_account=True)

    def _send_over_one_session(self) -> None:
        session = self._open()
        deliveries = session.deliver_all(
            self._hand_over(), before_dot=self._may_commit, seconds_per_mail=self._limits.mail_deadline
        )
        try:
            for delivery in deliveries:
                self._note(session, delivery)
        except SessionError as error:
            self._line.drop()
            for handed in self._handed:
                handed.group.mask_what_was_said_of(handed.claim, error)
            self._judge_loss(error)
        except ValueError:
            if not (self._handed and find_problem(self._handed[0].mail)):
                raise
            logger.exception("a stored mail is not fit to be sent", extra={"mail_id": self._handed[0].claim.mail_id})
            self._decide(self._handed.popleft(), Ending(Outcome.REFUSED))
        # The session says of all that it took and did not answer that their dots were not sent.
        self._return_handed()

    def _return_handed(self) -> None:
        """Leave what was not sent to the next session, or park it where another line found the account at fault."""
        handed = list(self._handed)
        self._handed.clear()
        if (failure := self._shared.failure) is None:
            self._supply.take_back(handed)
            return
        for one in handed:
            self._add(one.group, self._failed(one.claim, failure))
        allowance.give_back(self._sender, [one.claim for one in handed])

    def _open(self) -> Session:
        self._is_answered = False
        try:
            return self._line.session()
        except SessionError as error:
            if not (self._shared.failure or self._is_one_too_many(error) or self._is_of_this_line(error)):
                self.park(error)
            raise AccountFailedError from error

    def _is_of_this_line(self, error: SessionError) -> bool:
        """Tell whether the account works, as another line shows; a refused sign-in is not tried again all the same."""
        return not circuit.is_refusal(error) and self._shared.answers.came_elsewhere()

    def _is_one_too_many(self, error: SessionError) -> bool:
        """Learn whether the server only refused one connection more: then the others go on, and have the mail."""
        now = database_now()
        if error.reply is None or not lessons.is_too_many(self._sender, error.reply, error.phase, now):
            return False
        lessons.learn(self._sender, [error.reply], now)
        return True

    def _hand_over(self) -> Iterator[ComposedMail]:
        while (handed := self._supply.take(self._is_stopping)) is not None:
            if not self._handed:
                handed.began = time.monotonic()
            self._handed.append(handed)
            yield handed.mail

    def _may_commit(self, mail: ComposedMail) -> bool:
        handed = next(one for one in self._handed if one.mail is mail)
        handed.refusal = self._find_refusal(handed)
        handed.may_be_sent = handed.refusal is None
        return handed.may_be_sent

    def _find_refusal(self, handed: Handed) -> Refusal | None:
        if self._is_stopping():
            return Refusal.STOPPING
        deadline = self._limits.mail_deadline
        if min(DOT_TIMEOUT, handed.began + deadline - time.monotonic()) < min(DOT_TIMEOUT, deadline / 2):
            return Refusal.TOO_LATE
        try:
            return None if handed.group.may_commit(handed.claim) else Refusal.NOT_MINE
        except (DatabaseError, InterfaceError):
            logger.exception("the point of no return could not be recorded", extra={"mail_id": handed.claim.mail_id})
            return Refusal.DATABASE

    def _note(self, session: Session, delivery: Delivery) -> None:
        """Take down what a session said of the oldest mail in it."""
        handed, now = self._handed[0], time.monotonic()
        if handed.refusal is Refusal.STOPPING:
            return
        self._lost_in_a_row = 0
        self._is_answered = True
        self._shared.answers.note(now)
        result = judge(handed.claim, delivery, handed.refusal, self._server, session.tls, began=handed.began, ended=now)
        # In hand until then: should anything go wrong, it is not taken for unsent.
        self._handed.popleft()
        if self._handed:
            self._handed[0].began = now
        self._add(handed.group, result)

    def _judge_loss(self, error: SessionError) -> None:
        """Decide what the end of the session means for the mail in hand.

        Raises:
            AccountFailedError: It tells of the account.
        """
        if self._is_answered or not self._line.is_fresh or self._shared.failure:
            return  # nobody's fault: servers end old connections as they like
        if self._is_of_account(error):
            if not (self._is_one_too_many(error) or self._is_of_this_line(error)):
                self.park(error)
            raise AccountFailedError from error
        handed = self._handed.popleft()
        self._add(handed.group, judge_failure(handed.claim, error, self._server, of_account=False))

    def _is_of_account(self, error: SessionError) -> bool:
        """Tell whether a session that ended amid a mail tells of the account, not of that mail."""
        if not self._handed or (error.reply is not None and error.reply.code in ACCOUNT_REPLIES):
            return True
        self._lost_in_a_row += 1
        return self._lost_in_a_row >= LOST_SESSIONS_LIMIT

    def _decide(self, handed: Handed, ending: Ending) -> None:
        self._add(handed.group, TryResult.alike(handed.claim, ending, self._server))

    def _add(self, group: Group, result: TryResult) -> None:
        self._books.add(group, result)

    def _leave(self) -> None:
        """End with nothing in hand. As the last line: settle what is known, and give back what was not sent."""
        # Left here only by an error that nobody expected: of these nobody knows.
        doubtful = [handed for handed in self._handed if handed.may_be_sent]
        unsent = [handed for handed in self._handed if not handed.may_be_sent]
        self._handed.clear()
        doubts = [TryResult.alike(handed.claim, Ending(Outcome.UNKNOWN), self._server) for handed in doubtful]
        if self._shared.leave(self):
            self._books.leave(doubts)
            return
        self._supply.take_back(unsent)
        for handed, doubt in zip(doubtful, doubts, strict=True):
            handed.group.add(doubt)
