"""Telling a reader why something of a mail is not there any more."""

from datetime import datetime

from django.template.defaultfilters import filesizeformat
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records.clock import database_now
from records.enums import MailState
from records.keeping.enums import Kind
from records.keeping.rules import Bounds, get_rules, rule_for
from records.models import Content, Mail


def tell_gone(mail: Mail) -> str:
    """Tell what of a mail's content is not kept any more, and why; empty where all of it is there."""
    kept = Content.objects.filter(mail=mail).values_list("body__attachments_removed_at", flat=True)
    rows = list(kept)
    if not rows:
        return _tell_content_gone(mail)
    if mail.has_secrets:
        return _tell_masked(mail)
    return _tell_files_gone(rows[0]) if rows[0] else ""


def went_by_age(mail: Mail, kind: Kind) -> bool:
    """Tell whether the days that the present rules say are reason enough for something of a mail to be gone."""
    bounds = Bounds.of(rule_for(kind, get_rules()), database_now())
    return mail.finished_at is not None and bounds.is_old(mail.finished_at)


def _tell_masked(mail: Mail) -> str:
    if mail.finished_at is None or mail.is_held:
        return _("Its secrets are masked here. The original is sealed until it was sent, and can't be read by anybody.")
    return _("Its secrets were masked when it ended; whoever asked for it must ask again.")


def _tell_content_gone(mail: Mail) -> str:
    if not mail.size and mail.state == MailState.FAILED:
        return _("There is no content: the mail was refused before it was composed.")
    rules = get_rules()
    if rules.contents_days is not None and went_by_age(mail, Kind.CONTENTS):
        sentence = ngettext(
            "The content is not kept any more: contents are kept for %(days)d day.",
            "The content is not kept any more: contents are kept for %(days)d days.",
            rules.contents_days,
        )
        return sentence % {"days": rules.contents_days}
    if rules.max_contents_size is not None:
        size = filesizeformat(rules.max_contents_size)
        sentence = _(
            "The content is not kept any more: contents are kept up to %(size)s in all, "
            "or another rule held when it was removed."
        )
        return sentence % {"size": size}
    return _("The content is not kept any more: another rule held when it was removed.")


def _tell_files_gone(removed_at: datetime) -> str:
    day = date_format(localtime(removed_at), "Y-m-d")
    return _("The attachments are not kept any more: they were removed on %(day)s.") % {"day": day}
