"""The pages of masking: rules, trying one, and what the page of a masked mail says."""

import logging

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from records.masking.models import Masking, MaskingRule
from records.models import SendingRecord
from tests.people import client_of, make_person
from tests.records.rows import NOON, compose, make_mail, make_record
from tests.web.checking import MAILBOX, administrator
from tests.web.conftest import Violations, Visit

MASKING = f"{MAILBOX}masking/"
NEW = f"{MASKING}new/"
CANARY = "739218"
TYPED = {
    "name": "Reset links",
    "template": "Reset*",
    "target": "codes",
    "words": "",
    "pattern": "",
    "is_enabled": "on",
    "sample_subject": f"{CANARY} is your code",
    "sample_text": "<p>Your code: <b>739</b>218 & more</p>",
}


@pytest.fixture
def admin(db: None) -> Client:
    return client_of(administrator())


def send(client: Client, path: str, **typed: str) -> str:
    return " ".join(client.post(path, TYPED | typed, follow=True).content.decode().split())


@pytest.mark.django_db
def test_only_those_who_may_change_the_rules_see_them() -> None:
    MaskingRule.objects.create(pk=7, name="R", target="codes")
    other, may = (
        client_of(make_person("records.change_keepingrules")),
        client_of(make_person("records.change_maskingrule")),
    )
    for path in (MASKING, NEW, f"{MASKING}7/"):
        assert (other.get(path).status_code, may.get(path).status_code) == (403, 200)
    for path in (f"{MASKING}suggested/", f"{MASKING}7/switch/", f"{MASKING}7/delete/"):
        assert other.post(path).status_code == 403
    assert MaskingRule.objects.get().is_enabled


def test_the_empty_page_offers_rules_that_one_click_adds(admin: Client) -> None:
    assert "Nothing is masked by rules yet" in admin.get(MASKING).content.decode()
    for target in ("codes", "links", "codes", "nonsense"):
        send(admin, f"{MASKING}suggested/", target=target)
    assert list(MaskingRule.objects.values_list("name", "target", "is_enabled")) == [
        ("Codes in all mail", "codes", True),
        ("Links with a token in all mail", "links", True),
    ]
    assert "Ready-made" not in admin.get(MASKING).content.decode()


