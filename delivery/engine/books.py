"""What came of a supply's mails: taken down mail by mail, settled group by group."""

import logging
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial

from delivery.engine import allowance, lessons
from delivery.engine.claim import release
from delivery.engine.groups import Group
from delivery.engine.settle import finish
from delivery.engine.supply import Supply
from delivery.engine.values import Claim, TryResult
from delivery.values import Reply
from records.clock import database_now
from records.enums import Outcome
from senders.models import Sender

logger = logging.getLogger(__name__)


class Books:
    """Kept by all lines of a supply together, in the one thread that they share."""

    def __init__(self, sender: Sender, supply: Supply) -> None:
        """Begin.

        Args:
            sender: The account as it was loaded with the lines' settings.
            supply: Its groups are settled here.
        """
        self._sender = sender
        self._supply = supply

    def add(self, group: Group, result: TryResult) -> None:
        """Take down what came of a mail, and settle what is complete."""
        group.add(result)
        if group.is_complete:
            self.settle_complete()
        elif self._supply.groups[0].is_late(time.monotonic()):
            self.settle_late()

    def settle_complete(self) -> None:
        """Settle the groups of whose every mail it is known what came of it, and forget those that are settled."""
        groups = self._supply.groups
        for group in list(groups):
            if group.is_complete and not group.is_handed_in:
                self._hand_in(group)
        # Not only the oldest: one may wait for a silent server while thousands go by.
        for group in [group for group in groups if group.is_settled]:
            groups.remove(group)

    def settle_late(self) -> None:
        """Settle what is known of groups whose last mails keep waiting."""
        now = time.monotonic()
        for group in [group for group in self._supply.groups if group.is_late(now)]:
            self._settle(group)

    def settle_known(self) -> None:
        """Settle all that is known, also of groups with mails that are still in the hands of a line."""
        self._supply.wait_for_settler()
        for group in list(self._supply.groups):
            self._settle(group)

    def give_back(self, in_hand: Collection[int]) -> None:
        """Give back what is in the hands of no line, so that others have it: its final dots were not sent.

        Args:
            in_hand: The mails that are.

        Raises:
            DatabaseError: They stay as they are.
        """
        groups = self._supply.groups
        unsent = [(group, claim) for group in groups for claim in group.undecided if claim.mail_id not in in_hand]
        if not unsent:
            return
        claims = [claim for _group, claim in unsent]
        release(claims, unsent=True)
        for group, claim in unsent:
            group.drop(claim)
        allowance.give_back(self._sender, claims)
        self.settle_complete()

    def leave(self, doubtful: Iterable[TryResult]) -> None:
        """End with nothing in hand, as the last line: settle what is known, give back what certainly was not sent.

        Args:
            doubtful: Of mails that may have been sent, and nobody knows.
        """
        try:
            self._supply.close()
            self._settle_all({result.claim.mail_id: result for result in doubtful})
        finally:
            for group in self._supply.groups:
                group.let_go()
            self._supply.groups.clear()
            self._supply.leave()

    def _settle_all(self, doubts: Mapping[int, TryResult]) -> None:
        results, unsent = list(doubts.values()), list[Claim]()
        for group in self._supply.groups:
            results += group.results
            unsent += [claim for claim in group.undecided if claim.mail_id not in doubts]
        finish(results)
        release(unsent, unsent=True)
        allowance.give_back(self._sender, unsent)

    def learn(self, replies: Sequence[Reply]) -> None:
        """Learn from a server's complaints how much the account may send."""
        if replies:
            lessons.learn(self._sender, replies, database_now())

    def _hand_in(self, group: Group) -> None:
        group.is_handed_in = True
        if group.passed and group.began:
            self._supply.pace.note(len(group.passed), time.monotonic() - group.began)
        settler = self._supply.settler
        if settler.is_worth_it(len(group.claims)):
            settler.begin(partial(self._settle, group))
        else:
            settler.wait()
            self._settle(group)

    def _settle(self, group: Group) -> None:
        results = list(group.results)
        finish(results)
        group.forget(results)
        if group.is_settled:
            group.let_go()
        failures = [result for result in results if not result.is_plain_success]
        self.learn(_complaints(failures))
        self._log(results, failures)

    def _log(self, results: Sequence[TryResult], failures: Iterable[TryResult]) -> None:
        """Log each failure, and how many were accepted: a line for each of those would cost as much as sending it."""
        accepted = len(results)
        for result in failures:
            outcomes = sorted({str(ending.outcome) for ending in result.endings.values()})
            facts = {"mail_id": result.claim.mail_id, "sender_id": self._sender.pk, "epoch": result.claim.epoch}
            logger.info("a try ended", extra=facts | {"outcomes": outcomes})
            accepted -= 1
        if accepted:
            logger.info("mails were accepted", extra={"sender_id": self._sender.pk, "mails": accepted})


def _complaints(results: Iterable[TryResult]) -> list[Reply]:
    """Collect the replies that were no success, each once."""
    endings = (ending for result in results for ending in result.endings.values())
    replies = {ending.reply for ending in endings if ending.reply and ending.outcome is not Outcome.ACCEPTED}
    return list(replies)
