"""The Celery application: workers and the scheduler start from here."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

from mailbox_admin import file_broker  # noqa: F401  # registers files:// with kombu

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailbox_admin.settings")

app = Celery("mailbox_admin")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_logging_of_django(**_: Any) -> None:
    """Take Celery's own set-up of logging away: the settings' LOGGING holds in every process."""