def test_a_rule_is_added_changed_switched_and_deleted(admin: Client) -> None:
    assert "It holds for mail that is accepted from now on." in send(admin, NEW)
    rule = MaskingRule.objects.get()
    assert (rule.name, rule.template, rule.target, rule.changed_by) == ("Reset links", "Reset*", "codes", "admin")
    send(admin, f"{MASKING}{rule.pk}/", name="Numbers", target="after_words", words=" Activation \n\nRef\n")
    rule.refresh_from_db()
    assert (rule.name, rule.target, rule.word_list) == ("Numbers", "after_words", ["Activation", "Ref"])
    send(admin, f"{MASKING}{rule.pk}/switch/")
    assert not MaskingRule.objects.get().is_enabled
    send(admin, f"{MASKING}{rule.pk}/switch/", enabled="yes")
    assert MaskingRule.objects.get().is_enabled
    send(admin, f"{MASKING}{rule.pk}/delete/")
    assert not MaskingRule.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": ""}, "Give the rule a name"),
        ({"name": "TAKEN"}, "Another rule has this name."),
        ({"target": "all"}, "Choose what is masked."),
        ({"target": "after_words"}, "Type at least one word."),
        ({"target": "after_words", "words": "w\n" * 51}, "At most 50 words"),
        ({"target": "pattern"}, "Type a pattern."),
        ({"target": "pattern", "pattern": "Ref (a"}, "A bracket ( is never closed. Look here: Ref (a"),
        ({"target": "pattern", "pattern": "(?=a)b"}, "RE2 knows no looking ahead or behind"),
        ({"target": "pattern", "pattern": "((a{1000}){1000}){9}"}, "A repetition is out of bounds"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(admin: Client, wrong: dict[str, str], sentence: str) -> None:
    MaskingRule.objects.create(name="Taken", target="links")
    page = send(admin, NEW, **wrong)
    assert sentence in page.replace("&quot;", '"')
    assert CANARY in page
    assert MaskingRule.objects.count() == 1


def test_a_rule_that_cannot_be_read_is_told_until_it_is_changed(admin: Client) -> None:
    MaskingRule.objects.create(pk=7, name="Broken", target="pattern", pattern="Ref (")
    page = " ".join(admin.get(MASKING).content.decode().split())
    assert "Can&#x27;t be read" in page or "Can't be read" in page
    assert "nothing is kept of what its mail says" in page
    assert "A bracket ( is never closed." in page
    assert "This rule can't be read." in admin.get(f"{MASKING}7/").content.decode()
    send(admin, f"{MASKING}7/switch/")
    page = admin.get(MASKING).content.decode()
    assert "never closed" not in page
    send(admin, f"{MASKING}7/", target="pattern", pattern="Ref (a)")
    page = admin.get(MASKING).content.decode() + admin.get(f"{MASKING}7/").content.decode()
    assert "be read" not in page


def test_trying_a_rule_shows_what_would_be_kept_and_stores_and_logs_nothing(
    admin: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    page = send(admin, NEW, do="try")
    assert "<strong><bdi>•••••• is your code</bdi></strong>" in page
    assert "&lt;p&gt;Your code: &lt;b&gt;••••••&lt;/b&gt; &amp; more&lt;/p&gt;" in page
    assert "the rule finds nothing in this mail" in send(admin, NEW, do="try", target="links")
    assert "Ref ••••••" in send(
        admin, NEW, do="try", target="pattern", pattern="Ref ([a-z0-9]+)", sample_text="Ref ab12"
    )
    assert not MaskingRule.objects.exists()
    assert CANARY not in "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)


def test_the_content_of_a_masked_mail_says_what_masked_it(admin: Client) -> None:
    mail = make_mail(mime=compose(text="Your code is ••••••"), has_secrets=True, finished_at=NOON)
    make_record(mail)
    Masking.objects.create(mail=mail, by_caller=True, rule_names=["Codes <in> all mail"])
    page = admin.get(f"{MAILBOX}mails/{mail.pk}/content/").content.decode()
    assert "named by its caller, and found by Codes &lt;in&gt; all mail." in page
    assert "sealed until" not in page
    page = admin.get(f"{MAILBOX}records/{SendingRecord.objects.get().pk}/").content.decode()
    assert "Its secrets were masked when it ended; whoever asked for it must ask again." in page
    response = admin.get(f"{MAILBOX}mails/{mail.pk}/resend/")
    assert response.status_code == 410
    assert "whoever asked for it must ask again" in response.content.decode()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everyone_can_add_and_try_a_rule(
    transactional_db: None, page: Page, visit: Visit, violations: Violations, theme: str
) -> None:
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    MaskingRule.objects.create(name="L" + "ong" * 26, template="T" * 200, target="links", is_enabled=False)
    MaskingRule.objects.create(pk=7, name="Broken", target="pattern", pattern=f"Ref {'x' * 300}(")
    visit(f"{MASKING}7/")
    _look(page, violations)
    visit(MASKING)
    _look(page, violations)
    page.get_by_role("link", name="Add rule").click()
    page.fill("[name=name]", "Refs")
    page.get_by_text("Own pattern").click()
    page.fill("[name=pattern]", "Ref ([A-Z0-9]+)")
    page.fill("[name=sample_text]", "Please keep Ref QX71 for later.")
    page.get_by_role("button", name="Show what would be kept").click()
    expect(page.get_by_role("status").get_by_text("Please keep Ref •••••• for later.")).to_be_visible()
    _look(page, violations)
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Rule saved.").wait_for()
    assert MaskingRule.objects.filter(name="Refs", target="pattern").exists()


def _look(page: Page, violations: Violations) -> None:
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert violations() == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
