"""Registration of the project package with Django."""

from typing import Any

from django.apps import AppConfig, apps
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class MailboxAdminConfig(AppConfig):
    """What stands around the rooms: navigation, sign-in, roles, commands."""

    name = "mailbox_admin"
    verbose_name = _("Mailbox")

    def ready(self) -> None:
        """Keep the roles up to date, register the system checks, and settle how connections read times."""
        from mailbox_admin import checks  # noqa: F401, PLC0415  # needs the models too
        from mailbox_admin.roles import ROOMS, update_roles  # noqa: PLC0415  # needs the models, which load later

        # For each room: its permissions exist only after its own signal.
        for room in ROOMS:
            post_migrate.connect(update_roles, sender=apps.get_app_config(room), dispatch_uid=f"update_roles_{room}")
        connection_created.connect(_settle_connection)


def _settle_connection(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if connection.vendor == "postgresql":
        from mailbox_admin.postgres_times import use_quick_times  # noqa: PLC0415  # nothing of it where SQLite is used

        use_quick_times(connection.connection)
