"""Many dialogues in one thread: while one waits for its server, the others go on.

A *lane* is a job of a hub: it runs like a thread of its own until it waits for a server, and nobody else runs
meanwhile. What lanes share needs no lock for that reason, and a transaction of the database is never interrupted by
another lane's. Since a lane's wait costs no other thread's waking, a near server gets several times as many mails a
second over two lanes as over one connection; and a far server's lanes can share what one thread claims and settles.

Code that may run in a lane waits by `await_ready`, and has what can't wait so done by `elsewhere`.
"""

import logging
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from typing import TypeVar

from greenlet import getcurrent, greenlet

logger = logging.getLogger(__name__)

T = TypeVar("T")
Job = Callable[[], object]
TICK = 0.5
"""How often a hub does what is to be done now and then, seconds."""


class Lane(greenlet):
    """A job of a hub."""

    def __init__(self, hub: "Hub", job: Job) -> None:
        """Prepare; the lane begins when it is switched to."""
        super().__init__(self._do)
        copy_context()  # makes sure that this thread has a context
        # Not one of its own: Django keeps the database connection in it where an event loop runs.
        self.gr_context = getcurrent().gr_context
        self.hub = hub
        self._job = job

    def _do(self) -> None:
        """Do the job; what goes wrong with it is no matter of the other lanes."""
        try:
            self._job()
        except Exception:
            logger.exception("a lane failed")


@dataclass(frozen=True, slots=True, eq=False)
class _Wait:
    lane: Lane
    end: float


