"""The masked copy of a request: what is kept of a mail with secrets, beside the sealed original."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from delivery.compose.fonts import replace_unsupported_fonts
from delivery.compose.plain_text import text_from_html
from delivery.masking.hiding import EVERYTHING, essences, hide, holds
from delivery.masking.markup import attribute_values, hide_in_html
from delivery.masking.rules import Rule
from delivery.request import MailRequest

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
    """Rules that found something."""


def mask(request: MailRequest, rules: Sequence[Rule]) -> MaskedCopy | None:
    """Make the masked copy of a request; None where it has no secrets."""
    applying = [rule for rule in rules if rule.is_for(request.template_name)]
    if not request.secrets and not applying:
        return None
    html = replace_unsupported_fonts(request.html) if request.html else ""
    text = request.text or (text_from_html(html) if html else "")
    found = {rule.name: _find(rule, request, text, html) for rule in applying}
    secrets = essences(request.secrets).union(*found.values())
    strips = bool(request.attachments) and any(rule.strips_files for rule in applying)
    if not secrets and not strips:
        return None
    names = [rule.name for rule in applying if found[rule.name] or (rule.strips_files and request.attachments)]
    return MaskedCopy(
        _masked(request, text, html, secrets),
        secrets,
        strips_files=strips or any(_file_holds(file.content, secrets) for file in request.attachments),
        by_caller=bool(request.secrets),
        rule_names=tuple(names),
    )


def _find(rule: Rule, request: MailRequest, text: str, html: str) -> frozenset[str]:
    if rule.hides_all:
        return frozenset({EVERYTHING})
    return essences(secret for view in _views(request, text, html) for secret in rule.find(view))


def _views(request: MailRequest, text: str, html: str) -> Iterator[str]:
    """Give everything that a secret may stand in, as its reader has it."""
    yield request.subject
    yield text
    yield request.accessed_resource
    if html:
        if request.text:  # else the text is what the HTML says
            yield text_from_html(html)
        yield from attribute_values(html)


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


def _file_holds(content: bytes, secrets: frozenset[str]) -> bool:
    """Tell whether a secret stands in a file as text; what is packed, as in a PDF or an archive, can't be seen."""
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    return holds(content.decode(encoding, "ignore"), secrets)
