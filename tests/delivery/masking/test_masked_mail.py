"""A mail with secrets: what is stored is masked from the first moment, what goes over the wire is the original."""

import sys
from email import message_from_bytes, policy
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.db.models import F
from django.test import Client
from pytest_django.fixtures import Settings

from delivery.acceptance import accept_mail, accept_mails
from delivery.control.single import do_to_mail
from delivery.engine import sweep
from delivery.engine.cancel import cancel_mail
from delivery.engine.drain import drain
from delivery.exceptions import MailNotConfiguredError, RequestRefusedError
from delivery.masking import rules
from delivery.masking.hiding import MARK
from delivery.masking.markup import NOT_KEPT
from delivery.masking.patterns import compile_pattern
from delivery.request import MailRequest
from delivery.resend import SecretsGoneError, read_original
from delivery.values import Attachment
from records.content import find_mime, lock_whole
from records.dialogue.models import Dialogue
from records.interventions import Deed
from records.masking.models import Masking, MaskingRule, SealedContent
from records.models import Body, Mail, SendingRecord
from senders.keyring import Key, load_keyring
from senders.models import Sender
from senders.rotation import rotate
from senders.stand_ins import save_chain
from tests import smtpd
from tests.delivery.engine.scenes import accept, end_leases, fresh, let_expire, make_due, make_sender, take
from tests.delivery.engine.test_fallback import break_down
from tests.delivery.masking.searching import is_stored

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_keys")]

CODE = "739218"
TOKEN = "pZ4kQ9xW2mB7vN1c"
LINK = f"https://app.example.com/reset/{TOKEN}?lang=en"
SECRET_MAIL: dict[str, Any] = {
    "subject": f"{CODE} is your sign-in code",
    "text": f"Your code is {CODE}.\nOr follow {LINK}\n",
    "html": f"<p>Your code is <b>739</b>218.</p><a href='{LINK}'>Sign in</a>",
    "accessed_resource": f"/reset/{TOKEN}",
    "secrets": [CODE, TOKEN],
}


@pytest.fixture
def sender(server: smtpd.MailServer) -> Sender:
    return make_sender(server)


def assert_nothing_is_stored() -> None:
    assert [secret for secret in (CODE, TOKEN) if is_stored(secret)] == []


def shown(mail: Mail) -> str:
    message = message_from_bytes(find_mime(mail.pk) or b"", policy=policy.default)
    return "\n".join(part.get_content() for part in message.walk() if part.get_content_maintype() == "text")


def test_only_marks_are_stored_and_the_original_is_sent(sender: Sender, server: smtpd.MailServer) -> None:
    mail = accept(sender, **SECRET_MAIL)
    assert mail.has_secrets
    assert mail.subject == f"{MARK} is your sign-in code"
    assert MARK in shown(mail)
    assert SealedContent.objects.filter(mail=mail).exists()
    assert_nothing_is_stored()
    drain(sender.pk)
    [received] = server.mails
    assert received.message["Subject"] == SECRET_MAIL["subject"]
    assert received.message["Message-ID"] == mail.message_id
    body = received.message.get_body(("plain",))
    assert body is not None
    assert body.get_content().split() == SECRET_MAIL["text"].split()
    assert MARK not in received.mime.decode("utf-8", "replace")
    assert len(received.mime) == mail.size
    assert fresh(mail).state == "sent"
    assert not SealedContent.objects.exists()
    assert_nothing_is_stored()


@pytest.mark.parametrize("target", ["codes", "links"])
def test_rules_find_what_no_caller_names(sender: Sender, server: smtpd.MailServer, target: str) -> None:
    MaskingRule.objects.create(name="R", target=target, template="Sign-*")
    values = SECRET_MAIL | {"secrets": ()}
    masked, other = accept(sender, template_name="Sign-in", **values), accept(sender, template_name="Else", **values)
    assert (masked.has_secrets, other.has_secrets) == (True, False)
    found, left = (CODE, TOKEN) if target == "codes" else (TOKEN, CODE)
    assert found not in shown(masked) + masked.subject + masked.accessed_resource
    assert left in shown(masked)
    assert Masking.objects.get().rule_names == ["R"]
    drain(sender.pk)
    assert [mail.message["Subject"] for mail in server.mails] == [SECRET_MAIL["subject"]] * 2


