"""The closed set of what a rule of masking looks for. Stored values never change."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Target(models.TextChoices):
    """What a rule masks."""

    CODES = "codes", _("Codes")
    """Digits, or capital letters with digits, near a word such as code, PIN, OTP or 验证码."""
    LINKS = "links", _("Links with a token")
    """Whatever in a link looks random, or is the value of a parameter such as `token`."""
    AFTER_WORDS = "after_words", _("After these words")
    """The word that follows one of the words of the rule."""
    PATTERN = "pattern", _("Own pattern")
    """What a regular expression (RE2) finds: its first group, or all of it where it has none."""
    ATTACHMENTS = "attachments", _("Attachments")
    """All files of the mail: only their names, types and sizes are kept."""
