"""One parent, some children: a child that ends is started again; no child outlives the parent."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType

logger = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Loaded here, not between fork and exec, where little is safe.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass
class Child:
    """A process that shall run as long as its parent does. Times are monotonic, in seconds."""

    name: str
    command: Sequence[str]
    inherited_handles: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    next_start_at: float = 0.0
    quick_ends: int = 0
    """How many times in a row it ended soon after its start."""

    def start(self, parent: int) -> None:
        """Start it, in a process group of its own: Ctrl-C is for the parent alone, which then stops its children."""
        self.process = subprocess.Popen(  # noqa: S603  # our own command lines
            self.command,
            stdin=subprocess.DEVNULL,
            # Logs go to standard error; the rest is chatter such as the worker's "Warm shutdown".
            stdout=subprocess.DEVNULL,
            pass_fds=self.inherited_handles,
            process_group=0,
            preexec_fn=lambda: _die_with(parent),  # noqa: PLW1509  # the parent has one thread
        )
        self.started_at = time.monotonic()

    @property
    def is_running(self) -> bool:
        """Tell whether it runs now."""
        return self.process is not None and self.process.poll() is None

    def note_end(self, now: float, steady_after: float) -> float:
        """Plan the next start after an unwanted end, and return how long it is put off: 0.5, 1, 2 … 15 s."""
        self.quick_ends = 0 if now - self.started_at > steady_after else self.quick_ends + 1
        delay = min(0.5 * 2.0 ** max(self.quick_ends - 1, 0), 15.0)
        self.next_start_at = now + delay
        self.process = None
        return delay


def _die_with(parent: int) -> None:
    """Ask the kernel to stop this process when its parent dies, however that dies (Linux)."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the kernel was asked
        os._exit(1)


@dataclass
class Supervisor:
    """Keeps its children running until it is told to stop."""

    children: list[Child]
    on_tick: Callable[[], None] = lambda: None
    """Called several times a second while all is well."""
    stop_seconds: float = 40.0
    """How long children may take to stop before they are killed."""
    steady_after: float = 30.0
    """A child that lived this long is taken to work."""
    max_quick_ends: int = 8
    """A child that ends so often, each time soon after its start, will not get better."""
    _stops: list[int] = field(default_factory=list)

    def run(self) -> int:
        """Run until SIGINT, SIGTERM or SIGHUP; returns the exit status: 0, or 1 when a child can't be kept running."""
        handlers_before = {number: signal.signal(number, self._note_stop) for number in _STOP_SIGNALS}
        gave_up = False
        try:
            while not self._stops and not gave_up:
                gave_up = not all(self._keep_running(child) for child in self.children)
                self.on_tick()
                time.sleep(0.1)
        finally:
            self._stop_children()
            for number, handler in handlers_before.items():
                signal.signal(number, handler)
        return 1 if gave_up else 0

    def _note_stop(self, number: int, _frame: FrameType | None) -> None:
        self._stops.append(number)

    def _keep_running(self, child: Child) -> bool:
        """Start it if it is due; False when it is hopeless."""
        now = time.monotonic()
        if child.process is not None and not child.is_running:
            status = child.process.returncode
            delay = child.note_end(now, self.steady_after)
            if child.quick_ends >= self.max_quick_ends:
                logger.error("a process ends again and again", extra={"child": child.name, "status": status})
                return False
            logger.warning(
                "a process ended", extra={"child": child.name, "status": status, "restart_in_seconds": delay}
            )
        if child.process is None and now >= child.next_start_at:
            child.start(os.getpid())
        return True

    def _stop_children(self) -> None:
        """Stop them all at once; a second Ctrl-C, or too long a time, kills them."""
        running = [child for child in self.children if child.is_running]
        for child in running:
            _signal(child, signal.SIGTERM)
        stops, end = len(self._stops), time.monotonic() + self.stop_seconds
        while (
            any(child.is_running for child in running) and time.monotonic() < end and len(self._stops) <= max(stops, 1)
        ):
            time.sleep(0.05)
        for child in running:
            if child.is_running:
                # Nothing is lost by it: leases end by themselves, and the sweep takes over.
                logger.warning("a process did not stop in time and was killed", extra={"child": child.name})
                _kill_group(child)


def _signal(child: Child, number: signal.Signals) -> None:
    if child.process is not None:
        child.process.send_signal(number)


def _kill_group(child: Child) -> None:
    if child.process is not None:
        os.killpg(child.process.pid, signal.SIGKILL)  # its process group, by its own doing (process_group=0)
        child.process.wait()
