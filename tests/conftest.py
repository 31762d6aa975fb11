"""Fixtures for every test: real servers, a real browser."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import hypothesis
import pytest
from django.conf import settings as django_settings
from django.utils import translation
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from pytest_django.fixtures import Settings

from mailbox_admin import preparation
from tests import postfix_server, services

# Debian's Chromium as root, silent: nothing is fetched, no name but loopback resolves.
_BROWSER_OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]  # fmt: skip

# How long a machine takes, busy as it may be, is no test's business.
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")


def pytest_configure() -> None:
    """Compile the translations, and take what only the tests want: plain static files, fast password hashes."""
    preparation.compile_translations()
    django_settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def _give_up(error: services.MissingServerError) -> NoReturn:
    if os.environ.get("REQUIRE_ALL", "0") != "0":
        pytest.fail(f"needs {error}")
    pytest.skip(f"needs {error}")


@pytest.fixture(autouse=True)
def _own_language() -> Iterator[None]:
    """Leave no language to the next test: a request's stays in force in its thread."""
    yield
    translation.deactivate()


@pytest.fixture
def own_keys(settings: Settings, tmp_path: Path) -> None:
    """Give the test a data folder of its own, in which the first password saved makes the first key."""
    settings.DATA_DIR = tmp_path
    settings.MAILBOX_KEYS = []


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The URL of a private Redis."""
    try:
        with services.redis() as url:
            yield url
    except services.MissingServerError as error:
        _give_up(error)


@pytest.fixture(scope="session")
def postfix() -> Iterator[postfix_server.Postfix]:
    """A private postfix."""
    try:
        with postfix_server.postfix() as server:
            yield server
    except services.MissingServerError as error:
        _give_up(error)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium, without a window."""
    try:
        executable = services.find_chromium()
    except services.MissingServerError as error:
        _give_up(error)
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=_BROWSER_OPTIONS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh browser page; the test fails if the page's console said anything, or a script raised.

    Answers of 4xx, which Chromium writes to the console by itself, are the test's own business.
    """
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if "Failed to load resource: the server responded with a status of 4" not in message.text:
            complaints.append(f"{message.type}: {message.text}")

    with browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US") as context:
        context.set_default_timeout(30_000)
        fresh = context.new_page()
        fresh.on("console", note)
        fresh.on("pageerror", lambda error: complaints.append(f"script: {error}"))
        yield fresh
    assert complaints == []
