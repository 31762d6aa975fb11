"""The rules of masking, which mails are masked, and the sealed originals of those that have not ended."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from records.masking.enums import Target


class MaskingRule(models.Model):
    """What is masked in the stored copy of mails, beside what their callers name. All that apply are applied."""

    name = models.CharField(max_length=80, unique=True)
    template = models.CharField(
        max_length=200, blank=True, help_text=_("A template name, in which * stands for anything; empty: all mail")
    )
    target = models.CharField(max_length=16, choices=Target.choices)
    words = models.TextField(blank=True, help_text=_("One per line"))
    pattern = models.CharField(max_length=1000, blank=True)
    is_enabled = models.BooleanField(default=True)
    changed_by = models.CharField(max_length=150, blank=True)
    changed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("rule of masking")
        default_permissions = ("change",)
        ordering = ["name", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(target__in=Target.values), name="target_of_masking_rule_is_known"
            ),
        ]

    def __str__(self) -> str:
        """Show the name."""
        return self.name

    @property
    def word_list(self) -> list[str]:
        """The words, one after the other."""
        return [word for line in self.words.splitlines() if (word := line.strip())]


class Masking(models.Model):
    """Tells of a mail that its stored content is a masked copy, and by what."""

    mail = models.OneToOneField("records.Mail", on_delete=models.CASCADE, primary_key=True, related_name="masking")
    by_caller = models.BooleanField(help_text=_("Its caller named secrets"))
    rule_names = models.JSONField(default=list, help_text=_("Names of the rules that found some, as they were then"))

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        """Name the mail."""
        return f"masking of mail {self.mail_id}"


class SealedContent(models.Model):
    """The original of a masked mail, encrypted. Read by nobody but the engine; gone when the mail ends.

    `delivery.masking.vault` reads and writes them.
    """

    mail = models.OneToOneField(
        "records.Mail", on_delete=models.CASCADE, primary_key=True, related_name="sealed_content"
    )
    key_id = models.CharField(max_length=12, help_text=_("Id of the encryption key"))
    octets = models.BinaryField(help_text=_("Nonce and ciphertext"))

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        """Name the mail."""
        return f"sealed content of mail {self.mail_id}"
