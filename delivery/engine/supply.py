"""What lines send next: mails are claimed in groups, when the first of a group can be begun.

One supply serves all lines that a process has to one account: they take from the same groups.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress

from django.db import DatabaseError, InterfaceError

from delivery.engine.claim import claim_allowed
from delivery.engine.clerk import Clerk
from delivery.engine.groups import Group, Handed
from delivery.engine.pace import Pace
from delivery.engine.values import Claim, Ending, Server, TryResult
from records.enums import Outcome, SkipReason
from senders.models import Sender

logger = logging.getLogger(__name__)

_UNABLE = {
    False: Ending(Outcome.REFUSED),
    True: Ending(Outcome.SKIPPED, skip_reason=SkipReason.ORIGINAL_UNREADABLE),
}
"""How a mail ends that can't be put together, by whether it has secrets."""

NEARLY_OUT = 40
"""When so many mails of a group are left to be begun, the next group is made ready to the last."""


class Supply:
    """Claims a sender's due mail little by little, and knows what of it has no result yet."""

    def __init__(self, server: Server, *, find_account: Callable[[], Sender | None]) -> None:
        """Prepare; nothing is claimed yet.

        Args:
            server: Where the mails go to, for results.
            find_account: Asked before each claim: the account as it is now; None: claim nothing more.
        """
        self._server = server
        self._find_account = find_account
        self._returned: deque[Handed] = deque()
        self._ahead: Group | None = None
        self.settler = Clerk()
        self._claimer = Clerk()
        self.pace = Pace()
        self.groups: deque[Group] = deque()
        """Not settled yet, oldest first."""
        self.trouble: Exception | None = None
        """Why nothing more could be claimed, or what was known not be settled."""
        self.is_closed = False
        """Nothing more is given, nor claimed: the account failed, or the last line is leaving."""
        self.is_spent = False
        """Nothing more is claimed."""

    def is_empty(self, is_stopping: Callable[[], bool]) -> bool:
        """Tell whether nothing is left to be sent, or may be; claims if it must."""
        handed = self.take(is_stopping)
        if handed is not None:
            self._returned.appendleft(handed)
        return handed is None

    def take(self, is_stopping: Callable[[], bool]) -> Handed | None:
        """Give the next mail; None where nothing is left, or may be sent.

        Args:
            is_stopping: Asked before each mail.
        """
        while not is_stopping() and not self.is_closed:
            if self._returned:
                return self._returned.popleft()
            waiting = self.groups[-1].waiting if self.groups else None
            if not waiting:
                if not self._claim():
                    return None
            elif (handed := self._ready(self.groups[-1], waiting.popleft())) is not None:
                if len(waiting) == NEARLY_OUT:
                    self._pass_ahead()
                return handed
        return None

    def _pass_ahead(self) -> None:
        """Have the next group pass the point of no return beside, so that no line waits for it a moment later."""
        if not self._claimer.is_worth_it(NEARLY_OUT):
            return
        try:
            self._claimer.begin(self._pass_next)
        except (DatabaseError, InterfaceError) as error:
            self.trouble = error

    def _pass_next(self) -> None:
        group = self._ahead
        if group is not None and group.waiting and not self.is_closed:
            with suppress(DatabaseError, InterfaceError):  # it is tried again when its first mail comes to its dot
                group.pass_fences()

    def take_back(self, handed: Iterable[Handed]) -> None:
        """Keep mails of which no dot was sent for the next session, before all others."""
        for one in reversed(list(handed)):
            one.may_be_sent, one.refusal = False, None
            self._returned.appendleft(one)

    def waits_since(self) -> float:
        """Tell when the oldest mail that waits for a line was claimed, on `time.monotonic()`; inf: none waits."""
        waiting = [group for group in [*self.groups, self._ahead] if group is not None and group.waiting]
        waiting += [handed.group for handed in self._returned]
        return min((group.hold.taken for group in waiting), default=float("inf"))

    def close(self) -> list[tuple[Group, Claim]]:
        """Give nothing more; returns the claims that are not in the hands of a line."""
        self.is_closed = True
        self.collect()
        self.wait_for_settler()
        left = [(handed.group, handed.claim) for handed in self._returned]
        left += [(group, claim) for group in self.groups for claim in group.waiting]
        self._returned.clear()
        for group in self.groups:
            group.waiting.clear()
        return left

    def _ready(self, group: Group, claim: Claim) -> Handed | None:
        """Make a mail ready to be handed over; None where it ended without that."""
        if group.is_barred(claim):
            group.add(TryResult.alike(claim, Ending(Outcome.LOST), self._server))
            return None
        mail = group.compose(claim)
        if mail is None:
            logger.error("a stored mail has no content or no receiver", extra={"mail_id": claim.mail_id})
            group.add(TryResult.alike(claim, _UNABLE[claim.has_secrets], self._server))
            return None
        return Handed(claim, group, mail, time.monotonic())

    def _claim(self) -> bool:
        """Claim the next group; returns whether there is one."""
        self.collect()
        if self.groups and self.groups[-1].waiting:
            return True
        try:
            if self.trouble is None:
                self.claim_ahead()
        except (DatabaseError, InterfaceError) as error:
            self.trouble = error
        return self._append_ahead()

    def collect(self) -> None:
        """Wait for what is being claimed, and take it.

        What went wrong meanwhile is not raised from here: this is called amid a mail, whose result must not be lost,
        and by the last line, which has to give back what is in hand.
        """
        try:
            self._claimer.wait()
        except Exception as error:  # noqa: BLE001  # whatever ended the job of another thread; it is raised or logged
            self.trouble = error
        self._append_ahead()

    def wait_for_settler(self) -> None:
        """Wait for what is being settled; what goes wrong is noted as trouble."""
        try:
            self.settler.wait()
        except Exception as error:  # noqa: BLE001  # as above
            self.trouble = error

    def claim_ahead(self) -> None:
        """Claim the next group before it is asked for, in whatever thread this is called.

        Raises:
            DatabaseError: What was claimed is kept nevertheless.
        """
        account = None if self.is_closed else self._find_account()
        if account is None:
            self.is_spent = True
            return
        taken = time.monotonic()
        claims = claim_allowed(account, self.pace.size)
        if claims:
            self._ahead = Group.hold_on_to(claims, taken)
            self._ahead.load()

    def _append_ahead(self) -> bool:
        group, self._ahead = self._ahead, None
        if group is not None:
            self.groups.append(group)
            is_enough = self.is_closed or self.trouble is not None
            if not is_enough and self._claimer.is_worth_it(len(group.claims)):
                self._claimer.begin(self.claim_ahead)
        return group is not None

    def leave(self) -> None:
        """End the threads beside."""
        self.settler.leave()
        self._claimer.leave()
