"""Several lines at once: `growth SENDER_ID` is a worker process that sends a sender's mail over three, until killed."""

import sys
import threading
from collections.abc import Callable

import django


def grow_at_once(set_attribute: Callable[[object, str, object], None]) -> None:
    """Take every server for a fast one, and let it have all its lines as soon as any mail waits.

    Args:
        set_attribute: `setattr`, or what takes it back when a test ends.
    """
    from delivery.engine import dispatcher, stints  # noqa: PLC0415  # needs Django

    set_attribute(stints, "FAST", 0)
    set_attribute(stints, "FIRST_LOOK_TIME", 0.0)
    set_attribute(stints, "LOOK_TIME", 0.0)
    set_attribute(dispatcher, "MAILS_PER_FAST_LINE", 1)


def main(sender_id: int) -> None:
    """Send, and wait to be killed."""
    django.setup()
    from delivery.worker import dispatcher  # noqa: PLC0415  # needs Django

    grow_at_once(setattr)
    dispatcher.wake(sender_id)
    threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]))
