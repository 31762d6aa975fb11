"""T3: writing what came of tries, and rolling their mails up. The sweep (T4) settles through here too."""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, connection, transaction

from delivery.engine.given import Given, fetch_ids, run, time_literal
from delivery.engine.moves import Move, move_mails
from delivery.engine.values import TryResult
from delivery.engine.written import TryRecord, write_first_records, write_records
from records.clock import database_now
from records.dialogue.keeping import keep_dialogues
from records.enums import MailState, Outcome
from records.masking.ending import drop_ended
from records.models import Mail

logger = logging.getLogger(__name__)

SETTLE_TRIES = 7
"""How often finishing is tried while the database fails for a moment; then the sweep finds `unknown`."""
_KNOWN_FATES = frozenset({Outcome.ACCEPTED, Outcome.REFUSED, Outcome.DEFERRED})


@dataclass(frozen=True, slots=True)
class Clocks:
    """The database's clock and this process's at one moment."""

    database: datetime
    monotonic: float

    @classmethod
    def read(cls) -> "Clocks":
        """Read both."""
        return cls(database_now(), time.monotonic())

    def at(self, moment: float | None) -> datetime:
        """Tell what the database's clock showed at a past moment of `time.monotonic()`; None: now."""
        if moment is None:
            return self.database
        return self.database - timedelta(seconds=max(self.monotonic - moment, 0.0))


def finish(results: Sequence[TryResult]) -> None:
    """Write the records of tries and roll their mails up, in one transaction (T3).

    A result counts for the mail as long as its epoch is the claim's, also after the sweep took the mail back:
    what the server said late is still the truth, and no other try has begun.

    Raises:
        OperationalError: The database failed again and again; the sweep will find the mails.
        InterfaceError: The same.
    """
    if not results:
        return
    for tries_left in reversed(range(SETTLE_TRIES)):
        try:
            _finish(results)
        except (OperationalError, InterfaceError):
            if not tries_left:
                raise
            logger.warning("settling failed and is tried again", extra={"mails": len(results)}, exc_info=True)
            connection.close_if_unusable_or_obsolete()
            time.sleep(0.2 * (SETTLE_TRIES - tries_left))
        else:
            return


def _finish(results: Sequence[TryResult]) -> None:
    # By id, as the lease keeper goes through them: two that lock the same mails in another order block each other.
    results = sorted(results, key=lambda result: result.claim.mail_id)
    plain = [result for result in results if result.is_plain_success]
    with transaction.atomic(durable=True):
        clocks = Clocks.read()
        sent = _settle_sent(plain, clocks) if plain else set()
        _settle_others([result for result in results if result.claim.mail_id not in sent], clocks)


def _settle_sent(results: Sequence[TryResult], clocks: Clocks) -> set[int]:
    """Settle mails that the server took for all receivers, as long as they are as they were claimed.

    Returns:
        Which were; the others need a closer look.
    """
    given = Given.of(
        {"id": "bigint", "epoch": "integer"}, [(result.claim.mail_id, result.claim.epoch) for result in results]
    )
    sent = fetch_ids(
        f"""
        UPDATE records_mail SET state = 'sent', finished_at = %s, lease_until = NULL
        FROM {given.table}
        WHERE records_mail.id = given.id AND records_mail.epoch = given.epoch AND state = 'sending'
        RETURNING records_mail.id
        """,  # noqa: S608  # names of our own, no value from outside
        [time_literal(clocks.database), *given.parameters],
    )
    settled = [result for result in results if result.claim.mail_id in sent]
    if settled:
        _accept_receivers(settled)
        write_first_records(_records_of(settled, clocks))
    if masked := [result.claim.mail_id for result in settled if result.claim.has_secrets]:
        drop_ended(masked)
    return sent


def _accept_receivers(results: Iterable[TryResult]) -> None:
    given = Given.of({"id": "bigint"}, [(receiver_id,) for result in results for receiver_id in result.endings])
    run(
        f"UPDATE records_receiver SET state = 'accepted' FROM {given.table} WHERE records_receiver.id = given.id",  # noqa: S608
        given.parameters,
    )


def _records_of(results: Iterable[TryResult], clocks: Clocks) -> Iterator[TryRecord]:
    for result in results:
        began, ended = clocks.at(result.began), clocks.at(result.ended)
        for receiver_id, ending in result.endings.items():
            yield TryRecord(
                receiver_id, result.claim.epoch, ending, began, ended, result.server, result.tls, result.queue_id
            )


def _settle_others(results: Sequence[TryResult], clocks: Clocks) -> None:
    if not results:
        return
    locked = Mail.objects.select_for_update().filter(pk__in=[result.claim.mail_id for result in results])
    mails = {mail.pk: mail for mail in locked.order_by("pk")}
    deciding = [result for result in results if _decides(mails.get(result.claim.mail_id), result)]
    # A try that decides nothing has its records already, from whoever took its mail: the sweep, or a person.
    write_records(_records_of(deciding, clocks))
    keep_dialogues((result.claim.mail_id, result.claim.epoch, result.dialogue) for result in deciding)
    move_mails(_moves(deciding, mails), clocks.database)


def _decides(mail: Mail | None, result: TryResult) -> bool:
    """Tell whether the result may move its mail: the claim is the newest, and nothing better is known."""
    if mail is None or mail.epoch != result.claim.epoch:
        return False
    if mail.state in {MailState.RETRY, MailState.UNCERTAIN}:  # the sweep was here
        return any(ending.outcome in _KNOWN_FATES for ending in result.endings.values())
    return mail.state == MailState.SENDING


def _moves(results: Iterable[TryResult], mails: Mapping[int, Mail]) -> list[Move]:
    return [Move(mails[result.claim.mail_id], result.endings, result.costs_attempt) for result in results]
