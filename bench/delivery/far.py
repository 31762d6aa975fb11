"""A server 25 ms away, each way: what a round trip saved is worth."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.delivery.contestants import Contestant, Ours, PlainClient
from bench.delivery.measure import Field, Result, run
from bench.delivery.places import Place, place
from bench.delivery.report import Bar, Table, spread
from bench.delivery.servers import Authority, DebianSink, FarLine, WatchedSink, make_authority

CONNECTIONS = 20
COUNTS = {"smtplib": 60, "one": 200, "twenty": 4000}
SIZE = 2000


@dataclass(frozen=True)
class Server:
    """A far server and those who send to it."""

    name: str
    field: Field
    plain: Contestant
    one: Contestant
    twenty: Contestant | None


def far(folder: Path, rounds: int, *, scale: float = 1.0) -> tuple[list[Table], list[Bar]]:
    """Measure everybody in turn; `scale` makes the runs shorter."""
    with place(folder) as here:
        sink, authority = here.sink(), make_authority(folder)
        line = here.far_line(sink.port)
        every = [
            _server(here, "far", sink, line),
            _server(here, "far_tls", secured := here.watched_sink(authority), here.far_line(secured.port), authority),
            _server(here, "far_sequential", shy := here.sink("-p"), here.far_line(shy.port), only_one=True),
        ]
        trips = line.round_trips()
        found = [_round(every, scale, number) for number in range(rounds)]
    return [_table(found, trips)], _bars(found)


def _server(
    here: Place, name: str, sink: DebianSink | WatchedSink, line: FarLine, authority: Authority | None = None,
    *, only_one: bool = False,
) -> Server:  # fmt: skip
    platform = here.platform(name, line.port, authority.certificate if authority else None)
    return Server(
        name, Field(sink, here.postgres, here.redis), PlainClient(here.folder, line.port, authority=authority),
        Ours(platform, connections=1), None if only_one else Ours(platform, connections=CONNECTIONS),
    )  # fmt: skip


Round = dict[tuple[str, str], Result]


def _round(every: Sequence[Server], scale: float, number: int) -> Round:
    results: Round = {}
    for server in every:
        for key, contestant in (("smtplib", server.plain), ("one", server.one), ("twenty", server.twenty)):
            if contestant is None:
                continue
            result = run(contestant, server.field, count=max(10, int(COUNTS[key] * scale)), size=SIZE)
            results[server.name, key] = result
            print(f"  round {number + 1}, {server.name}: {result.name:30}{result.rate:8.1f}/s", file=sys.stderr)
    return results


NAMES = {
    "far": "25 ms each way", "far_tls": "the same, TLS and sign-in", "far_sequential": "the same, without PIPELINING",
}  # fmt: skip
WHO = {"smtplib": "smtplib, one connection", "one": "ours, one connection", "twenty": "ours, 20 connections"}


def _table(found: Sequence[Round], trips: Sequence[float]) -> Table:
    rows = [
        (f"{NAMES[name]}: {WHO[key]}", spread([one[name, key].rate for one in found], ".1f"),
         f"{spread([one[name, key].rate / one[name, 'smtplib'].rate for one in found], '.2f')} ×")
        for name, key in found[0]
    ]  # fmt: skip
    cuts = statistics.quantiles(trips, n=100)
    note = (
        f"A round trip through the line, measured by {len(trips)} NOOPs: median {statistics.median(trips):.2f} ms, "
        f"1 % below {cuts[0]:.2f}, 1 % above {cuts[98]:.2f}."
    )
    return Table("A far server, mails of 2 KB", ("", "mails/s", "to smtplib"), tuple(rows), note)


def _bars(found: Sequence[Round]) -> list[Bar]:
    made = []
    for name in ("far", "far_tls"):
        made += [
            Bar(f"{NAMES[name]}: one connection to smtplib's", _ratios(found, name), 3.8),
            Bar(
                f"{NAMES[name]}: each of 20 connections",
                tuple(one[name, "twenty"].rate / CONNECTIONS for one in found), 17, unit="/s", form=".1f",
            ),
        ]  # fmt: skip
    return [
        *made,
        Bar(f"{NAMES['far_sequential']}: one connection to smtplib's", _ratios(found, "far_sequential"), 0.95),
    ]


def _ratios(found: Sequence[Round], name: str) -> tuple[float, ...]:
    return tuple(one[name, "one"].rate / one[name, "smtplib"].rate for one in found)
