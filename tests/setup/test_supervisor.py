import os
import signal
import sys
from pathlib import Path

import pytest

from mailbox_admin.supervisor import Child, Supervisor


def python(code: str, name: str = "child") -> Child:
    return Child(name, (sys.executable, "-c", code))


def test_a_child_that_ends_again_and_again_stops_the_whole() -> None:
    supervisor = Supervisor([python("raise SystemExit(3)")], max_quick_ends=2)
    assert supervisor.run() == 1


def test_the_delays_double_up_to_a_cap_and_start_anew_after_a_steady_time() -> None:
    child = python("")
    delays = [child.note_end(now=1.0, steady_after=30) for _ in range(7)]
    assert delays == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0]
    assert child.note_end(now=100.0, steady_after=30) == 0.5


def test_a_child_that_will_not_stop_is_killed_with_its_own_children(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    stubborn = python(
        "import os, pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"pathlib.Path({str(ready)!r}).touch()\n"
        "time.sleep(600)"
    )

    def stop_when_ready() -> None:
        if ready.exists():
            os.kill(os.getpid(), signal.SIGTERM)

    assert Supervisor([stubborn], on_tick=stop_when_ready, stop_seconds=0.3).run() == 0
    assert not stubborn.is_running


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_signal_handlers_are_as_before_afterwards(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    Supervisor([], on_tick=lambda: os.kill(os.getpid(), number)).run()
    assert signal.getsignal(number) == before
