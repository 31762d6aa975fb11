"""A worker process that drains one sender and is killed at a given point: `dying_worker POINT SENDER_ID SIZE`.

Its groups have SIZE mails.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import django


def die(*_arguments: Any, **_options: Any) -> NoReturn:
    """Be killed, as by the system: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def after(step: Callable[..., Any]) -> Callable[..., Any]:
    """Die when the step is done."""

    def do_and_die(*arguments: Any, **options: Any) -> NoReturn:
        step(*arguments, **options)
        die()

    return do_and_die


def at_second_time(step: Callable[..., Any]) -> Callable[..., Any]:
    """Die when the step is done for the second time."""
    times = iter([step, after(step)])

    def do_or_die(*arguments: Any, **options: Any) -> Any:
        return next(times)(*arguments, **options)

    return do_or_die


def main(point: str, sender_id: int, size: int) -> None:
    """Drain the sender and die on the way."""
    django.setup()
    from delivery.engine import books, claim, drain, fence, flow, groups, moves, pace, settle, supply  # noqa: PLC0415  # needs Django
    from records.masking import ending  # noqa: PLC0415  # as well

    pace.Pace.size = property(lambda _: size)  # type: ignore[assignment, method-assign]
    places: dict[str, tuple[Any, str, Callable[..., Any]]] = {
        "claimed": (supply, "claim_allowed", after(claim.claim_allowed)),
        "before fence": (groups, "pass_fences", die),
        "after fence": (groups, "pass_fences", after(fence.pass_fences)),
        "amid a group": (flow.Flow, "_note", at_second_time(flow.Flow._note)),
        "before settling": (books, "finish", die),
        # Of masked mails: their originals are deleted by then, and that is not committed.
        "amid settling what was sent": (settle, "drop_ended", after(ending.drop_ended)),
        "amid settling what failed": (moves, "drop_originals", after(ending.drop_originals)),
        "after settling": (books, "finish", after(settle.finish)),
    }
    if point != "never":
        module, name, deadly = places[point]
        setattr(module, name, deadly)
    drain.drain(sender_id)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
