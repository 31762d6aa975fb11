"""What nobody needs any more goes by itself: sessions that are over, and old sign-ins."""

from datetime import timedelta

import pytest
from axes.models import AccessLog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from mailbox_admin.celery import app
from mailbox_admin.tasks import KEEP_SIGN_INS_DAYS, tidy

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


def test_the_scheduler_knows_the_task_and_the_worker_too() -> None:
    assert settings.CELERY_BEAT_SCHEDULE["tidy"]["task"] == tidy.name
    app.loader.import_default_modules()
    assert tidy.name in app.tasks
