"""The dialogues of tries that failed: one per mail and try, whatever the number of receivers."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class Dialogue(models.Model):
    """What was said in a try that failed. Never a secret, never content: `delivery.smtp.transcript` sees to it."""

    mail = models.ForeignKey("records.Mail", on_delete=models.CASCADE, related_name="dialogues", db_index=False)
    epoch = models.PositiveIntegerField(help_text=_("The claim that the try belongs to"))
    lines: "models.JSONField[Any, Any]" = models.JSONField(help_text=_("Pairs of the kind of a line and its text"))

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["mail", "epoch"], name="one_dialogue_per_try")]

    def __str__(self) -> str:
        """Name the try."""
        return f"dialogue of mail {self.mail_id}, try {self.epoch}"
