"""Errors of composing."""

from __future__ import annotations

from delivery.exceptions import DeliveryError


class ComposeError(DeliveryError):
    """A draft cannot be written as a correct mail; nothing was composed.

    Raised by `compose` for values that would break out of their header, and for a draft without receivers.
    """

    def __init__(self, field: str, sentence: str) -> None:
        """Hold the name of the draft's field and a translated sentence about it."""
        super().__init__(f"{field}: {sentence}")
        self.field = field
        self.sentence = sentence
