"""Fixtures for tests of whole pages in a real browser."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from tests.people import make_person, sign_in

Visit = Callable[[str], None]
Violations = Callable[[], list[str]]


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
        found = Axe().run(page).response["violations"]
        return [f"{rule['id']}: {node['html'][:150]}" for rule in found for node in rule["nodes"]]

    return find
