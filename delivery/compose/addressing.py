"""Who a mail is from and for: the addresses of a draft, read once, and what follows for envelope and headers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from delivery.compose.exceptions import ComposeError
from delivery.compose.headers import address_field, mailbox_field
from delivery.values import Draft, Envelope
from senders.sentences import join_sentences
from senders.validators import Address, parse_address

if TYPE_CHECKING:
    from collections.abc import Iterable

_NOBODY_NAMED = "undisclosed-recipients:;"


@dataclass(frozen=True, slots=True)
class Parties:
    """The addresses of a draft, read; no address twice in one field."""

    sender: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    reply_to: tuple[Address, ...]

    @property
    def message_id_domain(self) -> str:
        """Return the sender's domain with A-labels."""
        return self.sender.ascii.rpartition("@")[2]

    @property
    def needs_smtputf8(self) -> bool:
        """Tell whether some address can't be sent without SMTPUTF8 (RFC 6531)."""
        named = (self.sender, *self.to, *self.cc, *self.bcc, *self.reply_to)
        return any(address.needs_smtputf8 for address in named)

    @property
    def envelope(self) -> Envelope:
        """Return the envelope: A-labels in every domain, each forward-path once."""
        receivers = (*self.to, *self.cc, *self.bcc)
        forward_paths = tuple(dict.fromkeys(receiver.ascii for receiver in receivers))
        return Envelope(self.sender.ascii, forward_paths, self.needs_smtputf8)

    def header_fields(self, display_name: str) -> list[str]:
        """Write From, To, Cc and Reply-To. Bcc stays in the envelope (RFC 5322 §3.6.3)."""
        named = (self.sender, *self.to, *self.cc, *self.reply_to)
        is_raw = any(address.needs_smtputf8 for address in named)
        lists = (("To", self.to), ("Cc", self.cc), ("Reply-To", self.reply_to))
        return [
            mailbox_field("From", display_name, _spell(self.sender, is_raw=is_raw)),
            *([] if self.to or self.cc else [f"To: {_NOBODY_NAMED}"]),
            *(
                address_field(name, [_spell(one, is_raw=is_raw) for one in members])
                for name, members in lists
                if members
            ),
        ]


def read_parties(draft: Draft) -> Parties:
    """Read the addresses of a draft.

    Raises:
        ComposeError: an address is wrong, or there is no receiver.
    """
    parties = Parties(
        read_address("sender_address", draft.sender_address),
        _read_all("to", draft.to),
        _read_all("cc", draft.cc),
        _read_all("bcc", draft.bcc),
        _read_all("reply_to", draft.reply_to),
    )
    if not (parties.to or parties.cc or parties.bcc):
        raise ComposeError("to", _("Name at least one receiver."))
    return parties


def _spell(address: Address, *, is_raw: bool) -> str:
    """Write an address for a header: in UTF-8 where some address needs that anyway (RFC 6532), else with A-labels."""
    return f"{address.local}@{address.domain}" if is_raw else address.ascii


def _read_all(field: str, texts: Iterable[str]) -> tuple[Address, ...]:
    return tuple({address.ascii: address for address in (read_address(field, text) for text in texts)}.values())


def read_address(field: str, text: str) -> Address:
    """Read one address of a draft.

    Raises:
        ComposeError: it is wrong; names the field.
    """
    try:
        return parse_address(text)
    except ValidationError as error:
        raise ComposeError(field, join_sentences(error.messages)) from error
