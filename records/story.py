"""The story of one mail: every try in time order, and who got it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from records.enums import Fault, Outcome, Phase, ReceiverState, ResultClass, SkipReason
from records.error_book import Entry, Failure, explain, explain_outcome, get_entry
from records.models import Mail, Receiver, SendingRecord

MAX_SHOWN = 100
"""At most so many records and so many receivers are shown at once: a page stays light."""
_FAILED_IN_SESSION = {Outcome.REFUSED, Outcome.DEFERRED, Outcome.NOT_CONNECTED}


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
    record: SendingRecord
    """The first record of the try."""
    answers: list[Answer]

    @property
    def duration(self) -> timedelta | None:
        """How long the try took; None while it is under way."""
        return find_duration(self.record)

    @property
    def mark(self) -> str:
        """How the try is marked: done when anybody was accepted, running while any is under way, else failed."""
        results = {answer.record.result for answer in self.answers}
        if ResultClass.OPEN in results:
            return "running"
        return "done" if ResultClass.SUCCESS in results else "failed"

    @property
    def icon(self) -> str:
        """The icon of the mark."""
        return {"running": "loader", "done": "check", "failed": "x"}[self.mark]


@dataclass(frozen=True, slots=True)
class Fate:
    """The receivers of a mail that fared alike."""

    state: ReceiverState
    receivers: list[Receiver]


@dataclass(frozen=True, slots=True)
class Story:
    """What is shown of one mail."""

    attempts: list[Attempt]
    records_in_all: int
    fates: list[Fate]
    receivers_in_all: int

    @property
    def is_cut(self) -> bool:
        """Tell whether there are more tries than are shown."""
        return self.records_in_all > MAX_SHOWN

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
    receivers = list(mail.receivers.all()[: MAX_SHOWN + 1])
    return Story(
        attempts=list(_group_by_claim(records[:MAX_SHOWN])),
        records_in_all=len(records) if len(records) <= MAX_SHOWN else tries.count(),
        fates=list(_group_by_state(receivers[:MAX_SHOWN])),
        receivers_in_all=len(receivers) if len(receivers) <= MAX_SHOWN else mail.receivers.count(),
    )


def _group_by_state(receivers: list[Receiver]) -> Iterator[Fate]:
    for state in ReceiverState:
        alike = [receiver for receiver in receivers if receiver.state == state]
        if alike:
            yield Fate(state, alike)


def _group_by_claim(records: Iterable[SendingRecord]) -> Iterator[Attempt]:
    by_claim = sorted(records, key=lambda record: record.epoch)
    for number, (_epoch, tries) in enumerate(groupby(by_claim, key=lambda record: record.epoch), start=1):
        answers = list(_group_by_answer(tries))
        yield Attempt(number, answers[0].record, answers)


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
