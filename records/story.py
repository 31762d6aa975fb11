"""The story of one mail: every try in time order, what was said in it, and who got the mail."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from django.db.models import Count

from records.dialogue.keeping import find_dialogues
from records.dialogue.lines import Line
from records.dialogue.telling import ShownLine, tell
from records.enums import Fault, Outcome, Phase, ReceiverState, ResultClass, SkipReason
from records.error_book import Entry, Failure, explain, explain_outcome, get_entry
from records.models import Mail, Receiver, SendingRecord

MAX_SHOWN = 100
"""At most so many records and so many receivers are shown at once: a page stays light."""
_FAILED_IN_SESSION = {Outcome.REFUSED, Outcome.DEFERRED, Outcome.NOT_CONNECTED}
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

    number: int
    """Counted from 1; 0 where nothing was tried."""
    record: SendingRecord
    """The first record of the try."""
    answers: list[Answer]
    dialogue: list[ShownLine]
    """What was said, where it failed and that is known."""

    @property
    def duration(self) -> timedelta | None:
        """How long the try took; None while it is under way."""
        return find_duration(self.record)

    @property
    def likeness(self) -> tuple[object, ...]:
        """What tries that ended alike have in common; servers may word the same answer differently each time."""
        return tuple(
            (record.outcome, record.phase, record.fault, record.reply_code, record.enhanced_status, *answer.receivers)
            for answer in self.answers
            for record in [answer.record]
        )

    @property
    def is_hop(self) -> bool:
        """Tell whether another account took the mail over, or its own took it back."""
        return self.record.skip_reason in _HOPS

    @property
    def mark(self) -> str:
        """How the try is marked: running while any is under way; done, partly or failed by who was accepted."""
        if self.is_hop:
            return "skipped"
        results = {answer.record.result for answer in self.answers}
        if ResultClass.OPEN in results:
            return "running"
        if ResultClass.SUCCESS not in results:
            return "failed"
        return "partly" if len(results) > 1 else "done"

    @property
    def icon(self) -> str:
        """The icon of the mark."""
        icons = {"running": "loader", "done": "check", "partly": "minus", "failed": "x", "skipped": "arrow-right"}
        return icons[self.mark]


@dataclass(frozen=True, slots=True)
class Fate:
    """The receivers of a mail that fared alike."""

    state: ReceiverState
    receivers: list[Receiver]
    """Of these, as many as are shown."""
    count: int


@dataclass(frozen=True, slots=True)
class Story:
    """What is shown of one mail."""

    attempts: list[Attempt]
    records_in_all: int
    fates: list[Fate]

    @property
    def is_cut(self) -> bool:
        """Tell whether there are more tries than are shown."""
        return self.records_in_all > MAX_SHOWN

    @property
    def receivers_in_all(self) -> int:
        """Count the receivers."""
        return sum(fate.count for fate in self.fates)

    @property
    def accepted(self) -> int:
        """Count the receivers that the mail was accepted for."""
        return sum(fate.count for fate in self.fates if fate.state is ReceiverState.ACCEPTED)

    @property
    def receivers_are_cut(self) -> bool:
        """Tell whether there are more receivers than are shown."""
        return self.receivers_in_all > MAX_SHOWN


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


def tell_story(mail: Mail) -> Story:
    """Return every try of a mail, oldest first, and its receivers by how they fared."""
    tries = SendingRecord.objects.of_mail(mail.pk)
    records = list(tries.oldest_first()[: MAX_SHOWN + 1])
    shown = records[:MAX_SHOWN]
    dialogues = find_dialogues(mail.pk, {record.epoch for record in shown})
    return Story(
        attempts=list(_group_by_claim(shown, dialogues)),
        records_in_all=len(records) if len(records) <= MAX_SHOWN else tries.count(),
        fates=list(_group_by_state(mail)),
    )


def _group_by_state(mail: Mail) -> Iterator[Fate]:
    receivers = list(mail.receivers.all()[: MAX_SHOWN + 1])
    counts = Counter(receiver.state for receiver in receivers)
    if len(receivers) > MAX_SHOWN:
        counted = mail.receivers.order_by().values_list("state").annotate(Count("pk"))
        counts = Counter(dict(counted))
    for state in ReceiverState:
        if counts[state]:
            alike = [receiver for receiver in receivers[:MAX_SHOWN] if receiver.state == state]
            yield Fate(state, alike, counts[state])


def _group_by_claim(records: Iterable[SendingRecord], dialogues: Mapping[int, list[Line]]) -> Iterator[Attempt]:
    by_claim = sorted(records, key=lambda record: record.epoch)
    number = 0
    for epoch, tries in groupby(by_claim, key=lambda record: record.epoch):
        answers = list(_group_by_answer(tries))
        record = answers[0].record
        is_try = record.outcome not in {Outcome.SKIPPED, Outcome.SUPPRESSED}
        number += is_try
        yield Attempt(number if is_try else 0, record, answers, tell(dialogues.get(epoch, [])))


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
