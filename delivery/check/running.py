"""Running one check in a thread of its own, so that leaving the page neither stops it nor leaves its record open."""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections

from delivery.check.events import CheckResult, ContentSent, Verdict
from delivery.check.slots import SLOTS
from delivery.engine import circuit
from delivery.engine.causes import failure_of
from delivery.engine.fence import Refusal, pass_fence
from delivery.engine.interactive import open_test_try
from delivery.engine.lessons import forget_wait
from delivery.engine.settle import finish
from delivery.engine.values import Ending, Server, TryResult
from delivery.engine.verdict import judge, judge_failure
from delivery.exceptions import SessionError
from delivery.smtp.policy import load_dial_policy
from delivery.smtp.session import open_session
from delivery.values import StepEvent, StepStatus
from records.clock import database_now
from records.enums import Outcome, Phase
from senders.models import Sender

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from delivery.check.events import CheckEvent
    from delivery.check.order import CheckOrder
    from delivery.engine.values import Claim
    from delivery.smtp.session import Session
    from senders.certificates import CertificateFacts

logger = logging.getLogger(__name__)

LEAST_WAIT = 2.0
"""With fewer seconds left for the reply to the final dot it is not sent: nobody would hear what became of the mail."""


def start_check(order: CheckOrder) -> Iterator[CheckEvent]:
    """Begin a check, and return its events; the last is always a `Verdict`.

    The check has begun when this returns, and goes on when nobody reads the events.

    Raises:
        TooManyChecksError: Too many run; nothing was begun.
    """
    SLOTS.take(order.requested_by)
    events: queue.SimpleQueue[CheckEvent] = queue.SimpleQueue()
    # A daemon: a server that stops need not wait for it, since the sweep closes the record of what was left.
    thread = threading.Thread(target=_run_to_the_end, args=(order, events.put), name="check", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # no thread to be had: give the slot back, or it would be lost
        SLOTS.give_back(order.requested_by)
        raise
    return _until_verdict(events)


def _until_verdict(events: queue.SimpleQueue[CheckEvent]) -> Iterator[CheckEvent]:
    while True:
        event = events.get()
        yield event
        if isinstance(event, Verdict):
            return


def _run_to_the_end(order: CheckOrder, tell: Callable[[CheckEvent], None]) -> None:
    """Run the check, and tell a verdict whatever happens: someone waits for it."""
    verdict = Verdict(CheckResult.BROKEN)
    try:
        verdict = Check(order, tell).run()
    except Exception:  # the border of this thread: nothing above would hear of it
        logger.exception("a connection check broke")
    finally:
        connections.close_all()
        SLOTS.give_back(order.requested_by)
        tell(verdict)


class Check:
    """One check: record first, then the dialogue, then the record's end. Used once."""

    def __init__(self, order: CheckOrder, tell: Callable[[CheckEvent], None]) -> None:
        """Prepare; nothing is stored or dialled yet."""
        self._order = order
        self._tell = tell
        self._server = Server.of(order.sender)
        self._deadline = time.monotonic() + settings.MAILBOX_CHECK_SECONDS
        self._content_begun = time.monotonic()
        self._refusal: Refusal | None = None
        self._is_committed = False
        self._certificates: tuple[CertificateFacts, ...] = ()

    def run(self) -> Verdict:
        """Go all the way."""
        order = self._order
        claim = open_test_try(
            sender=order.sender,
            receiver=order.receiver,
            subject=order.subject,
            composed=order.mail,
            seconds=settings.MAILBOX_CHECK_SECONDS,
            requester_ip=order.requester_ip,
            requested_by=order.requested_by,
        )
        try:
            return self._speak(claim)
        except Exception:
            # A fault of ours must not leave the record open until the sweep comes.
            self._close_unexplained(claim)
            raise

    def _speak(self, claim: Claim) -> Verdict:
        try:
            session = open_session(
                self._order.settings, policy=load_dial_policy(), deadline=self._deadline, watcher=self._watch
            )
        except SessionError as error:
            return self._end(self._judge_failure(claim, error, of_account=True))
        try:
            return self._end(self._deliver(session, claim))
        finally:
            session.quit()

    def _close_unexplained(self, claim: Claim) -> None:
        ending = Ending(Outcome.UNKNOWN if self._is_committed else Outcome.LOST)
        finish([TryResult.alike(claim, ending, self._server)])

    def _deliver(self, session: Session, claim: Claim) -> TryResult:
        try:
            delivery = session.deliver(
                self._order.mail, before_dot=lambda: self._may_commit(claim), deadline=self._deadline
            )
        except SessionError as error:
            return self._judge_failure(claim, error, of_account=False)
        return judge(claim, delivery, self._refusal, self._server, session.tls)

    def _judge_failure(self, claim: Claim, error: SessionError, *, of_account: bool) -> TryResult:
        self._certificates = error.certificates
        return judge_failure(claim, error, self._server, of_account=of_account)

    def _watch(self, event: StepEvent) -> None:
        if event.phase is Phase.DATA and event.status is StepStatus.RUNNING:
            self._content_begun = time.monotonic()
        self._tell(event)

    def _may_commit(self, claim: Claim) -> bool:
        """Pass the point of no return, or withhold the final dot."""
        wait = self._deadline - time.monotonic()
        self._refusal = self._refuse(claim, wait)
        self._is_committed = self._refusal is None
        if self._is_committed:
            self._tell(ContentSent(time.monotonic() - self._content_begun))
        return self._is_committed

    def _refuse(self, claim: Claim, wait: float) -> Refusal | None:
        if wait < min(LEAST_WAIT, settings.MAILBOX_CHECK_SECONDS / 2):
            return Refusal.TOO_LATE
        try:
            return None if pass_fence(claim) else Refusal.NOT_MINE
        except (DatabaseError, InterfaceError):
            logger.exception("the point of no return could not be recorded", extra={"mail_id": claim.mail_id})
            return Refusal.DATABASE

    def _end(self, result: TryResult) -> Verdict:
        """Close the record, remember the result with the account, and say how it ended."""
        finish([result])
        verdict = self._verdict(result)
        if self._order.tests_saved_values and verdict.result is not CheckResult.BROKEN:
            self._note(verdict)
        return verdict

    def _verdict(self, result: TryResult) -> Verdict:
        (ending,) = result.endings.values()
        mail_id = result.claim.mail_id
        if ending.outcome is Outcome.ACCEPTED:
            return Verdict(CheckResult.PASSED, mail_id)
        if ending.outcome is Outcome.UNKNOWN:
            return Verdict(CheckResult.UNCERTAIN, mail_id)
        if ending.fault is None:
            return Verdict(CheckResult.BROKEN, mail_id)
        failure = failure_of(ending.phase, ending.fault, ending.reply, self._server)
        return Verdict(CheckResult.FAILED, mail_id, failure, self._certificates)

    def _note(self, verdict: Verdict) -> None:
        passed = verdict.result is CheckResult.PASSED
        # Edited meanwhile: what was tested is not the account's any more.
        tested = Sender.objects.filter(pk=self._order.sender.pk, updated_at=self._order.sender.updated_at)
        is_noted = tested.update(
            last_test_at=database_now(), last_test_passed=passed, last_test_mail_id=verdict.mail_id
        )
        if passed and is_noted:
            circuit.close(self._order.sender.pk)
            forget_wait(self._order.sender.pk)
