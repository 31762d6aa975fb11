"""Registration of the project package with Django."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class MailboxAdminConfig(AppConfig):
    """What stands around the rooms: navigation, sign-in, roles, commands."""

    name = "mailbox_admin"
    verbose_name = _("Mailbox")

    def ready(self) -> None:
        """Keep the roles up to date, and register the system checks."""
        from mailbox_admin import checks  # noqa: F401, PLC0415  # needs the models too
        from mailbox_admin.roles import update_roles  # noqa: PLC0415  # needs the models, which load later

        # For every app: the permissions of the last one exist only after its own signal.
        post_migrate.connect(update_roles, dispatch_uid="update_roles")
