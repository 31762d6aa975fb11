"""What the tests of the connection check, of Detect settings and of writing mail share."""

import json
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth.models import User
from playwright.sync_api import Page, Request

from senders.enums import Encryption
from senders.models import Sender
from senders.services import save_sender
from tests import smtpd
from tests.people import client_of

CANARY = "canary-7Qx!密码-pw"
ADDRESS = "noreply@acme.test"
RECIPIENT = "me@acme.test"
MAILBOX = "/system/setting/mailbox/"
CHECK = f"{MAILBOX}check/"


def administrator() -> User:
    """Find or create someone who may do everything."""
    return User.objects.filter(username="admin").first() or User.objects.create_superuser("admin")


def form_values(server: smtpd.MailServer, **changes: str) -> dict[str, str]:
    """Write what a person sends who typed the right settings, a recipient included."""
    right = {
        "host": server.host,
        "port": str(server.port),
        "encryption": server.encryption.value,
        "address": ADDRESS,
        "password": CANARY if server.users else "",
        "display_name": "Acme",
        "login_method": "address" if server.users else "none",
        "login_name": "",
        "trusted_certificates": "" if server.encryption is Encryption.NONE else smtpd.authority_pem(),
        "ehlo_name": "",
        "reply_to": "",
        "timeout": "30",
        "is_enabled": "on",
        "recipient": RECIPIENT,
    }
    return right | changes


def save_account(server: smtpd.MailServer, **changes: Any) -> Sender:
    """Save an account that works with the server."""
    typed = form_values(server)
    names = ("host", "encryption", "address", "display_name", "login_method", "trusted_certificates")
    values: dict[str, Any] = {name: typed[name] for name in names}
    values |= {"port": server.port, "trusted_certificates": typed["trusted_certificates"].strip()}
    return save_sender(Sender(**{**values, **changes}), password=CANARY if server.users else None)


def lines_of(response: Any) -> list[dict[str, str]]:
    """Read all lines of a streamed check."""
    content = b"".join(response.streaming_content)
    return [json.loads(line) for line in content.splitlines()]


def skip_sign_in(page: Page, live_url: str) -> None:
    """Give the browser an administrator's session, without going through the sign-in page."""
    cookie = client_of(administrator()).cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie.value, "url": live_url}])


_AT_REST = """async () => {
  const moving = () => document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime !== Infinity);
  do {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    await Promise.allSettled(moving().map((animation) => animation.finished));
  } while (moving().length);
}"""


def wait_for_rest(page: Page) -> None:
    """Wait until all of the page is there and nothing half way: a change of colour begins with the next frame."""
    page.wait_for_load_state()
    page.evaluate(_AT_REST)


def assert_accessible(page: Page) -> None:
    """Let axe-core look at the page as it stands."""
    wait_for_rest(page)
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def fill_sender_form(page: Page, server: smtpd.MailServer, **changes: str) -> None:
    """Type settings into the open sender form."""
    values = form_values(server, **changes)
    page.fill("[name=host]", values["host"])
    page.check(f"[name=encryption][value={values['encryption']}]", force=True)
    page.fill("[name=port]", values["port"])
    page.fill("[name=address]", values["address"])
    page.check(f"[name=login_method][value={values['login_method']}]", force=True)
    page.fill("[name=password]", values["password"])
    page.fill("[name=display_name]", values["display_name"])
    if values["trusted_certificates"]:
        page.locator("details:has([name=trusted_certificates])").evaluate("details => { details.open = true }")
        page.fill("[name=trusted_certificates]", values["trusted_certificates"])


def send_test_mail(page: Page, recipient: str = RECIPIENT) -> None:
    """Click through the dialog of the open sender form."""
    page.click("[data-test-open]")
    page.fill("#test-dialog [name=recipient]", recipient)
    page.click("[data-test-send]")


def note_requests(page: Page) -> list[str]:
    """Collect what a page asks for from now on, but files: the browser may fetch its icon as late as it likes."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if not urlsplit(request.url).path.startswith("/static/"):
            asked.append(request.url)

    page.on("request", note)
    return asked
