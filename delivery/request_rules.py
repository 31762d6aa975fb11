"""The rules for what a caller asks to be sent, checked field by field before anything is composed or stored.

Thousands of requests may come in one call, so the usual ones pass quickly; sentences are only made for wrong ones.
"""

import ipaddress
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple, TypeVar

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from delivery.engine.limits import Limits, get_limits
from delivery.exceptions import RequestRefusedError
from delivery.masking.hiding import essence, essences, holds
from delivery.request import MailRequest, aware
from records.enums import Priority, ReceiverKind
from senders.validators import Address, parse_address, validate_no_control_characters

LONGEST_DELAY = timedelta(days=366)
LONGEST_GIVE_UP = timedelta(days=30)
_LABEL_LENGTHS = {"template_name": 200, "accessed_resource": 1000, "idempotency_key": 200, "requested_by": 150}

MOST_SECRETS = 50
SHORTEST_SECRET = 4
LONGEST_SECRET = 2000

_PRIORITIES = frozenset(Priority.values)

_Read = TypeVar("_Read")


class CheckedReceiver(NamedTuple):
    """A receiver, once per mail."""

    address: str
    """As records show it: the domain in lower case and as people read it."""
    kind: ReceiverKind


@dataclass(frozen=True, slots=True)
class CheckedParties:
    """The addresses of a request, each valid and a receiver once, in the first field that names it."""

    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    reply_to: tuple[Address, ...]

    @property
    def receivers(self) -> list[CheckedReceiver]:
        """List all who get the mail."""
        fields = ((ReceiverKind.TO, self.to), (ReceiverKind.CC, self.cc), (ReceiverKind.BCC, self.bcc))
        return [CheckedReceiver(f"{one.local}@{one.domain}", kind) for kind, found in fields for one in found]


class FieldErrors:
    """Collects the sentences about wrong fields, so that a caller learns all of them at once."""

    def __init__(self) -> None:
        """Start without any."""
        self._sentences: dict[str, list[str]] = defaultdict(list)

    def add(self, field: str, sentence: str) -> None:
        """Note a sentence about a field."""
        self._sentences[field].append(sentence)

    def read(self, field: str, validator: Callable[[str], _Read], text: str, *, is_named: bool = False) -> _Read | None:
        """Have a text read; what the validator refuses is noted, and nothing comes back.

        Args:
            field: Where it stands.
            validator: Reads it, or raises a `ValidationError`.
            text: What to read.
            is_named: The sentences begin with the text, for it is one of several.
        """
        try:
            return validator(text)
        except ValidationError as error:
            for sentence in error.messages:
                self.add(field, f"{_shown(text)}: {sentence}" if is_named else sentence)
        return None

    def raise_if_any(self) -> None:
        """Refuse the request if something was noted.

        Raises:
            RequestRefusedError: With all the sentences.
        """
        if self._sentences:
            raise RequestRefusedError(dict(self._sentences))


def check_request(request: MailRequest, limits: Limits | None = None) -> CheckedParties:
    """Check every field of a request; returns its addresses.

    Args:
        request: What is asked.
        limits: Those that hold now, where the caller has read them for many requests.

    Raises:
        RequestRefusedError: With the sentences by field.
    """
    limits = limits or get_limits()
    errors = FieldErrors()
    to, cc, bcc = _read_receivers(request, limits.max_receivers, errors)
    parties = CheckedParties(to, cc, bcc, _read_new("reply_to", request.reply_to, set(), errors))
    _check_subject(request.subject, limits.max_subject_length, errors)
    _check_bodies(request, limits.max_size, errors)
    _check_labels(request, errors)
    if request.secrets:
        _check_secrets(request, errors)
    _check_conditions(request, errors)
    errors.raise_if_any()
    return parties


def _read_receivers(request: MailRequest, limit: int, errors: FieldErrors) -> list[tuple[Address, ...]]:
    """Read To, Cc and Bcc, an address only where it is named first."""
    fields = (("to", request.to), ("cc", request.cc), ("bcc", request.bcc))
    count = len(request.to) + len(request.cc) + len(request.bcc)
    if not count:
        errors.add("to", _("Name at least one receiver."))
    if count > limit * 10:  # not even worth reading
        errors.add("to", _too_many(limit))
        return [(), (), ()]
    seen: set[str] = set()
    read = [_read_new(name, texts, seen, errors) for name, texts in fields]
    if len(seen) > limit:
        errors.add("to", _too_many(limit))
    return read


