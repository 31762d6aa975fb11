"""docs/reliability.md shows a result for every scenario of the bench, and each met its demands."""

import re
from pathlib import Path

from bench.chaos.report import BEGIN, END
from bench.chaos.scenarios import SCENARIOS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"


def test_the_table_has_every_scenario_in_order_and_none_failed() -> None:
    table = DOCUMENT.read_text().split(BEGIN)[1].split(END)[0]
    rows = re.findall(r"^\| ([a-z0-9-]+) \| (.*?) \|", table, re.MULTILINE)
    assert rows[1:] == [(scenario.name, scenario.what) for scenario in SCENARIOS]
    assert "FAILED" not in table
