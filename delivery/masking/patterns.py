"""Patterns that admins write: regular expressions in the syntax of RE2, which takes linear time whatever they are."""

from collections.abc import Callable, Iterator
from functools import lru_cache

_MEMORY = 1 << 20
"""Bytes that one pattern may take: what needs more is refused."""


class PatternError(ValueError):
    """A pattern can't be read. The text is RE2's own sentence, in English, but where RE2 itself is missing."""


@lru_cache(maxsize=64)
def compile_pattern(pattern: str) -> Callable[[str], Iterator[str]]:
    """Make a pattern ready: what it finds is its first group, or all of it where it has none.

    Raises:
        PatternError: It is no pattern, or one that takes too much memory; or RE2 is not installed well.
    """
    try:
        import re2  # noqa: PLC0415  # only who has such a rule pays for it
    except ImportError as error:
        raise PatternError("library not loaded") from error

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        raise PatternError(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) from error
    group = 1 if compiled.groups else 0

    def find(text: str) -> Iterator[str]:
        for found in compiled.finditer(text):
            if found[group]:
                yield found[group]

    return find