def test_files_are_left_out_where_a_rule_says_so_or_a_secret_stands_in_them(
    sender: Sender, server: smtpd.MailServer
) -> None:
    file = Attachment(f"{CODE}.txt", f"The code: {CODE}".encode())
    named = accept(sender, **SECRET_MAIL, attachments=[file])
    MaskingRule.objects.create(name="Files", target="attachments")
    ruled = accept(sender, attachments=[Attachment("payslip.pdf", b"%PDF-canary")])
    assert set(Body.objects.values_list("attached_size", flat=True)) == {0}
    assert not is_stored("%PDF-canary")
    assert_nothing_is_stored()
    drain(sender.pk)
    assert {part.get_filename() for mail in server.mails for part in mail.message.iter_attachments()} == {
        f"{CODE}.txt",
        "payslip.pdf",
    }
    assert {fresh(named).state, fresh(ruled).state} == {"sent"}


def test_files_that_were_left_out_are_not_said_to_have_been_removed_later(sender: Sender, admin_client: Client) -> None:
    MaskingRule.objects.create(name="Files", target="attachments")
    mail = accept(sender, attachments=[Attachment("payslip.pdf", b"%PDF-canary", "application/pdf")])
    url = f"/system/setting/mailbox/mails/{mail.pk}/"
    page = " ".join(admin_client.get(f"{url}content/").content.decode().split())
    assert "payslip.pdf" in page
    assert "application/pdf · 11" in page
    assert "never kept: masking left it out" in page
    file = admin_client.get(f"{url}attachments/0/")
    assert file.status_code == 410
    assert "payslip.pdf was never kept: masking left it out." in file.content.decode()
    source = admin_client.get(f"{url}source.eml").content.decode()
    assert "This file was never kept: it was left out by masking." in source
    assert "removed on" not in page + file.content.decode() + source


def test_a_rule_finds_what_stands_in_a_file_alone(sender: Sender, server: smtpd.MailServer) -> None:
    MaskingRule.objects.create(name="Links", target="links")
    file = Attachment("invite.ics", f"BEGIN:VCALENDAR\r\nURL:{LINK}\r\nEND:VCALENDAR\r\n".encode())
    requests = [MailRequest(to=["bob@example.org"], subject="Join", sender=sender, attachments=[file])] * 2
    accept_mails(requests)
    assert list(Masking.objects.values_list("mail__has_secrets", "rule_names")) == [(True, ["Links"])] * 2
    assert set(Body.objects.values_list("attached_size", flat=True)) == {0}
    assert_nothing_is_stored()
    drain(sender.pk)
    files = [part for mail in server.mails for part in mail.message.iter_attachments()]
    assert [LINK in part.get_content() for part in files] == [True, True]
    assert_nothing_is_stored()


def test_a_code_that_the_subject_announces_is_not_stored(sender: Sender, server: smtpd.MailServer) -> None:
    MaskingRule.objects.create(name="Codes", target="codes")
    mail = accept(sender, subject="Your verification code", text=f"{CODE}\nvalid for ten minutes\n")
    assert shown(mail).splitlines() == [MARK, "valid for ten minutes"]
    assert_nothing_is_stored()
    drain(sender.pk)
    assert server.mails[0].message.get_content().splitlines()[0] == CODE


def test_what_a_server_repeats_when_it_ends_the_session_is_masked_everywhere(
    sender: Sender, server: smtpd.MailServer
) -> None:
    server.answer("DATA", f"421 4.7.0 Come back without {CODE}")
    mails = [accept(sender, **SECRET_MAIL), accept(sender)]
    drain(sender.pk)
    assert {fresh(mail).state for mail in mails} <= {"retry", "queued"}
    assert SendingRecord.objects.filter(reply_text__contains=MARK).exists()
    assert_nothing_is_stored()


def test_what_the_server_repeats_is_masked(sender: Sender, server: smtpd.MailServer) -> None:
    server.answer("DOT", f"554 5.7.1 Looks like spam: {CODE} {LINK}")
    mail = accept(sender, **SECRET_MAIL)
    drain(sender.pk)
    record = SendingRecord.objects.get(mail=mail)
    assert record.reply_text.startswith(f"Looks like spam: {MARK}")
    assert Dialogue.objects.exists()
    assert fresh(mail).state == "failed"
    assert not SealedContent.objects.exists()
    assert_nothing_is_stored()


