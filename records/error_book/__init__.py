"""The error book: what a failure means in plain words, and what to do about it, in English and Chinese.

The entries are data (`records/data/error_book/*.toml`). `explain` is pure and never raises, whatever a server wrote.
"""

from records.error_book.book import (
    ENTRIES,
    Entry,
    explain,
    explain_outcome,
    find_entry,
    get_entry,
)
from records.error_book.failure import Failure

__all__ = ["ENTRIES", "Entry", "Failure", "explain", "explain_outcome", "find_entry", "get_entry"]
