"""What nobody needs any more goes by itself: sessions that are over, and old sign-ins."""

from datetime import timedelta

import pytest
from axes.models import AccessLog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from delivery.alarms.pruning import KEEP_ALARMS_DAYS
from mailbox_admin.celery import app
from mailbox_admin.tasks import KEEP_SIGN_INS_DAYS, tidy
from records.alarms.models import Alarm, WebhookCall
from records.models import Body
from tests.records.rows import make_mail

pytestmark = pytest.mark.django_db(transaction=True)


def signed_in(username: str, **ago: float) -> None:
    log = AccessLog.objects.create(username=username)
    AccessLog.objects.filter(pk=log.pk).update(attempt_time=timezone.now() - timedelta(**ago))


def test_sessions_that_are_over_are_dropped_and_the_others_stay() -> None:
    now = timezone.now()
    Session.objects.create(session_key="over", session_data="", expire_date=now - timedelta(minutes=1))
    Session.objects.create(session_key="present", session_data="", expire_date=now + timedelta(minutes=1))
    tidy()
    assert [session.session_key for session in Session.objects.all()] == ["present"]


def test_old_sign_ins_are_forgotten_and_the_others_stay() -> None:
    signed_in("ann", days=KEEP_SIGN_INS_DAYS + 1)
    signed_in("bob", days=KEEP_SIGN_INS_DAYS - 1)
    tidy()
    assert [log.username for log in AccessLog.objects.all()] == ["bob"]


def make_alarm(scope: int, *, cleared_days_ago: int | None) -> None:
    now = timezone.now()
    cleared = None if cleared_days_ago is None else now - timedelta(days=cleared_days_ago)
    alarm = Alarm.objects.create(kind="held", scope=scope, raised_at=now - timedelta(days=365), cleared_at=cleared)
    WebhookCall.objects.create(alarm=alarm, event="raised", created_at=now, due_at=now, body="{}")


def test_alarms_that_were_over_long_ago_are_forgotten_with_their_calls_and_open_ones_never() -> None:
    make_alarm(1, cleared_days_ago=KEEP_ALARMS_DAYS + 1)
    make_alarm(2, cleared_days_ago=KEEP_ALARMS_DAYS - 1)
    make_alarm(3, cleared_days_ago=None)
    tidy()
    assert sorted(Alarm.objects.values_list("scope", flat=True)) == [2, 3]
    assert WebhookCall.objects.count() == 2


def test_the_bodies_of_deleted_mails_go_and_those_of_others_stay() -> None:
    kept, deleted = (make_mail(mime=text) for text in (b"kept", b"deleted"))
    deleted.delete()
    tidy()
    assert list(Body.objects.values_list("contents", flat=True)) == [kept.pk]


def test_the_scheduler_knows_the_task_and_the_worker_too() -> None:
    assert settings.CELERY_BEAT_SCHEDULE["tidy"]["task"] == tidy.name
    app.loader.import_default_modules()
    assert tidy.name in app.tasks
