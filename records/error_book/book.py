"""The entries of the error book, read once, and looking them up."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from records.enums import Lesson, Outcome, Remedy, SkipReason
from records.error_book.failure import Facts, Failure, derive_facts
from records.error_book.rules import Rule
from senders.bilingual import Bilingual, read_bilingual
from senders.enums import Encryption, LoginMethod
from senders.presets import ServerPort

BOOK_FOLDER = Path(__file__).parent.parent / "data" / "error_book"
GENERIC_KEY = "generic"
_PORT_REMEDIES = {
    ServerPort(465, Encryption.SSL): Remedy.USE_SSL_465,
    ServerPort(587, Encryption.TLS): Remedy.USE_TLS_587,
    ServerPort(25, Encryption.TLS): Remedy.USE_TLS_25,
}
_REMEDIES_WITH_GUIDE = {
    Remedy.OPEN_GUIDE, Remedy.RETYPE_PASSWORD, Remedy.CHECK_LOGIN_NAME, Remedy.CHECK_ADDRESS, Remedy.SIGN_IN,
    *_PORT_REMEDIES.values(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One explanation. Cause and fix are texts in the active language wherever they are written out."""

    key: str
    """Stored with a record; never changes its meaning."""
    cause: Bilingual
    fix: Bilingual
    guide: str
    """Slug of a guide, or empty."""
    remedy: Remedy
    rules: tuple[Rule, ...]
    lesson: Lesson | None = None
    """What it teaches about how much the account may send."""

    @property
    def is_of_account(self) -> bool:
        """Tell whether even a final reply says nothing about the mail in hand: it waits and does not fail."""
        return self.lesson in {Lesson.RATE, Lesson.DAY}


def _read_entry(key: str, table: Mapping[str, Any]) -> Entry:
    return Entry(
        key=key,
        cause=read_bilingual(table["cause"]),
        fix=read_bilingual(table["fix"]),
        guide=table.get("guide", ""),
        remedy=Remedy(table.get("remedy", Remedy.NONE)),
        rules=tuple(Rule.read(rule) for rule in table.get("rules", ())),
        lesson=Lesson(table["lesson"]) if "lesson" in table else None,
    )


def read_tables() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield key and table of every entry, file by file in the order of their names."""
    for path in sorted(BOOK_FOLDER.glob("*.toml")):
        yield from tomllib.loads(path.read_text(encoding="utf-8")).items()


ENTRIES: tuple[Entry, ...] = tuple(_read_entry(key, table) for key, table in read_tables())
"""All entries. Among equally specific rules the earlier entry wins."""
_BY_KEY = {entry.key: entry for entry in ENTRIES}
_GENERIC = _BY_KEY[GENERIC_KEY]


def find_entry(key: str) -> Entry | None:
    """Return the entry with this key."""
    return _BY_KEY.get(key)


def get_entry(key: str) -> Entry:
    """Return the entry with this key, or the generic one: keys in old records outlive their entries."""
    return _BY_KEY.get(key, _GENERIC)


def explain(failure: Failure) -> Entry:
    """Return the entry that fits a failure most specifically, its remedy and guide fitted to the provider."""
    facts = derive_facts(failure)
    best, best_specificity = _GENERIC, 0
    for entry in ENTRIES:
        specificity = max((rule.specificity(facts) for rule in entry.rules), default=0)
        if specificity > best_specificity:
            best, best_specificity = entry, specificity
    return _fit_to_provider(best, facts)


def explain_outcome(outcome: Outcome, skip_reason: SkipReason | str = "") -> Entry:
    """Return the entry of an outcome that is no failure of a session: skipped, interrupted, unknown, accepted.

    Refused, deferred and not connected need their `Failure`: see `explain`.
    """
    return get_entry(f"skipped-{skip_reason}" if skip_reason else f"outcome-{outcome}")


def _is_in_force(remedy: Remedy, failure: Failure) -> bool:
    """Tell whether the failed settings follow a remedy already, so that it is no use to offer it."""
    if remedy is Remedy.SIGN_IN:
        return failure.login_method is LoginMethod.ADDRESS
    if failure.port is None or failure.encryption is None:
        return False
    return _PORT_REMEDIES.get(ServerPort(failure.port, failure.encryption)) is remedy


def _fit_to_provider(entry: Entry, facts: Facts) -> Entry:
    """Return the entry with the guide of the provider, and with the port that the provider serves."""
    preset, guide, remedy = facts.preset, entry.guide, entry.remedy
    if preset and remedy in _REMEDIES_WITH_GUIDE:
        guide = guide or preset.guide
    if preset and remedy in _PORT_REMEDIES.values():
        remedy = _PORT_REMEDIES.get(ServerPort(preset.port, preset.encryption), remedy)
    if _is_in_force(remedy, facts.failure):
        remedy = Remedy.NONE
    if remedy is Remedy.OPEN_GUIDE and not guide:
        remedy = Remedy.RETYPE_PASSWORD
    return replace(entry, guide=guide, remedy=remedy)
