"""What raises an alarm, and what does not."""

from datetime import timedelta
from pathlib import Path

import pytest
import trustme
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from delivery.acceptance import accept_mail
from delivery.alarms.checking import check
from delivery.alarms.finding import look_at_everything
from delivery.exceptions import MailNotConfiguredError
from records.alarms.models import Hindrance
from records.clock import database_now
from records.enums import SkipReason
from records.models import DeliveryPause, Heartbeat
from senders.allowances import Window
from senders.enums import CircuitState
from senders.models import Allowance, Circuit, Sender
from senders.services import set_default_sender
from tests.delivery.alarms.scenes import look, make_sender, make_waiting, open_alarms, open_circuit

pytestmark = pytest.mark.django_db
ADDRESS = "reports@example.com"


def use_up(sender: Sender, used: int) -> None:
    now = database_now()
    Allowance.objects.create(sender=sender, day_began=Window.DAY.begin(now), day_used=used)


def test_a_system_without_anything_raises_none() -> None:
    assert look() == []


def test_an_account_that_works_raises_none() -> None:
    make_waiting(make_sender(), due_ago=timedelta(minutes=1))
    assert look() == []


def test_a_refused_sign_in_raises_one_at_once() -> None:
    sender = make_sender()
    open_circuit(sender, CircuitState.REFUSED, ago=timedelta(), phase="auth", fault="reply", cause="sign-in-refused")
    assert look() == [("sign_in_refused", ADDRESS)]


@pytest.mark.parametrize(("minutes", "expected"), [(4, []), (6, [("unreachable", ADDRESS)])])
def test_a_server_that_cannot_be_reached_raises_one_after_some_minutes(
    minutes: int, expected: list[tuple[str, str]]
) -> None:
    open_circuit(make_sender(), CircuitState.OPEN, ago=timedelta(minutes=minutes))
    assert look() == expected


def test_how_many_minutes_is_a_setting(settings: Settings) -> None:
    settings.MAILBOX_ALARM_UNREACHABLE_MINUTES = 30.0
    open_circuit(make_sender(), CircuitState.OPEN, ago=timedelta(minutes=20))
    assert look() == []


def test_a_disabled_account_has_no_faults() -> None:
    open_circuit(make_sender(is_enabled=False), CircuitState.REFUSED)
    assert look() == []


@pytest.mark.usefixtures("own_keys")
def test_a_password_that_cannot_be_read_raises_one_before_any_mail_fails(settings: Settings, tmp_path: Path) -> None:
    sender = make_sender(login_method="address", password="a-password")
    assert look() == []
    settings.DATA_DIR = tmp_path / "elsewhere"
    settings.DATA_DIR.mkdir(mode=0o700)
    make_waiting(sender)
    open_circuit(sender, CircuitState.REFUSED, fault=SkipReason.SECRET_UNREADABLE)
    assert look() == [("password_unreadable", ADDRESS)]


@pytest.mark.parametrize(("minutes", "expected"), [(9, []), (11, [("queue_old", ADDRESS)])])
@pytest.mark.parametrize("priority", [0, 1, 2])
def test_mail_that_is_due_for_long_raises_one(minutes: int, expected: list[tuple[str, str]], priority: int) -> None:
    make_waiting(make_sender(), due_ago=timedelta(minutes=minutes), priority=priority)
    assert look() == expected


def test_mail_that_waits_for_its_next_try_raises_none() -> None:
    make_waiting(
        make_sender(), state="retry", accepted_at=database_now() - timedelta(days=1), due_ago=-timedelta(hours=1)
    )
    assert look() == []


def test_a_pause_of_the_account_is_no_alarm() -> None:
    sender = make_sender()
    make_waiting(sender)
    Sender.objects.update(paused_at=timezone.now())
    assert look() == []


def test_a_pause_of_everything_is_no_alarm() -> None:
    make_waiting(make_sender())
    DeliveryPause.objects.create(paused_at=timezone.now())
    assert look() == []


def test_the_fault_of_an_account_explains_its_queue() -> None:
    sender = make_sender()
    make_waiting(sender)
    open_circuit(sender, CircuitState.OPEN)
    assert look() == [("unreachable", ADDRESS)]


@pytest.mark.parametrize(("minutes", "expected"), [(9, []), (11, [("queue_old", ADDRESS)])])
def test_mail_gets_its_time_when_a_pause_is_over(minutes: int, expected: list[tuple[str, str]]) -> None:
    make_waiting(make_sender())
    Sender.objects.update(paused_at=timezone.now())
    look()
    Sender.objects.update(paused_at=None)
    Hindrance.objects.update(seen_at=F("seen_at") - timedelta(minutes=minutes))
    assert look() == expected


