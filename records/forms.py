"""The filter form of the record list. It is sent by GET: the address bar holds the filters."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from records.enums import ResultClass
from records.filters import RecordFilters

_FIRST_YEAR, _LAST_YEAR = 1970, 2999
_MAX_ID = 2**63 - 1


def _check_year(day: date) -> None:
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValidationError(_("Choose a day between 1970 and 2999."), code="year")


class DayField(forms.DateField):
    """A calendar day, written year-month-day whatever the language: so the browser's own date field sends it."""

    def __init__(self, label: Any) -> None:
        """Make the field, which may stay empty."""
        super().__init__(
            label=label,
            required=False,
            input_formats=["%Y-%m-%d"],
            widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "min": "1970-01-01", "max": "2999-12-31"}),
            error_messages={"invalid": _("This is not a day. Write it as year-month-day, such as 2026-01-31.")},
            validators=[_check_year],
        )


class DaysForm(forms.Form):
    """A form with a first and a last day, either of which may stay empty."""

    since = DayField(pgettext_lazy("first day", "From"))
    until = DayField(pgettext_lazy("last day", "To"))

    def full_clean(self) -> None:
        """Clean the form; show what is no day as it was typed, since a browser's date field drops it."""
        super().full_clean()
        for name in ("since", "until"):
            widget = self.fields[name].widget
            if isinstance(widget, forms.DateInput) and self.is_bound and self.has_error(name, "invalid"):
                widget.input_type = "text"

    def clean(self) -> dict[str, Any]:
        """Refuse a range that ends before it begins."""
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since > until:
            self.add_error(
                "until", ValidationError(_("The last day is before the first one. Swap the two."), code="range")
            )
        return cleaned


class FilterForm(DaysForm):
    """Sender, receiver, template, days and result; every field may stay empty."""

    receiver = forms.CharField(
        label=_("Receiver"),
        required=False,
        max_length=320,
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "placeholder": _("Part of the address"),
                "autocomplete": "off",
                "spellcheck": "false",
            }
        ),
    )
    sender = forms.CharField(label=_("Sender"), required=False, max_length=320, widget=forms.Select)
    template = forms.CharField(label=_("Template"), required=False, max_length=200, widget=forms.Select)
    result = forms.ChoiceField(
        label=_("Result"),
        required=False,
        widget=forms.RadioSelect,
        choices=[("", _("All")), *ResultClass.choices],
        error_messages={"invalid_choice": _("There is no such result. Choose one of those shown.")},
    )
    mail = forms.IntegerField(
        label=_("Mail number"), required=False, min_value=1, max_value=_MAX_ID, widget=forms.HiddenInput
    )

    def __init__(self, *args: Any, senders: Iterable[str], templates: Iterable[str], **kwargs: Any) -> None:
        """Offer the known senders and templates, and whatever the address bar asks for."""
        super().__init__(*args, **kwargs)
        self._offer("sender", _("All senders"), senders)
        self._offer("template", _("All templates"), templates)

    def _offer(self, name: str, everything: Any, known: Iterable[str]) -> None:
        asked = str(self.data.get(name) or "").strip()
        values = sorted({*known, asked} - {""}, key=str.casefold)
        widget = self.fields[name].widget
        assert isinstance(widget, forms.Select)
        widget.choices = [("", everything), *((value, value) for value in values)]

    def filters(self) -> RecordFilters:
        """Return the filters of a valid form."""
        cleaned = self.cleaned_data
        return RecordFilters(
            sender=cleaned["sender"],
            receiver=cleaned["receiver"],
            template=cleaned["template"],
            since=cleaned["since"],
            until=cleaned["until"],
            result=ResultClass(cleaned["result"]) if cleaned["result"] else None,
            mail_id=cleaned["mail"],
        )
