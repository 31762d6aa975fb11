"""What each deed at many mails is called, what it leads to, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from records.interventions import BulkIntervention, Deed


@dataclass(frozen=True, slots=True)
class DeedWords:
    """The words for one deed."""

    question: str | Promise
    """Heads the page on which it is confirmed."""
    consequence: str | Promise
    """What it leads to."""
    button: str | Promise
    icon: str
    is_final: bool = False
    """It can't be taken back as easily as it was done."""


WORDS: dict[Deed, DeedWords] = {
    Deed.CANCEL: DeedWords(
        _("Cancel waiting mail?"),
        _("The mails are not sent to anyone who has not got them yet. Each leaves a record that says so."),
        _("Cancel the mails"),
        "ban",
        is_final=True,
    ),
    Deed.SEND_NOW: DeedWords(
        _("Send waiting mail now?"),
        _("The mails don't wait for their next try or their time any longer. A server that was away is tried at once."),
        _("Send them now"),
        "fast-forward",
    ),
    Deed.RETRY: DeedWords(
        _("Try mail again?"),
        _(
            "Each goes out as the same mail, to those receivers only who have not got it, with the usual time for it. "
            "Mails whose content or account is gone are left as they are."
        ),
        _("Try them again"),
        "rotate-ccw",
    ),
    Deed.ARRIVED: DeedWords(
        _("They arrived"),
        _("They count as sent. Nothing more is done."),
        _("They arrived"),
        "check",
    ),
    Deed.SEND_AGAIN: DeedWords(
        _("Send them again"),
        _("Whoever did get one gets it a second time."),
        _("Send them again"),
        "rotate-ccw",
    ),
    Deed.GIVE_UP: DeedWords(
        _("Give them up"),
        _("They count as failed, and are not sent again by themselves. Some may have arrived all the same."),
        _("Give them up"),
        "x",
    ),
}

_RESULTS: dict[Deed, Callable[[int], str]] = {
    Deed.CANCEL: lambda count: ngettext("%(count)d mail cancelled.", "%(count)d mails cancelled.", count),
    Deed.SEND_NOW: lambda count: ngettext("%(count)d mail waits no longer.", "%(count)d mails wait no longer.", count),
    Deed.RETRY: lambda count: ngettext("%(count)d mail is tried again.", "%(count)d mails are tried again.", count),
    Deed.ARRIVED: lambda count: ngettext("%(count)d mail counts as sent.", "%(count)d mails count as sent.", count),
    Deed.SEND_AGAIN: lambda count: ngettext("%(count)d mail is sent again.", "%(count)d mails are sent again.", count),
    Deed.GIVE_UP: lambda count: ngettext("%(count)d mail given up.", "%(count)d mails given up.", count),
    Deed.PROLONG: lambda count: ngettext(
        "Resumed. The time of the pause was given back to %(count)d mail.",
        "Resumed. The time of the pause was given back to %(count)d mails.",
        count,
    ),
}


def tell_result(work: BulkIntervention) -> str:
    """Tell to how many mails it was done so far."""
    return _RESULTS[Deed(work.deed)](work.changed) % {"count": work.changed}
