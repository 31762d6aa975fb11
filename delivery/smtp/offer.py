"""What a server offers for handing over mail, as far as it changes what we say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Offer:
    """The extensions of EHLO that matter to a transaction; nothing is offered unless said."""

    size: bool = False
    """MAIL may tell the size (RFC 1870)."""
    size_limit: int = 0
    """Bytes that a mail may have; 0: the server names no limit."""
    eight_bit: bool = False
    """8BITMIME (RFC 6152)."""
    utf8: bool = False
    """SMTPUTF8 (RFC 6531)."""
    pipelining: bool = False
    """Commands may be sent before the replies to earlier ones were read (RFC 2920)."""

    @classmethod
    def of(cls, extensions: Mapping[str, str]) -> Self:
        """Read the offer from the parameters by keyword."""
        limit = extensions.get("SIZE", "")
        return cls(
            size="SIZE" in extensions,
            size_limit=int(limit[:20]) if limit.isdecimal() else 0,
            eight_bit="8BITMIME" in extensions,
            utf8="SMTPUTF8" in extensions,
            pipelining="PIPELINING" in extensions,
        )
