"""The Celery application: workers and the scheduler start from here."""

import os
import threading
import warnings
from typing import Any

from celery import Celery
from celery.exceptions import SecurityWarning
from celery.signals import setup_logging, worker_shutting_down
from django.conf import settings

from mailbox_admin import file_broker  # noqa: F401  # registers files:// with kombu
from mailbox_admin.worker_step import MailStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailbox_admin.settings")

# It warns root of pickled messages; we take JSON only.
warnings.filterwarnings("ignore", category=SecurityWarning)

app = Celery("mailbox_admin")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(MailStep)


@setup_logging.connect
def keep_logging_of_django(**_: Any) -> None:
    """Take Celery's own set-up of logging away: the settings' LOGGING holds in every process."""


@worker_shutting_down.connect
def leave_in_time(**_: Any) -> None:
    """Let the worker finish what it does, but not for ever: a mail server may take ten minutes to answer.

    Leaving in the midst of a mail is safe: its lease ends by itself, and the sweep takes it back.
    """
    timer = threading.Timer(settings.WORKER_STOP_SECONDS, os._exit, [1])
    timer.daemon = True
    timer.start()
