"""What may go wrong among lines that share a thread, and may cost neither the others nor any mail."""

import socketserver
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from delivery.engine import claim, flow, shared, supply
from delivery.engine import dispatcher as rules
from delivery.engine.clerk import FEW, MOST, Clerk
from delivery.engine.dispatcher import Dispatcher
from delivery.engine.drain import drain
from delivery.engine.held_slots import HeldSlots
from delivery.engine.pace import Pace
from delivery.engine.shared import Shared
from delivery.smtp.hub import Hub, elsewhere
from records.enums import Priority
from records.models import Mail, SendingRecord
from senders.models import Circuit, Sender
from tests import services, smtpd
from tests.delivery.engine.scenes import accept, fresh, make_sender, outcomes
from tests.delivery.engine.test_flow import accept_many, counted

pytestmark = pytest.mark.django_db(transaction=True)

Answer = Callable[[int, str], str | None]


class _Connection(socketserver.StreamRequestHandler):
    server: "PatientServer"

    def handle(self) -> None:
        number = next(self.server.numbers)
        with suppress(OSError):
            self._answer(number, "CONNECT", "220 mx.test")
            while line := self.rfile.readline():
                self._obey(number, line[:4].decode().upper())

    def _obey(self, number: int, verb: str) -> None:
        self._answer(number, verb, "354 go on" if verb == "DATA" else "250 ok")
        if verb == "DATA":
            lines = self._read_content()
            subject = next(line for line in lines if line.startswith(b"Subject: "))
            self._answer(number, "DOT", "250 ok", subject.decode().removeprefix("Subject: ").strip())

    def _read_content(self) -> list[bytes]:
        lines: list[bytes] = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                raise OSError
            lines.append(line)
        return lines

    def _answer(self, number: int, verb: str, usual: str, subject: str = "") -> None:
        answer = self.server.answer(number, verb)
        if answer == "":
            raise OSError
        if subject:  # noted before the reply goes out: who has that counts the mail
            self.server.subjects.append(subject)
        self.wfile.write(f"{answer or usual}\r\n".encode())


