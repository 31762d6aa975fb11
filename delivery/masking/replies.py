"""Masking what a server said of a mail with secrets: filters quote what they don't like."""

from collections.abc import Collection
from dataclasses import replace

from delivery.engine.values import Ending, TryResult
from delivery.exceptions import SessionError
from delivery.masking.hiding import hide
from delivery.values import Reply
from records.dialogue.lines import Line


def mask_result(result: TryResult, secrets: Collection[str]) -> TryResult:
    """Return what came of a try with marks in the place of secrets that the server repeated."""
    return replace(
        result,
        endings={receiver_id: _mask_ending(ending, secrets) for receiver_id, ending in result.endings.items()},
        queue_id=hide(result.queue_id, secrets),
        dialogue=mask_dialogue(result.dialogue, secrets),
    )


def mask_dialogue(lines: tuple[Line, ...], secrets: Collection[str]) -> tuple[Line, ...]:
    """Return a dialogue with marks in the place of secrets."""
    return tuple(line._replace(text=hide(line.text, secrets)) for line in lines)


def mask_error(error: SessionError, secrets: Collection[str]) -> None:
    """Put marks in the place of secrets that the server repeated when it ended a session."""
    if error.reply is not None:
        error.reply = _mask_reply(error.reply, secrets)
    error.dialogue = mask_dialogue(error.dialogue, secrets)
    error.args = tuple(hide(str(part), secrets) for part in error.args)


def _mask_ending(ending: Ending, secrets: Collection[str]) -> Ending:
    return ending if ending.reply is None else replace(ending, reply=_mask_reply(ending.reply, secrets))


def _mask_reply(reply: Reply, secrets: Collection[str]) -> Reply:
    return replace(reply, text=hide(reply.text, secrets))
