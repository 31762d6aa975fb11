"""A process that writes an export and is killed amid the second part, before it is committed: `dying_exporter ID`."""

import os
import signal
import sys
from typing import Any, NoReturn

import django


def die(*_arguments: Any, **_options: Any) -> NoReturn:
    """Be killed, as by the system: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def main(order_id: int) -> None:
    """Work and die on the way."""
    django.setup()
    from delivery.exporting import continue_one  # noqa: PLC0415  # needs Django
    from records.evidence import exporting as evidence  # noqa: PLC0415
    from records.export import parts, reading, writing  # noqa: PLC0415

    reading.BATCH = evidence.AT_ONCE = 2
    parts.PART_BYTES = 1
    module: Any = writing
    add = module._add
    calls = iter([add])

    def add_or_die(*arguments: Any) -> None:
        is_first = next(calls, None)
        # The piece is in the database by then, and not committed.
        add(*arguments)
        if not is_first:
            die()

    module._add = add_or_die
    continue_one(order_id, seconds=60)


if __name__ == "__main__":
    main(int(sys.argv[1]))
