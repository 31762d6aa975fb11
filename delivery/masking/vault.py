"""The sealed originals of masked mails: written when a mail is accepted, opened by the engine alone, never shown.

What is sealed is the original's Subject field and body. The other header fields are those of the masked copy, which
change when another account stands in.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db import connection
from django.views.decorators.debug import sensitive_variables

from records.bulk import insert_rows, one_of
from records.masking.models import SealedContent
from records.packing import Packed, pack, unpack
from senders.exceptions import SealBrokenError
from senders.keyring import primary_key
from senders.sealing import Sealed, SealedRows, seal_octets, unseal_octets

_TABLE = "records_sealedcontent"
_LENGTH = 4
_SUBJECT = re.compile(rb"^Subject:.*\r\n(?:[ \t].*\r\n)*", re.IGNORECASE | re.MULTILINE)


class Sealable(NamedTuple):
    """What is sealed of a mail."""

    mail_id: int
    subject_field: bytes
    """With its CRLF."""
    body: bytes
    secrets: frozenset[str]


@dataclass(frozen=True, slots=True)
class Original:
    """An original that was opened."""

    mime: bytes = field(repr=False)
    """As it goes over the wire."""
    secrets: frozenset[str] = field(repr=False)
    """What matters of its secrets: replies that quote one are masked too."""


@sensitive_variables()
def seal_all(originals: Iterable[Sealable]) -> None:
    """Seal originals, within the caller's transaction, one after the other: all at once may not fit into memory.

    Raises:
        KeyringError: There is no usable encryption key.
    """
    if connection.vendor == "postgresql":
        # First of all: whoever drops old keys waits for us, or we for him, and then seal under the new one.
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {_TABLE} IN ROW EXCLUSIVE MODE")
    insert_rows(SealedContent, ("mail_id", "key_id", "octets"), _rows(originals))


def _rows(originals: Iterable[Sealable]) -> Iterator[tuple[int, str, bytes]]:
    for one in originals:
        sealed = seal_octets(_write(one), _binding(one.mail_id))
        yield one.mail_id, sealed.key_id, sealed.octets


def open_originals(mail_ids: Collection[int]) -> dict[int, Original]:
    """Open the originals of mails; one that is not there or can't be opened is left out."""
    rows = SealedContent.objects.filter(mail_id__in=one_of(mail_ids))
    found = {}
    for mail_id, key_id, octets, head in rows.values_list("mail_id", "key_id", "octets", "mail__content__head"):
        try:
            sealed = unseal_octets(Sealed(key_id, bytes(octets)), _binding(mail_id))
        except SealBrokenError:
            continue
        if head is not None:
            found[mail_id] = _read(sealed, bytes(head))
    return found


def reseal() -> int:
    """Bring originals under the primary key; returns how many."""
    done = 0
    primary = primary_key().id
    ids = list(SealedContent.objects.exclude(key_id=primary).order_by("pk").values_list("pk", flat=True))
    for pk in ids:
        for row in SealedContent.objects.filter(pk=pk):  # one at a time; it may be gone by now
            try:
                octets = unseal_octets(Sealed(row.key_id, bytes(row.octets)), _binding(pk))
            except SealBrokenError:
                continue
            sealed = seal_octets(octets, _binding(pk))
            unchanged = SealedContent.objects.filter(pk=pk, key_id=row.key_id)
            done += unchanged.update(key_id=sealed.key_id, octets=sealed.octets)
    return done


def used_key_ids() -> set[str]:
    """Tell under which keys originals are sealed."""
    return set(SealedContent.objects.order_by().values_list("key_id", flat=True).distinct())


def count_unreadable() -> int:
    """Count the originals that can't be opened with the present keys."""
    return sum(1 for row in SealedContent.objects.order_by("pk").iterator(chunk_size=10) if not _opens(row))


def _opens(row: SealedContent) -> bool:
    try:
        unseal_octets(Sealed(row.key_id, bytes(row.octets)), _binding(row.pk))
    except SealBrokenError:
        return False
    return True


def _binding(mail_id: int) -> str:
    return f"{_TABLE}|{mail_id}|octets"


def _write(original: Sealable) -> bytes:
    packed = pack(original.body)
    described = json.dumps(
        {
            "subject": original.subject_field.decode(),
            "secrets": sorted(original.secrets),
            "packing": packed.packing,
        }
    ).encode()
    return len(described).to_bytes(_LENGTH) + described + packed.octets


def _read(octets: bytes, head: bytes) -> Original:
    start = _LENGTH + int.from_bytes(octets[:_LENGTH])
    described = json.loads(octets[_LENGTH:start])
    body = unpack(*Packed(octets[start:], described["packing"]))
    subject: bytes = described["subject"].encode()
    whole, found = _SUBJECT.subn(lambda _match: subject, head, count=1)
    if not found:
        raise ValueError("the header fields of a masked mail have no Subject")
    return Original(whole + body, frozenset(described["secrets"]))


ROWS = SealedRows(_TABLE, reseal, used_key_ids, count_unreadable)
"""What changing the keys has to know of originals."""
