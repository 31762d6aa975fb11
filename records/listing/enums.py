"""The closed sets of values of the record list's look. Stored values never change."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Density(models.TextChoices):
    """How much room each record takes."""

    COMFORTABLE = "comfortable", _("Comfortable")
    """Room to read."""
    COMPACT = "compact", _("Compact")
    """As many records on the screen as can be read."""
