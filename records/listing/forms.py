"""The forms of what a person keeps of the record list."""

import unicodedata
from typing import Any

from django import forms
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from records.listing.columns import COLUMNS
from records.listing.enums import Density
from records.listing.models import SavedView
from records.listing.preferences import list_time_zones

_UNSEEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
"""Categories of characters without a look of their own: controls, formats, line ends, what is none."""
_JOINERS = "\u200c\u200d"
"""They join letters and emoji into one, and turn nothing around."""


class LookForm(forms.Form):
    """Columns, density and time zone."""

    columns = forms.MultipleChoiceField(
        label=_("Columns"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Time, result and receiver are always shown."),
        error_messages={"invalid_choice": _("There is no such column. Choose some of those shown.")},
    )
    density = forms.ChoiceField(
        label=_("Density"),
        choices=Density.choices,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": _("There is no such density. Choose one of those shown.")},
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        required=False,
        help_text=_("Of all times on all pages, and of the days that are filtered by."),
        error_messages={"invalid_choice": _("There is no such time zone. Choose one of those shown.")},
    )

    def __init__(self, *args: Any, person: User | AnonymousUser, browser_time_zone: str = "", **kwargs: Any) -> None:
        """Offer the columns that a person may see, and every time zone, first that of the browser."""
        super().__init__(*args, **kwargs)
        columns = self.fields["columns"]
        assert isinstance(columns, forms.MultipleChoiceField)
        columns.choices = [
            (each.key, each.label) for each in COLUMNS if not each.is_fixed and each.may_be_seen_by(person)
        ]
        as_browser = _("As the browser")
        label = f"{as_browser} ({browser_time_zone})" if browser_time_zone else as_browser
        field = self.fields["time_zone"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", label), *((name, name) for name in list_time_zones())]


def _check_visible(name: str) -> None:
    """Refuse characters that nobody sees, or that turn the direction of what stands beside them."""
    if any(unicodedata.category(character) in _UNSEEN and character not in _JOINERS for character in name):
        raise ValidationError(_("Take out what can't be seen: the name has control characters in it."), code="unseen")


class ViewNameForm(forms.Form):
    """The name of a view that is saved or renamed."""

    use_required_attribute = False

    name = forms.CharField(
        label=_("Name"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": _("For example: refused this week")}),
        error_messages={
            "required": _("Give the view a name of at most 60 characters."),
            "max_length": _("Give the view a name of at most 60 characters."),
        },
        validators=[_check_visible],
    )

    def take_focus(self) -> None:
        """Let the page begin at this field."""
        self.fields["name"].widget.attrs["autofocus"] = True


def name_new_view(typed: QueryDict | None = None) -> ViewNameForm:
    """Ask for the name of a view that is saved."""
    return ViewNameForm(typed, auto_id="save-view-%s")


def name_view(view: SavedView, typed: QueryDict | None = None) -> ViewNameForm:
    """Ask for another name of a view; a page has many of these forms."""
    return ViewNameForm(typed, initial={"name": view.name}, auto_id=f"view-{view.pk}-%s")
