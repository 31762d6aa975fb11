"""A mail's state as the roll-up of its receivers' states; pure."""

from collections.abc import Iterable

from records.enums import MailState, Outcome, ReceiverState

_SERVED = {state for state in ReceiverState if state.is_served}


def roll_up(states: Iterable[str]) -> MailState | None:
    """Tell the state of a mail from those of all its receivers; None while any is pending."""
    found = set(states)
    if ReceiverState.PENDING in found:
        return None
    if ReceiverState.UNCERTAIN in found:
        return MailState.UNCERTAIN
    if found & _SERVED:
        return MailState.SENT if found <= _SERVED else MailState.PARTLY_SENT
    if ReceiverState.EXPIRED in found:
        return MailState.EXPIRED
    return MailState.CANCELLED if ReceiverState.CANCELLED in found else MailState.FAILED


def receiver_state_after(
    outcome: Outcome, *, may_retry: bool, is_cancelled: bool, holds_unknown: bool
) -> ReceiverState:
    """Tell where a try leaves its receiver.

    Args:
        outcome: How the try ended.
        may_retry: False for test mail, which is tried once.
        is_cancelled: A person asked for no further try.
        holds_unknown: The policy leaves what may have arrived to a person.
    """
    if outcome == Outcome.ACCEPTED:
        return ReceiverState.ACCEPTED
    if outcome == Outcome.UNKNOWN and (holds_unknown or is_cancelled or not may_retry):
        return ReceiverState.UNCERTAIN
    if outcome == Outcome.REFUSED:
        return ReceiverState.REFUSED
    if is_cancelled:
        return ReceiverState.CANCELLED
    return ReceiverState.PENDING if may_retry else ReceiverState.REFUSED
