"""The form of the rules of keeping."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from records.keeping.models import KeepingRules
from senders.sentences import join_sentences

GIGABYTE = 1024**3
MOST_DAYS = 36_500
_NO_LIMIT = _("No limit")
_DAYS = pgettext_lazy("how many", "Days")
_NUMBER = {"inputmode": "numeric", "autocomplete": "off", "placeholder": _NO_LIMIT}
_DAYS_ERRORS = {
    "invalid": _("Type a whole number of days, or leave the field empty to set no limit."),
    "min_value": _("The least is 1 day. Leave the field empty to set no limit."),
    "max_value": _("The most is %(limit_value)s days. Leave the field empty to set no limit."),
}
_SIZE_ERRORS = {
    "invalid": _("Type a size in GB, such as 5 or 0.5, or leave the field empty to set no limit."),
    "min_value": _("The least is %(limit_value)s GB. Leave the field empty to set no limit."),
    "max_value": _("The most is %(limit_value)s GB. Leave the field empty to set no limit."),
    "max_digits": _("Type a size in GB, such as 5 or 0.5, or leave the field empty to set no limit."),
    "max_decimal_places": _("Two digits after the point are enough, such as 0.25."),
    "max_whole_digits": _("Type a size in GB, such as 5 or 0.5, or leave the field empty to set no limit."),
}


def _days(label: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=1,
        max_value=MOST_DAYS,
        widget=forms.TextInput(attrs=_NUMBER),
        error_messages=_DAYS_ERRORS,
    )


def _gigabytes(label: Any) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        required=False,
        min_value=Decimal("0.01"),  # the float is a little more, and would refuse its own value
        max_value=1_000_000,
        decimal_places=2,
        max_digits=12,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "placeholder": _NO_LIMIT}),
        error_messages=_SIZE_ERRORS,
    )


class KeepingForm(forms.Form):
    """How long what is kept, and how much of it; an empty field sets no limit."""

    use_required_attribute = False

    records_days = _days(_DAYS)
    max_records = forms.IntegerField(
        label=_("At most, records"),
        required=False,
        min_value=1000,
        max_value=10_000_000_000,
        widget=forms.TextInput(attrs=_NUMBER),
        error_messages={
            "invalid": _("Type a whole number of records, or leave the field empty to set no limit."),
            "min_value": _("The least is %(limit_value)s records. Leave the field empty to set no limit."),
            "max_value": _("The most is %(limit_value)s records. Leave the field empty to set no limit."),
        },
    )
    contents_days = _days(_DAYS)
    max_contents_size = _gigabytes(_("At most, GB"))
    attachments_days = _days(_DAYS)
    max_attachments_size = _gigabytes(_("At most, GB"))

    @classmethod
    def showing(cls, rules: KeepingRules) -> KeepingForm:
        """Show the rules in force."""
        return cls(
            initial={
                "records_days": rules.records_days,
                "max_records": rules.max_records,
                "contents_days": rules.contents_days,
                "max_contents_size": _as_gigabytes(rules.max_contents_size),
                "attachments_days": rules.attachments_days,
                "max_attachments_size": _as_gigabytes(rules.max_attachments_size),
            }
        )

    def clean(self) -> dict[str, Any]:
        """Refuse a part to be kept for longer than the whole."""
        super().clean()
        self._refuse_longer("contents_days", "records_days", _("Contents go with their records at the latest."))
        self._refuse_longer("attachments_days", "contents_days", _("Attachments go with the contents at the latest."))
        return self.cleaned_data

    def _refuse_longer(self, part: str, whole: str, sentence: Any) -> None:
        if part in self.errors or whole in self.errors:
            return
        days, most = self.cleaned_data.get(part), self.cleaned_data.get(whole)
        if most is not None and (days is None or days > most):
            hint = _("Type %(most)d days or less.") % {"most": most}
            self.add_error(part, ValidationError(join_sentences([sentence, hint]), code="longer_than_whole"))

    def as_rules(self) -> KeepingRules:
        """Give the rules that were typed; only of a valid form."""
        typed = dict(self.cleaned_data)
        for name in ("max_contents_size", "max_attachments_size"):
            typed[name] = None if typed[name] is None else int(typed[name] * GIGABYTE)
        return KeepingRules(**typed)


def _as_gigabytes(size: int | None) -> str:
    return "" if size is None else f"{size / GIGABYTE:.2f}".rstrip("0").rstrip(".")
