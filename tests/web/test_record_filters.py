"""The filters of the record list in a real browser."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from tests.people import sign_in
from tests.records.rows import make_record

pytestmark = pytest.mark.django_db(transaction=True)
RECORDS = "/system/setting/mailbox/records/"


@pytest.fixture
def signed_in(page: Page, live_server: LiveServer, administrator: User) -> Page:
    sign_in(page, live_server.url, administrator)
    make_record(receiver_address="anna@example.net")
    make_record(receiver_address="bob@example.org")
    return page


def test_typing_finds_without_a_button(signed_in: Page, live_server: LiveServer) -> None:
    signed_in.goto(live_server.url + RECORDS, wait_until="networkidle")
    signed_in.fill("[name=receiver]", "anna")
    expect(signed_in.locator("table.records tbody tr")).to_have_count(1)
    expect(signed_in).to_have_url(re.compile("receiver=anna"))


def test_what_was_typed_before_the_scripts_came_is_found_all_the_same(signed_in: Page, live_server: LiveServer) -> None:
    held: list[Route] = []
    is_filled = False

    def hold(route: Route) -> None:
        if is_filled:
            route.continue_()
        else:
            held.append(route)

    signed_in.route(re.compile(r"htmx.*\.js"), hold)
    signed_in.goto(live_server.url + RECORDS, wait_until="commit")
    signed_in.fill("[name=receiver]", "anna")
    is_filled = True
    for script in held:
        script.continue_()
    expect(signed_in.locator("table.records tbody tr")).to_have_count(1)
    expect(signed_in).to_have_url(re.compile("receiver=anna"))
