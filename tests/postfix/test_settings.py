"""Send Test Mail against postfix: right settings pass, and every wrong one is told apart and has its way out."""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from records.models import SendingRecord
from tests.postfix.checking import Ports, check
from tests.postfix.scenarios import RIGHT_SETTINGS, WRONG_SETTINGS, Scenario
from tests.postfix.table import documented, row, write_if_wanted
from tests.postfix_server import PASSWORD, Postfix

RECEIVER = "me@acme.test"


@pytest.mark.parametrize("scenario", RIGHT_SETTINGS, ids=lambda scenario: scenario.title)
def test_right_settings_pass_and_the_test_mail_arrives(
    scenario: Scenario, client: Client, ports: Ports, postfix: Postfix
) -> None:
    answer = check(client, scenario, ports)

    record = SendingRecord.objects.get()
    assert answer.report.verdict.result == "passed"
    assert (record.outcome, record.receiver_address, record.cause) == ("accepted", RECEIVER, "")
    assert b"Congratulation! Your mail server is configured successfully." in postfix.wait_for_mail_with(
        RECEIVER, f"id {record.queue_id}\n".encode()
    )


@pytest.mark.parametrize("scenario", WRONG_SETTINGS, ids=lambda scenario: scenario.title)
def test_a_wrong_setting_is_told_apart_and_has_its_way_out(
    scenario: Scenario, client: Client, ports: Ports, settings: Settings
) -> None:
    if scenario.cause == "greeting-timeout":  # only who waits in vain need not be patient
        settings.MAILBOX_CHECK_STEP_SECONDS = 3
    answer = check(client, scenario, ports)

    assert (answer.step, answer.cause, answer.offers) == (scenario.step, scenario.cause, scenario.offers)
    assert SendingRecord.objects.get().cause == scenario.cause
    assert PASSWORD not in answer.page
    write_if_wanted(scenario, row(scenario, answer))
    assert documented(scenario) == row(scenario, answer)
