"""Registration of the delivery room with Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DeliveryConfig(AppConfig):
    """The engine: compose, speak SMTP, claim, deliver, retry, diagnose. It owns no tables."""

    name = "delivery"
    verbose_name = _("Delivery")

    def ready(self) -> None:
        """Register the system checks, and the sealed mails with the keys."""
        from delivery import checks  # noqa: F401, PLC0415  # needs the models, which load later
        from delivery.masking.vault import ROWS  # noqa: PLC0415  # as well
        from senders.sealing import registered  # noqa: PLC0415  # as well

        if ROWS not in registered:
            registered.append(ROWS)
