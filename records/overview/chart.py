"""The chart of tries by hour, day or week: where its bars, lines and labels stand, for a template to draw as SVG.

It is drawn twice, for wide and for narrow screens, so that its words keep their size; CSS shows one of them. The parts
of which there are many are written here: a template took half of the page's time for them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from math import ceil

from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from records.overview.figures import Tally
from records.overview.spans import Step, Window
from records.rollups.reading import Total

_TOP, _HEIGHT, _BELOW = 14, 200, 30
_BOTTOM = _TOP + _HEIGHT
_LEFT = 54
_LEAST_TOP = 4
_KINDS = ("success", "uncertain", "failed")
"""From below, as bars are stacked."""
_READABLE = (1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10)
_SHORT_FROM = 100_000
"""At the upper end of the axis: such numbers would need more room than there is beside it."""
_UNITS = ((10**9, "B"), (10**6, "M"), (10**3, "K"))
_UNITS_OF_CHINESE = ((10**8, " 亿"), (10**4, " 万"))
_GAP = 0.18
"""How much of a step's width is free between two bars."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a bar, or the parts of all bars that are of one result."""

    kind: str
    """Of which result, for the style sheet."""
    path: str
    """Its outline, as SVG writes it."""

    @property
    def svg(self) -> str:
        """How it is drawn."""
        return f'<path class="chart-{self.kind}" d="{self.path}" />'


@dataclass(frozen=True, slots=True)
class Bar:
    """One step's tries, stacked."""

    words: str
    """When it was."""
    tally: Tally
    pieces: list[Piece]

    @property
    def title(self) -> str:
        """All that it says, in a sentence."""
        figures = {name: f"{getattr(self.tally, name):,}" for name in _KINDS}
        return _("%(time)s: %(success)s success, %(uncertain)s may have arrived, %(failed)s failed") % {
            "time": self.words,
            **figures,
        }

    @property
    def svg(self) -> str:
        """How it is drawn."""
        return f"<g><title>{escape(self.title)}</title>{''.join(piece.svg for piece in self.pieces)}</g>"

    @property
    def row(self) -> str:
        """What the table says of it."""
        cells = "".join(f'<td class="number">{getattr(self.tally, name):,}</td>' for name in _KINDS)
        return f'<tr><th scope="row">{escape(self.words)}</th>{cells}</tr>'


@dataclass(frozen=True, slots=True)
class Line:
    """A line across the chart, and its number."""

    text: str
    y: str
    baseline: str
    """Of the number."""


@dataclass(frozen=True, slots=True)
class Label:
    """Words under the chart."""

    text: str
    x: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """The chart in one width."""

    name: str
    width: int
    height: int
    left: int
    bottom: int
    bars: SafeString
    """Those with anything to be seen, as SVG: each told by itself where there is room, else all of a kind at once."""
    lines: list[Line]
    labels: list[Label]

    @property
    def below(self) -> int:
        """Where the words under it stand."""
        return self.bottom + 20


@dataclass(frozen=True, slots=True)
class Chart:
    """Tries step by step."""

    step: Step
    drawings: list[Drawing]
    bars: list[Bar]
    """Each step once."""
    peak: Bar | None
    """The step with the most tries; None without any."""

    @property
    def rows(self) -> SafeString:
        """What the table says of each step."""
        return mark_safe("".join(bar.row for bar in self.bars))  # noqa: S308  # words are escaped


@dataclass(frozen=True, slots=True)
class _Paper:
    """What a drawing is made on."""

    name: str
    width: int
    most_labels: int
    has_titles: bool
    """Whether there is room to point at a bar and be told of it."""
    room: float
    """Width of a step."""
    top: int
    """Number at the upper end."""

    def x_of(self, place: float) -> float:
        return _LEFT + place * self.room

    def height_of(self, number: int) -> float:
        return _HEIGHT * number / self.top


