"""A sender's mail on its way over one line: sent one behind the other, passed and settled group by group."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from django.db import DatabaseError, InterfaceError, connection

from delivery.engine import allowance, circuit, fallback, lessons
from delivery.engine.claim import claim_due, release
from delivery.engine.fence import Refusal
from delivery.engine.groups import Group, Handed
from delivery.engine.limits import DOT_TIMEOUT, get_limits
from delivery.engine.line import Line
from delivery.engine.settle import finish
from delivery.engine.supply import Supply
from delivery.engine.values import Claim, Ending, Server, TryResult
from delivery.engine.verdict import judge, judge_failure
from delivery.exceptions import SessionError
from delivery.smtp.outgoing import find_problem
from delivery.smtp.session import Session
from delivery.values import ComposedMail, Delivery, Reply
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
    """The account is at fault. Raised after its mail was parked and every claim settled."""


class Flow:
    """Sends what a supply gives over one line.

    While a mail is with the server the next is taken already, so that a far server costs a round trip a mail. A group
    passes the point of no return when its first mail comes to its final dot, and is settled when its last is answered.
    """

    def __init__(
        self, sender: Sender, line: Line, supply: Supply, *, is_stopping: Callable[[], bool], is_probe: bool = False
    ) -> None:
        """Prepare.

        Args:
            sender: The account as it was loaded with the line's settings.
            line: Where to.
            supply: What.
            is_stopping: Asked before each final dot.
            is_probe: It is looked whether the account works again.
        """
        self._sender = sender
        self._server = Server.of(sender)
        self._line = line
        self._supply = supply
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
        try:
            while not self._supply.is_empty():
                self._send_over_one_session()
                is_any_sent = True
            self._settle_complete()
        finally:
            # When stopping, and after an error: mails must not wait for their leases when they needn't.
            self._give_back()
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

    def park(self, error: SessionError) -> None:
        """Park the account's mail, and give what was claimed back as it was, with a record of why."""
        circuit.trip(self._sender, error, is_probe=self._is_probe)
        groups = self._unsettled()
        known = [result for group in groups for result in group.results]
        in_hand = [claim for group in groups for claim in group.undecided]
        untried = claim_due(self._sender.pk, PARKED_AT_ONCE, untried_only=True)
        failures = [judge_failure(claim, error, self._server, of_account=True) for claim in (*in_hand, *untried)]
        finish([*known, *failures])
        allowance.give_back(self._sender, in_hand)
        self._drop_groups()
        self._learn([error.reply] if error.reply else [])
        # Last: only what waits is handed over.
        fallback.hand_over(self._sender.pk, database_now())

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
            self._judge_loss(error)
        except ValueError:
            if not (self._handed and find_problem(self._handed[0].mail)):
                raise
            logger.exception("a stored mail is not fit to be sent", extra={"mail_id": self._handed[0].claim.mail_id})
            self._decide(self._handed.popleft(), Ending(Outcome.REFUSED))
        # The session says of all that it took and did not answer that their dots were not sent.
        self._supply.take_back(self._handed)
        self._handed.clear()

    def _open(self) -> Session:
        self._is_answered = False
        try:
            return self._line.session()
        except SessionError as error:
            if not self._is_one_too_many(error):
                self.park(error)
            raise AccountFailedError from error

    def _is_one_too_many(self, error: SessionError) -> bool:
        """Learn whether the server only refused one connection more: then the others go on, and have the mail."""
        now = database_now()
        if error.reply is None or not lessons.is_too_many(self._sender, error.reply, error.phase, now):
            return False
        lessons.learn(self._sender, [error.reply], now)
        return True

    def _hand_over(self) -> Iterator[ComposedMail]:
        while (handed := self._supply.take()) is not None:
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
        handed, now = self._handed.popleft(), time.monotonic()
        if self._handed:
            self._handed[0].began = now
        if handed.refusal is Refusal.STOPPING:
            self._supply.take_back([handed])
            return
        self._lost_in_a_row = 0
        self._is_answered = True
        result = judge(handed.claim, delivery, handed.refusal, self._server, session.tls, began=handed.began, ended=now)
        self._add(handed.group, result)

    def _judge_loss(self, error: SessionError) -> None:
        """Decide what the end of the session means for the mail in hand.

        Raises:
            AccountFailedError: It tells of the account.
        """
        if self._is_answered or not self._line.is_fresh:
            return  # nobody's fault: servers end old connections as they like
        if self._is_of_account(error):
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
        group.add(result)
        if group.is_complete:
            self._settle_complete()

    def _log(self, group: Group) -> None:
        """Log each failure, and how many were accepted: a line for each of those would cost as much as sending it."""
        for result in group.failures:
            outcomes = sorted({str(ending.outcome) for ending in result.endings.values()})
            facts = {"mail_id": result.claim.mail_id, "sender_id": self._sender.pk, "epoch": result.claim.epoch}
            logger.info("a try ended", extra=facts | {"outcomes": outcomes})
        if accepted := len(group.results) - len(group.failures):
            logger.info("mails were accepted", extra={"sender_id": self._sender.pk, "mails": accepted})

    def _settle_complete(self) -> None:
        """Settle the groups of whose every mail it is known what came of it, and forget those that are settled."""
        groups = self._supply.groups
        for group in list(groups):
            if group.is_complete and not group.is_handed_in:
                self._hand_in(group)
        while groups and groups[0].is_settled:
            groups.popleft()

    def _hand_in(self, group: Group) -> None:
        group.is_handed_in = True
        if group.passed:
            self._supply.pace.note(len(group.passed), time.monotonic() - group.passed_at)
        clerk = self._supply.clerk
        if clerk.is_worth_it(len(group.claims)):
            clerk.begin(partial(self._settle_and_claim, group))
        else:
            clerk.wait()
            self._settle(group)

    def _settle_and_claim(self, group: Group) -> None:
        self._settle(group)
        self._supply.claim_ahead()

    def _settle(self, group: Group) -> None:
        finish(group.results)
        group.is_settled = True
        group.let_go()
        self._learn(_complaints(group.failures))
        self._log(group)

    def _unsettled(self) -> list[Group]:
        """Wait for what is being settled, and give all groups that are not settled then."""
        self._supply.collect()
        return [group for group in self._supply.groups if not group.is_settled]

    def _learn(self, replies: Sequence[Reply]) -> None:
        """Learn from a server's complaints how much the account may send."""
        if replies:
            lessons.learn(self._sender, replies, database_now())

    def _give_back(self) -> None:
        """End with nothing in hand: settle what is known, and give back what certainly was not sent."""
        # Left here only by an error that nobody expected: of these nobody knows.
        doubtful = {handed.claim.mail_id for handed in self._handed if handed.may_be_sent}
        results: list[TryResult] = []
        unsent: list[Claim] = []
        for group in self._unsettled():
            results += group.results
            for claim in group.undecided:
                if claim.mail_id in doubtful:
                    results.append(TryResult.alike(claim, Ending(Outcome.UNKNOWN), self._server))
                else:
                    unsent.append(claim)
        try:
            finish(results)
            release(unsent, unsent=True)
            allowance.give_back(self._sender, unsent)
        finally:
            self._drop_groups()
            self._supply.clerk.leave()

    def _drop_groups(self) -> None:
        for group in self._unsettled():
            group.let_go()
        self._supply.groups.clear()


def _complaints(results: Sequence[TryResult]) -> list[Reply]:
    """Collect the replies that were no success, each once."""
    endings = (ending for result in results for ending in result.endings.values())
    replies = {ending.reply for ending in endings if ending.reply and ending.outcome is not Outcome.ACCEPTED}
    return list(replies)
