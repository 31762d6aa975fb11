"""Draining a sender: claiming its due mails in batches and speaking them over one connection."""

import logging
import time
from collections.abc import Callable, Sequence

from delivery.account import open_settings
from delivery.engine import circuit
from delivery.engine.circuit import Admission
from delivery.engine.claim import claim_due, release
from delivery.engine.fence import Fence
from delivery.engine.leases import kept_leases
from delivery.engine.limits import get_limits
from delivery.engine.line import Line
from delivery.engine.pauses import paused_sender_ids
from delivery.engine.settle import finish
from delivery.engine.values import Claim, Ending, Server, TryResult
from delivery.engine.verdict import judge, judge_failure
from delivery.exceptions import SessionError
from delivery.smtp.session import Session
from records.content import find_mime
from records.enums import Outcome
from senders.exceptions import SecretUnreadableError
from senders.models import Sender

logger = logging.getLogger(__name__)

ACCOUNT_REPLIES = frozenset({421, 454, 530, 535, 538})
"""Replies that end a session and say nothing about the mail in hand."""
LOST_SESSIONS_LIMIT = 3
"""So many sessions lost in a row, each with another mail, are the account's fault and no longer the mails'."""


def drain(sender_id: int, *, is_stopping: Callable[[], bool] = lambda: False) -> bool:
    """Send a sender's due mail until none is left, the time for one turn is over, or the account fails.

    Returns:
        Whether to come back soon: the time was over before the mail was.
    """
    return Drain(sender_id, is_stopping).run()


class Drain:
    """One turn at one sender's mail."""

    def __init__(self, sender_id: int, is_stopping: Callable[[], bool]) -> None:
        """Prepare; nothing is claimed yet."""
        self._sender_id = sender_id
        self._is_stopping = is_stopping
        self._ends_at = time.monotonic() + get_limits().drain_time

    def run(self) -> bool:
        """Send batch after batch; returns whether the time was over before the mail was."""
        while not self._is_stopping():
            if time.monotonic() > self._ends_at:
                return True
            if not self._send_some():
                return False
        return False

    def _send_some(self) -> bool:
        """Send a batch, with the account as it is now; returns whether there may be more."""
        flowing = Sender.objects.enabled().exclude(pk__in=paused_sender_ids())
        sender = flowing.filter(pk=self._sender_id).first()
        admission = circuit.admit(self._sender_id) if sender else Admission.PARKED
        if sender is None or admission is Admission.PARKED:
            return False
        try:
            settings = open_settings(sender)
        except SecretUnreadableError:
            logger.exception("a stored password cannot be decrypted", extra={"sender_id": sender.pk})
            circuit.park_unreadable(sender)
            return False
        with Line(sender.pk, settings) as line:
            batch = Batch(sender, line, self._is_stopping)
            return batch.probe() if admission is Admission.PROBE else batch.send()


class Batch:
    """A batch of one sender's mails on their way over one line."""

    def __init__(self, sender: Sender, line: Line, is_stopping: Callable[[], bool]) -> None:
        """Prepare; nothing is claimed yet."""
        self._sender = sender
        self._server = Server.of(sender)
        self._line = line
        self._is_stopping = is_stopping
        self._is_probe = False
        self._lost_in_a_row = 0

    def send(self) -> bool:
        """Claim and send; returns whether there may be more."""
        claims = claim_due(self._sender.pk, get_limits().batch_size)
        return bool(claims) and self._send_all(claims)

    def probe(self) -> bool:
        """Look whether the account works again, with one session and at most one mail.

        The session comes first: waiting mails shall not collect a record per probe. Those that were never tried
        get one, though, for their askers look for it.
        """
        self._is_probe = True
        try:
            self._line.session()
        except SessionError as error:
            self._park(error, claim_due(self._sender.pk, get_limits().batch_size, untried_only=True))
            return False
        claims = claim_due(self._sender.pk, 1)
        if claims and not self._send_all(claims):
            return False
        circuit.close(self._sender.pk)
        return True

    def _send_all(self, claims: Sequence[Claim]) -> bool:
        """Send claimed mails one after another; returns whether all were settled."""
        waiting = list(claims)
        try:
            with kept_leases(claims):
                while waiting and not self._is_stopping():
                    claim = waiting.pop(0)
                    failure = self._send_one(claim)
                    if failure:
                        self._park(failure, [claim, *waiting])
                        waiting.clear()
                        return False
            return not waiting
        finally:
            # When stopping, and after an error: mails must not wait for their leases when they needn't.
            release(waiting)

    def _send_one(self, claim: Claim) -> SessionError | None:
        """Send one mail and settle it; returns the failure if the account is at fault, with the mail unsettled."""
        mime = find_mime(claim.mail_id)
        if mime is None or not claim.receivers:
            self._settle(self._unsendable(claim))
            return None
        while True:
            try:
                session = self._line.session()
            except SessionError as error:
                return error
            try:
                result = self._deliver(session, claim, mime)
            except SessionError as error:
                self._line.drop()
                if not self._line.is_fresh:
                    continue  # nobody's fault: servers end old connections as they like
                if self._is_of_account(error):
                    return error
                result = judge_failure(claim, error, self._server, of_account=False)
            else:
                self._lost_in_a_row = 0
            self._settle(result)
            return None

    def _deliver(self, session: Session, claim: Claim, mime: bytes) -> TryResult:
        deadline = time.monotonic() + get_limits().mail_deadline
        fence = Fence(claim, deadline)
        try:
            delivery = session.deliver(claim.compose_with(mime), before_dot=fence, deadline=deadline)
        except ValueError:
            logger.exception("a stored mail is not fit to be sent", extra={"mail_id": claim.mail_id})
            return self._unsendable(claim)
        return judge(claim, delivery, fence.refusal, self._server, session.tls)

    def _unsendable(self, claim: Claim) -> TryResult:
        return TryResult.alike(claim, Ending(Outcome.REFUSED), self._server)

    def _is_of_account(self, error: SessionError) -> bool:
        """Tell whether a session that ended amid a mail tells of the account, not of that mail."""
        if error.reply is not None and error.reply.code in ACCOUNT_REPLIES:
            return True
        self._lost_in_a_row += 1
        return self._lost_in_a_row >= LOST_SESSIONS_LIMIT

    def _settle(self, result: TryResult) -> None:
        finish([result])
        logger.info(
            "a try ended",
            extra={
                "mail_id": result.claim.mail_id,
                "sender_id": self._sender.pk,
                "epoch": result.claim.epoch,
                "outcomes": sorted({str(ending.outcome) for ending in result.endings.values()}),
            },
        )

    def _park(self, error: SessionError, claims: Sequence[Claim]) -> None:
        """Park the account's mail, and give the claimed ones back as they were, with a record of why."""
        circuit.trip(self._sender, error, is_probe=self._is_probe)
        finish([judge_failure(claim, error, self._server, of_account=True) for claim in claims])
