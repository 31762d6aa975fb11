"""The crew: as many threads as jobs, none left behind, no failing job that takes a thread along."""

import threading

import pytest

from delivery.engine import crew as limits
from delivery.engine.crew import Crew
from tests import services


def crew_threads(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


def do_and_wait(crew: Crew) -> int | None:
    done = threading.Event()
    ids: list[int | None] = []

    def job() -> None:
        ids.append(threading.get_ident())
        done.set()

    crew.do(job)
    assert done.wait(services.AT_ONCE)
    return ids[0]


def test_jobs_that_overlap_each_get_a_thread() -> None:
    crew, together = Crew("overlapping"), threading.Barrier(4)
    for _ in range(3):
        crew.do(together.wait)
    together.wait(services.AT_ONCE)
    assert crew.dismiss(services.AT_ONCE) is True
    assert crew_threads("overlapping") == []


def test_a_thread_that_is_idle_gets_the_next_job() -> None:
    crew = Crew("following")
    first = do_and_wait(crew)
    services.wait_until(lambda: crew._idle == 1)
    assert do_and_wait(crew) == first
    assert crew.dismiss(services.AT_ONCE) is True


def test_an_idle_thread_ends_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "IDLE_TIME", 0.05)
    crew = Crew("idle")
    do_and_wait(crew)
    services.wait_until(lambda: crew_threads("idle") == [])
    do_and_wait(crew)
    assert crew.dismiss(services.AT_ONCE) is True


def test_a_job_that_fails_leaves_its_thread_for_the_next(caplog: pytest.LogCaptureFixture) -> None:
    crew = Crew("failing")

    def fail() -> None:
        raise RuntimeError

    crew.do(fail)
    services.wait_until(lambda: crew._idle == 1)
    do_and_wait(crew)
    assert crew.dismiss(services.AT_ONCE) is True
    assert [record.message for record in caplog.records] == ["a job failed"]


def test_a_crew_is_not_dismissed_before_its_jobs_end() -> None:
    crew, go_on = Crew("busy"), threading.Event()
    crew.do(lambda: go_on.wait(services.AT_ONCE))
    assert crew.dismiss(0.05) is False
    go_on.set()
    assert crew.dismiss(services.AT_ONCE) is True
