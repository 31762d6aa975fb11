"""Secrets out of what a server says: some repeat the line that they refuse."""

import re
from collections.abc import Iterable

REMOVED = "[…]"
_WORD = re.compile(r"[^\s\"'<>()\[\],;:.…]{6,}")


class Scrubber:
    """Takes out secrets, whole or cut short."""

    def __init__(self) -> None:
        """Begin without secrets."""
        self._secrets: list[str] = []

    def __repr__(self) -> str:
        """Show none of them."""
        return f"Scrubber({len(self._secrets)} secrets)"

    def learn(self, secrets: Iterable[str]) -> None:
        """Take out these, too, from now on."""
        self._secrets = sorted({*self._secrets, *filter(None, secrets)}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Give the text without the secrets, whatever their case."""
        for secret in self._secrets:
            text = re.sub(re.escape(secret), REMOVED, text, flags=re.IGNORECASE)
        return _WORD.sub(self._unless_part, text)

    def _unless_part(self, match: re.Match[str]) -> str:
        """A server may cut a long line that it repeats."""
        word = match[0].lower()
        return REMOVED if any(word in secret.lower() for secret in self._secrets) else match[0]
