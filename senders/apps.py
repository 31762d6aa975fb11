"""Registration of the senders room with Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SendersConfig(AppConfig):
    """Sender accounts, the system default, secrets, presets and provider guides."""

    name = "senders"
    verbose_name = _("Sender accounts")
