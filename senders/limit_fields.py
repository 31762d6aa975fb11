"""The fields of a sender account's form that say how much it may send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from senders.presets import NO_LIMITS, SenderLimits

if TYPE_CHECKING:
    from senders.models import Sender
    from senders.presets import Preset

    _SenderModelForm = forms.ModelForm[Sender]
else:
    _SenderModelForm = forms.ModelForm

LIMIT_FIELDS = ("max_connections", "per_minute", "per_hour", "per_day")
MOST_CONNECTIONS = 100
MOST_MAILS = 10_000_000


def _limit_field(label: Any, most: int) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=1,
        max_value=most,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={
            "invalid": _("Type the number alone, such as 30, or leave the field empty."),
            "min_value": _("The least is 1. To send nothing at all, disable the account instead."),
            "max_value": _("The most is %(limit_value)s. Leave the field empty for no limit."),
        },
    )


class LimitFields(_SenderModelForm):
    """How many connections and mails the account's server bears."""

    max_connections = _limit_field(_("Connections at once"), MOST_CONNECTIONS)
    per_minute = _limit_field(_("Mails per minute"), MOST_MAILS)
    per_hour = _limit_field(_("Mails per hour"), MOST_MAILS)
    per_day = _limit_field(_("Mails per day"), MOST_MAILS)

    @property
    def has_limit_values(self) -> bool:
        """Whether a limit was set or is wrong, so that they should not be folded away."""
        return any(str(self[name].value() or "") or self[name].errors for name in LIMIT_FIELDS)

    def show_known_limits(self, preset: Preset | None, address: str) -> None:
        """Show in empty fields what holds there: what the provider is known to bear."""
        known = preset.limits_for(address) if preset else NO_LIMITS
        for name, limit in zip(LIMIT_FIELDS, _in_order(known), strict=True):
            self.fields[name].widget.attrs["placeholder"] = str(limit or "")

    def clean_limits_fit(self) -> None:
        """Refuse a limit that another one makes meaningless."""
        shorter: int | None = None
        for name in ("per_minute", "per_hour", "per_day"):
            limit = self.cleaned_data.get(name)
            if limit and shorter and limit < shorter:
                sentence = _("This is less than the limit for a shorter time, which then means nothing.")
                self.add_error(name, ValidationError(sentence, code="limits_cross"))
            shorter = limit or shorter


def _in_order(limits: SenderLimits) -> tuple[int | None, ...]:
    return (limits.connections, limits.per_minute, limits.per_hour, limits.per_day)
