"""Lanes of one thread: each waits for its own socket, and nobody waits for another's."""

import asyncio
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import pairwise
from pathlib import Path

import pytest
from django.db import connection

from delivery.smtp.hub import TICK, Hub, await_ready, current_hub, elsewhere
from tests.services import AT_ONCE, wait_until

SOON = AT_ONCE
"""Much longer than anything here takes, seconds."""

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pairs() -> Iterator[list[Pair]]:
    """Give connected sockets: our end and the peer's."""
    made = [socket.socketpair() for _ in range(3)]
    yield made
    for ours, theirs in made:
        ours.close()
        theirs.close()


def end_in(seconds: float = SOON) -> float:
    return time.monotonic() + seconds


def read(ours: socket.socket, end: float) -> bytes:
    """Wait as a lane does, and read."""
    await_ready(ours.fileno(), select.POLLIN, end)
    return ours.recv(100)


def open_files() -> list[str]:
    """List the file descriptors of this process."""
    return sorted(entry.name for entry in Path("/proc/self/fd").iterdir())


def run(*jobs: Callable[[], object]) -> Hub:
    """Have a hub do jobs in this thread."""
    hub = Hub()
    for job in jobs:
        assert hub.add(job)
    hub.run()
    return hub


@contextmanager
def running(hub: Hub) -> Iterator[threading.Thread]:
    """Run a hub in a thread of its own, which has ended when the block does."""
    thread = threading.Thread(target=hub.run)
    thread.start()
    yield thread
    thread.join(SOON)
    assert not thread.is_alive()


def test_a_lane_that_waits_lets_the_others_go_on(pairs: list[Pair]) -> None:
    (ours, theirs), (other_ours, other_theirs), _ = pairs
    heard: list[bytes] = []

    def first() -> None:
        heard.append(read(ours, end_in()))
        other_theirs.send(b"second")

    def second() -> None:
        theirs.send(b"first")
        heard.append(read(other_ours, end_in()))

    run(first, second)
    assert heard == [b"first", b"second"]


def test_all_lanes_run_in_the_thread_of_the_hub(pairs: list[Pair]) -> None:
    threads: set[int] = set()

    def work(pair: Pair) -> None:
        threads.add(threading.get_ident())
        pair[1].send(b"!")
        read(pair[0], end_in())
        threads.add(threading.get_ident())

    run(lambda: work(pairs[0]), lambda: work(pairs[1]))
    assert threads == {threading.get_ident()}


def test_what_a_thread_keeps_for_itself_is_the_same_to_all_lanes(pairs: list[Pair]) -> None:
    kept: ContextVar[list[str]] = ContextVar("kept")
    kept.set(["thread"])
    seen: list[list[str]] = []

    def change() -> None:
        kept.set(["lane"])
        read(pairs[0][0], end_in())
        seen.append(kept.get())

    def look() -> None:
        seen.append(kept.get())
        pairs[0][1].send(b"!")

    run(change, look)
    assert [*seen, kept.get()] == [["lane"], ["lane"], ["lane"]]


@pytest.mark.django_db
def test_lanes_of_a_thread_with_an_event_loop_share_its_database_connection() -> None:
    handles: list[int] = []

    def note() -> None:
        connection.ensure_connection()
        handles.append(id(connection.connection))

    async def run_lanes() -> None:
        run(note, note)
        note()
        connection.close()

    # Where a loop runs, Django keeps a connection in the context, and else in the thread.
    asyncio.run(run_lanes())
    assert (len(handles), len(set(handles))) == (3, 1)


def test_a_lane_may_wait_until_it_can_send(pairs: list[Pair]) -> None:
    (ours, theirs), *_ = pairs
    ours.setblocking(False)
    events: list[str] = []

    def fill() -> None:
        with pytest.raises(BlockingIOError):
            while ours.send(b"x" * 65_536):
                pass
        await_ready(ours.fileno(), select.POLLOUT, end_in())
        events.append("there is room")

    def make_room() -> None:
        events.append("room is made")
        theirs.setblocking(False)
        with pytest.raises(BlockingIOError):
            while theirs.recv(1_000_000):
                pass

    run(fill, make_room)
    assert events == ["room is made", "there is room"]


def test_a_peer_that_leaves_ends_the_wait(pairs: list[Pair]) -> None:
    (ours, theirs), *_ = pairs
    heard: list[bytes] = []
    run(lambda: heard.append(read(ours, end_in())), theirs.close)
    assert heard == [b""]


def test_a_wait_is_over_at_its_end_and_not_before_though_another_lane_is_busy(pairs: list[Pair]) -> None:
    (ours, _), (busy, busy_peer), _ = pairs
    took: list[float] = []
    began = time.monotonic()

    def wait_in_vain() -> None:
        with pytest.raises(TimeoutError):
            read(ours, began + 0.2)
        took.append(time.monotonic() - began)

    def work() -> None:
        while not took:
            busy_peer.send(b"!")
            read(busy, end_in())

    run(wait_in_vain, work)
    assert 0.2 <= took[0] < AT_ONCE


