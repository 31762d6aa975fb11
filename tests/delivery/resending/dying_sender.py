"""A process that works off an order and is killed amid a batch: `dying_sender POINT RESENDING_ID`."""

import os
import signal
import sys
from typing import Any, NoReturn

import django


def die(*_arguments: Any, **_options: Any) -> NoReturn:
    """Be killed, as by the system: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def main(point: str, resending_id: int) -> None:
    """Work and die on the way, at the second batch."""
    django.setup()
    from delivery.resending import collecting, orders, sending  # noqa: PLC0415  # needs Django
    from records.resending.models import Resending  # noqa: PLC0415

    module: Any = {"collecting": collecting, "sending": sending}[point]
    module.BATCH = 2
    note = module._note
    calls = iter([note])

    def note_or_die(*arguments: Any) -> None:
        step = next(calls, None)
        # The work of the batch is done by then, and not committed.
        note(*arguments) if step else (note(*arguments), die())

    module._note = note_or_die
    orders.run(Resending.objects.get(pk=resending_id))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
