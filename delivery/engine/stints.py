"""What the dispatcher knows of a sender whose mail is due, and of each line's turn at it."""

from dataclasses import dataclass, field

STALL_TIME = 2.0
"""A line that gave no sign for so long, seconds, waits for a silent server."""
LOOK_TIME = 0.25
"""How often a line that is at work asks whether it should be joined by others, seconds."""
FAST = 600
"""A line that gives more signs of life in a second, which it does two or three times a mail, has a fast server."""
BUSY_SHARE = 0.5
"""A process that computes for more than this share of the time gains nothing by more lines."""


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
    look_at: float = 0.0
    """When it asks that next."""
    processor_time: float = 0.0
    """What the whole process had computed when it last did."""

    def is_moving(self, now: float) -> bool:
        """Tell whether it gave a sign of life lately."""
        return now - self.signed_at < STALL_TIME

    def look_again(self, now: float, processor_time: float) -> None:
        """Ask again in a while whether it should be joined by others."""
        self.signs, self.processor_time, self.look_at = 0, processor_time, now + LOOK_TIME

    def is_slow(self, now: float, processor_time: float) -> bool:
        """Tell whether it mostly waits for its server: others beside it would get more done."""
        elapsed = now - self.look_at + LOOK_TIME
        return self.signs < FAST * elapsed and processor_time - self.processor_time < BUSY_SHARE * elapsed


@dataclass(slots=True, eq=False)
class Post:
    """A sender at whose mail this process works, or soon will."""

    sender_id: int
    stints: list[Stint] = field(default_factory=list)
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