class Hub:
    """Runs lanes in the thread that calls `run`, until the last has ended."""

    def __init__(self) -> None:
        """Start without a lane."""
        self._lock = threading.Lock()
        self._jobs: deque[Job] = deque()
        self._woken: deque[Lane] = deque()
        """Lanes whose work elsewhere is done."""
        self._is_over = False
        self._lanes = 0
        self._poll = select.poll()
        self._waits: dict[int, _Wait] = {}
        """By file descriptor."""
        self._next_end = float("inf")
        self._next_tick = 0.0
        self.ticks: list[Job] = []
        """Called now and then between the lanes, however long those wait."""
        self.shelf: dict[object, object] = {}
        """What the lanes share."""
        self.is_stopping: Callable[[], bool] = lambda: False
        """Tells whether the lanes are to end soon, though they may all be waiting."""
        self._bell, self._ear = socket.socketpair()
        self._bell.setblocking(False)
        self._ear.setblocking(False)
        self._poll.register(self._ear, select.POLLIN)
        self._home: greenlet | None = None

    def add(self, job: Job) -> bool:
        """Have a job done by a lane of its own; False: the last lane has ended, and this hub with it.

        May be called by any thread.
        """
        with self._lock:
            if not self._is_over:
                self._jobs.append(job)
                self._ring()
            return not self._is_over

    def run(self) -> None:
        """Do what was added, and what is added meanwhile."""
        self._home = getcurrent()
        try:
            while self._begin_jobs():
                self._go_round()
        finally:
            self.close()

    def close(self) -> None:
        """Let nothing be added any more; only for a hub that is not running."""
        with self._lock:
            self._is_over = True
            self._bell.close()
            self._ear.close()

    def _ring(self) -> None:
        """Wake the hub; the lock is held."""
        if not self._is_over:
            with suppress(BlockingIOError):  # it was woken so often already that it will hear
                self._bell.send(b"!")

    def _begin_jobs(self) -> bool:
        """Begin what was added; False: there is nothing left to do, and nothing can be added any more."""
        for _ in range(len(self._jobs)):  # what these add comes later: the lanes that wait have their turn before
            self._lanes += 1
            self._switch_to(Lane(self, self._jobs.popleft()))
        if self._lanes:
            return True
        with self._lock:
            self._is_over = not self._jobs
            return not self._is_over

    def _switch_to(self, lane: Lane, *values: bool) -> None:
        lane.switch(*values)
        if lane.dead:
            self._lanes -= 1

    def _go_round(self) -> None:
        """Wait until something happens, and have each lane that it concerns go on."""
        if not self._lanes:
            return
        for number, _event in self._poll.poll(self._patience()):
            if number == self._ear.fileno():
                self._hear()
            elif wait := self._waits.get(number):
                self._end_wait(number, wait, is_ready=True)
        now = time.monotonic()
        if now >= self._next_end:
            self._give_up_until(now)
        if self.ticks and now >= self._next_tick:
            self._next_tick = now + TICK
            self._do_ticks()

    def _do_ticks(self) -> None:
        for tick in list(self.ticks):
            try:
                tick()
            except Exception:
                logger.exception("what a hub does now and then failed")

    def _patience(self) -> float | None:
        """Tell how long to wait at most, in milliseconds."""
        soon = min(self._next_end, self._next_tick) if self.ticks else self._next_end
        return None if soon == float("inf") else max(soon - time.monotonic(), 0.0) * 1000 + 1

    def _hear(self) -> None:
        self._ear.recv(4096)
        while True:
            with self._lock:
                lane = self._woken.popleft() if self._woken else None
            if lane is None:
                return
            self._switch_to(lane)

    def _end_wait(self, number: int, wait: _Wait, *, is_ready: bool) -> None:
        del self._waits[number]
        self._poll.unregister(number)
        self._switch_to(wait.lane, is_ready)

    def _give_up_until(self, now: float) -> None:
        """Tell those that their time is over whose it is, unless their server answered while others worked."""
        answered = {number for number, _event in self._poll.poll(0)}
        for number, wait in sorted(self._waits.items(), key=lambda item: item[1].end):
            if wait.end <= now:
                self._end_wait(number, wait, is_ready=number in answered)
        self._next_end = min((wait.end for wait in self._waits.values()), default=float("inf"))

    def wait(self, lane: Lane, number: int, events: int, end: float) -> bool:
        """Let others go on until one of the events is there; False: the time `end` came first."""
        assert self._home is not None
        assert number not in self._waits, "one lane for a socket"
        self._poll.register(number, events)
        self._waits[number] = _Wait(lane, end)
        self._next_end = min(self._next_end, end)
        return bool(self._home.switch())

    def do_elsewhere(self, lane: Lane, job: Callable[[], T]) -> T:
        """Let others go on while a thread of its own does the job; returns, or raises, what came of it."""
        results: list[T] = []
        errors: list[BaseException] = []

        def work() -> None:
            try:
                results.append(job())
            except BaseException as error:  # noqa: BLE001  # raised again where it belongs
                errors.append(error)
            with self._lock:
                self._woken.append(lane)
                self._ring()

        assert self._home is not None
        threading.Thread(target=work, name="beside-a-lane", daemon=True).start()
        self._home.switch()
        if errors:
            raise errors[0]
        return results[0]


def current_hub() -> Hub | None:
    """Give the hub that the caller is a lane of; None: it has its thread for itself."""
    lane = getcurrent()
    return lane.hub if isinstance(lane, Lane) else None


def elsewhere(job: Callable[[], T]) -> T:
    """Do a job that may block for long, without holding up the other lanes of this thread.

    In a lane it is done by another thread, so it may not touch what belongs to this one, such as its database.
    """
    lane = getcurrent()
    return lane.hub.do_elsewhere(lane, job) if isinstance(lane, Lane) else job()


def await_ready(number: int, events: int, end: float) -> None:
    """Wait until one of the events is there on a file descriptor.

    Args:
        number: The file descriptor.
        events: Of `select.poll`.
        end: Until when, of time.monotonic().

    Raises:
        TimeoutError: It was not in time.
    """
    lane = getcurrent()
    if not isinstance(lane, Lane):
        _await_alone(number, events, end)
    elif time.monotonic() >= end or not lane.hub.wait(lane, number, events, end):
        raise TimeoutError


def _await_alone(number: int, events: int, end: float) -> None:
    poll = select.poll()
    poll.register(number, events)
    while True:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if poll.poll(left * 1000):
            return
