"""Who gets a line: the dispatcher of a worker process shares its lines among the senders whose mail is due.

A *line* sends one sender's mail over one connection. The lines of a sender share one thread, its mail and the groups
that it is claimed in (`delivery.smtp.hub`, `delivery.engine.shared`). The rules, in this order:

1. A sender's **first line** comes before anybody's second. Only lines that move count against `MAILBOX_LINES`: one
   whose server has been silent for a while keeps its thread, and takes no other sender's place. There are up to three
   times as many threads for that; when all of them hang, the next sender waits for the first that ends.
2. With more senders than lines they take **turns**, in the order in which they came; who has several gives way first.
3. A sender gets **further lines** where its account allows them and much of its mail waits. To a slow server any
   number, as long as this process mostly waits for it; to a fast one a few, which keep it busy while this process
   computes: more would only get into each other's way. They never take the last quarter of the lines.
4. **Urgent** mail does not queue: its sender gets a line at once, unless one of its lines is just sending. That one
   takes the urgent mail with its next claim, a moment later.

Nothing here is needed for correctness: whoever is forgotten is found by the next sweep.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections

from delivery.engine.crew import Crew
from delivery.engine.demand import count_due, find_connection_limit
from delivery.engine.held_slots import HeldSlots
from delivery.engine.stints import FAST_LINES, STALL_TIME, Post, Stint
from delivery.smtp.hub import Hub

logger = logging.getLogger(__name__)

TURN_TIME = 2.0
"""How long a line works for one sender while others wait, seconds."""
CLAIM_TIME = 0.5
"""A line that gave a sign of life so lately, seconds, is soon at its next claim."""
MAILS_PER_LINE = 5
"""So many mails must wait for each further line to a slow server."""
MAILS_PER_FAST_LINE = 100
"""So many must for each further line to a fast one: less is sent before the line is open."""
NO_GROWTH_TIME = 5.0
"""How long no further line is tried after one that found nothing to do, seconds."""
HANGING_FACTOR = 3
"""How many times as many lines there may be in all as may move."""


class DrainSender(Protocol):
    """Sends a sender's due mail over one connection."""

    def __call__(self, sender_id: int, *, is_stopping: Callable[[], bool]) -> bool:
        """Send until none is left or the callable, asked between mails, says so; tell whether to come back."""


class PassOn(Protocol):
    """Tells another worker of a sender whose mail this one can't take."""

    def __call__(self, sender_id: int, hops: int) -> None:
        """Pass it on; `hops` workers could not take it before this one."""


