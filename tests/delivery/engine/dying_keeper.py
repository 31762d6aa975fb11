"""A process that removes what was kept long enough and is killed on the way: `dying_keeper POINT STEPS`."""

import os
import signal
import sys
from importlib import import_module
from typing import Any, NoReturn

import django


def die(*_arguments: Any, **_options: Any) -> NoReturn:
    """Be killed, as by the system: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def main(point: str, steps: int) -> None:
    """Run a round, and die after so many steps that removed something, before or after the last one is committed."""
    django.setup()
    finding: Any = import_module("records.keeping.finding")  # only now: it needs Django
    rounds: Any = import_module("records.keeping.rounds")
    finding.LOOK, finding.FEW_BODIES = 2, 1
    move_on, left = rounds.move_on, iter(range(steps - 1, -1, -1))

    def count_down(*arguments: Any) -> None:
        move_on(*arguments)
        if any(arguments[2]) and next(left) == 0:
            if point == "within":
                die()
            rounds.database_now = die  # the first thing that the next step asks

    rounds.move_on = count_down
    rounds.run_whole(pause=0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
