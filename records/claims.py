"""A mail's claims in numbers, whatever the number of its receivers, and which of them are told one by one."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db.models import Count, Max, Min
from django.db.models.functions import Coalesce

from records.enums import Outcome
from records.models import SendingRecord

MAX_RECORDS = 200
"""Claims are told one by one until they have so many records; a page stays light."""
_NEVER_TRIED = {Outcome.SKIPPED, Outcome.SUPPRESSED}


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of the mail by a worker, in numbers."""

    epoch: int
    number: int
    """Which try of the mail it is, counted from 1; 0 where nothing was tried."""
    counts: Counter[Outcome]
    """At how many receivers it ended in which way."""
    sender_address: str
    """Of the account that had the mail."""
    started_at: datetime
    ended_at: datetime
    """When its last record ended or, where none has, began."""


def list_claims(mail_id: int) -> list[Claim]:
    """List the claims of a mail of which there are records, in their order."""
    rows = SendingRecord.objects.of_mail(mail_id).order_by("epoch").values_list("epoch", "outcome")
    rows = rows.annotate(
        count=Count("pk"),
        sender=Min("sender_address"),
        began_at=Min("started_at"),
        last_at=Max(Coalesce("ended_at", "started_at")),
    )
    claims: list[Claim] = []
    number = 0
    for epoch, group in groupby(rows, key=lambda row: row[0]):
        outcomes, counts, addresses, beginnings, ends = zip(*(row[1:] for row in group), strict=True)
        counter = Counter(dict(zip(map(Outcome, outcomes), counts, strict=True)))
        is_try = not _NEVER_TRIED.issuperset(counter)
        number += is_try
        claims.append(Claim(epoch, number if is_try else 0, counter, addresses[0], min(beginnings), max(ends)))
    return claims


def choose_claims(claims: Sequence[Claim], epoch: int | None) -> set[int]:
    """Choose what is told one by one: that of `epoch`, the first and the latest, and the latest of the others.

    Returns:
        Their epochs. A claim is told as a whole or not at all: cut in two it would look better or worse than it was.
    """
    always = {claim.epoch for claim in (*claims[:1], *claims[-1:])} | {epoch}
    chosen = {claim.epoch for claim in claims if claim.epoch in always}
    room = MAX_RECORDS - sum(claim.counts.total() for claim in claims if claim.epoch in chosen)
    for claim in reversed(claims):
        if claim.epoch not in chosen:
            room -= claim.counts.total()
            if room < 0:
                break
            chosen.add(claim.epoch)
    return chosen
