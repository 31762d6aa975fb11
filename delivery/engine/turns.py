"""One drain per sender and process: a second one would open a second connection and gain nothing."""

import threading


class Turns:
    """Who drains which sender in this process."""

    def __init__(self) -> None:
        """Start with nobody at work."""
        self._lock = threading.Lock()
        self._again: dict[int, bool] = {}

    def begin(self, sender_id: int) -> bool:
        """Take the sender's turn; false while another has it, who will then look once more before ending."""
        with self._lock:
            if sender_id in self._again:
                self._again[sender_id] = True
                return False
            self._again[sender_id] = False
            return True

    def end(self, sender_id: int) -> bool:
        """Give the turn back; false if someone asked meanwhile: look once more, then end again."""
        with self._lock:
            if self._again[sender_id]:
                self._again[sender_id] = False
                return False
            del self._again[sender_id]
            return True

    def drop(self, sender_id: int) -> None:
        """Give the turn back whatever was asked: after an error, and when stopping."""
        with self._lock:
            self._again.pop(sender_id, None)


turns = Turns()
