"""The masked copy of a request: what is kept of a mail with secrets, beside the sealed original."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from delivery.compose.fonts import replace_unsupported_fonts
from delivery.compose.plain_text import text_from_html
from delivery.masking.files import Files
from delivery.masking.hiding import EVERYTHING, essences, hide
from delivery.masking.markup import hide_in_html
from delivery.masking.readings import texts_of_mail
from delivery.masking.rules import Rule
from delivery.request import MailRequest

MOST_FOUND = 500
"""Secrets that rules find in one mail; with more, each of which is searched for everywhere, all of it is secret."""
_LONGEST_SUBJECT = 998
_LONGEST_LABEL = 1000


@dataclass(frozen=True, slots=True)
class MaskedCopy:
    """What is stored of a request where everybody with permission sees it."""

    request: MailRequest
    """With marks in the place of secrets."""
    secrets: frozenset[str] = field(repr=False)
    """What matters of each, as `hiding.essences` gives it."""
    strips_files: bool
    """Notes of its files are kept in their place."""
    by_caller: bool
    rule_names: tuple[str, ...]
    """Rules that found something, or could not search a file."""


@dataclass(frozen=True, slots=True)
class _Searched:
    """What came of searching a mail by one rule."""

    found: frozenset[str]
    """Essences."""
    strips_files: bool = False
    """Files must not be kept, whatever was found."""


def mask(request: MailRequest, rules: Sequence[Rule], files: Files) -> MaskedCopy | None:
    """Make the masked copy of a request; None where it has no secrets.

    Args:
        request: What is asked.
        rules: Those in force.
        files: Searches those of all mails of a call.
    """
    applying = [rule for rule in rules if rule.is_for(request.template_name)]
    if not request.secrets and not applying:
        return None
    html = replace_unsupported_fonts(request.html) if request.html else ""
    text = request.text or (text_from_html(html) if html else "")
    searched = {rule.name: _search(rule, request, text, html, files) for rule in applying}
    secrets = essences(request.secrets) | _union(searched)
    strips = bool(request.attachments) and any(one.strips_files for one in searched.values())
    if not secrets and not strips:
        return None
    return MaskedCopy(
        _masked(request, text, html, secrets),
        secrets,
        strips_files=strips or any(files.hold(file, secrets) for file in request.attachments),
        by_caller=bool(request.secrets),
        rule_names=tuple(name for name, one in searched.items() if one.found or one.strips_files),
    )


def _search(rule: Rule, request: MailRequest, text: str, html: str, files: Files) -> _Searched:
    if rule.hides_all:
        return _Searched(frozenset({EVERYTHING}))
    if rule.strips_files:
        return _Searched(frozenset(), strips_files=bool(request.attachments))
    in_files = [files.find(rule, file) for file in request.attachments]
    found = rule.find_in(texts_of_mail(request, text, html)).union(*filter(None, in_files))
    return _Searched(found, strips_files=None in in_files)


def _union(searched: Mapping[str, _Searched]) -> frozenset[str]:
    found = frozenset[str]().union(*(one.found for one in searched.values()))
    return found if len(found) <= MOST_FOUND else frozenset({EVERYTHING})


def _masked(request: MailRequest, text: str, html: str, secrets: frozenset[str]) -> MailRequest:
    return replace(
        request,
        subject=hide(request.subject, secrets)[:_LONGEST_SUBJECT],
        text=hide(text, secrets),
        html=hide_in_html(html, secrets),
        accessed_resource=hide(request.accessed_resource, secrets)[:_LONGEST_LABEL],
        attachments=[replace(file, filename=hide(file.filename, secrets)) for file in request.attachments],
        secrets=(),
    )