@pytest.mark.parametrize(
    "said",
    [
        f"Blocked URL https://app.example.com/reset/{TOKEN[:10]}...",
        f"Blocked URL https://app.example.com/reset/{TOKEN[:10]} (cut)",
        f"{'x' * 375} {TOKEN}",  # amid which lines of a dialogue are cut
        f"{'x' * 430} {'y' * 360} {TOKEN}",  # and replies
    ],
)
def test_nothing_is_left_of_a_secret_that_was_cut(sender: Sender, server: smtpd.MailServer, said: str) -> None:
    server.answer("DOT", f"554 5.7.1 {said}")
    mail = accept(sender, **SECRET_MAIL)
    drain(sender.pk)
    assert SendingRecord.objects.get(mail=mail).reply_text.startswith(said[:5])
    assert Dialogue.objects.exists()
    assert not is_stored(TOKEN[:5])
    assert_nothing_is_stored()


def test_it_is_tried_again_with_the_original_until_it_ends(sender: Sender, server: smtpd.MailServer) -> None:
    server.answer("DOT", "451 4.3.0 Later", times=1)
    mail = accept(sender, **SECRET_MAIL)
    drain(sender.pk)
    assert fresh(mail).state == "retry"
    assert SealedContent.objects.exists()
    make_due()
    drain(sender.pk)
    assert server.mails[0].message["Subject"] == SECRET_MAIL["subject"]
    assert not SealedContent.objects.exists()


def test_another_account_sends_the_original_too(server: smtpd.MailServer) -> None:
    broken, stand_in = make_sender(), make_sender(server, address="other@example.com")
    save_chain(broken, [stand_in])
    mail = accept(broken, **SECRET_MAIL)
    break_down(broken)
    sweep.sweep()
    drain(stand_in.pk)
    assert server.mails[0].message["Subject"] == SECRET_MAIL["subject"]
    assert server.mails[0].message["From"].addresses[0].addr_spec == "other@example.com"
    assert fresh(mail).state == "sent"
    assert_nothing_is_stored()


@pytest.mark.parametrize("end", ["cancelled", "cancelled in bulk", "expired", "account deleted", "left over"])
def test_no_original_outlives_its_mail(sender: Sender, end: str) -> None:
    mail = accept(sender, **SECRET_MAIL)
    match end:
        case "cancelled":
            cancel_mail(mail.pk)
        case "cancelled in bulk":
            assert do_to_mail(Deed.CANCEL, mail.pk, "ann")
        case "expired":
            Mail.objects.update(expires_untried=True)
            let_expire(mail)
            sweep.sweep()
        case "account deleted":
            sender.delete()
            sweep.sweep()
        case "left over":  # as when something else ended it
            Mail.objects.update(state="failed", finished_at=F("accepted_at"))
            sweep.sweep()
    assert fresh(mail).finished_at is not None
    assert not SealedContent.objects.exists()


def test_what_is_held_for_a_person_keeps_its_original_until_he_decides(
    sender: Sender, server: smtpd.MailServer
) -> None:
    Sender.objects.update(unknown_policy="hold")
    server.answer("DOT", smtpd.Misbehaviour.DROP, times=1)
    mail = accept(sender, **SECRET_MAIL)
    drain(sender.pk)
    sweep.sweep()
    assert fresh(mail).state == "uncertain"
    assert SealedContent.objects.exists()
    assert do_to_mail(Deed.SEND_AGAIN, mail.pk, "ann")
    drain(sender.pk)
    assert server.mails[-1].message["Subject"] == SECRET_MAIL["subject"]
    assert not SealedContent.objects.exists()


def test_a_worker_that_dies_leaves_the_original_for_the_next_try(sender: Sender, server: smtpd.MailServer) -> None:
    mail = accept(sender, **SECRET_MAIL)
    take(mail)
    end_leases()
    sweep.sweep()
    assert SealedContent.objects.exists()
    make_due()
    drain(sender.pk)
    assert server.mails[0].message["Subject"] == SECRET_MAIL["subject"]


