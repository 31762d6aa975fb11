"""One scenario from beginning to end, in a process of its own."""

from __future__ import annotations

import dataclasses
import shutil
import time
from pathlib import Path

from bench.chaos.judge import judge
from bench.chaos.report import Row
from bench.chaos.scenarios import SCENARIOS
from bench.chaos.world import DRAIN_LIMIT, make_world, temporary_folder


def play(name: str, seed: int, scale: float, keep: Path | None) -> dict[str, object]:
    """Play a scenario; returns its row of the table."""
    [scenario] = [one for one in SCENARIOS if one.name == name]
    begun = time.monotonic()
    with temporary_folder() as folder:
        world = make_world(
            seed, Path(folder), senders=scenario.senders, disk_megabytes=scenario.disk_megabytes,
            can_jump=scenario.can_jump,
        )  # fmt: skip
        try:
            # In this order: with workers at work most would be sent before anything goes wrong.
            world.accept(int(scenario.mails * scale))
            world.start_workers(scenario.workers)
            scenario.hurt(world, scale)
            verdict = judge(world, world.wait_until_drained(DRAIN_LIMIT))
        finally:
            world.close()
            if keep:
                keep.mkdir(parents=True, exist_ok=True)
                for log in Path(folder).glob("*.log"):
                    shutil.copy(log, keep / f"{name}-{log.name}")
    return dataclasses.asdict(
        Row(
            name=name, what=scenario.what, mails=verdict.mails, faults=verdict.faults, lost=verdict.lost,
            duplicates=verdict.duplicates, unknown=verdict.unknown, unexplained=verdict.unexplained,
            failed=verdict.failed, drained_in=verdict.drained_in, slowest_stop=verdict.slowest_stop,
            seconds=time.monotonic() - begun, complaints=list(verdict.complaints), notes=list(verdict.notes),
        )
    )  # fmt: skip
