"""Masking what a server said of a mail with secrets: filters quote what they don't like, and often not all of it."""

from collections.abc import Collection
from dataclasses import replace

from delivery.engine.values import Ending, TryResult
from delivery.exceptions import SessionError
from delivery.masking.remains import hide_what_is_left
from delivery.values import Reply
from records.dialogue.lines import Line, LineKind

_WORDS = frozenset((LineKind.CLIENT, LineKind.SERVER))


def mask_result(result: TryResult, secrets: Collection[str]) -> TryResult:
    """Return what came of a try with marks in the place of secrets that the server repeated."""
    return replace(
        result,
        endings={receiver_id: _mask_ending(ending, secrets) for receiver_id, ending in result.endings.items()},
        queue_id=hide_what_is_left(result.queue_id, secrets),
        dialogue=mask_dialogue(result.dialogue, secrets),
    )


def mask_dialogue(lines: tuple[Line, ...], secrets: Collection[str]) -> tuple[Line, ...]:
    """Return a dialogue with marks in the place of secrets; of what was noted nothing is anybody's words."""
    return tuple(
        line._replace(text=hide_what_is_left(line.text, secrets)) if line.kind in _WORDS else line for line in lines
    )


def mask_error(error: SessionError, secrets: Collection[str]) -> None:
    """Put marks in the place of secrets that the server repeated when it ended a session."""
    if error.reply is not None:
        error.reply = _mask_reply(error.reply, secrets)
    error.dialogue = mask_dialogue(error.dialogue, secrets)
    error.args = tuple(hide_what_is_left(str(part), secrets) for part in error.args)


def _mask_ending(ending: Ending, secrets: Collection[str]) -> Ending:
    return ending if ending.reply is None else replace(ending, reply=_mask_reply(ending.reply, secrets))


def _mask_reply(reply: Reply, secrets: Collection[str]) -> Reply:
    return replace(reply, text=hide_what_is_left(reply.text, secrets))
