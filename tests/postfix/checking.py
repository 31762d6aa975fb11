"""Running a scenario through the page, as a browser without scripts does."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from django.test import Client

from delivery.check.steps import Step
from delivery.check.stream import Report
from records.error_book import explain
from tests.postfix.scenarios import GUIDE, SHOWN, TRUST, Scenario
from tests.postfix.strangers import Stranger, strangers
from tests.postfix_server import Port, Postfix
from tests.web.checking import CHECK

Ports = Mapping[Port | Stranger, int]


@contextmanager
def all_ports(postfix: Postfix) -> Iterator[Ports]:
    """Give the ports of postfix and of the strangers beside it."""
    with strangers() as others:
        yield dict([*postfix.ports.items(), *others.items()])


@dataclass(frozen=True)
class Answer:
    """What the check said."""

    report: Report
    page: str

    @property
    def failed_step(self) -> Step | None:
        return next((step for step in self.report.steps if step.is_failed), None)

    @property
    def step(self) -> str:
        return self.failed_step.key.value if self.failed_step else ""

    @property
    def cause(self) -> str:
        failure = self.report.verdict.failure
        return explain(failure).key if failure else ""

    @property
    def offers(self) -> tuple[str, ...]:
        return tuple(self._offers())

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self._offers().values())

    def _offers(self) -> dict[str, str]:
        """What stands beside the failed step, with its words in English."""
        advice = self.report.advice
        if advice is None:
            return {}
        more = (
            (GUIDE, advice.guide, "Open the guide"),
            (SHOWN, advice.shown, "shows the certificate"),
            (TRUST, advice.certificate, "shows the certificate: Trust this certificate"),
        )
        return {mend.key: str(mend.label) for mend in advice.mends} | {key: words for key, it, words in more if it}


def check(client: Client, scenario: Scenario, ports: Ports) -> Answer:
    """Send the form to be tested, and read the page."""
    response = client.post(CHECK, scenario.values(ports))
    panel = response.context["check"]
    assert panel.report is not None, panel.problem or response.context["form"].errors
    return Answer(panel.report, response.content.decode())