def _read_new(field: str, texts: Sequence[str], seen: set[str], errors: FieldErrors) -> tuple[Address, ...]:
    new = []
    for text in texts:
        address = errors.read(field, parse_address, text, is_named=True)
        if address and address.ascii not in seen:
            seen.add(address.ascii)
            new.append(address)
    return tuple(new)


def _too_many(limit: int) -> str:
    return ngettext(
        "A mail goes to at most %(limit)d receiver. Send several mails, or write to a mailing list.",
        "A mail goes to at most %(limit)d receivers. Send several mails, or write to a mailing list.",
        limit,
    ) % {"limit": limit}


def _shown(text: str) -> str:
    """Write a wrong value into a sentence: short, on one line."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[:100])


def _check_subject(subject: str, limit: int, errors: FieldErrors) -> None:
    if not subject.strip():
        errors.add("subject", _("Enter a subject."))
    elif len(subject) > limit:
        errors.add(
            "subject",
            _("The subject has %(length)d characters. Shorten it to %(limit)d.")
            % {"length": len(subject), "limit": limit},
        )
    errors.read("subject", validate_no_control_characters, subject)


def _check_bodies(request: MailRequest, limit: int, errors: FieldErrors) -> None:
    if not (request.text.strip() or request.html.strip() or request.attachments):
        errors.add("text", _("Write a text, an HTML body, or attach a file."))
    for field, body in (("text", request.text), ("html", request.html)):
        if not _is_unicode(body):
            errors.add(field, _("This holds half a character, which no encoding can write. Paste it again."))
    size = len(request.text) + len(request.html) + sum(len(file.content) for file in request.attachments)
    if size > limit:
        errors.add("attachments" if request.attachments else "text", too_large(size, limit))


def too_large(size: int, limit: int) -> str:
    """Say that a mail is too large; sizes in bytes."""
    return _("The mail has %(size).1f MiB; at most %(limit).1f MiB can be sent. Send a link in place of the file.") % {
        "size": size / 2**20,
        "limit": limit / 2**20,
    }


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_labels(request: MailRequest, errors: FieldErrors) -> None:
    for field, limit in _LABEL_LENGTHS.items():
        value: str = getattr(request, field)
        if not value:
            continue
        if len(value) > limit:
            errors.add(field, _("Shorten this to %(limit)d characters.") % {"limit": limit})
        errors.read(field, validate_no_control_characters, value)
    if request.requester_ip is not None and not _is_ip_address(request.requester_ip):
        errors.add("requester_ip", _("This is not an IP address."))


def _is_ip_address(text: str) -> bool:
    try:
        return not getattr(ipaddress.ip_address(text), "scope_id", None)
    except ValueError:
        return False


def _check_secrets(request: MailRequest, errors: FieldErrors) -> None:
    """Check the secrets that are named, whose text stands in no sentence."""
    if isinstance(request.secrets, str):
        errors.add("secrets", _("Name secrets as a list, even a single one."))
        return
    if len(request.secrets) > MOST_SECRETS:
        errors.add("secrets", _("A mail has at most %(limit)d secrets.") % {"limit": MOST_SECRETS})
        return
    if any(len(secret) > LONGEST_SECRET or len(essence(secret)) < SHORTEST_SECRET for secret in request.secrets):
        sentence = _("A secret has %(least)d to %(most)d characters; spaces and hyphens don't count.")
        errors.add("secrets", sentence % {"least": SHORTEST_SECRET, "most": LONGEST_SECRET})
    wanted = essences(request.secrets)
    for field in ("idempotency_key", "template_name", "requested_by"):
        if holds(getattr(request, field), wanted):
            errors.add(field, _("This holds one of the mail's secrets, and is kept as it is. Take it out."))


def _check_conditions(request: MailRequest, errors: FieldErrors) -> None:
    if request.priority not in _PRIORITIES:
        errors.add("priority", _("A priority is 0 (bulk), 1 (normal) or 2 (high)."))
    if request.not_before is not None and aware(request.not_before) > timezone.now() + LONGEST_DELAY:
        errors.add("not_before", _("A mail can wait a year at most."))
    if request.give_up_after is not None and not timedelta() < request.give_up_after <= LONGEST_GIVE_UP:
        errors.add("give_up_after", _("The time to give up lies between a moment and 30 days."))
