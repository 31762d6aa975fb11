"""Fixtures for tests of whole pages in a real browser."""

import threading
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from tests.people import make_person, sign_in
from tests.web.checking import wait_for_rest

Visit = Callable[[str], None]
Violations = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def _requests_have_ended(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let the live server's last requests end before the tables are emptied: PostgreSQL finds a deadlock otherwise.

    The page and the servers of the test are closed by then, so that nothing holds a request up.
    """
    if "live_server" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("transactional_db")  # whose end, the emptying, comes after this one's
    yield
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(30)
            assert not thread.is_alive(), f"{thread.name} still answers a request"


@pytest.fixture
def administrator(transactional_db: None) -> User:
    return make_person(role="administrator", name="ada")


@pytest.fixture
def auditor(transactional_db: None) -> User:
    return make_person(role="auditor", name="otto")


@pytest.fixture
def visit(page: Page, live_server: LiveServer, administrator: User) -> Visit:
    """Open a page as an administrator."""
    sign_in(page, live_server.url, administrator)

    def open_page(path: str) -> None:
        page.goto(live_server.url + path, wait_until="networkidle")

    return open_page


@pytest.fixture
def violations(page: Page) -> Violations:
    """What axe-core finds wrong with the page as it stands."""

    def find() -> list[str]:
        wait_for_rest(page)
        found = Axe().run(page).response["violations"]
        return [f"{rule['id']}: {node['html'][:150]}" for rule in found for node in rule["nodes"]]

    return find
