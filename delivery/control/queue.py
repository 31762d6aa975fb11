"""The queue as its page shows it: per account how much waits, since when, and why. A handful of queries in all."""

from dataclasses import dataclass
from datetime import datetime

from delivery.control.counting import MAX_COUNTED, Line, count_sending, read_lines
from delivery.control.selection import MailGroup, count_up_to
from delivery.control.why import Circumstances, Why, find_reason
from records.clock import database_now
from records.interventions import BulkIntervention, Deed
from records.models import DeliveryPause, Heartbeat, Mail
from records.resending.models import Resending
from records.waiting import SILENCE
from senders.allowances import state_of
from senders.listing import ago, initials_of, tone_of
from senders.models import Sender
from senders.stand_ins import find_standing_in


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One account's line."""

    sender: Sender
    waiting: int
    is_capped: bool
    """More wait than were counted."""
    sending: int
    oldest_at: datetime | None
    """When the mail that waits longest was accepted."""
    why: Why

    @property
    def initials(self) -> str:
        """One or two characters that stand for the account."""
        return initials_of(self.sender.display_name)

    @property
    def tone(self) -> int:
        """Which avatar colour the account has."""
        return tone_of(self.sender.address)

    @property
    def oldest_ago(self) -> str:
        """How long the mail that waits longest has waited, such as `3 hours ago`."""
        return ago(self.oldest_at) if self.oldest_at else ""


@dataclass(frozen=True, slots=True)
class Queue:
    """The whole queue."""

    rows: list[QueueRow]
    pause: DeliveryPause | None
    """All sending is held."""
    held: int
    failed: int
    """Both counted up to one more than MAX_COUNTED."""
    unfinished: list[BulkIntervention]
    """Deeds at many mails that go on."""
    resendings: list[Resending]
    """Orders to send mails again that go on."""

    @property
    def waiting(self) -> int:
        """How many wait in all, as far as was counted."""
        return sum(row.waiting for row in self.rows)

    @property
    def is_capped(self) -> bool:
        """Tell whether more wait in all than were counted."""
        return any(row.is_capped for row in self.rows)

    @property
    def sending(self) -> int:
        """How many workers have in hand."""
        return sum(row.sending for row in self.rows)


def read_queue() -> Queue:
    """Read how everything stands now."""
    pause = DeliveryPause.objects.first()
    unfinished = list(BulkIntervention.objects.filter(finished_at__isnull=True).order_by("pk"))
    rows = _read_rows(pause, {work.filters.get("sender_id") for work in unfinished if work.deed == Deed.PROLONG})
    return Queue(
        rows=sorted(rows, key=lambda row: (not (row.waiting or row.sending), row.sender.display_name.casefold())),
        pause=pause,
        held=count_up_to(MailGroup.HELD.mails, MAX_COUNTED + 1),
        failed=count_up_to(MailGroup.FAILED.mails, MAX_COUNTED + 1),
        unfinished=[work for work in unfinished if work.deed != Deed.PROLONG],
        resendings=list(Resending.objects.filter(finished_at__isnull=True).order_by("pk")),
    )


def _read_rows(pause: DeliveryPause | None, resuming: set[int | None]) -> list[QueueRow]:
    now, lines, in_hand = database_now(), read_lines(), count_sending()
    first = Mail.objects.in_bulk([line.first_id for line in lines.values() if line.first_id is not None])
    seen_at = Heartbeat.objects.filter(name="worker").values_list("seen_at", flat=True).first()
    stand_ins = {each.original.pk: each.stand_in for each in find_standing_in()}
    rows = []
    for sender in Sender.objects.select_related("circuit", "allowance"):
        line = lines.get(sender.pk, Line(0, None, None))
        sending = min(in_hand.get(sender.pk, 0), line.unfinished)
        seen = Circumstances(
            sender=sender,
            now=now,
            pause=pause,
            is_resuming=bool(resuming & {None if pause else sender.pk}),
            worker_seen_at=seen_at,
            is_worker_silent=seen_at is None or seen_at < now - SILENCE,
            waiting=line.unfinished - sending,
            sending=sending,
            first=first.get(line.first_id) if line.first_id else None,
            allowance=state_of(sender, now),
            stand_in=stand_ins.get(sender.pk),
        )
        rows.append(_row(seen, line))
    return rows


def _row(seen: Circumstances, line: Line) -> QueueRow:
    return QueueRow(
        sender=seen.sender,
        waiting=min(seen.waiting, MAX_COUNTED),
        is_capped=line.unfinished > MAX_COUNTED,
        sending=seen.sending,
        oldest_at=line.oldest_at,
        why=find_reason(seen),
    )
