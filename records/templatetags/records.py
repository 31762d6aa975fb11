"""How values of records are written."""

from datetime import timedelta

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from senders.validators import turns_direction

register = template.Library()

register.filter(turns_direction)

_MINUTE = 60.0


@register.filter
def duration(value: timedelta) -> str:
    """Write a duration with the unit that fits it: milliseconds, seconds or minutes."""
    seconds = value.total_seconds()
    if seconds < 1:
        return _("%(number)s ms") % {"number": round(seconds * 1000)}
    if seconds < _MINUTE:
        return _("%(number)s s") % {"number": number_format(seconds, decimal_pos=1)}
    return _("%(number)s min") % {"number": number_format(seconds / _MINUTE, decimal_pos=1)}


@register.filter
def grouped(number: int) -> str:
    """Write a number with a comma before each three digits."""
    return f"{number:,}"