class PatientServer(socketserver.ThreadingTCPServer):
    """A mail server with a thread per connection, so that a test may keep each waiting for as long as it likes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((smtpd.HOST, 0), _Connection)
        self.numbers = count(1)
        self.subjects: list[str] = []
        self.answer: Answer = lambda _number, _verb: None
        """Asked with the number of the connection and the verb; None: the usual reply; empty: the connection ends."""
        self.release = threading.Event()
        self.hanging = 0

    def hang(self) -> None:
        """Be silent until the test is over."""
        self.hanging += 1
        self.release.wait(60)

    def hang_once_at(self, verb: str, *, after: int = 0) -> None:
        """Be silent at the next command of the kind, once so many mails came."""

        def answer(_number: int, said: str) -> None:
            if said == verb and len(self.subjects) >= after and not self.hanging:
                self.hang()

        self.answer = answer

    def wait_until_one_hangs(self) -> None:
        services.wait_until(lambda: self.hanging > 0)

    def sender(self, **values: Any) -> Sender:
        """Save an account that sends through this server."""
        return make_sender(host=smtpd.HOST, port=self.server_address[1], **values)


@pytest.fixture
def patient() -> Iterator[PatientServer]:
    with PatientServer() as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.05,))
        serving.start()
        yield server
        server.release.set()
        server.shutdown()
        serving.join()


@pytest.fixture
def dispatcher(patient: PatientServer) -> Iterator[Dispatcher]:
    running = Dispatcher(drain, HeldSlots(lambda _sender_id: 0), lambda _sender_id, _hops: None)
    yield running
    patient.release.set()
    running.stop()
    assert running.join(services.AT_ONCE)


@pytest.fixture
def _large_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let groups be large at once."""
    monkeypatch.setattr(Pace, "size", property(lambda _self: 100))


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let urgent mail get a line of its own at once, whatever the others do."""
    monkeypatch.setattr(rules, "CLAIM_TIME", -1.0)


def fits_another_thread() -> bool:
    """Tell whether one more thread may work beside; on SQLite none ever does."""
    extra = Clerk()
    fits = extra.is_worth_it(FEW)
    extra.leave()
    return fits or connection.vendor == "sqlite"


def run_lanes(*jobs: Callable[[], object]) -> Hub:
    """Run jobs as the lanes of one hub, and wait for them."""
    hub = Hub()
    for job in jobs:
        hub.add(job)
    hub.run()
    return hub


def test_a_thread_that_cannot_be_begun_is_begun_by_the_next_wake_up(
    patient: PatientServer, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = patient.sender()
    mail = accept(sender)

    def fail(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched, pytest.raises(RuntimeError):
        patched.setattr(threading.Thread, "start", fail)
        dispatcher.wake(sender.pk)
    dispatcher.wake(sender.pk)
    services.wait_until(lambda: fresh(mail).state == "sent")


@pytest.mark.usefixtures("_large_groups")
def test_a_worker_that_stops_gives_back_what_waits_behind_a_mail_that_hangs(
    patient: PatientServer, dispatcher: Dispatcher
) -> None:
    sender = patient.sender(max_connections=1)
    accept_many(sender, 60)
    patient.hang_once_at("DOT", after=20)
    dispatcher.wake(sender.pk)
    patient.wait_until_one_hangs()
    dispatcher.stop()
    # The one that hangs, and the next, which waits behind it over the same connection.
    services.wait_until(lambda: counted(Mail, "state") == {"sent": 20, "sending": 2, "queued": 38}, what="giving back")
    assert counted(Mail, "attempts") == {1: 22, 0: 38}
    patient.release.set()
    services.wait_until(lambda: counted(Mail, "state") == {"sent": 21, "queued": 39})
    assert counted(SendingRecord, "outcome") == {"accepted": 21}


@pytest.mark.usefixtures("_large_groups", "_impatient")
def test_urgent_mail_does_not_wait_behind_what_was_claimed_before_the_server_became_slow(
    patient: PatientServer, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "STALE", 0.0)
    sender = patient.sender(max_connections=2)
    accept_many(sender, 60)
    patient.hang_once_at("DOT", after=20)
    dispatcher.wake(sender.pk)
    patient.wait_until_one_hangs()
    accept(sender, subject="Your code", priority=Priority.HIGH)
    dispatcher.wake(sender.pk, is_urgent=True)
    services.wait_until(lambda: len(patient.subjects) == 59)  # two are with the line that hangs
    assert patient.subjects.index("Your code") == 20
    patient.release.set()
    services.wait_until(lambda: counted(Mail, "state") == {"sent": 61})
    assert set(Counter(patient.subjects).values()) == {1}


@pytest.mark.usefixtures("_impatient")
def test_a_line_that_joins_one_whose_turn_is_over_takes_a_turn_of_its_own(
    patient: PatientServer, dispatcher: Dispatcher, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "STALE", 100.0)
    sender = patient.sender(max_connections=2)
    accept(sender)
    patient.hang_once_at("DOT")
    settings.MAILBOX_DRAIN_SECONDS = 0.5
    dispatcher.wake(sender.pk)
    patient.wait_until_one_hangs()
    over = time.monotonic() + 0.5
    services.wait_until(lambda: time.monotonic() > over)
    settings.MAILBOX_DRAIN_SECONDS = 30.0
    mail = accept(sender)
    dispatcher.wake(sender.pk, is_urgent=True)
    services.wait_until(lambda: fresh(mail).state == "sent")


def test_groups_that_are_settled_are_forgotten_though_one_before_them_is_not(
    patient: PatientServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pace, "size", property(lambda _self: 10))
    sender = patient.sender()
    accept_many(sender, 200)
    kept: list[int] = []

    def answer(number: int, verb: str) -> None:
        if verb == "DOT" and number == 1 and not patient.hanging:
            patient.hang()

    patient.answer = answer

    def look_and_release() -> None:
        services.wait_until(lambda: len(patient.subjects) == 198)  # two are with the line that hangs
        [common] = [found for found in hub.shelf.values() if isinstance(found, Shared)]
        kept.append(len(common.supply.groups))
        patient.release.set()

    hub = Hub()
    hub.add(partial(drain, sender.pk))
    hub.add(partial(drain, sender.pk))
    hub.add(partial(elsewhere, look_and_release))
    hub.run()
    assert counted(Mail, "state") == {"sent": 200}
    assert kept[0] <= 3


def test_a_connection_that_is_refused_amid_its_first_mail_parks_nothing_while_another_works(
    patient: PatientServer,
) -> None:
    sender = patient.sender()
    accept_many(sender, 30)
    is_refused = threading.Event()

    def answer(number: int, verb: str) -> str | None:
        if verb == "MAIL" and number == 2:
            services.wait_until(lambda: len(patient.subjects) >= 5)
            is_refused.set()
            return "421 4.3.2 not now"
        if verb == "DOT" and len(patient.subjects) >= 10:
            is_refused.wait(30)
        return None

    patient.answer = answer
    run_lanes(partial(drain, sender.pk), partial(drain, sender.pk))
    assert (is_refused.is_set(), Circuit.objects.count()) == (True, 0)
    assert (counted(Mail, "state"), counted(SendingRecord, "outcome")) == ({"sent": 30}, {"accepted": 30})


def test_a_connection_that_fails_late_parks_nothing_while_the_others_began_another_turn(
    patient: PatientServer, settings: Settings
) -> None:
    settings.MAILBOX_DRAIN_SECONDS = 0.2
    sender = patient.sender(timeout=60)
    accept_many(sender, 400)
    is_begun, is_joined, is_late = threading.Event(), threading.Event(), threading.Event()

    def answer(number: int, verb: str) -> str | None:
        if number == 2:
            is_joined.set()
            is_late.wait(30)
            return ""
        is_begun.set()
        if verb == "DOT" and not is_late.is_set():
            is_joined.wait(30)
            patient.release.wait(0.01)
        return None

    patient.answer = answer

    def drain_again_and_again() -> None:
        for _ in range(3):
            drain(sender.pk)
        elsewhere(is_late.set)
        drain(sender.pk)

    def fail_late() -> None:
        elsewhere(partial(is_begun.wait, 30))
        drain(sender.pk)

    run_lanes(drain_again_and_again, fail_late)
    assert Circuit.objects.count() == 0


def test_whatever_goes_wrong_with_a_claim_made_beside_its_threads_end(
    patient: PatientServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pace, "size", property(lambda _self: 10))
    sender = patient.sender()
    accept_many(sender, 100)
    seen = claim.claim_allowed
    goes_wrong = False

    def claim_or_fail(account: Sender, size: int) -> Any:
        if goes_wrong and threading.current_thread().name.startswith("clerk"):
            raise LookupError
        return seen(account, size)

    monkeypatch.setattr(supply, "claim_allowed", claim_or_fail)
    drain(sender.pk, is_stopping=lambda: len(patient.subjects) >= 5)
    goes_wrong = True
    for _turn in range(MOST):
        sent = len(patient.subjects)
        with suppress(LookupError):
            drain(sender.pk, is_stopping=lambda sent=sent: len(patient.subjects) > sent)  # type: ignore[misc]
    assert counted(Mail, "state") == {"sent": MOST + 5, "queued": 100 - MOST - 5}
    assert fits_another_thread()


def test_a_mail_whose_reply_cannot_be_judged_is_unknown_and_not_taken_for_unsent(
    patient: PatientServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = accept(patient.sender())

    def fail(*_arguments: Any, **_more: Any) -> Any:
        raise LookupError

    monkeypatch.setattr(flow, "judge", fail)
    assert mail.sender_id is not None
    with pytest.raises(LookupError):
        drain(mail.sender_id)
    assert (outcomes(mail), patient.subjects) == (["unknown"], ["Nightly load"])
