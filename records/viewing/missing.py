"""The page for what is not there, or not any more: why, by which rule, and the way back."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import date as format_date
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records.keeping.enums import Kind
from records.keeping.gone import tell_gone, went_by_age
from records.keeping.rules import get_rules
from records.models import Mail
from records.preview import AttachedFile
from records.templatetags.records import grouped
from senders.sentences import join_sentences

_NOT_FOUND, _GONE = 404, 410


@dataclass(frozen=True, slots=True)
class Missing:
    """What somebody asked for and can't have."""

    heading: str
    title: str
    text: str
    status: int
    mail_id: int | None = None
    """The mail that it was of, while its record is kept."""


def answer_missing_record(request: HttpRequest, number: int) -> HttpResponse:
    """Answer for a record that there is not."""
    heading = _("Record %(number)s") % {"number": number}
    return _answer(request, Missing(heading, _("This record is not there"), _tell_number(), _NOT_FOUND))


def answer_missing_mail(request: HttpRequest, number: int) -> HttpResponse:
    """Answer for a mail that there is not."""
    heading = _("Mail %(number)s") % {"number": number}
    return _answer(request, Missing(heading, _("This mail is not there"), _tell_number(), _NOT_FOUND))


def answer_missing_content(request: HttpRequest, mail: Mail) -> HttpResponse:
    """Answer for the content of a mail whose record is kept."""
    heading = _("Content of mail %(number)s") % {"number": mail.pk}
    sentences = [tell_gone(mail)]
    if mail.finished_at:
        day = format_date(localtime(mail.finished_at), "Y-m-d")
        sentences.append(_("The mail ended on %(day)s.") % {"day": day})
    return _answer(request, Missing(heading, _("There is no content"), join_sentences(sentences), _GONE, mail.pk))


def answer_missing_file(request: HttpRequest, mail: Mail, file: AttachedFile | None) -> HttpResponse:
    """Answer for an attachment. `file`: what is known of it, where it is not kept."""
    heading = _("Attachment of mail %(number)s") % {"number": mail.pk}
    if file is None or file.is_kept:
        text = _("The mail has no attachment of this number.")
        return _answer(request, Missing(heading, _("This attachment is not there"), text, _NOT_FOUND, mail.pk))
    if file.removed_on is None:
        text = _("%(file)s was never kept: masking left it out.") % {"file": file.filename}
        return _answer(request, Missing(heading, _("This attachment is not kept"), text, _GONE, mail.pk))
    facts = {"file": file.filename, "day": format_date(file.removed_on, "Y-m-d")}
    text = join_sentences([_("%(file)s was removed on %(day)s.") % facts, _tell_files_rule(mail)])
    return _answer(request, Missing(heading, _("This attachment is not kept any more"), text, _GONE, mail.pk))


def _tell_number() -> str:
    """Tell why there may be nothing of a number. The number alone does not tell whether it was ever given."""
    rules = get_rules()
    sentences = [_("It was removed, or there never was one of this number.")]
    if rules.records_days is not None:
        sentence = ngettext(
            "Records are kept for %(number)d day.", "Records are kept for %(number)d days.", rules.records_days
        )
        sentences.append(sentence % {"number": rules.records_days})
    if rules.max_records is not None:
        sentence = _("At most %(number)s records are kept; the oldest go first.")
        sentences.append(sentence % {"number": grouped(rules.max_records)})
    return join_sentences(sentences)


def _tell_files_rule(mail: Mail) -> str:
    """Tell how long files are kept; empty where that is not why those of the mail are gone."""
    days = get_rules().attachments_days
    if days is None or not went_by_age(mail, Kind.ATTACHMENTS):
        return ""
    return ngettext("Attachments are kept for %(number)d day.", "Attachments are kept for %(number)d days.", days) % {
        "number": days
    }


def _answer(request: HttpRequest, missing: Missing) -> HttpResponse:
    is_part = bool(getattr(request, "htmx", False))
    template = "records/_missing_drawer.html" if is_part else "records/missing.html"
    # A part with an error's status would not be shown.
    return render(request, template, {"missing": missing}, status=200 if is_part else missing.status)
