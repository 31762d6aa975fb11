"""The main job, step by step, as a person does it in a browser; in any language, with scripts or without."""

import re
import ssl
from dataclasses import dataclass
from urllib.parse import quote

from django.utils.translation import gettext, override, pgettext
from playwright.sync_api import Locator, Page, expect

from senders.certificates import facts_from_der
from tests.journey.installations import ADMIN_PASSWORD, Place
from tests.postfix_server import ADDRESS, DOMAIN, PASSWORD, Port, Postfix

RECEIVER = f"me@{DOMAIN}"


@dataclass(frozen=True)
class Journey:
    """One person on the way."""

    page: Page
    place: Place
    postfix: Postfix
    language: str = "en"
    has_scripts: bool = True

    def say(self, english: str, context: str = "") -> str:
        """Write a text of the interface in the person's language."""
        with override(self.language):
            said = pgettext(context, english) if context else gettext(english)
        assert self.language == "en" or said != english
        return said

    def press(self, english: str, *, within: Locator | None = None, context: str = "") -> None:
        """Press a button, or follow a link, by what stands on it."""
        name, place = self.say(english, context), within or self.page
        place.get_by_role("button", name=name, exact=True).or_(place.get_by_role("link", name=name, exact=True)).click()

    def expect_words(self, english: str) -> None:
        """Expect a text of the interface to be seen."""
        expect(self.page.get_by_text(self.say(english), exact=False).first).to_be_visible()

    def sign_in(self) -> None:
        """Sign in as the first administrator, in the person's language."""
        self.page.goto(self.place.url)
        self.page.locator(f"button[name=language][value={self.language}]:visible").click()
        expect(self.page.locator("html")).to_have_attribute("lang", self.language)
        expect(self.page.locator("#id_username")).to_be_focused()
        self.page.fill("#id_username", "admin")
        self.page.fill("#id_password", ADMIN_PASSWORD)
        self.press("Sign in")
        self.page.wait_for_url(lambda url: "/sign-in/" not in url)

    def find_nothing_configured(self) -> None:
        """See that there is nothing yet, and what to do."""
        self.expect_words("Mail is not configured.")
        self.expect_words("No sender account yet")
        self.press("Add sender", within=self.page.locator("main .empty"))

    def fill_in_the_form(self) -> None:
        """Type server, port, address, password and name, once the form's scripts are there."""
        self.page.wait_for_url("**/senders/add/")
        values = {
            "host": self.postfix.host,
            "port": str(self.postfix.port(Port.STARTTLS)),
            "address": ADDRESS,
            "password": PASSWORD,
            "display_name": "数据平台",
        }
        for name, value in values.items():
            self.page.fill(f"[name={name}]", value)

    def send_test_mail(self, verdict: str) -> None:
        """Send a test mail of what stands in the form, and wait for the end of the check."""
        self.press("Send Test Mail")
        dialog = self.page.locator("#test-dialog")
        dialog.locator("[name=recipient]").fill(RECEIVER)
        self.press("Send", within=dialog, context="test mail")
        self.expect_verdict(verdict)

    def expect_verdict(self, verdict: str) -> None:
        """Wait for the end of the check: until the answer has ended, a moment after the verdict, no other begins."""
        expect(self.page.locator(f'[data-verdict="{verdict}"]')).to_be_visible(timeout=60_000)
        expect(self.page.locator("[data-test-send]")).to_be_enabled(timeout=30_000)

    def trust_the_certificate(self) -> None:
        """Compare the fingerprint with the one that the server's administrator tells, and trust."""
        box = self.page.locator('[data-step="tls"] .trust')
        expect(box).to_contain_text(fingerprint(self.postfix))
        if not self.has_scripts:  # what was typed is never sent back
            self.page.fill("[name=password]", PASSWORD)
        box.locator("[data-trust-confirm]").check()
        self.press("Trust this certificate", within=box)
        self.expect_verdict("passed")
        expect(self.page.locator(".step-done")).to_have_count(9)

    def save_the_account(self) -> None:
        """Save, and see the account in the list."""
        if not self.has_scripts:
            self.page.fill("[name=password]", PASSWORD)
        self.press("Save sender", within=self.page.locator(".card-foot"))
        expect(self.page.locator("table").get_by_text(ADDRESS).first).to_be_visible()
        self.expect_words("Mail is not configured.")

    def choose_the_default(self) -> None:
        """Choose the account as the system default sender, and see the warning go."""
        form = self.page.locator(".default-form")
        form.locator("select").select_option(label=f"数据平台 — {ADDRESS}")
        self.press("Save", within=form)
        expect(self.page.get_by_text(self.say("Mail is not configured."))).to_have_count(0)

    def find_the_record(self, part_of_address: str) -> None:
        """Find the record of the mail by a part of its receiver's address, and open it."""
        self.press("Mail sending record")
        self.page.fill("[name=receiver]", part_of_address)
        if not self.has_scripts:
            self.press("Apply")
        self.page.wait_for_url(re.compile(f"receiver={quote(part_of_address)}"))
        row = self.page.locator("table.records tbody tr").filter(has_text="task-report")
        expect(row).to_have_count(1)
        expect(row).to_contain_text(RECEIVER)
        expect(row).to_contain_text(self.say("Success"))
        expect(row).to_contain_text("192.0.2.7")
        row.locator("a").first.click()

    def read_the_record(self, subject: str) -> None:
        """Read how the mail was handed over."""
        record = self.page.locator(".record").first
        expect(record).to_contain_text(self.say("The mail server accepted this mail for the receiver."))
        expect(record).to_contain_text(subject)
        expect(record).to_contain_text("/tasks/7")
        expect(record).to_contain_text("TLSv1.3")
        expect(record).to_contain_text(re.compile(r"250 2\.0\.0 Ok: queued as [0-9A-F]+"))


def fingerprint(postfix: Postfix) -> str:
    """Tell the fingerprint as the server's administrator reads it from the certificate's file."""
    pem = (postfix.folder / "starttls.pem").read_text()
    start = pem.index("-----BEGIN CERTIFICATE-----")
    return facts_from_der(ssl.PEM_cert_to_DER_cert(pem[start:])).fingerprint_sha256
