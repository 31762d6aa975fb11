"""What the record list offers to do with all the records that the filters keep."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from records.listing.models import ListPreference
from tests.people import client_of, make_person, sign_in
from tests.records.rows import make_record
from tests.web.conftest import Violations, Visit

pytestmark = pytest.mark.django_db(transaction=True)

MAILBOX = "/system/setting/mailbox/"
URL = f"{MAILBOX}records/"
SEND_AGAIN = f'href="{MAILBOX}send-again/?receiver=anna"'
CSV, XLSX = (f'href="{URL}export.{ending}?receiver=anna"' for ending in ("csv", "xlsx"))
IN_BACKGROUND = f'href="{MAILBOX}exports/new/?receiver=anna"'
FILES = ["CSV now", "XLSX now", "In the background…", "Your exports"]
MENU = ".list-tools details.dropdown"


def offered(client: Client, receiver: str = "anna") -> list[str]:
    html = client.get(URL, {"receiver": receiver, "before": "5-5"}).content.decode()
    return [link for link in (SEND_AGAIN, CSV, XLSX, IN_BACKGROUND) if link in html]


@pytest.mark.parametrize(
    ("permissions", "links"),
    [
        ((), []),
        (("records.send_mail",), [SEND_AGAIN]),
        (("records.export_records",), [CSV, XLSX, IN_BACKGROUND]),
        (("records.send_mail", "records.export_records"), [SEND_AGAIN, CSV, XLSX, IN_BACKGROUND]),
    ],
)
def test_each_is_offered_to_whoever_may_with_the_filters_and_without_the_place(
    permissions: tuple[str, ...], links: list[str]
) -> None:
    make_record()
    assert offered(client_of(make_person("records.view_sendingrecord", *permissions))) == links


def test_nothing_is_offered_for_no_record() -> None:
    make_record()
    client = client_of(make_person(role="administrator"))
    assert offered(client) == [SEND_AGAIN, CSV, XLSX, IN_BACKGROUND]
    assert "Send again…" not in client.get(URL, {"receiver": "nobody"}).content.decode()


@pytest.fixture
def listed(page: Page, visit: Visit, administrator: User) -> Page:
    """A window of which the time zone is known, so that the list is not shown anew in the midst of a test."""
    make_record()
    zone = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    ListPreference.objects.create(user=administrator, browser_time_zone=zone)
    return page


def opened(page: Page) -> Locator:
    """Open the menu by the keyboard."""
    menu = page.locator(MENU)
    menu.locator("summary").press("Enter")
    expect(menu).to_have_attribute("open", "")
    return menu


def first_lines(page: Page) -> list[str]:
    """What stands in the row of buttons, menu and all, in the order of the keyboard."""
    shown = page.locator(".list-tools :is(a, summary):visible").all_inner_texts()
    return [text.strip().splitlines()[0].strip() for text in shown]


def test_the_kinds_of_file_stand_in_one_menu(listed: Page, visit: Visit) -> None:
    visit(URL)
    assert first_lines(listed) == ["Fold tries", "View", "Send again…", "Export"]
    opened(listed)
    assert first_lines(listed)[3:] == ["Export", *FILES]


@pytest.mark.parametrize("width", [390, 360])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_on_a_phone_the_buttons_take_one_row(
    listed: Page, live_server: LiveServer, visit: Visit, width: int, language: str
) -> None:
    listed.context.add_cookies([{"name": "django_language", "value": language, "url": live_server.url}])
    listed.set_viewport_size({"width": width, "height": 844})
    visit(URL)
    boxes = [one.bounding_box() for one in listed.locator(".list-tools > :visible").all()]
    middles = {round(box["y"] + box["height"] / 2) for box in boxes if box}
    assert (len(boxes), len(middles)) == (3, 1)
    opened(listed)
    menu = listed.locator(".list-tools .menu").bounding_box()
    assert menu is not None
    assert menu["x"] >= 0
    assert menu["x"] + menu["width"] <= width
    assert listed.evaluate("document.documentElement.scrollWidth") == width


def test_on_a_phone_sending_again_stands_in_the_menu(listed: Page, visit: Visit) -> None:
    listed.set_viewport_size({"width": 390, "height": 844})
    visit(URL)
    assert first_lines(listed) == ["Fold tries", "View", "More"]
    opened(listed)
    assert first_lines(listed)[2:] == ["More", "Send again…", *FILES]


def test_a_menu_of_exports_alone_is_called_that_on_a_phone_too(
    page: Page, live_server: LiveServer, auditor: User
) -> None:
    make_record()
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in(page, live_server.url, auditor)
    page.goto(live_server.url + URL)
    assert first_lines(page) == ["Fold tries", "View", "Export"]


def test_escape_folds_the_menu_and_gives_the_focus_back(listed: Page, visit: Visit) -> None:
    visit(URL)
    menu = opened(listed)
    listed.keyboard.press("Tab")
    expect(menu.get_by_role("link", name="CSV now")).to_be_focused()
    listed.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(menu.locator("summary")).to_be_focused()


def test_whatever_is_used_beside_the_menu_folds_it(listed: Page, visit: Visit) -> None:
    visit(URL)
    menu = opened(listed)
    for _ in range(len(FILES) + 1):
        listed.keyboard.press("Tab")
    expect(listed.get_by_role("link", name="Today", exact=True)).to_be_focused()
    expect(menu).not_to_have_attribute("open", "")
    menu = opened(listed)
    listed.get_by_role("heading", level=1).click()
    expect(menu).not_to_have_attribute("open", "")


def test_a_file_that_is_fetched_folds_the_menu(listed: Page, visit: Visit) -> None:
    visit(URL)
    menu = opened(listed)
    with listed.expect_download() as download:
        listed.get_by_role("link", name="CSV now").press("Enter")
    assert download.value.suggested_filename.endswith(".csv")
    expect(menu).not_to_have_attribute("open", "")
    expect(menu.locator("summary")).to_be_focused()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_the_open_menu_is_accessible(
    listed: Page, visit: Visit, violations: Violations, theme: str, width: int
) -> None:
    listed.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    listed.set_viewport_size({"width": width, "height": 844})
    visit(URL)
    opened(listed)
    assert violations() == []
