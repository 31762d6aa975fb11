"""docs/connection-check.md: what the check said, one line for each scenario.

`WRITE_TABLE=1 .venv/bin/python -m pytest tests/postfix/test_settings.py -p no:randomly` writes anew what has changed.
"""

import os
import re
from pathlib import Path

from tests.postfix.checking import Answer
from tests.postfix.scenarios import Scenario

TABLE = Path(__file__).parents[2] / "docs/connection-check.md"
_PORT = re.compile(r"(?<=127\.0\.0\.1:)\d+")


def documented(scenario: Scenario) -> str:
    """Find the line of a scenario."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return next((line for line in lines if line.startswith(f"| {scenario.title} |")), "")


def write_if_wanted(scenario: Scenario, line: str) -> None:
    """Write the line of a scenario into the document, where the environment asks for it."""
    if not os.environ.get("WRITE_TABLE"):
        return
    text, present = TABLE.read_text(encoding="utf-8"), documented(scenario)
    TABLE.write_text(text.replace(present, line) if present else f"{text}{line}\n", encoding="utf-8")


def row(scenario: Scenario, answer: Answer) -> str:
    """Write what the check said as a line of the table."""
    step, advice = answer.failed_step, answer.report.advice
    assert step is not None
    assert advice is not None
    said = f"{advice.cause} *{advice.fix}*"
    cells = (
        scenario.title,
        step.key.label,
        f"`{step.reply}`" if step.reply else "–",
        said,
        "; ".join(answer.labels) or "–",
    )
    return f"| {' | '.join(_PORT.sub('PORT', str(cell)).replace('|', '/') for cell in cells)} |"
