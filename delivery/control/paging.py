"""Paging through the mails of a group by position, along an index: what is given up first, or what came last."""

from dataclasses import dataclass

from django.db.models import Q

from delivery.control.selection import MailFilters, MailGroup
from records.models import Mail, MailQuerySet, Receiver
from records.paging import Position

MAX_NAMED = 2
"""So many receivers of a mail are named in the list; the others are counted."""


@dataclass(frozen=True, slots=True)
class ListedMail:
    """One mail as the list shows it."""

    mail: Mail
    named: list[str]
    """Its first receivers."""
    unnamed: int
    """How many more it has."""


@dataclass(frozen=True, slots=True)
class MailPage:
    """One page, and the positions that lead on from it."""

    mails: list[ListedMail]
    previous: Position | None = None
    following: Position | None = None


def get_mail_page(
    filters: MailFilters, size: int, *, after: Position | None = None, before: Position | None = None
) -> MailPage:
    """Return `size` mails after a position, before one, or the first."""
    order = _Order(filters.group)
    if before is not None:
        rows = list(order.beyond(filters.find(), before, backwards=True)[: size + 1])
        if len(rows) > size:
            return _page(rows[size - 1 :: -1], has_previous=True, has_following=True)
        # Too few for a page: the first page shows them, and fills up.
        after = None
    wanted = order.beyond(filters.find(), after) if after else order.sort(filters.find())
    rows = list(wanted[: size + 1])
    if not rows and after is not None:
        return get_mail_page(filters, size)
    return _page(rows[:size], has_previous=after is not None, has_following=len(rows) > size)


@dataclass(frozen=True, slots=True)
class _Order:
    """Waiting mail: what is given up first stands first. All other: what was accepted last."""

    group: MailGroup

    def sort(self, mails: MailQuerySet, *, backwards: bool = False) -> MailQuerySet:
        if self.group is MailGroup.WAITING:
            return mails.order_by("-expires_at", "-pk") if backwards else mails.order_by("expires_at", "pk")
        return mails.order_by("pk") if backwards else mails.order_by("-pk")

    def beyond(self, mails: MailQuerySet, position: Position, *, backwards: bool = False) -> MailQuerySet:
        way = "gt" if (self.group is MailGroup.WAITING) is not backwards else "lt"
        later = Q(**{f"pk__{way}": position.record_id})
        if self.group is MailGroup.WAITING:
            at = position.started_at
            # Stated apart for the index: databases don't see it in the disjunction.
            later = Q(**{f"expires_at__{way}e": at}) & (Q(**{f"expires_at__{way}": at}) | (Q(expires_at=at) & later))
        return self.sort(mails.filter(later), backwards=backwards)


def _page(rows: list[Mail], *, has_previous: bool, has_following: bool) -> MailPage:
    if not rows:
        return MailPage([])
    first, last = rows[0], rows[-1]
    return MailPage(
        list_mails(rows),
        previous=Position(first.expires_at, first.pk) if has_previous else None,
        following=Position(last.expires_at, last.pk) if has_following else None,
    )


def list_mails(mails: list[Mail]) -> list[ListedMail]:
    """Name the receivers of mails, in one query."""
    addresses: dict[int, list[str]] = {mail.pk: [] for mail in mails}
    receivers = Receiver.objects.filter(mail_id__in=addresses).order_by("pk").values_list("mail_id", "address")
    for mail_id, address in receivers:
        addresses[mail_id].append(address)
    return [
        ListedMail(mail, addresses[mail.pk][:MAX_NAMED], max(len(addresses[mail.pk]) - MAX_NAMED, 0)) for mail in mails
    ]
