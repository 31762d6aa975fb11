"""The story of one mail: every try in time order, what was said in it, and who got the mail."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from django.db.models import Case, F, When, Window
from django.db.models.functions import RowNumber

from records.claims import Claim, choose_claims, list_claims
from records.dialogue.keeping import find_dialogues
from records.dialogue.telling import ShownLine, tell
from records.enums import Fault, Outcome, Phase, ReceiverState, ResultClass, SkipReason
from records.error_book import Entry, Failure, explain, explain_outcome, get_entry
from records.fates import Fate, find_fates
from records.models import Mail, SendingRecord

MAX_ALIKE = 100
"""So many receivers of a try that ended in one way are shown."""
_FAILED_IN_SESSION = {Outcome.REFUSED, Outcome.DEFERRED, Outcome.NOT_CONNECTED}
_ICONS = {
    "running": "loader",
    "done": "check",
    "partly": "minus",
    "uncertain": "triangle-alert",
    "failed": "x",
    "skipped": "arrow-right",
}
_HOPS = {SkipReason.HANDED_OVER, SkipReason.HANDED_BACK}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one try brought, for one receiver or for several that were answered alike."""

    record: SendingRecord
    """The first of them; what the others have in common with it is shown from it."""
    receivers: list[str]
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One claim of the mail by a worker: all the receivers that it tried."""

    claim: Claim
    record: SendingRecord
    """The first record of the try."""
    answers: list[Answer]
    more: list[tuple[Outcome, int]]
    """How many receivers beyond those of the answers it ended at in which way."""
    dialogue: list[ShownLine]
    """What was said, where it failed and that is known."""

    @property
    def number(self) -> int:
        """Counted from 1; 0 where nothing was tried."""
        return self.claim.number

    @property
    def duration(self) -> timedelta | None:
        """How long the try took; None while it is under way."""
        return find_duration(self.record)

    @property
    def likeness(self) -> tuple[object, ...]:
        """What tries that ended alike have in common; servers may word the same answer differently each time."""
        answers = (
            (record.outcome, record.phase, record.fault, record.reply_code, record.enhanced_status, *answer.receivers)
            for answer in self.answers
            for record in [answer.record]
        )
        return (*answers, *self.more)

    @property
    def is_hop(self) -> bool:
        """Tell whether another account took the mail over, or its own took it back."""
        return self.record.skip_reason in _HOPS

    @property
    def mark(self) -> str:
        """How the try is marked: running while any is under way; else by who was accepted, and who may have got it."""
        if self.is_hop:
            return "skipped"
        results = {outcome.result for outcome in self.claim.counts}
        if ResultClass.OPEN in results:
            return "running"
        if ResultClass.SUCCESS not in results:
            return "uncertain" if ResultClass.UNCERTAIN in results else "failed"
        return "partly" if len(results) > 1 else "done"

    @property
    def icon(self) -> str:
        """The icon of the mark."""
        return _ICONS[self.mark]


@dataclass(frozen=True, slots=True)
class Story:
    """What is shown of one mail."""

    claims: list[Claim]
    """All of them."""
    attempts: list[Attempt]
    """Of the claims, those that are told one by one."""
    fates: list[Fate]

    @property
    def records_in_all(self) -> int:
        """Count the records."""
        return sum(claim.counts.total() for claim in self.claims)

    @property
    def receivers_in_all(self) -> int:
        """Count the receivers."""
        return sum(fate.count for fate in self.fates)

    @property
    def accepted(self) -> int:
        """Count the receivers that the mail was accepted for."""
        return sum(fate.count for fate in self.fates if fate.state is ReceiverState.ACCEPTED)


def find_duration(record: SendingRecord) -> timedelta | None:
    """Return how long a try took, or None while it is under way."""
    return record.ended_at - record.started_at if record.ended_at else None


def find_explanation(record: SendingRecord) -> Entry | None:
    """Return what the error book says of a record, or None where there is nothing to explain."""
    outcome = Outcome(record.outcome)
    if outcome in {Outcome.ACCEPTED, Outcome.SENDING}:
        return None
    if outcome not in _FAILED_IN_SESSION:
        return explain_outcome(outcome, SkipReason(record.skip_reason) if record.skip_reason else "")
    if not record.fault:
        return get_entry(record.cause)
    entry = explain(_failure_of(record))
    # The key that was stored stays true when the book learns more; the fresh one knows the provider's guide.
    return entry if not record.cause or entry.key == record.cause else get_entry(record.cause)


def _failure_of(record: SendingRecord) -> Failure:
    host, _colon, port = record.server.rpartition(":")
    return Failure(
        phase=Phase(record.phase) if record.phase else None,
        fault=Fault(record.fault),
        reply_code=record.reply_code,
        enhanced_status=record.enhanced_status,
        reply_text=record.reply_text,
        host=host.strip("[]"),
        port=int(port) if port.isdecimal() else None,
    )


def tell_story(mail: Mail, looked_at: SendingRecord | None = None) -> Story:
    """Return the tries of a mail, oldest first, and its receivers by how they fared.

    Args:
        mail: The mail.
        looked_at: A record of it whose try is told, whatever else there is.
    """
    claims = list_claims(mail.pk)
    chosen = choose_claims(claims, looked_at.epoch if looked_at else None)
    attempts = _tell_attempts(mail, [claim for claim in claims if claim.epoch in chosen], looked_at)
    return Story(claims, list(attempts), find_fates(mail))


def _tell_attempts(mail: Mail, claims: list[Claim], looked_at: SendingRecord | None) -> Iterator[Attempt]:
    epochs = [claim.epoch for claim in claims]
    dialogues = find_dialogues(mail.pk, epochs)
    records = {epoch: list(group) for epoch, group in groupby(_read_records(mail, epochs, looked_at), _epoch_of)}
    for claim in claims:
        shown = records.get(claim.epoch)
        if shown:  # else they were removed a moment ago
            more = claim.counts - Counter(Outcome(record.outcome) for record in shown)
            dialogue = tell(dialogues.get(claim.epoch, []))
            yield Attempt(claim, shown[0], list(_group_by_answer(shown)), list(more.items()), dialogue)


def _read_records(mail: Mail, epochs: list[int], looked_at: SendingRecord | None) -> Iterable[SendingRecord]:
    """Read the records of some claims, of each claim and outcome as many as are shown."""
    first = Case(When(pk=looked_at.pk if looked_at else None, then=0), default=1)
    place = Window(RowNumber(), partition_by=[F("epoch"), F("outcome")], order_by=[first, "pk"])
    records = SendingRecord.objects.of_mail(mail.pk).filter(epoch__in=epochs)
    return records.annotate(place=place).filter(place__lte=MAX_ALIKE).order_by("epoch", "started_at", "pk")


def _epoch_of(record: SendingRecord) -> int:
    return record.epoch


def _group_by_answer(records: Iterable[SendingRecord]) -> Iterator[Answer]:
    alike: dict[tuple[object, ...], list[SendingRecord]] = {}
    for record in records:
        alike.setdefault(_answer_of(record), []).append(record)
    for group in alike.values():
        yield Answer(group[0], [each.receiver_address for each in group], find_explanation(group[0]))


def _answer_of(record: SendingRecord) -> tuple[object, ...]:
    return (
        record.outcome,
        record.phase,
        record.fault,
        record.skip_reason,
        record.reply_code,
        record.enhanced_status,
        record.reply_text,
        record.queue_id,
        record.server,
    )
