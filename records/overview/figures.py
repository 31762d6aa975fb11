"""What the overview says in numbers, from the sums of a window."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Self, TypeVar

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from records.enums import Outcome, ResultClass, SkipReason
from records.error_book import explain_outcome, find_entry
from records.filters import NO_CAUSE
from records.overview.spans import Window
from records.rollups.adding import BOUNDS
from records.rollups.keys import OTHERS
from records.rollups.reading import ServerSum, Sum, Sums

RowT = TypeVar("RowT")

MAX_ROWS = 6
"""So many senders, templates, causes and servers are listed; the rest is one line."""


@dataclass(slots=True)
class Tally:
    """Tries, by their results."""

    success: int = 0
    failed: int = 0
    uncertain: int = 0
    final: int = 0
    """Of those that failed: after which nothing more is tried unless a person wants it."""

    def add(self, outcome: Outcome, tries: int) -> None:
        """Count tries that ended in one way."""
        name = _FIELDS[outcome.result]
        setattr(self, name, getattr(self, name) + tries)

    @property
    def tries(self) -> int:
        """All of them."""
        return self.success + self.failed + self.uncertain

    @property
    def rate(self) -> str:
        """How many of a hundred succeeded, such as `95.6`; 100 only where all did, and 0 only where none did."""
        if not self.tries:
            return ""
        if self.success in {0, self.tries}:
            return "100" if self.success else "0"
        tenths = (self.success * 2_000 + self.tries) // (2 * self.tries)
        return f"{min(max(tenths, 1), 999) / 10:.1f}"


_FIELDS = {ResultClass.SUCCESS: "success", ResultClass.FAILED: "failed", ResultClass.UNCERTAIN: "uncertain"}


_FINAL = {Outcome.REFUSED, Outcome.SKIPPED, Outcome.SUPPRESSED}
_GONE_ON = {explain_outcome(Outcome.SKIPPED, each).key for each in (SkipReason.HANDED_OVER, SkipReason.HANDED_BACK)}
"""Causes of tries that another account went on after."""


@dataclass(slots=True)
class Speed:
    """How long tries took that a server answered."""

    milliseconds: int = 0
    lengths: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))

    @classmethod
    def of(cls, sums: Sequence[ServerSum]) -> Self:
        """Count the tries that some servers answered."""
        lengths = [sum(counts) for counts in zip(*(found.lengths for found in sums), strict=True)]
        return cls(sum(found.milliseconds for found in sums), lengths) if sums else cls()

    @property
    def answered(self) -> int:
        """How many there were."""
        return sum(self.lengths)

    @property
    def average(self) -> str:
        """Their average."""
        return write_length(self.milliseconds / self.answered) if self.answered else ""

    @property
    def median(self) -> str:
        """What half of them did not take longer than, as closely as it is known."""
        return self._within(50)

    @property
    def slow(self) -> str:
        """What 95 of a hundred did not take longer than, as closely as it is known."""
        return self._within(95)

    def _within(self, percent: int) -> str:
        if not self.answered:
            return ""
        counted = 0
        for count, upto in zip(self.lengths, BOUNDS.values(), strict=False):
            counted += count
            if counted * 100 >= self.answered * percent:
                return f"≤ {write_length(upto)}"
        return f"> {write_length(list(BOUNDS.values())[-1])}"


@dataclass(frozen=True, slots=True)
class Row:
    """What tries have in common, how many there were and how they ended."""

    name: str | Promise
    tally: Tally
    share: str
    """Of a hundred units, how long its bar is."""
    success_share: str
    """How much of that is success."""
    arrived_share: str
    """How much of it is success, or may have arrived."""
    query: str
    """Of the record list's address; empty where the list can't be narrowed to it."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why tries failed, in the words of the error book."""

    words: str | Promise
    tries: int
    query: str


@dataclass(frozen=True, slots=True)
class Provider:
    """How fast a mail server answers."""

    server: str
    """host:port"""
    speed: Speed

    @property
    def is_others(self) -> bool:
        """Whether it stands for all servers that are not told apart."""
        return self.server == OTHERS

    @property
    def host(self) -> str:
        """Its name."""
        return self.server.rpartition(":")[0]

    @property
    def port(self) -> str:
        """Its port, apart so that a line may break before it."""
        return self.server.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class Ranking(Generic[RowT]):
    """The largest of a kind, and how many more there are; the last row may be of all that are not told apart."""

    rows: list[RowT]
    more: int
    has_others: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """All that is said of a window."""

    tally: Tally
    speed: Speed
    senders: Ranking[Row]
    templates: Ranking[Row]
    causes: Ranking[Cause]
    providers: Ranking[Provider]
    success_query: str
    failed_query: str
    uncertain_query: str

    @property
    def has_others(self) -> bool:
        """Whether there are so many senders, templates or servers that some are not told apart."""
        return self.senders.has_others or self.templates.has_others or self.providers.has_others


