"""CPU time, memory and wall-clock time of groups of processes, read from /proc."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

TICK = os.sysconf("SC_CLK_TCK")


class _Process(NamedTuple):
    parent: int
    cpu: float
    """Seconds, with those of children that ended and were waited for."""


def _processes() -> dict[int, _Process]:
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            text = Path(f"/proc/{entry}/stat").read_text()
        except OSError:
            continue
        fields = text[text.rindex(")") + 2 :].split()
        found[int(entry)] = _Process(int(fields[1]), sum(map(int, fields[11:15])) / TICK)
    return found


def tree(root: int, processes: Mapping[int, _Process] | None = None) -> list[int]:
    """List a process and its descendants."""
    processes = processes or _processes()
    children: dict[int, list[int]] = {}
    for pid, process in processes.items():
        children.setdefault(process.parent, []).append(pid)
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        if pid in processes:
            found.append(pid)
        waiting += children.get(pid, [])
    return found


def cpu_of(roots: tuple[int, ...], processes: Mapping[int, _Process] | None = None) -> float:
    """Return the CPU seconds that these processes and their descendants have used."""
    processes = processes or _processes()
    return sum(processes[pid].cpu for root in roots for pid in tree(root, processes))


def peak_memory_of(roots: tuple[int, ...]) -> float:
    """Return the peak resident memory in MB, summed over these processes and their descendants."""
    return sum(_status(pid, "VmHWM") for root in roots for pid in tree(root))


def memory_of(roots: tuple[int, ...]) -> float:
    """Return the resident memory in MB now, summed likewise."""
    return sum(_status(pid, "VmRSS") for root in roots for pid in tree(root))


def _status(pid: int, name: str) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(name)), 0.0)


def _machine_busy() -> float:
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICK


@dataclass(frozen=True)
class Used:
    """What a measured stretch used."""

    seconds: float
    cpu: Mapping[str, float]
    """CPU seconds by group."""
    foreign: float
    """Cores that were used by processes of none of the groups: other work on the machine."""


class Meter:
    """Measures a stretch, from `start` to `stop`, for groups of process trees."""

    def __init__(self, **groups: tuple[int, ...]) -> None:
        """Take the roots of each group; the bench's own process is known."""
        self._groups = {**groups, "bench": (os.getpid(),)}

    def start(self) -> None:
        """Begin."""
        self._cpu, self._busy = self._read(), _machine_busy()
        self._started = time.perf_counter()

    def stop(self, ended: float | None = None, **groups: tuple[int, ...]) -> Used:
        """End; `ended` is a reading of `time.perf_counter` if the end was earlier, `groups` are known only now."""
        self._groups |= groups
        now, busy = time.perf_counter(), _machine_busy() - self._busy
        cpu = {name: used - self._cpu.get(name, 0.0) for name, used in self._read().items()}
        # The bench is the parent of all of them.
        foreign = max(0.0, busy - cpu.pop("bench")) / (now - self._started)
        return Used((ended or now) - self._started, cpu, foreign)

    def _read(self) -> dict[str, float]:
        processes = _processes()
        return {name: cpu_of(roots, processes) for name, roots in self._groups.items()}


def wait_until_quiet(roots: tuple[int, ...], *, at_least: float = 1.5, patience: float = 30.0) -> None:
    """Wait until freshly started processes have done their setting up: until they use hardly any CPU time."""
    began, calm, before = time.monotonic(), 0, cpu_of(roots)
    while time.monotonic() - began < patience:
        time.sleep(0.25)
        now = cpu_of(roots)
        calm = calm + 1 if now - before <= 0.011 else 0
        before = now
        if calm >= 3 and time.monotonic() - began >= at_least:
            return


def wait_for_others(patience: float, *, bearable: float = 0.3) -> None:
    """Wait, at most so many seconds, until everything else on the machine uses less than `bearable` cores."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        meter = Meter()
        meter.start()
        time.sleep(0.5)
        if meter.stop().foreign < bearable:
            return
