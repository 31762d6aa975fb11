"""Registration of the delivery room with Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DeliveryConfig(AppConfig):
    """The engine: compose, speak SMTP, claim, deliver, retry, diagnose. It owns no tables."""

    name = "delivery"
    verbose_name = _("Delivery")

    def ready(self) -> None:
        """Register the system checks."""
        from delivery import checks  # noqa: F401, PLC0415  # needs the models, which load later
