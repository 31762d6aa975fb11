"""Registration of the senders room with Django."""

from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _

from senders.checks import check_keys, check_secrets


class SendersConfig(AppConfig):
    """Sender accounts, the system default, secrets, presets and provider guides."""

    name = "senders"
    verbose_name = _("Sender accounts")

    def ready(self) -> None:
        """Let every start say what is wrong with the keys."""
        checks.register(check_keys, checks.Tags.security)
        checks.register(check_secrets, checks.Tags.database)
