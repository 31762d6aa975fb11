"""The form on the page that confirms an order to send many mails again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from delivery.control.forms import SenderField
from delivery.resending.ending import NEEDED_FOR_ANOTHER
from delivery.shown_zone import ShownZoneField
from records.paging import find_position
from senders.models import Sender
from senders.validators import parse_address

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

    from records.paging import Position


class Destination(models.TextChoices):
    """To whom the mails go again."""

    OWN = "own", _("To their own receivers")
    """Those of the records who have not got it; where all of them have, all of them, unless failures are asked for."""
    OTHER = "other", _("To another receiver")
    """To one address, and to nobody else."""


class ResendingForm(forms.Form):
    """To whom, and from which account; with what the page was made for."""

    use_required_attribute = False

    destination = forms.ChoiceField(
        label=_("To whom"),
        choices=Destination.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose to whom the mails go."), "invalid_choice": _("Choose one of the two.")},
    )
    to = forms.CharField(
        label=_("Address of the other receiver"),
        required=False,
        max_length=320,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "spellcheck": "false",
                "autocapitalize": "none",
                "inputmode": "email",
                "placeholder": "name@example.com",
            }
        ),
    )
    sender = SenderField(
        label=_("Sender"),
        required=False,
        queryset=Sender.objects.none(),
        empty_label=_("The account that each mail was sent from"),
        error_messages={"invalid_choice": _("That account is disabled or was deleted. Choose another one.")},
    )
    ticket = forms.UUIDField(widget=forms.HiddenInput)
    up_to = forms.CharField(max_length=40, widget=forms.HiddenInput)
    time_zone = ShownZoneField()

    def __init__(self, *args: Any, person: User | AnonymousUser, **kwargs: Any) -> None:
        """Offer the enabled accounts; another receiver to those only who may read what he would get."""
        super().__init__(*args, **kwargs)
        field = self.fields["sender"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Sender.objects.enabled()
        self.may_choose = person.has_perm(NEEDED_FOR_ANOTHER)

    def clean_up_to(self) -> Position:
        """Read until where the page was made for."""
        position = find_position(self.cleaned_data["up_to"])
        if position is None:
            raise ValidationError(_("This is no place in the record list."), code="invalid")
        return position

    def clean(self) -> dict[str, Any]:
        """Read the other receiver, where one is wanted."""
        cleaned = super().clean() or {}
        if cleaned.get("destination") != Destination.OTHER:
            return {**cleaned, "to": ""}
        if not cleaned.get("to"):
            self.add_error("to", ValidationError(_("Enter the address that all the mails go to."), code="required"))
            return cleaned
        try:
            address = parse_address(cleaned["to"])
        except ValidationError as error:
            self.add_error("to", error)
            return cleaned
        return {**cleaned, "to": f"{address.local}@{address.domain}"}

    @property
    def is_stale(self) -> bool:
        """Tell whether what the page itself put into the form is wrong by now, so that only a new page helps."""
        return bool({"ticket", "up_to", "time_zone"} & set(self.errors))

    @property
    def is_for_another(self) -> bool:
        """Tell whether a valid form names another receiver."""
        return bool(self.cleaned_data["to"])
