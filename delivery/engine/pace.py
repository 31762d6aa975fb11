"""How many mails make a group: as many as the server takes in about half a second."""

from delivery.engine.limits import get_limits

GROUP_SECONDS = 0.5
"""How long a group should take. What is past the point of no return when a worker dies may arrive twice: a second's
mails, since one group is settled while the next is sent. Much smaller groups cost a far server's connection a claim,
a fence and a settlement for every two or three mails."""


class Pace:
    """Learns how fast a server is; cautious at first."""

    def __init__(self) -> None:
        """Start with a single mail: nothing is known of the server."""
        self._size = 1

    @property
    def size(self) -> int:
        """How many mails the next group should have."""
        # Half of what may be unsettled: one group is settled while the next is sent.
        return max(1, min(self._size, get_limits().group_size // 2))

    def note(self, mails: int, seconds: float) -> None:
        """Learn from a group of mails that took so long: twice as many the next time, if there is time for them."""
        in_time = int(mails * GROUP_SECONDS / seconds) if seconds > 0 else self._size * 2
        self._size = max(1, min(in_time, self._size * 2))
