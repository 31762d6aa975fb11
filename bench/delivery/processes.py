"""Processes that the bench starts, and ends by their own ids."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.delivery import ROOT

_niceness = 0


def set_niceness(niceness: int) -> None:
    """Give this process, and all that are started from now on, another share of a machine that others use, too.

    Linux schedules sessions against each other, and inside a session its processes: a process's own niceness would not
    do. Needs root to be less nice than others.
    """
    global _niceness
    _niceness = niceness
    _apply_to(os.getpid())


def _apply_to(pid: int) -> None:
    autogroup = Path(f"/proc/{pid}/autogroup")
    if _niceness and autogroup.exists():
        autogroup.write_text(str(_niceness))


class Child:
    """A process in a session of its own, ended with whatever it started."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        output: Path | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
        talks: bool = False,
    ) -> None:
        """Start it; with `talks`, lines can be exchanged, and `output` gets what it writes as errors."""
        self._log = output.open("wb") if output else tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(env) if env is not None else None,
            stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
            stdout=subprocess.PIPE if talks else self._log,
            stderr=self._log,
            start_new_session=True,
        )
        self._output = output
        _apply_to(self.pid)

    @property
    def pid(self) -> int:
        """Its id."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Tell whether it still runs."""
        return self._process.poll() is None

    def hears(self, line: str) -> None:
        """Send it a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def says(self) -> str:
        """Wait for a line of it."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode().strip()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended: {self.last_words()}")
        return line

    def last_words(self) -> str:
        """Return the end of what it wrote."""
        return self._output.read_text(errors="replace")[-2000:] if self._output else ""

    def stop(self, patience: float = 40.0) -> None:
        """End it, gently first."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        if self.is_alive():
            self._process.terminate()
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()


def run(command: Sequence[str], *, env: Mapping[str, str], cwd: Path = ROOT) -> str:
    """Run a command to its end; returns what it printed.

    Raises:
        RuntimeError: With the end of its errors, if it failed.
    """
    finished = subprocess.run(command, env=dict(env), cwd=cwd, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise RuntimeError(f"{command!r}: {finished.stderr[-3000:]}")
    return finished.stdout