def test_mail_gets_its_time_when_a_server_is_back() -> None:
    circuit = open_circuit(make_sender(), CircuitState.OPEN)
    make_waiting(circuit.sender)
    look()
    Circuit.objects.update(state=CircuitState.CLOSED)
    assert look() == [("unreachable", ADDRESS)]


def test_mail_gets_its_time_when_workers_come_back() -> None:
    make_waiting(make_sender())
    Heartbeat.objects.create(name="alarms", seen_at=database_now() - timedelta(hours=1))
    check()
    Heartbeat.objects.update(seen_at=database_now() - timedelta(seconds=15))
    check()
    assert open_alarms() == []
    Heartbeat.objects.update(seen_at=database_now() - timedelta(seconds=15))
    Hindrance.objects.update(seen_at=F("seen_at") - timedelta(minutes=11))
    check()
    assert open_alarms() == [("queue_old", ADDRESS)]


def test_a_pause_without_mail_is_not_remembered() -> None:
    make_sender(paused_at=timezone.now())
    look()
    assert Hindrance.objects.count() == 0


def test_mail_of_a_disabled_account_waits_for_nothing() -> None:
    make_waiting(make_sender(is_enabled=False))
    assert look() == [("queue_old", ADDRESS)]


def test_a_quota_raises_one_when_most_of_it_is_used() -> None:
    sender = make_sender(per_day=100)
    use_up(sender, 79)
    assert look() == []
    Allowance.objects.update(day_used=80)
    assert look() == [("quota_near", ADDRESS)]


def test_a_quota_that_is_used_up_raises_another_one_and_explains_the_queue() -> None:
    sender = make_sender(per_day=100)
    make_waiting(sender)
    use_up(sender, 100)
    assert look() == [("quota_exhausted", ADDRESS)]


def test_yesterdays_quota_raises_none() -> None:
    sender = make_sender(per_day=100)
    yesterday = Window.DAY.begin(database_now() - timedelta(days=1))
    Allowance.objects.create(sender=sender, day_began=yesterday, day_used=100)
    assert look() == []


def test_a_server_that_said_tomorrow_counts_as_a_quota_used_up() -> None:
    sender = make_sender()
    make_waiting(sender)
    until = database_now() + timedelta(days=1)
    Allowance.objects.create(sender=sender, slow_until=until, hint="550 5.4.5 Daily user sending limit exceeded")
    assert look() == [("quota_exhausted", ADDRESS)]


def test_mail_that_goes_out_slowly_because_of_a_limit_raises_none() -> None:
    sender = make_sender(per_minute=10)
    make_waiting(sender)
    now = database_now()
    Allowance.objects.create(sender=sender, minute_began=Window.MINUTE.begin(now + timedelta(seconds=5)), minute_used=3)
    Allowance.objects.update(minute_began=Window.MINUTE.begin(now))
    assert look() == []


def test_held_mail_raises_one_per_account() -> None:
    first, second = make_sender(), make_sender("alerts@example.com")
    for sender in (first, first, second):
        make_waiting(sender, state="uncertain", finished_at=database_now())
    assert look() == [("held", "alerts@example.com"), ("held", ADDRESS)]


def test_held_mail_of_a_deleted_account_raises_one() -> None:
    sender = make_sender()
    make_waiting(sender, state="uncertain", finished_at=database_now())
    sender.delete()
    assert look() == [("held", "")]


def test_mail_that_was_refused_for_want_of_a_default_sender_raises_one_until_there_is_one() -> None:
    sender = make_sender()
    assert look() == []
    with pytest.raises(MailNotConfiguredError):
        accept_mail(to=("bob@example.org",), subject="Nightly load", text="Done.")
    assert look() == [("not_configured", "")]
    set_default_sender(sender)
    assert look_at_everything(database_now()).troubles == []


@pytest.mark.parametrize(("days", "expected"), [(20, []), (10, [("certificate_expires", ADDRESS)])])
def test_a_trusted_certificate_near_its_end_raises_one(days: int, expected: list[tuple[str, str]]) -> None:
    ends_at = timezone.now() + timedelta(days=days)
    certificate = trustme.CA().issue_cert("mail.example.com", not_after=ends_at)
    make_sender(trusted_certificates=certificate.cert_chain_pems[0].bytes().decode())
    assert look() == expected


def test_the_number_of_queries_depends_on_neither_accounts_nor_mail() -> None:
    make_waiting(make_sender())
    with CaptureQueriesContext(connection) as with_one:
        look_at_everything(database_now())
    for number in range(3):
        sender = make_sender(f"sender{number}@example.com")
        make_waiting(sender)
        make_waiting(sender)
        open_circuit(make_sender(f"parked{number}@example.com"), CircuitState.OPEN)
    with CaptureQueriesContext(connection) as with_many:
        look_at_everything(database_now())
    assert len(with_many) == len(with_one)
