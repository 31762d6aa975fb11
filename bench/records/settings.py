"""The product's settings, with Django's stock admin beside it for comparison."""

from mailbox_admin.settings import *  # noqa: F403
from mailbox_admin.settings import INSTALLED_APPS as _APPS

INSTALLED_APPS = [*_APPS, *(app for app in ("django.contrib.admin", "django.contrib.messages") if app not in _APPS)]
ROOT_URLCONF = "bench.records.urls"
ALLOWED_HOSTS = ["testserver"]
SILENCED_SYSTEM_CHECKS = ["mailbox.E001", "mailbox.E002", "mailbox.E003", "mailbox.E004", "admin.E404", "admin.E409"]
