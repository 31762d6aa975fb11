"""The main job, end to end, with real processes: from nothing configured to a mail found by its receiver."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.journey.installations import Place, one_command, separate_processes
from tests.journey.steps import RECEIVER, Journey
from tests.postfix_server import ADDRESS, Postfix
from tests.services import wait_until

SUBJECT = "任务 orders_daily 失败"


@contextmanager
def visitor(browser: Browser, **options: Any) -> Iterator[Page]:
    """A browser of its own; nothing may stand in its console."""
    said: list[str] = []
    with browser.new_context(locale="en-US", **options) as context:
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        yield page
    assert said == []


def go_all_the_way(journey: Journey) -> None:
    journey.sign_in()
    journey.find_nothing_configured()
    journey.fill_in_the_form()
    journey.send_test_mail("failed")
    journey.trust_the_certificate()
    journey.save_the_account()
    journey.choose_the_default()
    send_from_a_task(journey.place, journey.postfix)
    journey.find_the_record("me@ac")
    journey.read_the_record(SUBJECT)


def send_from_a_task(place: Place, postfix: Postfix) -> None:
    mail_id = place.send_mail(
        "--to", RECEIVER, "--subject", SUBJECT, "--html", "<p style=\"font-family: 'Windding 3'\">失败</p>",
        "--template-name", "task-report", "--accessed-resource", "/tasks/7", "--requester-ip", "192.0.2.7",
    )  # fmt: skip
    # Postfix has the mail a moment before the worker has written down that it has.
    wait_until(lambda: place.ask_about(mail_id, "state") == "sent", what="the end of the mail")
    arrived = postfix.wait_for_mail_with(RECEIVER, place.ask_about(mail_id, "message_id").encode())
    assert f"<{ADDRESS}>".encode() in arrived


def test_by_one_command_on_the_embedded_broker(browser: Browser, postfix: Postfix, tmp_path: Path) -> None:
    with one_command(tmp_path / "data") as place, visitor(browser, viewport={"width": 1280, "height": 800}) as page:
        go_all_the_way(Journey(page, place, postfix))


def test_as_separate_processes_in_chinese_on_a_phone(
    browser: Browser, postfix: Postfix, redis_url: str, tmp_path: Path
) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
    with separate_processes(tmp_path / "data", redis_url) as place, visitor(browser, **phone) as page:
        go_all_the_way(Journey(page, place, postfix, language="zh-hans"))


def test_without_scripts(browser: Browser, postfix: Postfix, tmp_path: Path) -> None:
    with one_command(tmp_path / "data") as place, visitor(browser, java_script_enabled=False) as page:
        go_all_the_way(Journey(page, place, postfix, has_scripts=False))
