"""What must hold after every scenario, whatever happened in it."""

from __future__ import annotations

from dataclasses import dataclass

from bench.chaos.world import DRAIN_LIMIT, World

_ROWS = """
SELECT m.message_id, m.state,
       (SELECT count(*) FROM records_sendingrecord r WHERE r.mail_id = m.id AND r.outcome = 'unknown'),
       (SELECT count(*) FROM records_sendingrecord r WHERE r.mail_id = m.id AND r.outcome = 'accepted'),
       (SELECT count(*) FROM records_sendingrecord r WHERE r.mail_id = m.id AND r.outcome = 'sending')
FROM records_mail m
"""


@dataclass(frozen=True)
class Verdict:
    """How one scenario ended."""

    mails: int
    faults: int
    lost: int
    duplicates: int
    unexplained: int
    """Copies beyond the first without an `unknown` record: must be none."""
    unknown: int
    """Records with the outcome `unknown`."""
    failed: int
    """Mails that ended otherwise than sent."""
    drained_in: float | None
    slowest_stop: float | None
    complaints: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Tell whether every demand is met."""
        return not self.complaints


def _keep_evidence(world: World, odd: list[tuple]) -> None:
    """Write down what postfix and the records say of mails that something is wrong with."""
    log = world.postfix.running.log
    (world.folder / "postfix.log").write_text(log)
    lines = []
    for row in odd[:50]:
        ids = [line.split()[5].rstrip(":") for line in log.splitlines() if f"message-id={row[0]}" in line]
        lines += [repr(row), *(line for line in log.splitlines() if any(f" {one}:" in line for one in ids))]
        lines += map(
            repr,
            world.postgres.ask(
                "SELECT r.epoch, r.outcome, r.reply_code, r.reply_text, r.queue_id, r.started_at, r.ended_at"
                " FROM records_sendingrecord r JOIN records_mail m ON m.id = r.mail_id"
                f" WHERE m.message_id = '{row[0]}' ORDER BY r.epoch"
            ),
        )
    (world.folder / "odd.log").write_text("\n".join(lines))


def judge(world: World, drained_in: float | None) -> Verdict:
    """Compare what the rows say with what the mail server has."""
    rows = world.postgres.ask(_ROWS)
    world.settle_postfix(sum(row[1] == "sent" for row in rows))
    copies = world.postfix.copies()
    # What still waits is late, and counted as not sent.
    lost = sum(row[0] not in copies for row in rows if row[1] not in {"queued", "sending", "retry"})
    extra = {row[0]: max(copies.get(row[0], 0) - 1, 0) for row in rows}
    unexplained = sum(max(extra[row[0]] - row[2], 0) for row in rows)
    failed = sum(row[1] != "sent" for row in rows)
    _keep_evidence(world, [row for row in rows if row[0] not in copies or extra[row[0]] > row[2]])
    complaints = [
        *([f"{lost} lost"] if lost else []),
        *([f"{unexplained} duplicates without a record"] if unexplained else []),
        *([f"{failed} not sent"] if failed else []),
        *([f"not drained within {DRAIN_LIMIT:g} s"] if drained_in is None else []),
        *(["a record was left open"] if any(row[4] for row in rows) else []),
        *([f"{len(bad)} sent without one accepted record"] if (bad := [r for r in rows if r[3] != 1]) else []),
        *([f"a worker took {stop.seconds:.0f} s to stop" for stop in world.stops if stop.seconds > 30]),
        *([f"a worker that was told to stop ended with {stop.status}" for stop in world.stops if stop.status]),
        *[note[1:] for note in world.notes if note.startswith("!")],
    ]
    return Verdict(
        mails=len(rows), faults=world.faults, lost=lost, duplicates=sum(extra.values()), unexplained=unexplained,
        unknown=sum(row[2] for row in rows), failed=failed, drained_in=drained_in,
        slowest_stop=max((stop.seconds for stop in world.stops), default=None), complaints=tuple(complaints),
        notes=tuple(note for note in world.notes if not note.startswith("!")),
    )  # fmt: skip