def test_what_came_in_time_is_heard_though_another_lane_worked_beyond_the_end(pairs: list[Pair]) -> None:
    (ours, theirs), (busy, busy_peer), _ = pairs
    heard: list[bytes] = []
    end = end_in(0.5)  # both wait by then

    def work() -> None:
        busy_peer.send(b"!")
        read(busy, end_in())
        theirs.send(b"in time")
        wait_until(lambda: time.monotonic() > end)

    run(lambda: heard.append(read(ours, end)), work)
    assert heard == [b"in time"]


def test_waits_end_in_the_order_of_their_ends(pairs: list[Pair]) -> None:
    over: list[int] = []
    began = end_in(0.5)  # all wait by then

    def wait(number: int, seconds: float) -> None:
        with pytest.raises(TimeoutError):
            read(pairs[number][0], began + seconds)
        over.append(number)

    run(lambda: wait(0, 0.3), lambda: wait(1, 0.1), lambda: wait(2, 0.2))
    assert over == [1, 2, 0]


def test_a_time_that_is_over_already_lets_nobody_wait(pairs: list[Pair]) -> None:
    failures: list[type[Exception]] = []

    def wait() -> None:
        try:
            read(pairs[0][0], end_in(-1))
        except TimeoutError as error:
            failures.append(type(error))

    run(wait)
    assert failures == [TimeoutError]


def test_after_a_wait_in_vain_a_lane_may_wait_for_the_same_socket_again(pairs: list[Pair]) -> None:
    (ours, theirs), *_ = pairs
    heard: list[bytes] = []

    def wait() -> None:
        with pytest.raises(TimeoutError):
            read(ours, end_in(0.05))
        theirs.send(b"late")
        heard.append(read(ours, end_in()))

    run(wait)
    assert heard == [b"late"]


def test_a_new_socket_with_the_number_of_a_closed_one_is_waited_for_anew(pairs: list[Pair]) -> None:
    (ours, theirs), *_ = pairs
    heard: list[object] = []

    def reconnect() -> None:
        old, peer = socket.socketpair()
        number = old.fileno()
        peer.send(b"old")
        heard.append(read(old, end_in()))
        old.close()
        peer.close()
        new, peer = socket.socketpair()
        heard.append(new.fileno() == number)
        theirs.send(b"other")
        peer.send(b"new")
        heard.append(read(new, end_in()))
        new.close()
        peer.close()

    run(reconnect, lambda: heard.append(read(ours, end_in())))
    assert sorted(map(str, heard)) == sorted(map(str, [b"old", True, b"new", b"other"]))


def test_two_lanes_can_not_wait_for_one_socket_since_one_of_them_would_for_ever(
    pairs: list[Pair], caplog: pytest.LogCaptureFixture
) -> None:
    (ours, theirs), *_ = pairs
    heard: list[bytes] = []
    wait = lambda: heard.append(read(ours, end_in()))  # noqa: E731
    run(wait, wait, lambda: theirs.send(b"for the first"))
    assert heard == [b"for the first"]
    assert [record.message for record in caplog.records] == ["a lane failed"]


def test_a_job_that_another_thread_adds_is_begun_while_all_lanes_wait(pairs: list[Pair]) -> None:
    (ours, theirs), *_ = pairs
    heard: list[bytes] = []
    waiting = threading.Event()
    hub = Hub()

    def wait() -> None:
        waiting.set()
        heard.append(read(ours, end_in()))

    hub.add(wait)
    with running(hub):
        assert waiting.wait(SOON)
        assert hub.add(lambda: theirs.send(b"from the late one"))
    assert heard == [b"from the late one"]


def test_a_job_may_add_another() -> None:
    done: list[int] = []
    hub = Hub()

    def begin() -> None:
        done.append(1)
        hub.add(lambda: done.append(2))

    hub.add(begin)
    hub.run()
    assert done == [1, 2]


def test_jobs_that_follow_each_other_without_end_do_not_keep_a_lane_waiting(pairs: list[Pair]) -> None:
    (ours, theirs), *_ = pairs
    heard: list[bytes] = []
    hub = Hub()
    theirs.send(b"at once")

    def follow() -> None:
        if not heard:
            hub.add(follow)

    hub.add(lambda: heard.append(read(ours, end_in())))
    hub.add(follow)
    hub.run()
    assert heard == [b"at once"]


def test_thousands_of_jobs_are_added_before_the_hub_hears_of_the_first() -> None:
    done: list[int] = []
    hub = Hub()
    for number in range(3_000):
        hub.add(lambda number=number: done.append(number))  # type: ignore[misc]
    hub.run()
    assert done == list(range(3_000))


