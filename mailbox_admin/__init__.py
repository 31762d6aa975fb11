"""The project package: settings, URLs, Celery, navigation, system checks, logging, the one-command runner."""

from mailbox_admin.celery import app as celery_app

__all__ = ["celery_app"]