def test_without_its_key_it_fails_and_the_masked_copy_is_never_sent(
    sender: Sender, server: smtpd.MailServer, settings: Settings
) -> None:
    mail, other = accept(sender, **SECRET_MAIL), accept(sender, subject="Nothing secret")
    settings.MAILBOX_KEYS = [Key.generate().text]
    drain(sender.pk)
    assert [one.message["Subject"] for one in server.mails] == ["Nothing secret"]
    assert (fresh(mail).state, fresh(other).state) == ("failed", "sent")
    record = SendingRecord.objects.get(mail=mail)
    assert (record.outcome, record.skip_reason) == ("skipped", "original_unreadable")
    assert record.cause == "skipped-original_unreadable"


def test_changing_keys_brings_originals_along(sender: Sender, server: smtpd.MailServer) -> None:
    accept(sender, **SECRET_MAIL)
    [old] = load_keyring().keys
    rotation = rotate(retire=True)
    assert (rotation.resealed, rotation.unreadable_rows, rotation.retired) == (1, 0, (old.id,))
    drain(sender.pk)
    assert server.mails[0].message["Subject"] == SECRET_MAIL["subject"]


def test_a_key_that_is_lost_is_told_by_the_checks(
    sender: Sender, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    accept(sender, **SECRET_MAIL)
    settings.MAILBOX_KEYS = [Key.generate().text]
    call_command("check", databases=["default"])
    assert "The sealed originals of 1 waiting mails can't be opened" in capsys.readouterr().err
    assert rotate(retire=True).unreadable_rows == 1


def test_after_its_end_it_is_neither_tried_nor_sent_again(
    sender: Sender, server: smtpd.MailServer, admin_client: Client
) -> None:
    server.answer("DOT", "554 No")
    mail = accept(sender, **SECRET_MAIL)
    drain(sender.pk)
    assert not do_to_mail(Deed.RETRY, mail.pk, "ann")
    with transaction.atomic():
        assert lock_whole([mail.pk]) == set()
    with pytest.raises(SecretsGoneError):
        read_original(fresh(mail))
    page = admin_client.get(f"/system/setting/mailbox/records/{SendingRecord.objects.get().pk}/").content.decode()
    assert "whoever asked for it must ask again" in page
    assert "Send again" not in page
    source = admin_client.get(f"/system/setting/mailbox/mails/{mail.pk}/source.eml")
    assert f"mail-{mail.pk}-masked.eml" in source["Content-Disposition"]


def test_refused_mail_is_masked_too() -> None:
    with pytest.raises(MailNotConfiguredError):
        accept_mail(to=["bob@example.org"], **SECRET_MAIL)
    assert Mail.objects.get().subject == f"{MARK} is your sign-in code"
    assert_nothing_is_stored()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"secrets": ["a-b c"]}, "secrets"),
        ({"secrets": [""]}, "secrets"),
        ({"secrets": CODE}, "secrets"),
        ({"secrets": ["long" * 501]}, "secrets"),
        ({"secrets": [f"code{number}" for number in range(51)]}, "secrets"),
        ({"idempotency_key": f"code-{CODE}"}, "idempotency_key"),
        ({"template_name": TOKEN}, "template_name"),
    ],
)
def test_secrets_that_make_no_sense_are_refused_without_telling_them(
    sender: Sender, wrong: dict[str, Any], field: str
) -> None:
    with pytest.raises(RequestRefusedError) as refusal:
        accept(sender, **(SECRET_MAIL | wrong))
    assert list(refusal.value.errors) == [field]
    assert CODE not in str(refusal.value)
    assert TOKEN not in str(refusal.value)


def test_many_are_masked_in_one_call(sender: Sender, server: smtpd.MailServer) -> None:
    MaskingRule.objects.create(name="Codes", target="codes")
    accept_mails(
        [
            MailRequest(to=[f"u{n}@example.org"], subject="Code", text=f"Your code is {730000 + n}.", sender=sender)
            for n in range(30)
        ]
    )
    assert not any(is_stored(str(730000 + n)) for n in range(30))
    assert Body.objects.count() == 1  # their masked copies are the same
    drain(sender.pk)
    assert {mail.message.get_content().strip() for mail in server.mails} == {
        f"Your code is {730000 + n}." for n in range(30)
    }


