"""The rules by which an entry is found: every condition that is given must hold; the most specific rule wins.

Phrases are looked for with `str.find`, never with regular expressions, so that no reply can make a look-up slow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from records.enums import Fault, Phase
from records.error_book.failure import Facts
from senders.enums import Encryption, LoginMethod

# How much a condition that holds adds to how specific a rule is. A server's own words say most, more words say more.
_PHRASE, _LONGEST_PHRASE, _PROVIDER, _STATUS, _STATUS_CLASS, _CODE, _CODE_CLASS = 60, 40, 30, 25, 14, 8, 2
_FAULT, _PORT, _LOGIN, _PHASE, _ENCRYPTION, _INTERNAL = 6, 5, 5, 4, 3, 3
_FIELDS = {
    "phases", "faults", "codes", "statuses", "says", "providers", "ports", "encryptions", "login_methods", "internal",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """The conditions of one rule; an empty one holds always."""

    phases: frozenset[Phase]
    faults: frozenset[Fault]
    codes: tuple[str, ...]
    """Reply codes such as `535`, or a class such as `4yz`."""
    statuses: tuple[str, ...]
    """Enhanced status codes such as `5.7.8`, or with a star for the last part: `5.7.*`."""
    says: tuple[tuple[str, ...], ...]
    """Phrases of which one must stand in the reply; each is its parts in order, written with `…` between them."""
    providers: frozenset[str]
    ports: frozenset[int]
    encryptions: frozenset[Encryption]
    login_methods: frozenset[LoginMethod]
    internal: bool

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> Self:
        """Build a rule from its TOML table.

        Raises:
            ValueError: If a field or a value is not known.
        """
        if unknown := set(table) - _FIELDS:
            raise ValueError(f"unknown fields of a rule: {sorted(unknown)}")
        return cls(
            phases=frozenset(map(Phase, table.get("phases", ()))),
            faults=frozenset(map(Fault, table.get("faults", ()))),
            codes=tuple(str(code) for code in table.get("codes", ())),
            statuses=tuple(table.get("statuses", ())),
            says=tuple(tuple(phrase.lower().split("…")) for phrase in table.get("says", ())),
            providers=frozenset(table.get("providers", ())),
            ports=frozenset(table.get("ports", ())),
            encryptions=frozenset(map(Encryption, table.get("encryptions", ()))),
            login_methods=frozenset(map(LoginMethod, table.get("login_methods", ()))),
            internal=table.get("internal", False),
        )

    def specificity(self, facts: Facts) -> int:
        """Return how specifically this rule fits a failure; 0 means that it does not."""
        failure = facts.failure
        points = 1
        for wanted, actual, weight in (
            (self.phases, failure.phase, _PHASE),
            (self.faults, failure.fault, _FAULT),
            (self.providers, facts.provider, _PROVIDER),
            (self.ports, failure.port, _PORT),
            (self.encryptions, failure.encryption, _ENCRYPTION),
            (self.login_methods, failure.login_method, _LOGIN),
        ):
            if wanted and actual not in wanted:
                return 0
            points += weight if wanted else 0
        return self._specificity_of_reply(facts, points)

    def _specificity_of_reply(self, facts: Facts, points: int) -> int:
        """Add the points of the conditions on the reply and the host to the others."""
        if self.internal and not facts.is_internal:
            return 0
        gained = [
            _INTERNAL if self.internal else 0,
            _code(self.codes, facts.failure.reply_code),
            _status(self.statuses, facts.status),
            max((_phrase(facts.text, parts) for parts in self.says), default=0),
        ]
        wanted = [self.internal, self.codes, self.statuses, self.says]
        if any(want and not gain for want, gain in zip(wanted, gained, strict=True)):
            return 0
        return points + sum(gained)


def _code(wanted: tuple[str, ...], code: int | None) -> int:
    if str(code) in wanted:
        return _CODE
    return _CODE_CLASS if code is not None and f"{code // 100}yz" in wanted else 0


def _status(wanted: tuple[str, ...], status: str) -> int:
    if status in wanted:
        return _STATUS
    return _STATUS_CLASS if f"{status.rpartition('.')[0]}.*" in wanted else 0


def _phrase(text: str, parts: tuple[str, ...]) -> int:
    position = 0
    for part in parts:
        position = text.find(part, position)
        if position < 0:
            return 0
        position += len(part)
    return _PHRASE + min(sum(map(len, parts)), _LONGEST_PHRASE)
