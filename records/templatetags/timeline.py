"""How times between events are written."""

from datetime import timedelta

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

register = template.Library()

_MINUTE = 60


@register.filter
def gap(value: timedelta) -> str:
    """Write how much time lies between two events, in one or two units: `40 s`, `12 min`, `3 h 20 min`, `2 days`."""
    seconds = max(round(value.total_seconds()), 0)
    if seconds < _MINUTE:
        return _("%(seconds)s s") % {"seconds": seconds}
    hours, minutes = divmod(round(seconds / _MINUTE), 60)
    if not hours:
        return _("%(minutes)s min") % {"minutes": minutes}
    days = hours // 24
    if days:
        return ngettext("%(days)s day", "%(days)s days", days) % {"days": days}
    if minutes:
        return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    return _("%(hours)s h") % {"hours": hours}
