"""What may stand in the fields of a sender account; every wrong value gets a sentence that says what to do.

A validator returns the value as it should be kept (trimmed, lower-case, A-labels), so that a form may store it.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import email_validator
import idna
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

MAX_ADDRESS_LENGTH = 254
MAX_LOCAL_LENGTH = 64
MAX_DISPLAY_NAME_LENGTH = 100
MAX_HOST_LENGTH = 253

# Mail inside a company goes to `.local`, `.internal`, `.test`, `localhost`: reserved on the internet, used in networks.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()

_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_CONTROL_CATEGORIES = frozenset(("Cc", "Cs", "Zl", "Zp"))
_SEPARATORS = re.compile(r"[,;，；、]")
_ENCODED_WORD = re.compile(r"=\?.*\?.*\?.*\?=", re.DOTALL)
_ADDRESS_IN_TEXT = re.compile(r"[^\s@<>\"(),:;]+@[^\s@<>\"(),:;]*\.[^\s@<>\"(),:;]+")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:/", re.IGNORECASE)
_HOST_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_USUAL_ADDRESS = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@({_LABEL}(?:\.{_LABEL})*)")
_NUMBER_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class Address:
    """One mail address (RFC 5322 §3.4.1 addr-spec), in the forms that screens and the wire need."""

    text: str
    """As it was typed, without the white space around it."""
    local: str
    """The part before the `@`, in Unicode normalization form C."""
    domain: str
    """The part after the `@`, lower-case, with U-labels."""
    ascii: str
    """The addr-spec with A-labels in its domain: what goes into the envelope."""
    needs_smtputf8: bool
    """The local part is not ASCII: no A-labels help (RFC 6531)."""


def _refuse(sentence: _StrPromise, code: str, **params: object) -> ValidationError:
    return ValidationError(sentence, code=code, params=params or None)


def has_control_characters(text: str) -> bool:
    """Tell whether the text holds control characters, line ends or lone surrogates."""
    if text.isascii():
        return not text.isprintable()
    return any(unicodedata.category(char) in _CONTROL_CATEGORIES for char in text)


def turns_direction(text: str) -> bool:
    """Tell whether invisible marks in a text make it look other than it is stored (UAX #9: overrides, isolates)."""
    return not _BIDI_CONTROLS.isdisjoint(text)


def validate_no_control_characters(text: str) -> None:
    """Refuse a text that could break out of its line.

    Raises:
        ValidationError: with the code `control_characters`.
    """
    if has_control_characters(text):
        raise _refuse(
            _("This holds a line break or an invisible control character. Type it again on one line."),
            "control_characters",
        )


def parse_address(text: str) -> Address:
    """Read exactly one mail address, without a name beside it.

    Domains of any kind are fine, `user@intranet` too; so are `#` and `&` before the `@`.

    Raises:
        ValidationError: with a code and a sentence per kind of mistake.
    """
    return _find_usual_address(text) or _parse_any_address(text)


def _find_usual_address(text: str) -> Address | None:
    """Read what nearly all addresses look like; the full check says the same of them, at ten times the cost."""
    usual = _USUAL_ADDRESS.fullmatch(text)
    if usual is None or len(text) > MAX_ADDRESS_LENGTH or len(usual[1]) > MAX_LOCAL_LENGTH:
        return None
    return Address(text, usual[1], usual[2], text, needs_smtputf8=False)


def _parse_any_address(text: str) -> Address:
    validate_no_control_characters(text)
    text = text.strip()
    _refuse_address_shape(text)
    try:
        valid = email_validator.validate_email(
            text, check_deliverability=False, globally_deliverable=False, allow_domain_literal=True, strict=True
        )
    except email_validator.EmailNotValidError as error:
        raise _explain_address(text) from error
    local = valid.local_part or ""
    return Address(text, local, valid.domain, f"{local}@{valid.ascii_domain}", valid.smtputf8)


def _refuse_address_shape(text: str) -> None:
    """Refuse, each with its own sentence, the mistakes that a person makes."""
    if not text:
        raise _refuse(_("Enter a mail address, such as name@example.com."), "required")
    if _SEPARATORS.search(text) or (text.count("@") > 1 and re.search(r"\s", text)):
        raise _refuse(_("Enter one address only."), "several_addresses")
    if "<" in text or ">" in text:
        raise _refuse(
            _("Enter the address alone, without a name and without angle brackets: name@example.com."), "with_name"
        )
    if re.search(r"\s", text):
        raise _refuse(_("A mail address holds no spaces. Take them out."), "space")
    if '"' in text:
        raise _refuse(_("Addresses with quotation marks can't be used here."), "quoted")
    if text.count("@") > 1:
        raise _refuse(_("A mail address holds exactly one @. Take the other out."), "several_at")
    if "@" not in text:
        raise _refuse(_("The @ is missing. A mail address looks like name@example.com."), "missing_at")
    if len(text.encode()) > MAX_ADDRESS_LENGTH or len(text.partition("@")[0].encode()) > MAX_LOCAL_LENGTH:
        raise _refuse(
            _("This address is too long. Mail servers take 64 characters before the @ and 254 in all."), "too_long"
        )


def _explain_address(text: str) -> ValidationError:
    """Find which side of the `@` is wrong; the library's own words are English and technical."""
    local, _at, domain = text.partition("@")
    if not local:
        return _refuse(_("The name before the @ is missing."), "missing_local")
    if not domain:
        return _refuse(_("The mail domain after the @ is missing, such as example.com."), "missing_domain")
    try:
        email_validator.validate_email(
            f"a@{domain}", check_deliverability=False, globally_deliverable=False, allow_domain_literal=True
        )
    except email_validator.EmailNotValidError:
        return _refuse(
            _("“%(domain)s” is not a mail domain. After the @ stands a name such as example.com."),
            "invalid_domain",
            domain=domain,
        )
    return _refuse(
        _("“%(local)s” can't stand before the @. Look for stray dots and for characters such as ( ) [ ] : \\."),
        "invalid_local",
        local=local,
    )


def validate_display_name(name: str, address: str) -> None:
    """Refuse a name that is missing, breaks the header, or passes itself off as another address.

    Args:
        name: the displayed name.
        address: the account's own address, which the name may repeat.

    Raises:
        ValidationError: with a code and a sentence per kind of mistake.
    """
    validate_no_control_characters(name)
    if not _without_invisible(name).strip():
        raise _refuse(
            _("Enter a displayed name. Without one the account counts as not configured and no mail is sent."),
            "required",
        )
    if len(name) > MAX_DISPLAY_NAME_LENGTH:
        raise _refuse(
            _("This name is too long. Shorten it to %(limit)d characters."), "too_long", limit=MAX_DISPLAY_NAME_LENGTH
        )
    if turns_direction(name):
        raise _refuse(
            _("This name holds an invisible mark that turns the reading direction. Type it again."), "direction"
        )
    if _ENCODED_WORD.search(name):
        raise _refuse(_("This name is in mail encoding (=?…?=). Type it as people should read it."), "encoded_word")
    if _names_another_address(name, address):
        raise _refuse(
            _("This name looks like another mail address, which misleads readers. Use a name, or %(address)s."),
            "looks_like_address",
            address=address,
        )


def _without_invisible(text: str) -> str:
    return "".join(char for char in text if unicodedata.category(char) != "Cf")


def _names_another_address(name: str, address: str) -> bool:
    # Compatibility forms (＠) and invisible characters must not hide an address from this check.
    plain = _without_invisible(unicodedata.normalize("NFKC", name))
    found = {match.casefold().strip("'.") for match in _ADDRESS_IN_TEXT.findall(plain)}
    return bool(found - {unicodedata.normalize("NFKC", address).strip().casefold()})


def validate_port(port: int) -> None:
    """Refuse a number that is no TCP port.

    Raises:
        ValidationError: with the code `port_out_of_range`.
    """
    if not 1 <= port <= 65535:
        raise _refuse(_("A port is a number from 1 to 65535; mail servers use 25, 465 or 587."), "port_out_of_range")


def validate_host(text: str) -> str:
    """Return the host name with A-labels and in lower case, or the IP address in its short form without brackets.

    Raises:
        ValidationError: with a code and a sentence per kind of mistake.
    """
    validate_no_control_characters(text)
    host = text.strip()
    address = find_ip_address(host)
    if address:
        return str(address)
    _refuse_host_shape(host)
    return _ascii_host(host)


def find_ip_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IPv4 or IPv6 address that the text is, with or without brackets; None for anything else."""
    bracketed = text.startswith("[") and text.endswith("]")
    try:
        address = ipaddress.ip_address(text[1:-1] if bracketed else text)
    except ValueError:
        return None
    return None if isinstance(address, ipaddress.IPv6Address) and address.scope_id else address


def _refuse_host_shape(host: str) -> None:
    """Refuse, each with its own sentence, the mistakes that a person makes."""
    if not host:
        raise _refuse(_("Enter the name or IP address of the mail server, such as smtp.example.com."), "required")
    if _SCHEME.match(host):
        raise _refuse(_("Leave out the part up to “://”: enter the server's name alone."), "scheme")
    if "@" in host:
        raise _refuse(
            _("This looks like a mail address. Enter the mail server's name, such as smtp.example.com."), "address"
        )
    if re.search(r"\s", host):
        raise _refuse(_("A server name holds no spaces. Take them out."), "space")
    if re.search(r"[/\\?#]", host):
        raise _refuse(_("Leave out everything from the slash on: enter the server's name alone."), "path")
    if "%" in host:
        raise _refuse(_("Leave out the percent sign and what follows it: enter the name or IP address alone."), "scope")
    if re.fullmatch(r"(?:[^:]*|\[.*\]):[0-9]*", host):
        raise _refuse(_("Leave out the colon and the port: the port has a field of its own."), "port")
    if ":" in host or "[" in host or "]" in host:
        raise _refuse(
            _("This is neither a server name nor a valid IPv6 address. Check the colons and brackets."), "invalid_ipv6"
        )


def _ascii_host(host: str) -> str:
    invalid = _refuse(
        _("“%(host)s” is not a server name. Names are letters, digits and hyphens parted by single dots."),
        "invalid_host",
        host=host[:MAX_HOST_LENGTH],
    )
    if len(host) > MAX_HOST_LENGTH + 1:
        raise _refuse(_("This server name is too long: 253 characters at most."), "too_long")
    name = host.lower().removesuffix(".")
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii").removesuffix(".")
        except (idna.IDNAError, UnicodeError) as error:
            raise invalid from error
    labels = name.split(".")
    if len(name) > MAX_HOST_LENGTH or not all(_HOST_LABEL.fullmatch(label) for label in labels):
        raise invalid
    # Resolvers read `127.1` and `0x7f000001` as IPv4 addresses; a person means the four numbers.
    if _NUMBER_LABEL.fullmatch(labels[-1]):
        raise _refuse(
            _("This is not a whole IPv4 address. Enter four numbers from 0 to 255 parted by dots."), "invalid_ipv4"
        )
    return name


def validate_ehlo_name(text: str) -> str:
    """Return the EHLO argument: a host name, or an IP address as address literal (RFC 5321 §4.1.3).

    Raises:
        ValidationError: as `validate_host` does, and with the code `underscore`.
    """
    bare = text.strip()
    if bare[:6].lower() == "[ipv6:":
        bare = "[" + bare[6:]
    name = validate_host(bare)
    address = find_ip_address(name)
    if address:
        return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"
    if "_" in name:
        raise _refuse(
            _("Mail servers refuse an EHLO name with an underscore. Use letters, digits and hyphens."), "underscore"
        )
    return name
