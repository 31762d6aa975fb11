"""What a page that asks before much is done keeps of the time zone in which it was made."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


def zone_in_force() -> str:
    """Name the time zone that days are of now."""
    return str(timezone.get_current_timezone())


class ShownZoneField(forms.CharField):
    """The time zone that a page was made in: in another one its days mean other moments than those it was shown for."""

    def __init__(self) -> None:
        """Make the field, which nobody sees."""
        super().__init__(widget=forms.HiddenInput, initial=zone_in_force)

    def validate(self, value: Any) -> None:
        """Refuse whatever is not the time zone of now."""
        super().validate(value)
        if value != zone_in_force():
            raise ValidationError(_("The time zone is another one by now."), code="stale")