class TestRuleThatCannotBeRead:
    @pytest.fixture(autouse=True)
    def _broken_rule(self) -> None:
        rules._log_unreadable.cache_clear()
        MaskingRule.objects.create(pk=7, name="Broken", target="pattern", pattern="Ref (", template="Sign-*")

    def test_mail_is_accepted_and_sent_and_nothing_of_it_is_kept(
        self, sender: Sender, server: smtpd.MailServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        server.answer("DOT", f"554 5.7.1 Looks like spam: {CODE} {LINK}", times=1)
        values = SECRET_MAIL | {"secrets": (), "template_name": "Sign-in"}
        file = Attachment(f"{CODE}.txt", TOKEN.encode())
        refused, sent = (accept(sender, attachments=[file], **values) for _ in range(2))
        assert (sent.subject, sent.accessed_resource) == (MARK, MARK)
        text, html, *_files = shown(sent).splitlines()
        assert (text, html) == (MARK, NOT_KEPT.strip())
        assert Masking.objects.get(mail=sent).rule_names == ["Broken"]
        assert_nothing_is_stored()
        drain(sender.pk)
        assert (fresh(refused).state, fresh(sent).state) == ("failed", "sent")
        record = SendingRecord.objects.get(mail=refused)
        assert (record.reply_code, record.enhanced_status, record.reply_text) == (554, "5.7.1", MARK)
        assert [mail.message["Subject"] for mail in server.mails] == [SECRET_MAIL["subject"]]
        assert [part.get_filename() for part in server.mails[0].message.iter_attachments()] == [f"{CODE}.txt"]
        assert not SealedContent.objects.exists()
        assert_nothing_is_stored()
        logged = [record for record in caplog.records if record.name == "delivery.masking.rules"]
        assert [(record.levelname, vars(record)["rule"]) for record in logged] == [("ERROR", 7)]

    def test_what_was_noted_of_a_session_can_still_be_read(
        self, sender: Sender, server: smtpd.MailServer, admin_client: Client
    ) -> None:
        Sender.objects.update(unknown_policy="hold")
        server.answer("DOT", smtpd.Misbehaviour.DROP)
        mail = accept(sender, template_name="Sign-in", **(SECRET_MAIL | {"secrets": ()}))
        drain(sender.pk)
        [dialogue] = Dialogue.objects.all()
        assert dialogue.lines[-2:] == [["content", str(mail.size)], ["ended", "disconnected"]]
        assert {text for kind, text in dialogue.lines if kind in "CS"} == {MARK}
        record = SendingRecord.objects.get(mail=mail)
        page = admin_client.get(f"/system/setting/mailbox/records/{record.pk}/")
        assert page.status_code == 200

    def test_other_mail_and_mail_without_an_account_go_their_ways(self, sender: Sender) -> None:
        other = accept(sender, template_name="Else", subject="Nothing secret")
        assert (other.has_secrets, other.subject) == (False, "Nothing secret")
        Sender.objects.all().delete()
        with pytest.raises(MailNotConfiguredError):
            accept_mail(to=["bob@example.org"], template_name="Sign-in", **(SECRET_MAIL | {"secrets": ()}))
        assert_nothing_is_stored()

    def test_other_rules_still_hold_for_other_mail(self, sender: Sender) -> None:
        MaskingRule.objects.create(name="Codes", target="codes")
        mail = accept(sender, template_name="Else", **(SECRET_MAIL | {"secrets": ()}))
        assert mail.subject == f"{MARK} is your sign-in code"

    def test_without_its_library_no_pattern_can_be_read(
        self, sender: Sender, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        MaskingRule.objects.update(pattern="Ref ([0-9]+)")
        monkeypatch.setitem(sys.modules, "re2", None)
        compile_pattern.cache_clear()
        mail = accept(sender, template_name="Sign-in", **(SECRET_MAIL | {"secrets": ()}))
        assert mail.subject == MARK
        call_command("check", databases=["default"])
        assert "(delivery.W001)" in capsys.readouterr().err

    def test_a_target_that_is_not_known_hides_all(self) -> None:
        assert rules._read(MaskingRule(pk=8, name="Of a later version", target="faces")).hides_all

    def test_checks_tell_of_it_while_it_is_in_force(self, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("check", databases=["default"])
        assert "(delivery.W001) The rule of masking 'Broken' can't be read." in capsys.readouterr().err
        MaskingRule.objects.update(is_enabled=False)
        call_command("check", databases=["default"])
        assert "delivery.W001" not in capsys.readouterr().err
