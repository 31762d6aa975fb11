"""Registration of the project package with Django."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class MailboxAdminConfig(AppConfig):
    """What stands around the rooms: navigation, sign-in, roles, commands."""

    name = "mailbox_admin"
    verbose_name = _("Mailbox")

    def ready(self) -> None:
        """Keep the roles up to date, and register the system checks."""
        from mailbox_admin import checks  # noqa: F401, PLC0415  # needs the models too
        from mailbox_admin.roles import ROOMS, update_roles  # noqa: PLC0415  # needs the models, which load later

        # For each room: its permissions exist only after its own signal.
        for room in ROOMS:
            post_migrate.connect(update_roles, sender=apps.get_app_config(room), dispatch_uid=f"update_roles_{room}")
