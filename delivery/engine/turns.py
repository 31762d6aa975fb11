"""One drain per sender and process: a second one would open a second connection and gain nothing."""

import threading
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Turn:
    """One thread's turn at one sender."""

    sender_id: int
    is_asked_again: bool = False
    """Someone came meanwhile: look once more before ending."""


class Turns:
    """Who drains which sender in this process."""

    def __init__(self) -> None:
        """Start with nobody at work."""
        self._lock = threading.Lock()
        self._present: dict[int, Turn] = {}

    def begin(self, sender_id: int) -> Turn | None:
        """Take the sender's turn; None while another has it, who will then look once more before ending."""
        with self._lock:
            present = self._present.get(sender_id)
            if present is not None:
                present.is_asked_again = True
                return None
            turn = self._present[sender_id] = Turn(sender_id)
            return turn

    def end(self, turn: Turn) -> bool:
        """Give the turn back; false if someone asked meanwhile: look once more, then end again."""
        with self._lock:
            if turn.is_asked_again:
                turn.is_asked_again = False
                return False
            self._give_back(turn)
            return True

    def drop(self, turn: Turn) -> None:
        """Give the turn back, whatever was asked, if it was not given back before: after an error, when stopping."""
        with self._lock:
            self._give_back(turn)

    def _give_back(self, turn: Turn) -> None:
        # The sender's turn may be another thread's by now.
        if self._present.get(turn.sender_id) is turn:
            del self._present[turn.sender_id]


turns = Turns()
