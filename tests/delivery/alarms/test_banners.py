"""What the pages of the module say at their top while something is wrong."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation
from pytest_django.fixtures import Settings

from delivery.alarms.wording import tell
from records.alarms.enums import AlarmKind
from records.alarms.models import Alarm
from records.clock import database_now
from records.models import Heartbeat
from senders.enums import CircuitState
from senders.models import Circuit
from tests.delivery.alarms.scenes import look, look_twice, make_sender, make_waiting, open_circuit
from tests.people import client_of, make_person

pytestmark = pytest.mark.django_db
RECORDS = "/system/setting/mailbox/records/"
ALARMS = "/system/setting/mailbox/alarms/"
SENTENCE = "The mail server refuses the sign-in of reports@example.com."


def client_with(*permissions: str) -> Client:
    return client_of(make_person("records.view_sendingrecord", *permissions))


def test_an_alarm_is_on_every_page_until_it_is_cleared() -> None:
    client = client_with("records.view_alarm")
    assert 'aria-label="Alarms"' not in client.get(RECORDS).content.decode()
    open_circuit(make_sender(), CircuitState.REFUSED)
    look()
    assert SENTENCE in client.get(RECORDS).content.decode()
    assert SENTENCE in client.get("/password/").content.decode()
    Circuit.objects.update(state=CircuitState.CLOSED)
    look_twice()
    assert SENTENCE not in client.get(RECORDS).content.decode()


def test_it_is_for_those_with_the_permission() -> None:
    open_circuit(make_sender(), CircuitState.REFUSED)
    look()
    assert SENTENCE not in client_with().get(RECORDS).content.decode()


def test_the_page_of_alarms_does_not_say_it_twice() -> None:
    open_circuit(make_sender(), CircuitState.REFUSED)
    look()
    assert client_with("records.view_alarm").get(ALARMS).content.decode().count(SENTENCE) == 1


def test_many_alarms_are_a_few_and_a_number() -> None:
    for number in range(5):
        open_circuit(make_sender(f"sender{number}@example.com"), CircuitState.REFUSED)
    look()
    text = client_with("records.view_alarm").get(RECORDS).content.decode()
    assert text.count("The mail server refuses the sign-in of") == 2
    assert "3 more alarms" in text


def test_mail_that_is_not_configured_has_its_banner_already() -> None:
    Alarm.objects.create(kind="not_configured", raised_at=database_now(), amount=1)
    text = client_with("records.view_alarm").get(RECORDS).content.decode()
    assert "Mail is not configured." in text
    assert "Mail was refused" not in text


@pytest.mark.parametrize(("seconds", "is_told"), [(30, False), (120, True)])
def test_a_worker_that_is_silent_is_told_by_the_pages(seconds: int, is_told: bool) -> None:
    Heartbeat.objects.create(name="worker", seen_at=database_now() - timedelta(seconds=seconds))
    text = client_with("records.view_alarm").get(ALARMS).content.decode()
    assert ("No worker is at work." in text) is is_told


def test_workers_that_sweep_rarely_are_not_silent(settings: Settings) -> None:
    settings.SWEEP_SECONDS = 60.0
    Heartbeat.objects.create(name="worker", seen_at=database_now() - timedelta(seconds=120))
    assert "No worker is at work." not in client_with("records.view_alarm").get(ALARMS).content.decode()


def test_a_fresh_installation_has_no_silent_worker() -> None:
    assert "No worker is at work." not in client_with("records.view_alarm").get(ALARMS).content.decode()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("kind", AlarmKind.values)
@pytest.mark.parametrize("amount", [None, 1, 2])
def test_every_kind_has_its_words_in_both_languages(kind: str, language: str, amount: int | None) -> None:
    sender = make_sender()
    alarm = Alarm(
        pk=1, kind=kind, sender=sender, sender_address="100%s@example.com", amount=amount, bound=7,
        began_at=database_now(), raised_at=database_now(),
    )  # fmt: skip
    with translation.override("en"):
        english = tell(alarm)
    with translation.override(language):
        words = tell(alarm)
        assert words.headline
        assert words.advice
        assert words.way is not None
    assert (words.headline == english.headline) is (language == "en")
    assert (words.advice == english.advice) is (language == "en")
    assert (words.details == english.details) is (language == "en")


def test_an_alarm_of_a_deleted_account_leads_nowhere() -> None:
    words = tell(Alarm(kind="unreachable", sender=None, sender_address="gone@example.com", raised_at=database_now()))
    assert words.way is None
    assert words.headline == "The mail server of gone@example.com can't be reached."


def test_each_alarm_leads_to_where_something_can_be_done() -> None:
    sender = make_sender()
    queue, account = reverse("delivery:queue"), reverse("senders:edit", args=[sender.pk])
    ways = {kind: tell(Alarm(kind=kind, sender=sender, raised_at=database_now())).way for kind in AlarmKind.values}
    assert {kind: way.url for kind, way in ways.items() if way} == {
        "sign_in_refused": account,
        "password_unreadable": f"{account}#id_password",
        "unreachable": account,
        "not_configured": f"{reverse('senders:list')}#default-sender",
        "queue_old": queue,
        "quota_exhausted": account,
        "quota_near": account,
        "held": f"{reverse('delivery:queue_mails')}?group=held&sender={sender.pk}",
        "certificate_expires": account,
    }


def test_the_way_to_held_mail_shows_it() -> None:
    sender = make_sender()
    mail = make_waiting(sender, state="uncertain", finished_at=database_now(), subject="Held one")
    look()
    way = tell(Alarm.objects.get()).way
    assert way is not None
    answer = client_with("records.view_content").get(way.url)
    assert f"/mails/{mail.pk}/" in answer.content.decode()
