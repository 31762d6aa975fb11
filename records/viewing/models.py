"""Who looked at the content of which mail: one row per look. Never changed; it goes with its mail."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Part(models.TextChoices):
    """What of a mail somebody looked at."""

    CONTENT = "content", _("Content")
    """The content as its reader sees it, with its header fields."""
    ATTACHMENT = "attachment", _("Attachment")
    """One of its files; the view names it."""
    SOURCE = "source", _("Source")
    """The whole mail as a file, attachments included."""


class ContentView(models.Model):
    """One look of one person at the content of one mail."""

    mail = models.ForeignKey("records.Mail", on_delete=models.CASCADE, related_name="content_views", db_index=False)
    part = models.CharField(max_length=16, choices=Part.choices)
    filename = models.CharField(max_length=255, blank=True)
    attachment_index = models.PositiveIntegerField(
        null=True, help_text=_("Which of the files, from 0: several may have one name")
    )
    viewed_by = models.CharField(max_length=150)
    viewer_ip = models.GenericIPAddressField(null=True)
    viewed_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ["viewed_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=models.Q(part__in=Part.values), name="viewed_part_is_known"),
        ]
        indexes = [models.Index(fields=["mail", "viewed_at"], name="content_view_by_mail")]

    def __str__(self) -> str:
        """Tell who looked at what."""
        return f"{self.mail_id}: {self.part} by {self.viewed_by}"
