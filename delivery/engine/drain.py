"""Sending the due mail of one sender: one thread's turn, one connection."""

import logging
import time
from collections.abc import Callable

from django.db.models import Q

from delivery.account import open_settings
from delivery.engine import circuit
from delivery.engine.allowance import waits_until
from delivery.engine.circuit import Admission
from delivery.engine.compiled import NOW, SENDER_ID, Compiled, CompiledOnce
from delivery.engine.fallback import hand_over
from delivery.engine.flow import AccountFailedError, Flow
from delivery.engine.limits import get_limits
from delivery.engine.line import Line
from delivery.engine.pauses import is_paused, paused_sender_ids
from delivery.engine.shared import Shared, share
from delivery.engine.supply import Supply
from delivery.engine.values import Server
from delivery.exceptions import SessionError
from delivery.values import ServerSettings
from records.clock import database_now
from senders.enums import CircuitState
from senders.exceptions import SecretUnreadableError
from senders.models import Sender

logger = logging.getLogger(__name__)


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
        """Send, with the account as it is whenever it changes; returns whether the time was over before the mail."""
        while not self._is_stopping():
            if self._is_over():
                return True
            if not self._send_some():
                return False
        return False

    def _is_over(self) -> bool:
        return time.monotonic() > self._ends_at

    def _send_some(self) -> bool:
        """Send as long as the account stays as it is now; returns whether there may be more."""
        sender = find_account(self._sender_id)
        if sender is None:
            return False
        if waits_until(sender, database_now()):
            return self._leave_to_others()
        admission = circuit.admit(self._sender_id)
        if admission is Admission.PARKED:
            return self._leave_to_others()
        try:
            settings = open_settings(sender)
        except SecretUnreadableError:
            logger.exception("a stored password cannot be decrypted", extra={"sender_id": sender.pk})
            circuit.park_unreadable(sender)
            return self._leave_to_others()
        try:
            return self._send_as(sender, settings, is_probe=admission is Admission.PROBE)
        except AccountFailedError:
            return False

    def _leave_to_others(self) -> bool:
        """Hand the mail to a stand-in, if the account has one and is at fault for long; there is no more to do here."""
        hand_over(self._sender_id, database_now())
        return False

    def _send_as(self, sender: Sender, settings: ServerSettings, *, is_probe: bool) -> bool:
        """Send over one line.

        Raises:
            AccountFailedError: The account is at fault.
        """
        with Line(sender.pk, settings) as line:
            if is_probe:
                self._probe(sender, line)
            shared = share(sender, lambda: Supply(Server.of(sender), find_account=_Watch(sender, self._is_over)))
            is_joined = shared.is_begun
            is_any_sent = Flow(sender, line, shared, is_stopping=self._is_stopping).run()
            # What was begun in another's turn may end with it: then this one has still to look for itself.
            return is_any_sent or (is_joined and shared.is_over)

    def _probe(self, sender: Sender, line: Line) -> None:
        """Look whether the account works again, with one session and at most one mail.

        The session comes first: waiting mails shall not collect a record per probe. Those that were never tried
        get one, though, for their askers look for it.

        Raises:
            AccountFailedError: It doesn't.
        """
        once = iter([sender])
        shared = Shared(sender, Supply(Server.of(sender), find_account=lambda: next(once, None)))
        flow = Flow(sender, line, shared, is_stopping=self._is_stopping, is_probe=True)
        try:
            line.session()
        except SessionError as error:
            flow.park(error)
            raise AccountFailedError from error
        flow.run()
        circuit.close(sender.pk)


def find_account(sender_id: int) -> Sender | None:
    """Find an account whose mail may be sent, as far as people decide it."""
    sender = Sender.objects.enabled().select_related("allowance", "circuit").filter(pk=sender_id).first()
    return None if sender is None or is_paused(sender) else sender


class _Watch:
    """Gives the account before each claim, as long as it is as it was when the line was opened."""

    def __init__(self, sender: Sender, is_over: Callable[[], bool]) -> None:
        """Begin with the account as it was just loaded."""
        self._sender = sender
        self._is_over = is_over
        self._is_first = True

    def __call__(self) -> Sender | None:
        """Look; None: it was changed, paused or parked, or the turn is over."""
        if self._is_first:
            self._is_first = False
            return self._sender
        if self._is_over():
            return None
        row = next(iter(_UNCHANGED().fetch(self._sender.pk, self._sender.updated_at)), None)
        if row is None:
            return None
        # What the account used of its limits, and what its server taught, is in its allowance.
        return self._sender if row[0] is None else find_account(self._sender.pk)


def _write_unchanged() -> Compiled:
    """Ask for an account as it was loaded, and whether it has an allowance; not a row: it may not send any more."""
    found = Sender.objects.enabled().filter(pk=SENDER_ID, updated_at=NOW).exclude(pk__in=paused_sender_ids())
    flowing = found.filter(Q(circuit=None) | Q(circuit__state=CircuitState.CLOSED))
    return Compiled.of(flowing.values_list("allowance"))


_UNCHANGED = CompiledOnce(_write_unchanged)
