"""A worker process that drains one sender and is killed at a given point: `dying_worker POINT SENDER_ID`."""

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


def main(point: str, sender_id: int) -> None:
    """Drain the sender and die on the way."""
    django.setup()
    from delivery.engine import claim, drain, fence, settle  # noqa: PLC0415  # needs Django set up

    places: dict[str, tuple[Any, str, Callable[..., Any]]] = {
        "claimed": (drain, "claim_due", after(claim.claim_due)),
        "before fence": (fence, "pass_fence", die),
        "after fence": (fence, "pass_fence", after(fence.pass_fence)),
        "before settling": (drain, "finish", die),
        "after settling": (drain, "finish", after(settle.finish)),
    }
    if point != "never":
        module, name, deadly = places[point]
        setattr(module, name, deadly)
    drain.drain(sender_id)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
