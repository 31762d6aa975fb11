"""Putting sentences behind each other as their language wants: the full stop of Chinese brings its own space."""

import re
from collections.abc import Iterable

_AFTER_WIDE = re.compile(r"(?<=[。！？；：，、])((?:\s*</\w+>)*)\s+")


def join_sentences(sentences: Iterable[object]) -> str:
    """Put sentences behind each other; empty ones are left out."""
    return close_up(" ".join(filter(None, map(str, sentences))))


def close_up(text: str) -> str:
    """Take the spaces out that stand behind the wide marks of Chinese, in text and in HTML."""
    return _AFTER_WIDE.sub(lambda space: "".join(space[1].split()), text)