def sum_up(sums: Sums, window: Window) -> Summary:
    """Say in numbers what happened in a window."""
    return Summary(
        _tally(sums.by_cause),
        Speed.of(sums.by_server),
        senders=_rank(sums.by_sender, lambda name: _sender_row(name, window)),
        templates=_rank(sums.by_template, lambda name: _template_row(name, window)),
        causes=_rank_causes(sums.by_cause, window),
        providers=_rank_providers(sums.by_server),
        success_query=window.filters(result=ResultClass.SUCCESS).as_query(),
        failed_query=window.filters(result=ResultClass.FAILED).as_query(),
        uncertain_query=window.filters(result=ResultClass.UNCERTAIN).as_query(),
    )


def write_length(milliseconds: float) -> str:
    """Write a length of time with the unit that fits it, such as `240 ms` or `1.5 s`."""
    if milliseconds < 1_000:
        return _("%(number)s ms") % {"number": round(milliseconds)}
    return _("%(number)s s") % {"number": f"{milliseconds / 1_000:.1f}".removesuffix(".0")}


def _sender_row(name: str, window: Window) -> tuple[str, str]:
    if name == OTHERS:
        return _("Other senders, not told apart"), ""
    return (name, window.filters(sender=name).as_query()) if name else (_("No sender"), "")


def _template_row(name: str, window: Window) -> tuple[str, str]:
    if name == OTHERS:
        return _("Other templates, not told apart"), ""
    return (name, window.filters(template=name).as_query()) if name else (_("No template"), "")


def _tally(causes: Iterable[Sum]) -> Tally:
    tally = Tally()
    for found in causes:
        tally.add(found.outcome, found.tries)
        if found.outcome in _FINAL and found.name not in _GONE_ON:
            tally.final += found.tries
    return tally


def _rank(sums: Iterable[Sum], describe: Callable[[str], tuple[str, str]]) -> Ranking[Row]:
    tallies: dict[str, Tally] = defaultdict(Tally)
    for found in sums:
        tallies[found.name].add(found.outcome, found.tries)
    others = [(OTHERS, tallies.pop(OTHERS))] if OTHERS in tallies else []
    ordered = sorted(tallies.items(), key=lambda item: (-item[1].tries, item[0]))
    shown = [*ordered[:MAX_ROWS], *others]
    most = max((tally.tries for _name, tally in shown), default=1)
    rows = []
    for name, tally in shown:
        words, query = describe(name)
        arrived = _of_hundred(tally.success + tally.uncertain, most)
        rows.append(Row(words, tally, _of_hundred(tally.tries, most), _of_hundred(tally.success, most), arrived, query))
    return Ranking(rows, len(ordered[MAX_ROWS:]), bool(others))


def _of_hundred(part: int, whole: int) -> str:
    return f"{part * 100 / whole:.2f}"


def _rank_causes(sums: Iterable[Sum], window: Window) -> Ranking[Cause]:
    counts: dict[tuple[str, Outcome | None], int] = defaultdict(int)
    for found in sums:
        if found.outcome.result is not ResultClass.SUCCESS:
            # What has no cause is told by its outcome.
            counts[found.name, None if found.name else found.outcome] += found.tries
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0][0]))
    rows = [_cause(*place, tries, window) for place, tries in ordered[:MAX_ROWS]]
    return Ranking(rows, len(ordered[MAX_ROWS:]))


def _cause(key: str, outcome: Outcome | None, tries: int, window: Window) -> Cause:
    if outcome:
        return Cause(outcome.label, tries, window.filters(outcome=outcome, cause=NO_CAUSE).as_query())
    entry = find_entry(key)
    return Cause(str(entry.cause) if entry else key, tries, window.filters(cause=key).as_query())


def _rank_providers(sums: Iterable[ServerSum]) -> Ranking[Provider]:
    ordered = sorted(sums, key=lambda found: (-found.answered, found.server))
    told_apart = [found for found in ordered if found.server != OTHERS]
    others = [found for found in ordered if found.server == OTHERS]
    rows = [Provider(found.server, Speed.of([found])) for found in (*told_apart[:MAX_ROWS], *others)]
    return Ranking(rows, len(told_apart[MAX_ROWS:]), bool(others))
