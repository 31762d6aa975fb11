"""Limits, quotas and stand-ins in a real browser: what the form shows of providers, and what works without scripts."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from senders.allowances import Window
from senders.models import Allowance, Circuit, Sender
from senders.services import set_default_sender
from senders.stand_ins import chain_of, save_chain
from tests.people import sign_in
from tests.web.conftest import Violations, Visit
from tests.web.test_sender_pages import ADD, LIST, make_sender


@pytest.fixture
def plain(browser: Browser, live_server: LiveServer, administrator: User) -> Iterator[Page]:
    """A window of the administrator's in which no script runs."""
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, live_server.url, administrator)
        yield page


@pytest.fixture
def accounts(transactional_db: None) -> list[Sender]:
    names = ("Reports", "Alerts", "Bills")
    return [make_sender(address=f"{name.lower()}@example.com", display_name=name) for name in names]


def in_trouble(accounts: list[Sender]) -> None:
    """Let one account be slowed down, one be out of quota, and one be stood in for."""
    slow, spent, down = accounts
    now = timezone.now()
    Sender.objects.filter(pk__in=[slow.pk, spent.pk]).update(per_day=2000)
    Allowance.objects.create(
        sender=slow, day_began=Window.DAY.begin(now), day_used=640, slow_until=now + timedelta(minutes=5),
        learned_per_minute=6, learned_until=now + timedelta(minutes=30), hint="450 4.7.1 too much mail",
    )  # fmt: skip
    Allowance.objects.create(sender=spent, day_began=Window.DAY.begin(now), day_used=2000)
    Circuit.objects.create(sender=down, state="refused", failures=1)
    set_default_sender(down)
    save_chain(None, [slow, spent])


def test_what_a_provider_is_known_to_bear_stands_in_the_empty_fields(visit: Visit, page: Page) -> None:
    visit(ADD)
    page.get_by_text("Sending limits").click()
    per_day, per_minute = page.get_by_label("Mails per day"), page.get_by_label("Mails per minute")
    expect(per_day).to_have_attribute("placeholder", "")
    page.get_by_role("button", name="Microsoft 365").first.click()
    expect(per_day).to_have_attribute("placeholder", "10000")
    expect(per_minute).to_have_attribute("placeholder", "30")
    expect(page.get_by_label("Connections at once")).to_have_attribute("placeholder", "3")
    page.get_by_role("button", name="Gmail").first.click()
    expect(per_day).to_have_attribute("placeholder", "2000")
    page.get_by_label("Sender Address", exact=True).fill("someone@gmail.com")
    expect(per_day).to_have_attribute("placeholder", "500")
    expect(per_minute).to_have_attribute("placeholder", "")


def test_stand_ins_are_chosen_and_ordered_without_scripts(
    plain: Page, live_server: LiveServer, accounts: list[Sender]
) -> None:
    owner, *_others = accounts
    plain.goto(live_server.url + reverse("senders:edit", args=[owner.pk]))
    for name in ("Alerts", "Bills"):
        plain.get_by_label("Account that stands in").select_option(label=f"{name} — {name.lower()}@example.com")
        plain.get_by_role("button", name="Add", exact=True).click()
    plain.get_by_role("button", name="Move Bills up").click()
    assert [sender.display_name for sender in chain_of(owner)] == ["Bills", "Alerts"]
    plain.get_by_role("button", name="Remove Alerts").click()
    assert [sender.display_name for sender in chain_of(owner)] == ["Bills"]
    expect(plain.get_by_text("There is no other enabled account")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_quotas_hints_stand_ins_and_their_banner_can_be_used_by_everybody(
    visit: Visit, page: Page, violations: Violations, accounts: list[Sender], theme: Literal["light", "dark"]
) -> None:
    in_trouble(accounts)
    page.emulate_media(color_scheme=theme)
    visit(LIST)
    expect(page.get_by_text("Its mail goes out through Reports (reports@example.com).")).to_be_visible()
    expect(page.get_by_text("Bills can't send now.")).to_be_visible()
    expect(page.get_by_text("All 2,000 of today are used.")).to_be_visible()
    assert violations() == []
    visit(reverse("senders:edit", args=[accounts[0].pk]))
    expect(page.get_by_text("For now at most 6 mails a minute are sent")).to_be_visible()
    assert violations() == []
