"""Secrets out of what a server says: some repeat the line that they refuse."""

import re
from collections.abc import Callable, Collection, Iterable

REMOVED = "[…]"
SHORTEST_PART = 6
"""Characters from which on a word is told to be part of a secret: shorter ones stand in many by chance."""
_WORD = re.compile(rf"[^\s\"'<>()\[\],;:.…]{{{SHORTEST_PART},}}")


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
        return hide_parts(text, [secret.lower() for secret in self._secrets], str.lower, REMOVED)


def hide_parts(text: str, secrets: Collection[str], spell: Callable[[str], str], mark: str) -> str:
    """Put a mark in the place of each word that is part of a secret: a server may cut a long line that it repeats.

    Args:
        text: Any text.
        secrets: As `spell` writes them.
        spell: Writes what need not be the same in the same way, such as the case of letters.
        mark: What to write instead.
    """

    def unless_part(match: re.Match[str]) -> str:
        word = spell(match[0])
        is_part = len(word) >= SHORTEST_PART and any(word in secret for secret in secrets)
        return mark if is_part else match[0]

    return _WORD.sub(unless_part, text) if secrets else text