class Dispatcher:
    """Shares the lines of this process among senders."""

    def __init__(self, drain: DrainSender, slots: HeldSlots, pass_on: PassOn) -> None:
        """Start without any line.

        Args:
            drain: What a line does.
            slots: The right to connections, over all workers.
            pass_on: Called for a sender that all connections are in use for elsewhere, or when stopping.
        """
        self._drain = drain
        self._slots = slots
        self._pass_on = pass_on
        self._crew = Crew("line")
        self._lock = threading.Lock()
        self._posts: dict[int, Post] = {}
        self._queue: deque[Post] = deque()
        self._stints: set[Stint] = set()
        self._stopping = threading.Event()
        self._is_timed = False

    def wake(self, sender_id: int, *, is_urgent: bool = False, hops: int = 0) -> None:
        """See to it that a sender's due mail is sent; returns at once.

        Args:
            sender_id: Whose mail is due.
            is_urgent: Some of it can't wait for its turn.
            hops: How many workers could not take it before this one.
        """
        if self._stopping.is_set():
            self._pass_on(sender_id, hops)
            return
        with self._lock:
            post = self._posts.setdefault(sender_id, Post(sender_id))
            post.is_asked, post.hops = True, hops
            post.is_urgent = post.is_urgent or is_urgent
            self._attend(post)
            self._fill()

    def stop(self) -> None:
        """Let every line end after the mail in hand; may be called by a signal handler."""
        self._stopping.set()

    def join(self, seconds: float) -> bool:
        """Wait until all lines have ended and nobody is left of the crew; returns whether that is so."""
        return self._crew.dismiss(seconds)

    def count_lines(self, sender_id: int) -> int:
        """Count the lines at work for a sender."""
        with self._lock:
            return sum(stint.post.sender_id == sender_id for stint in self._stints)

    def _attend(self, post: Post) -> None:
        """See what a sender whose mail is due needs; the lock is held, as it is in all that follows until `_serve`."""
        if not post.stints:
            self._enqueue(post)
        elif post.is_urgent:
            self._hurry(post)
        elif not post.is_moving(time.monotonic()):
            self._add_line(post)

    def _enqueue(self, post: Post) -> None:
        if post.is_queued and post.is_urgent:
            self._queue.remove(post)
        elif post.is_queued:
            return
        post.is_queued = True
        if post.is_urgent:
            self._queue.appendleft(post)
        else:
            self._queue.append(post)

    def _fill(self) -> None:
        """Give lines to those who wait for their first."""
        while self._queue and self._has_room(self._queue[0]):
            post = self._queue.popleft()
            post.is_queued = False
            self._begin(post)
        if self._queue and not self._is_timed:
            # Room comes by itself when a line is silent for too long: nobody would tell.
            self._is_timed = True
            timer = threading.Timer(STALL_TIME / 2, self._fill_later)
            timer.daemon = True
            timer.start()

    def _fill_later(self) -> None:
        with self._lock:
            self._is_timed = False
            self._fill()

    def _has_room(self, post: Post) -> bool:
        now = time.monotonic()
        is_free = post.is_urgent or sum(stint.is_moving(now) for stint in self._stints) < settings.MAILBOX_LINES
        return is_free and self._has_thread()

    def _has_thread(self) -> bool:
        return len(self._stints) < settings.MAILBOX_LINES * HANGING_FACTOR

    def _hurry(self, post: Post) -> None:
        """Get urgent mail on its way by a further line, if none is just sending."""
        claims_soon = time.monotonic() - max(stint.signed_at for stint in post.stints) < CLAIM_TIME
        if not claims_soon and len(post.stints) < post.limit and self._has_thread():
            self._begin(post)

    def _add_line(self, post: Post) -> None:
        """Give a sender a further line, if that takes nothing from others."""
        most = settings.MAILBOX_LINES - settings.MAILBOX_LINES // 4
        if len(post.stints) < post.limit and len(self._stints) < most and not self._queue:
            self._begin(post)

    def _begin(self, post: Post) -> None:
        now = time.monotonic()
        stint = Stint(post, now, now)
        stint.begin_to_look(time.process_time())
        self._have_run(post, lambda: self._serve(stint))
        post.stints.append(stint)
        post.is_asked = post.is_urgent = False
        self._stints.add(stint)

    def _have_run(self, post: Post, line: Callable[[], object]) -> None:
        """Run a line beside the sender's others, in the thread that they share."""
        if post.hub is None or not post.hub.add(line):
            post.hub = self._begin_hub(line)

    def _begin_hub(self, line: Callable[[], object]) -> Hub:
        """Run a line in a thread of its own, for others to join it."""
        hub = Hub()
        hub.is_stopping = self._stopping.is_set
        hub.add(line)
        try:
            self._crew.do(hub.run)
        except BaseException:  # no thread to be had: whoever comes next tries again
            hub.close()
            raise
        return hub

    def _serve(self, stint: Stint) -> None:
        """Be a line."""
        post, comes_back = stint.post, False
        try:
            # The sender's other lines may keep this thread for hours, and its connection may have broken meanwhile.
            close_old_connections()
            comes_back = self._work(stint)
        except Exception:
            post.is_asked = False
            logger.exception("a drain failed, its mail waits for the sweep", extra={"sender_id": post.sender_id})
        with self._lock:
            self._end(stint, comes_back=comes_back)
        if comes_back and self._stopping.is_set():
            self._pass_on(post.sender_id, 0)

    def _work(self, stint: Stint) -> bool:
        """Drain under a slot; returns whether to come back."""
        post = stint.post
        post.limit = find_connection_limit(post.sender_id)
        slot = self._slots.take(post.sender_id, post.limit)
        if slot is None:
            # Who has them all may just be leaving, and not look again.
            if post.limit and len(post.stints) == 1:
                self._pass_on(post.sender_id, post.hops)
            return False
        try:
            comes_back = self._drain(post.sender_id, is_stopping=lambda: self._should_end(stint))
        finally:
            self._slots.put(slot)
        return comes_back or stint.is_cut

    def _should_end(self, stint: Stint) -> bool:
        """Answer a line that asks between mails: thousands of times a second."""
        now = stint.signed_at = time.monotonic()
        stint.signs += 1
        if self._stopping.is_set():
            stint.is_cut = True
        elif self._queue:
            with self._lock:
                self._make_way(stint, now)
        elif now >= stint.look_at:
            wanted = stint.look(now, time.process_time())
            if len(stint.post.stints) < min(wanted, stint.post.limit) and now >= stint.post.grow_after:
                self._grow(stint.post, wanted)
        return stint.is_cut

    def _grow(self, post: Post, wanted: int) -> None:
        """Give a sender further lines, up to a number of them, as far as its mail is worth them."""
        per_line = MAILS_PER_FAST_LINE if wanted == FAST_LINES else MAILS_PER_LINE
        try:
            waiting = count_due(post.sender_id, min(wanted, post.limit) * per_line)
        except (DatabaseError, InterfaceError):
            return  # the line's own work will say so
        with self._lock:
            for _ in range(min(waiting // per_line, wanted - len(post.stints))):
                self._add_line(post)

    def _make_way(self, stint: Stint, now: float) -> None:
        """End the turn if others wait for it; the lock is held."""
        can_go = len(stint.post.stints) > 1 or now - stint.began_at > TURN_TIME
        leaving = sum(other.is_cut for other in self._stints)
        stint.is_cut = stint.is_cut or (can_go and leaving < len(self._queue))

    def _end(self, stint: Stint, *, comes_back: bool) -> None:
        """Take a line away from its sender, and give it to who needs it; the lock is held."""
        post = stint.post
        post.stints.remove(stint)
        self._stints.discard(stint)
        if comes_back or post.is_asked:
            self._come_back(post)
        elif post.stints:
            post.grow_after = time.monotonic() + NO_GROWTH_TIME
        if not post.stints and not post.is_queued:
            self._posts.pop(post.sender_id, None)
        self._fill()

    def _come_back(self, post: Post) -> None:
        if self._stopping.is_set():
            return
        if not post.stints:
            self._enqueue(post)
        elif not post.is_moving(time.monotonic()):
            self._add_line(post)
        # Else the others go on, and ask for further lines if they need any.
