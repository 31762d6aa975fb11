"""Masking what a server said of a mail with secrets: filters quote what they don't like."""

from collections.abc import Collection
from dataclasses import replace

from delivery.engine.values import Ending, TryResult
from delivery.masking.hiding import hide
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


def _mask_ending(ending: Ending, secrets: Collection[str]) -> Ending:
    if ending.reply is None:
        return ending
    return replace(ending, reply=replace(ending.reply, text=hide(ending.reply.text, secrets)))
