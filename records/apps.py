"""Registration of the records room with Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RecordsConfig(AppConfig):
    """What was asked to be sent, and every try at sending it."""

    name = "records"
    verbose_name = _("Mail sending record")
