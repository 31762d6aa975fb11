"""What the dispatcher knows of a sender whose mail is due, and of each line's turn at it."""

from dataclasses import dataclass, field

from delivery.smtp.hub import Hub

STALL_TIME = 2.0
"""A line that gave no sign for so long, seconds, waits for a silent server."""
LOOK_TIME = 0.25
"""How often a line that is at work asks whether it should be joined by others, seconds."""
FIRST_LOOK_TIME = 0.05
"""When it does for the first time."""
SLOW_LOOKS = 2
"""After so many looks in a row that found it slow it is taken to be: once may be a hiccup of this machine."""
FAST = 250
"""A line that gives more signs of life in a second, which it does two or three times a mail, has a fast server."""
FAST_LINES = 3
"""So many lines keep a fast server busy and this thread, so that neither waits for the other; more would be no use."""
ANY_NUMBER = 1_000_000
BUSY_SHARE = 0.5
"""A process that computes for more than this share of the time gains nothing by more lines to a slow server."""


@dataclass(slots=True, eq=False)
class Stint:
    """A line's turn at one sender. Times are monotonic, in seconds."""

    post: "Post"
    began_at: float
    signed_at: float
    """When it last gave a sign of life."""
    is_cut: bool = False
    """It was asked to end its turn, though mail may be left."""
    signs: int = 0
    """How many signs of life it gave since it last asked whether it should be joined by others."""
    looked_at: float = 0.0
    """When it asked that last."""
    look_at: float = 0.0
    """When it asks that next."""
    processor_time: float = 0.0
    """What the whole process had computed when it last did."""
    slow_looks: int = 0
    """How often in a row it found that it mostly waits."""

    def is_moving(self, now: float) -> bool:
        """Tell whether it gave a sign of life lately."""
        return now - self.signed_at < STALL_TIME

    def begin_to_look(self, processor_time: float) -> None:
        """Look in a moment."""
        self.looked_at, self.processor_time = self.began_at, processor_time
        self.look_at = self.began_at + FIRST_LOOK_TIME

    def look(self, now: float, processor_time: float) -> int:
        """Tell how many lines its sender has use for, as far as can be told by its own pace; and look again later."""
        elapsed = now - self.looked_at
        is_fast = self.signs >= FAST * elapsed
        waits = not is_fast and processor_time - self.processor_time < BUSY_SHARE * elapsed
        self.slow_looks = self.slow_looks + 1 if waits else 0
        self.signs, self.processor_time, self.looked_at, self.look_at = 0, processor_time, now, now + LOOK_TIME
        if is_fast:
            return FAST_LINES
        return ANY_NUMBER if self.slow_looks >= SLOW_LOOKS else 1


@dataclass(slots=True, eq=False)
class Post:
    """A sender at whose mail this process works, or soon will."""

    sender_id: int
    stints: list[Stint] = field(default_factory=list)
    hub: Hub | None = None
    """Runs its lines, in one thread; may be over."""
    is_asked: bool = False
    """Somebody came meanwhile: look once more before leaving."""
    is_urgent: bool = False
    """Some of its mail can't wait for its turn."""
    is_queued: bool = False
    """It waits for its first line."""
    limit: int = 1
    """Connections at once, as far as is known."""
    grow_after: float = 0.0
    """When it may next get a further line, monotonic."""
    hops: int = 0
    """How many workers could not take it before this one."""

    def is_moving(self, now: float) -> bool:
        """Tell whether any of its lines gave a sign of life lately."""
        return any(stint.is_moving(now) for stint in self.stints)
