"""The pages of sender accounts in a real browser: what scripts add, and everything again without them."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from senders.models import Circuit, Sender
from senders.secrets import unseal
from senders.services import find_default_sender, save_sender, set_default_sender
from tests.people import sign_in
from tests.web.conftest import Violations, Visit

PASSWORD = "canary-browser-pw"
ADD = "/system/setting/mailbox/senders/add/"
LIST = "/system/setting/mailbox/"


def make_sender(**values: Any) -> Sender:
    given: dict[str, Any] = {
        "address": "reports@example.com",
        "display_name": "Reports",
        "host": "smtp.example.com",
        "port": 465,
        "encryption": "ssl",
    }
    return save_sender(Sender(**{**given, **values}), password=PASSWORD)


def chosen(page: Page, name: str) -> str | None:
    return page.locator(f"[name={name}]:checked").get_attribute("value")


def save(page: Page) -> None:
    page.locator(".card-foot > button.button-primary").click()
    page.wait_for_load_state("networkidle")


class TestFillingTheForm:
    def test_the_port_follows_the_encryption_until_it_is_typed(self, visit: Visit, page: Page) -> None:
        visit(ADD)
        port = page.get_by_label("Port", exact=True)
        expect(port).to_have_value("25")
        page.get_by_label("SSL", exact=True).check()
        expect(port).to_have_value("465")
        page.get_by_label("TLS", exact=True).check()
        expect(port).to_have_value("25")
        port.fill("2525")
        page.get_by_label("SSL", exact=True).check()
        expect(port).to_have_value("2525")

    def test_a_stored_port_of_ones_own_does_not_follow(self, visit: Visit, page: Page) -> None:
        sender = make_sender(port=2525)
        visit(reverse("senders:edit", args=[sender.pk]))
        page.get_by_label("TLS", exact=True).check()
        expect(page.get_by_label("Port", exact=True)).to_have_value("2525")

    def test_a_preset_fills_server_port_and_encryption_and_names_the_password(self, visit: Visit, page: Page) -> None:
        visit(ADD)
        page.get_by_role("button", name="QQ Mail").first.click()
        expect(page.get_by_label("Mail Server (SMTP)")).to_have_value("smtp.qq.com")
        expect(page.get_by_label("Port", exact=True)).to_have_value("465")
        assert chosen(page, "encryption") == "ssl"
        expect(page.get_by_label("Authorization code", exact=True)).to_be_visible()
        expect(page.get_by_role("button", name="QQ Mail").first).to_have_attribute("aria-pressed", "true")
        expect(page.get_by_label("Sender Address", exact=True)).to_be_focused()
        page.get_by_label("Mail Server (SMTP)").fill("mail.corp.example")
        expect(page.get_by_label("Password or authorization code", exact=True)).to_be_visible()

    def test_a_host_that_is_typed_brings_its_port_along(self, visit: Visit, page: Page) -> None:
        visit(ADD)
        page.get_by_label("Mail Server (SMTP)").fill("smtp.office365.com")
        page.get_by_label("Sender Address", exact=True).focus()
        expect(page.get_by_label("Port", exact=True)).to_have_value("587")
        assert chosen(page, "encryption") == "tls"

    def test_the_list_of_presets_is_searched(self, visit: Visit, page: Page) -> None:
        visit(ADD)
        page.get_by_text("All 32 mail servers").click()
        search = page.get_by_label("Search mail servers")
        expect(search).to_be_focused()
        search.fill("wangyi 126")
        expect(page.locator(".preset-list li:visible")).to_have_count(1)
        search.fill("nothing like it")
        expect(page.get_by_text("None found. Type the host name below.")).to_be_visible()
        search.fill("wangyi 126")
        search.press("Enter")
        expect(page.get_by_label("Mail Server (SMTP)")).to_have_value("smtp.126.com")
        expect(page.locator(".presets-box")).to_be_hidden()
        assert Sender.objects.count() == 0

    def test_the_server_is_suggested_from_the_address(self, visit: Visit, page: Page) -> None:
        visit(ADD)
        suggestion = page.locator("[data-host-suggestion] button")
        expect(suggestion).to_be_hidden()
        page.get_by_label("Sender Address", exact=True).fill("noreply@acme.example")
        expect(suggestion).to_have_text("Use smtp.acme.example")
        suggestion.click()
        expect(page.get_by_label("Mail Server (SMTP)")).to_have_value("smtp.acme.example")
        expect(suggestion).to_be_hidden()

    def test_a_known_domain_brings_its_whole_preset(self, visit: Visit, page: Page) -> None:
        visit(ADD)
        page.get_by_label("Sender Address", exact=True).fill("someone@foxmail.com")
        page.get_by_role("button", name="Use smtp.qq.com").click()
        expect(page.get_by_label("Port", exact=True)).to_have_value("465")

    def test_only_the_fields_of_the_chosen_sign_in_are_shown(self, visit: Visit, page: Page) -> None:
        visit(ADD)
        expect(page.get_by_label("Login name", exact=True)).to_be_hidden()
        page.get_by_label("Another login name").check()
        expect(page.get_by_label("Login name", exact=True)).to_be_visible()
        page.get_by_label("No sign-in").check()
        expect(page.locator("#id_password")).to_be_hidden()

    def test_the_password_can_be_shown_while_it_is_typed(self, visit: Visit, page: Page) -> None:
        visit(ADD)
        page.locator("#id_password").fill(PASSWORD)
        page.get_by_role("button", name="Show the password").click()
        expect(page.locator("#id_password")).to_have_attribute("type", "text")
        page.get_by_role("button", name="Show the password").click()
        expect(page.locator("#id_password")).to_have_attribute("type", "password")

    def test_the_guide_opens_beside_the_form_and_nothing_typed_is_lost(self, visit: Visit, page: Page) -> None:
        visit(ADD)
        page.get_by_role("button", name="QQ Mail").first.click()
        page.get_by_label("Displayed Name", exact=True).fill("Typed already")
        page.get_by_role("link", name="How to get it, step by step").click()
        drawer = page.get_by_role("dialog", name="QQ Mail")
        expect(drawer.get_by_role("heading", name="Step by step")).to_be_visible()
        page.locator("#id_password").fill(PASSWORD)
        expect(page.get_by_label("Displayed Name", exact=True)).to_have_value("Typed already")
        page.keyboard.press("Escape")
        expect(drawer).to_be_hidden()

    def test_enter_saves_the_form_and_takes_no_preset(self, visit: Visit, page: Page) -> None:
        visit(ADD)
        page.get_by_label("Mail Server (SMTP)").fill("smtp.example.com")
        page.get_by_label("Sender Address", exact=True).fill("a@example.com")
        page.locator("#id_password").fill(PASSWORD)
        page.get_by_label("Displayed Name", exact=True).fill("By Enter")
        page.get_by_label("Displayed Name", exact=True).press("Enter")
        page.wait_for_url(re.compile(f"{LIST}$"))
        assert unseal(Sender.objects.get()) == PASSWORD


class TestEveryStateIsAccessible:
    def test_the_form_in_each_of_its_states(self, visit: Visit, page: Page, violations: Violations) -> None:
        visit(ADD)
        assert violations() == []
        page.get_by_text("All 32 mail servers").click()
        page.locator("summary", has_text="Trusted certificate").click()
        page.locator("summary", has_text="Advanced").click()
        page.get_by_label("No Encryption").check()
        page.get_by_label("Another login name").check()
        assert violations() == []
        save(page)
        expect(page.get_by_role("alert")).to_be_visible()
        assert violations() == []

    def test_the_form_with_the_guide_beside_it(self, visit: Visit, page: Page, violations: Violations) -> None:
        visit(ADD)
        page.get_by_role("button", name="QQ Mail").first.click()
        page.get_by_role("link", name="How to get it, step by step").click()
        expect(page.get_by_role("dialog", name="QQ Mail")).to_be_visible()
        assert violations() == []

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [390, 1440])
    def test_the_list_with_every_kind_of_row(
        self, visit: Visit, page: Page, violations: Violations, scheme: Any, width: int
    ) -> None:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        Circuit.objects.create(sender=make_sender(), state="refused", reply="535 no")
        set_default_sender(make_sender(address="b@example.com", encryption="none", login_method="none"))
        broken = make_sender(address="c@example.com", is_enabled=False, host="h" * 60 + ".example.com")
        Sender.objects.filter(pk=broken.pk).update(secret="v1:000000000000:AAAA")
        visit(LIST)
        assert violations() == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    @pytest.mark.parametrize("width", [390, 1440])
    def test_the_other_pages(self, visit: Visit, page: Page, violations: Violations, width: int) -> None:
        page.set_viewport_size({"width": width, "height": 900})
        visit(LIST)
        assert violations() == []
        sender = make_sender()
        set_default_sender(sender)
        for address in (
            reverse("senders:edit", args=[sender.pk]),
            reverse("senders:delete", args=[sender.pk]),
            reverse("senders:guide", args=["exchange"]),
        ):
            visit(address)
            assert violations() == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


class TestWithoutScripts:
    @pytest.fixture
    def plain(self, browser: Browser, live_server: LiveServer, administrator: User) -> Iterator[Page]:
        with browser.new_context(java_script_enabled=False, base_url=live_server.url, locale="en-US") as context:
            context.set_default_timeout(30_000)
            page = context.new_page()
            sign_in(page, live_server.url, administrator)
            yield page

    def test_an_account_is_added_chosen_edited_and_deleted(self, plain: Page) -> None:
        plain.goto(LIST)
        plain.get_by_role("link", name="Add sender").first.click()
        plain.get_by_label("Sender Address", exact=True).fill("a@qq.com")
        plain.get_by_label("Displayed Name", exact=True).fill("Plain")
        plain.get_by_role("button", name="QQ Mail").first.click()
        expect(plain.get_by_label("Mail Server (SMTP)")).to_have_value("smtp.qq.com")
        expect(plain.get_by_label("Displayed Name", exact=True)).to_have_value("Plain")
        plain.get_by_label("Authorization code", exact=True).fill(PASSWORD)
        plain.locator(".card-foot > button.button-primary").click()
        plain.get_by_role("combobox", name="System default sender").select_option(label="Plain — a@qq.com")
        plain.get_by_role("button", name="Save").click()
        expect(plain.get_by_text("Plain is the system default sender now.")).to_be_visible()
        assert find_default_sender() == Sender.objects.get()

        plain.get_by_role("link", name="Edit Plain").click()
        plain.get_by_label("Displayed Name", exact=True).fill("Plainer")
        plain.locator(".card-foot > button.button-primary").click()
        expect(plain.get_by_text("Plainer saved.")).to_be_visible()
        assert unseal(Sender.objects.get()) == PASSWORD

        plain.get_by_role("link", name="Delete Plainer").click()
        expect(plain.get_by_text("This is the system default sender.")).to_be_visible()
        plain.get_by_role("button", name="Delete sender").click()
        expect(plain.get_by_text("Plainer deleted.")).to_be_visible()
        assert Sender.objects.count() == 0

    def test_enter_in_the_recipient_of_a_test_saves_nothing(self, plain: Page) -> None:
        plain.goto(ADD)
        plain.get_by_label("Mail Server (SMTP)").fill("smtp.example.com")
        plain.get_by_label("Sender Address", exact=True).fill("a@example.com")
        plain.get_by_label("Displayed Name", exact=True).fill("Plain")
        plain.get_by_label("Password or authorization code", exact=True).fill(PASSWORD)
        plain.locator("[data-test-open]").click()
        plain.locator("[name=recipient]").fill("me@example.com")
        plain.keyboard.press("Enter")
        expect(plain.get_by_role("heading", name="Add sender")).to_be_visible()
        assert Sender.objects.count() == 0

    def test_every_mail_server_is_in_reach(self, plain: Page) -> None:
        plain.goto(ADD)
        plain.locator("summary", has_text="All 32 mail servers").click()
        plain.locator(".preset-list").get_by_role("button", name="Yandex").click()
        expect(plain.get_by_label("Mail Server (SMTP)")).to_have_value("smtp.yandex.com")

    def test_the_guide_is_a_page(self, plain: Page) -> None:
        plain.goto(reverse("senders:guide", args=["qq"]))
        expect(plain.get_by_role("heading", name="Step by step")).to_be_visible()
