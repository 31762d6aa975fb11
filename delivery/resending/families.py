"""Who still lacks a mail of which the filters keep only tries that failed: it may have arrived since.

A mail, its copies and the copies of those are one family. Filters that keep an original that failed keep a copy of it
that failed as well, and whoever got one of them since needs no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from records.bulk import one_of
from records.enums import ReceiverState
from records.models import Mail, Receiver
from records.resending.enums import LeftOut

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_SERVED = [state for state in ReceiverState if state.is_served or state is ReceiverState.PENDING]
"""Of the receiver of a mail: it arrived, or is on its way."""
_ON_ITS_WAY = datetime.max.replace(tzinfo=UTC)
"""Instead of the time at which a mail ended: later than all there are."""


@dataclass(frozen=True, slots=True)
class Families:
    """The families of some mails, by their ids."""

    firsts: dict[int, int]
    """Of each of these mails: the one that its whole family comes from."""
    accepted_at: dict[int, datetime]
    """When each of them was accepted."""
    served: dict[tuple[int, str], datetime]
    """Of a family's first and an address: when the latest mail ended that arrived, or that is on its way."""

    def find_lacking(self, mail_id: int, receivers: Collection[Receiver], to: str = "") -> list[Receiver] | LeftOut:
        """Find who of the receivers of a mail lacks it, or why nobody does.

        Args:
            mail_id: Of which mail.
            receivers: Those of its receivers that are meant.
            to: Who gets it in their place; empty: they do.
        """
        without = [one for one in receivers if not ReceiverState(one.state).is_served]
        if not without:
            return LeftOut.HAS_IT
        lacking = [one for one in without if not self._is_served(mail_id, one.address)]
        return LeftOut.SENT_AGAIN if not lacking or self._is_served(mail_id, to) else lacking

    def _is_served(self, mail_id: int, address: str) -> bool:
        """Tell whether another of its family went to an address since, be it a copy or tried again, and not in vain."""
        # What ended before does not count: who asked for another copy wants it.
        ended_at = self.served.get((self.firsts[mail_id], address))
        return ended_at is not None and ended_at > self.accepted_at[mail_id]

    def serve(self, mail_id: int, receivers: Iterable[Receiver]) -> None:
        """Let a mail count as sent again to receivers from now on."""
        for one in receivers:
            self.served[self.firsts[mail_id], one.address] = _ON_ITS_WAY

    def list_one_of_each(self) -> list[int]:
        """List one of these mails of each family, the first given."""
        chosen: dict[int, int] = {}
        for mail_id, first in self.firsts.items():
            chosen.setdefault(first, mail_id)
        return list(chosen.values())


def find_families(mail_ids: Collection[int]) -> Families:
    """Find the families of mails, however often these were sent again: a few queries for any number of mails."""
    return _read(_climb(mail_ids))


def lock_families(mail_ids: Collection[int]) -> Families:
    """Do as `find_families`, and let no other order send any of them again until the transaction ends."""
    firsts = _climb(mail_ids)
    # In one order, like everywhere. SQLite ignores this: there the transaction began IMMEDIATE.
    mails = Mail.objects.filter(pk__in=one_of(set(firsts.values()))).order_by("pk")
    list(mails.select_for_update(of=("self",), no_key=True).values_list("pk"))
    return _read(firsts)


def _climb(mail_ids: Collection[int]) -> dict[int, int]:
    """Find the mail that each of these comes from, at however many removes; itself where it is no copy."""
    firsts = {mail_id: mail_id for mail_id in mail_ids}
    reached = set(firsts)
    while reached:
        copies = Mail.objects.filter(pk__in=one_of(reached), resend_of__isnull=False).order_by()
        above = dict(copies.values_list("pk", "resend_of_id"))
        firsts = {mail_id: above.get(first) or first for mail_id, first in firsts.items()}
        reached = {pk for pk in above.values() if pk is not None}
    return firsts


def _read(firsts: dict[int, int]) -> Families:
    accepted_at = dict(Mail.objects.filter(pk__in=one_of(firsts)).order_by().values_list("pk", "accepted_at"))
    family = _descend(set(firsts.values()))
    served: dict[tuple[int, str], datetime] = {}
    receivers = Receiver.objects.filter(mail_id__in=one_of(family), state__in=_SERVED).order_by()
    for mail_id, address, ended_at in receivers.values_list("mail_id", "address", "mail__finished_at"):
        key, last = (family[mail_id], address), ended_at or _ON_ITS_WAY
        served[key] = max(served.get(key, last), last)
    return Families(firsts, accepted_at, served)


def _descend(firsts: Collection[int]) -> dict[int, int]:
    """Find mails and all that comes from them, at however many removes, each with the one that it comes from."""
    family = {first: first for first in firsts}
    reached = family
    while reached:
        # Said apart, for the index: it holds copies only.
        found = Mail.objects.filter(resend_of__in=one_of(reached), resend_of__isnull=False).order_by()
        reached = {pk: reached[of] for pk, of in found.values_list("pk", "resend_of_id") if of is not None}
        family = family | reached
    return family