def draw(totals: Sequence[Total], window: Window) -> Chart:
    """Place the chart's parts."""
    tallies = [Tally() for _step in window.steps]
    for total in totals:
        tallies[total.span] = Tally(total.success, total.failed, total.uncertain)
    top = find_top(max(tally.tries for tally in tallies))
    papers = [
        _Paper(name, width, most_labels, has_titles, (width - _LEFT) / len(tallies), top)
        for name, width, most_labels, has_titles in (("wide", 1040, 8, True), ("narrow", 340, 4, False))
    ]
    bars = [
        Bar(_when(window.step, begins, ends), tally, _pieces(papers[0], place, tally))
        for place, ((begins, ends), tally) in enumerate(zip(window.steps, tallies, strict=True))
    ]
    drawings = [_draw(paper, window, bars) for paper in papers]
    busiest = max(bars, key=lambda bar: bar.tally.tries)
    return Chart(window.step, drawings, bars, busiest if busiest.tally.tries else None)


def find_top(most: int) -> int:
    """Round up to what the axis ends with: an even number that reads well."""
    if most <= _LEAST_TOP:
        return _LEAST_TOP
    magnitude: int = 10 ** (len(str(most)) - 1)
    candidates = (ceil(step * magnitude) for step in _READABLE if step * magnitude >= most)
    top = next(candidates)
    return top + top % 2


def _draw(paper: _Paper, window: Window, bars: Sequence[Bar]) -> Drawing:
    lines = [_line(number, _BOTTOM - paper.height_of(number), paper.top) for number in (0, paper.top // 2, paper.top)]
    drawn = [bar for bar in bars if bar.pieces] if paper.has_titles else _areas(paper, [bar.tally for bar in bars])
    written = mark_safe("".join(each.svg for each in drawn))  # noqa: S308  # words are escaped
    return Drawing(paper.name, paper.width, _BOTTOM + _BELOW, _LEFT, _BOTTOM, written, lines, _labels(paper, window))


def _areas(paper: _Paper, tallies: Iterable[Tally]) -> list[Piece]:
    pieces = [piece for place, tally in enumerate(tallies) for piece in _pieces(paper, place, tally)]
    return [Piece(kind, "".join(piece.path for piece in pieces if piece.kind == kind)) for kind in _KINDS]


def _pieces(paper: _Paper, place: int, tally: Tally) -> list[Piece]:
    """Stack a step's results, from below: what went well first."""
    gap = paper.room * _GAP
    x, width = paper.x_of(place) + gap / 2, paper.room - gap
    pieces, y = [], float(_BOTTOM)
    for kind in _KINDS:
        if tries := getattr(tally, kind):
            # What is there is seen, be it one of thousands.
            height = max(paper.height_of(tries), 1.5)
            y -= height
            pieces.append(Piece(kind, f"M{x:.1f} {y:.1f}h{width:.1f}v{height:.1f}h-{width:.1f}z"))
    return pieces


def _when(step: Step, begins: datetime, ends: datetime) -> str:
    begins, ends = timezone.localtime(begins), timezone.localtime(ends)
    if step is Step.HOUR:
        return f"{begins:%Y-%m-%d %H:%M}–{ends:%H:%M}"
    if step is Step.DAY:
        return f"{begins:%Y-%m-%d}"
    return f"{begins:%Y-%m-%d} – {ends - timedelta(days=1):%m-%d}"


def _line(number: int, y: float, top: int) -> Line:
    text = f"{number:,}" if top < _SHORT_FROM else write_short(number)
    return Line(text, f"{y:.1f}", f"{y + 4:.1f}")


def write_short(number: int) -> str:
    """Write a large number in few signs, such as `1.2M`, as people count: in Chinese by ten thousands."""
    units = _UNITS_OF_CHINESE if (get_language() or "").startswith("zh") else _UNITS
    size, sign = next((unit for unit in units if number >= unit[0]), (1, ""))
    return f"{number / size:.2f}".rstrip("0").rstrip(".") + sign


def _labels(paper: _Paper, window: Window) -> list[Label]:
    every = ceil(len(window.steps) / paper.most_labels)
    return [
        Label(format(timezone.localtime(begins), window.label_format), f"{paper.x_of(place + 0.5):.1f}")
        for place, (begins, _ends) in enumerate(window.steps)
        # From the middle of the first few on: the words are centred, and want room at the edges.
        if place % every == every // 2
    ]
