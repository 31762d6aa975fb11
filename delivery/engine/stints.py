"""What the dispatcher knows of a sender whose mail is due, and of each line's turn at it."""

from dataclasses import dataclass, field

STALL_TIME = 2.0
"""A line that gave no sign for so long, seconds, waits for a silent server."""


@dataclass(slots=True, eq=False)
class Stint:
    """A line's turn at one sender. Times are monotonic, in seconds."""

    post: "Post"
    began_at: float
    signed_at: float
    """When it last gave a sign of life."""
    look_at: float
    """When it next asks whether it should be joined by another."""
    processor_time: float
    """What the whole process had computed when it last asked."""
    is_cut: bool = False
    """It was asked to end its turn, though mail may be left."""

    def is_moving(self, now: float) -> bool:
        """Tell whether it gave a sign of life lately."""
        return now - self.signed_at < STALL_TIME


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