def test_a_job_can_not_be_added_when_the_last_lane_has_ended() -> None:
    hub = run(lambda: None)
    assert hub.add(lambda: None) is False


def test_every_job_is_either_done_or_refused_however_close_to_the_end_it_comes() -> None:
    for _ in range(200):
        hub, done = Hub(), list[bool]()
        hub.add(lambda: None)
        with running(hub):
            is_taken = hub.add(lambda done=done: done.append(True))  # type: ignore[misc]
        assert bool(done) is is_taken


def test_work_elsewhere_returns_its_result_and_lets_the_others_go_on() -> None:
    is_done = threading.Event()
    results: list[object] = []

    def ask() -> None:
        results.append(elsewhere(lambda: (is_done.wait(SOON), threading.get_ident() != threading.main_thread().ident)))

    run(ask, is_done.set)
    assert results == [(True, True)]


def test_what_work_elsewhere_raises_is_raised_in_the_lane_and_leaves_the_others_alone() -> None:
    events: list[str] = []

    def fail() -> None:
        raise OSError("no route")

    def ask() -> None:
        with pytest.raises(OSError, match="no route"):
            elsewhere(fail)
        events.append("raised")

    run(ask, lambda: events.append("the other went on"))
    assert sorted(events) == ["raised", "the other went on"]


def test_several_lanes_have_work_done_elsewhere_at_the_same_time() -> None:
    all_are_there = threading.Barrier(3, timeout=SOON)
    results: list[int] = []
    run(*[lambda: results.append(elsewhere(all_are_there.wait))] * 3)
    assert sorted(results) == [0, 1, 2]


def test_outside_a_hub_work_elsewhere_is_done_here() -> None:
    assert elsewhere(threading.get_ident) == threading.get_ident()


def test_outside_a_hub_a_wait_is_an_ordinary_one(pairs: list[Pair]) -> None:
    (ours, theirs), *_ = pairs
    theirs.send(b"!")
    assert read(ours, end_in()) == b"!"
    with pytest.raises(TimeoutError):
        read(ours, end_in(0.05))


def test_a_lane_knows_its_hub_and_nobody_else_has_one() -> None:
    hubs: list[Hub | None] = []
    hub = run(lambda: hubs.append(current_hub()), lambda: hubs.append(elsewhere(current_hub)))
    assert (hubs, current_hub()) == ([hub, None], None)


def test_what_is_to_be_done_now_and_then_is_done_though_all_lanes_wait(pairs: list[Pair]) -> None:
    (ours, theirs), *_ = pairs
    hub = Hub()
    ticked: list[float] = []

    def tick() -> None:
        ticked.append(time.monotonic())
        if len(ticked) == 3:
            theirs.send(b"enough")

    def wait() -> None:
        hub.ticks.append(tick)
        read(ours, end_in())
        hub.ticks.remove(tick)

    hub.add(wait)
    hub.run()
    assert len(ticked) == 3
    assert all(later - earlier >= TICK for earlier, later in pairwise(ticked))


def test_what_fails_now_and_then_does_not_end_the_lanes(pairs: list[Pair], caplog: pytest.LogCaptureFixture) -> None:
    (ours, theirs), *_ = pairs
    heard: list[bytes] = []
    hub = Hub()

    def fail() -> None:
        theirs.send(b"still here")
        raise RuntimeError("amid a tick")

    hub.ticks.append(fail)
    hub.add(lambda: heard.append(read(ours, end_in())))
    hub.run()
    assert heard == [b"still here"]
    assert [record.message for record in caplog.records] == ["what a hub does now and then failed"]


@pytest.mark.parametrize("waits_before", [False, True])
def test_a_lane_that_fails_does_not_take_the_others_with_it(
    pairs: list[Pair], caplog: pytest.LogCaptureFixture, *, waits_before: bool
) -> None:
    (ours, theirs), (failing_ours, failing_theirs), _ = pairs
    heard: list[bytes] = []

    def fail() -> None:
        if waits_before:
            failing_theirs.send(b"!")
            read(failing_ours, end_in())
        theirs.send(b"go on")
        raise RuntimeError("amid a lane")

    hub = run(fail, lambda: heard.append(read(ours, end_in())))
    assert heard == [b"go on"]
    assert [record.message for record in caplog.records] == ["a lane failed"]
    assert hub.add(lambda: None) is False


def test_neither_sockets_nor_threads_are_left(pairs: list[Pair]) -> None:
    (ours, theirs), *_ = pairs

    def work() -> None:
        elsewhere(lambda: theirs.send(b"!"))
        read(ours, end_in())

    before = open_files(), threading.active_count()
    for _ in range(5):
        run(work)
    assert (open_files(), threading.active_count()) == before
