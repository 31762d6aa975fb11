"""What a flow sends next: mails are claimed in groups, when the first of a group can be begun."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable

from django.db import DatabaseError, InterfaceError

from delivery.engine.claim import claim_allowed
from delivery.engine.clerk import Clerk
from delivery.engine.groups import Group, Handed
from delivery.engine.pace import Pace
from delivery.engine.values import Claim, Ending, Server, TryResult
from records.enums import Outcome
from senders.models import Sender

logger = logging.getLogger(__name__)


class Supply:
    """Claims a sender's due mail little by little, and knows what of it has no result yet."""

    def __init__(
        self, server: Server, *, find_account: Callable[[], Sender | None], is_stopping: Callable[[], bool]
    ) -> None:
        """Prepare; nothing is claimed yet.

        Args:
            server: Where the mails go to, for results.
            find_account: Asked before each claim: the account as it is now; None: claim nothing more.
            is_stopping: Asked before each mail.
        """
        self._server = server
        self._find_account = find_account
        self._is_stopping = is_stopping
        self._returned: deque[Handed] = deque()
        self._ahead: Group | None = None
        self.clerk = Clerk()
        self.pace = Pace()
        self.groups: deque[Group] = deque()
        """Not settled yet, oldest first."""
        self.trouble: Exception | None = None
        """Why nothing more could be claimed, if the database failed."""

    def is_empty(self) -> bool:
        """Tell whether nothing is left to be sent, or may be; claims if it must."""
        handed = self.take()
        if handed is not None:
            self._returned.appendleft(handed)
        return handed is None

    def take(self) -> Handed | None:
        """Give the next mail; None where nothing is left, or may be sent."""
        while not self._is_stopping():
            if self._returned:
                return self._returned.popleft()
            waiting = self.groups[-1].waiting if self.groups else None
            if not waiting:
                if not self._claim():
                    return None
            elif (handed := self._ready(self.groups[-1], waiting.popleft())) is not None:
                return handed
        return None

    def take_back(self, handed: Iterable[Handed]) -> None:
        """Keep mails of which no dot was sent for the next session, before all others."""
        for one in reversed(list(handed)):
            one.may_be_sent = False
            self._returned.appendleft(one)

    def _ready(self, group: Group, claim: Claim) -> Handed | None:
        """Make a mail ready to be handed over; None where it ended without that."""
        if group.is_barred(claim):
            group.add(TryResult.alike(claim, Ending(Outcome.LOST), self._server))
            return None
        mail = group.compose(claim)
        if mail is None:
            logger.error("a stored mail has no content or no receiver", extra={"mail_id": claim.mail_id})
            group.add(TryResult.alike(claim, Ending(Outcome.REFUSED), self._server))
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
        """Wait for the clerk, and take what was claimed ahead.

        What the database did meanwhile is not raised from here: this is called amid a mail, whose result must not be
        lost.
        """
        try:
            self.clerk.wait()
        except (DatabaseError, InterfaceError) as error:
            self.trouble = error
        self._append_ahead()

    def claim_ahead(self) -> None:
        """Claim the next group before it is asked for, in whatever thread this is called.

        Raises:
            DatabaseError: What was claimed is kept nevertheless.
        """
        account = None if self._is_stopping() else self._find_account()
        if account is None:
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
        return group is not None
