"""What needs care on a phone: words have the width that buttons beside them would take, and rows are filled."""

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Locator, Page
from pytest_django.live_server_helper import LiveServer

from records.listing.models import ListPreference
from records.models import DeliveryPause
from tests.records.rows import make_record
from tests.web.checking import MAILBOX, skip_sign_in

pytestmark = pytest.mark.django_db(transaction=True)

WIDTH = 390


@pytest.fixture
def phone(page: Page, live_server: LiveServer) -> Page:
    make_record()
    page.set_viewport_size({"width": WIDTH, "height": 844})
    skip_sign_in(page, live_server.url)
    # The browser has said its time zone already, so that the list is not shown anew in the midst of a test.
    zone = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    ListPreference.objects.create(user=User.objects.get(), browser_time_zone=zone)
    return page


def tops(found: Locator) -> set[float]:
    return {box["y"] for box in (one.bounding_box() for one in found.all()) if box}


def width(found: Locator) -> float:
    box = found.bounding_box()
    assert box is not None
    return box["width"]


def test_the_results_to_choose_from_take_one_row(phone: Page, live_server: LiveServer) -> None:
    phone.goto(f"{live_server.url}{MAILBOX}records/")
    choices = phone.locator(".filters .segment")
    assert (choices.count(), len(tops(choices))) == (5, 1)


def test_the_words_of_a_banner_have_the_whole_width(phone: Page, live_server: LiveServer) -> None:
    DeliveryPause.objects.create(paused_at=timezone.now(), paused_by="ada")
    phone.goto(f"{live_server.url}{MAILBOX}records/")
    banner = phone.locator(".banner:has(form)")
    assert width(banner.locator("p")) > width(banner) - 60


def test_the_last_tile_of_an_odd_row_takes_it_whole(phone: Page, live_server: LiveServer) -> None:
    phone.goto(f"{live_server.url}{MAILBOX}overview/")
    tiles = phone.locator(".tile")
    assert tiles.count() % 2 == 1
    assert width(tiles.last) == width(phone.locator(".tiles"))
