"""Searching everything that is stored for secrets: every column of every table, contents decoded."""

import quopri
from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from email import message_from_bytes, policy
from html import unescape
from urllib.parse import unquote

from django.apps import apps

from records.content import find_mime
from records.masking.models import SealedContent
from records.models import Mail

_UNREADABLE = {SealedContent}


def stored_texts() -> Iterator[str]:
    """Give all that is stored but what is sealed, in every way in which somebody could read it."""
    for model in apps.get_models():
        if model in _UNREADABLE:
            continue
        for row in model._base_manager.values():
            for value in row.values():
                yield from _readings(bytes(value) if isinstance(value, (bytes, memoryview)) else str(value).encode())
    for mail in Mail.objects.all():
        for part in message_from_bytes(find_mime(mail.pk) or b"", policy=policy.default).walk():
            yield str(part.items())
            if not part.is_multipart():
                payload = part.get_payload(decode=True)
                yield from _readings(payload if isinstance(payload, bytes) else b"")


def _readings(octets: bytes) -> Iterator[str]:
    yield octets.decode("utf-8", "replace")
    yield quopri.decodestring(octets).decode("utf-8", "replace")
    with suppress(ValueError):
        yield b64decode(octets).decode("utf-8", "replace")


def is_stored(secret: str) -> bool:
    """Tell whether a secret can be read anywhere in the database."""
    return any(
        secret in reading or secret in unescape(reading) or secret in unquote(reading) for reading in stored_texts()
    )
