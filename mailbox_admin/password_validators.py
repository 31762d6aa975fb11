"""What a new password of a person must be, beyond Django's own validators."""

from django.contrib.auth import password_validation
from django.utils.translation import ngettext


class MinimumLengthValidator(password_validation.MinimumLengthValidator):
    """Django's own, with a sentence that is in this product's catalogue: its Chinese one lacks it."""

    def get_error_message(self) -> str:
        """Say how long a password must be."""
        return ngettext(
            "This password is too short. It must contain at least %(length)d character.",
            "This password is too short. It must contain at least %(length)d characters.",
            self.min_length,
        ) % {"length": self.min_length}
