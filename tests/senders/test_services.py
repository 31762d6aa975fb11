"""Saving, deleting and choosing sender accounts."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from senders.exceptions import AddressTakenError, PasswordNeededError, SenderDisabledError
from senders.models import Circuit, Sender
from senders.secrets import unseal
from senders.services import delete_sender, find_default_sender, save_sender, set_default_sender
from tests.senders.conftest import PASSWORD, MakeSender

pytestmark = pytest.mark.django_db


def reloaded(sender: Sender) -> Sender:
    return Sender.objects.get(pk=sender.pk)


class TestSaving:
    def test_a_new_account_keeps_its_password_sealed(self, make_sender: MakeSender) -> None:
        assert unseal(reloaded(make_sender())) == PASSWORD

    def test_a_new_account_that_signs_in_needs_a_password(self, make_sender: MakeSender) -> None:
        with pytest.raises(PasswordNeededError):
            make_sender(password=None)
        assert Sender.objects.count() == 0

    def test_a_new_account_without_sign_in_keeps_no_password(self, make_sender: MakeSender) -> None:
        assert reloaded(make_sender(login_method="none", password=PASSWORD)).secret == ""

    def test_a_new_account_is_never_the_default(self, make_sender: MakeSender) -> None:
        assert not reloaded(make_sender(is_default=True)).is_default

    def test_a_change_without_a_password_keeps_the_stored_one(self, make_sender: MakeSender) -> None:
        sender = make_sender()
        sender.display_name = "Other"
        save_sender(sender)
        assert unseal(reloaded(sender)) == PASSWORD
        assert reloaded(sender).display_name == "Other"

    def test_a_typed_password_replaces_the_stored_one(self, make_sender: MakeSender) -> None:
        sender = make_sender()
        save_sender(sender, password="another")
        assert unseal(reloaded(sender)) == "another"

    def test_taking_the_sign_in_away_wipes_the_password(self, make_sender: MakeSender) -> None:
        sender = make_sender()
        sender.login_method = "none"
        save_sender(sender)
        assert reloaded(sender).secret == ""

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("host", "evil.example.net"),
            ("port", 2525),
            ("encryption", "none"),
            ("address", "other@example.com"),
            ("login_method", "display_name"),
            ("trusted_certificates", "-----BEGIN CERTIFICATE-----"),
        ],
    )
    def test_the_stored_password_never_goes_elsewhere(
        self, make_sender: MakeSender, field: str, value: str | int
    ) -> None:
        sender = make_sender()
        before = Sender.objects.values().get(pk=sender.pk)
        setattr(sender, field, value)
        with pytest.raises(PasswordNeededError):
            save_sender(sender)
        assert Sender.objects.values().get(pk=sender.pk) == before

    def test_the_stored_password_stays_with_its_login_name(self, make_sender: MakeSender) -> None:
        sender = make_sender(login_method="login_name", login_name="CORP\\reports")
        sender.login_name = "CORP\\admin"
        with pytest.raises(PasswordNeededError):
            save_sender(sender)

    def test_a_new_address_needs_no_password_where_another_name_signs_in(self, make_sender: MakeSender) -> None:
        sender = make_sender(login_method="login_name", login_name="CORP\\reports")
        sender.address = "other@example.com"
        save_sender(sender)
        assert unseal(reloaded(sender)) == PASSWORD

    def test_a_form_that_began_before_another_change_cannot_carry_the_password_away(
        self, make_sender: MakeSender
    ) -> None:
        mine = make_sender()
        theirs = reloaded(mine)
        theirs.host = "new.example.com"
        save_sender(theirs, password="of the new host")
        mine.display_name = "Harmless"
        with pytest.raises(PasswordNeededError):
            save_sender(mine)
        assert (reloaded(mine).host, unseal(reloaded(mine))) == ("new.example.com", "of the new host")

    def test_what_others_write_is_not_carried_back(self, make_sender: MakeSender) -> None:
        mine = make_sender()
        tested = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
        Sender.objects.filter(pk=mine.pk).update(last_test_at=tested, last_test_passed=True, is_default=True)
        save_sender(mine)
        assert (reloaded(mine).last_test_at, reloaded(mine).is_default) == (tested, True)

    def test_disabling_the_default_leaves_the_system_without_one(self, make_sender: MakeSender) -> None:
        sender = make_sender()
        set_default_sender(sender)
        sender.is_enabled = False
        save_sender(sender)
        assert find_default_sender() is None

    def test_a_change_closes_the_circuit(self, make_sender: MakeSender) -> None:
        sender = make_sender()
        moment = datetime(2026, 1, 2, tzinfo=UTC)
        Circuit.objects.create(
            sender=sender,
            state="refused",
            failures=4,
            opened_at=moment,
            probe_at=moment,
            phase="auth",
            fault="reply",
            cause="bad-password",
            reply="535 no",
        )
        save_sender(sender)
        assert Circuit.objects.values("state", "failures", "opened_at", "probe_at", "reply", "cause").get() == {
            "state": "closed",
            "failures": 0,
            "opened_at": None,
            "probe_at": None,
            "reply": "",
            "cause": "",
        }

    @pytest.mark.parametrize("address", ["reports@example.com", "REPORTS@Example.com"])
    def test_an_address_belongs_to_one_account(self, make_sender: MakeSender, address: str) -> None:
        make_sender()
        with pytest.raises(AddressTakenError):
            make_sender(address=address)
        assert Sender.objects.count() == 1

    def test_changing_to_the_address_of_another_account_is_refused(self, make_sender: MakeSender) -> None:
        make_sender()
        other = make_sender(address="other@example.com")
        other.address = "reports@example.com"
        with pytest.raises(AddressTakenError):
            save_sender(other, password=PASSWORD)

    def test_an_account_deleted_meanwhile_is_not_brought_back(self, make_sender: MakeSender) -> None:
        sender = make_sender()
        Sender.objects.all().delete()
        with pytest.raises(Sender.DoesNotExist):
            save_sender(sender)
        assert Sender.objects.count() == 0

    def test_other_errors_of_the_database_are_not_swallowed(self, make_sender: MakeSender) -> None:
        with pytest.raises(IntegrityError):
            make_sender(port=0)


class TestDeleting:
    def test_deleting_says_whether_it_was_the_default(self, make_sender: MakeSender) -> None:
        default, other = make_sender(), make_sender(address="other@example.com")
        set_default_sender(default)
        assert delete_sender(other) is False
        assert delete_sender(default) is True
        assert find_default_sender() is None

    def test_deleting_twice_is_told(self, make_sender: MakeSender) -> None:
        sender = make_sender()
        delete_sender(reloaded(sender))
        with pytest.raises(Sender.DoesNotExist):
            delete_sender(sender)


class TestTheDefault:
    def test_choosing_one_replaces_the_other(self, make_sender: MakeSender) -> None:
        first, second = make_sender(), make_sender(address="other@example.com")
        set_default_sender(first)
        set_default_sender(second)
        assert find_default_sender() == second
        assert Sender.objects.filter(is_default=True).count() == 1

    def test_choosing_none_leaves_none(self, make_sender: MakeSender) -> None:
        set_default_sender(make_sender())
        set_default_sender(None)
        assert find_default_sender() is None

    def test_a_disabled_account_is_refused_and_the_present_one_stays(self, make_sender: MakeSender) -> None:
        first, disabled = make_sender(), make_sender(address="other@example.com", is_enabled=False)
        set_default_sender(first)
        with pytest.raises(SenderDisabledError):
            set_default_sender(disabled)
        assert find_default_sender() == first

    def test_a_deleted_account_is_refused_and_the_present_one_stays(self, make_sender: MakeSender) -> None:
        first, gone = make_sender(), make_sender(address="other@example.com")
        set_default_sender(first)
        stale = reloaded(gone)
        gone.delete()
        with pytest.raises(Sender.DoesNotExist):
            set_default_sender(stale)
        assert find_default_sender() == first

    def test_the_database_itself_allows_one_only(self, make_sender: MakeSender) -> None:
        make_sender(), make_sender(address="other@example.com")
        with pytest.raises(IntegrityError), transaction.atomic():
            Sender.objects.update(is_default=True)

    def test_the_database_itself_refuses_a_disabled_default(self, make_sender: MakeSender) -> None:
        make_sender(is_enabled=False)
        with pytest.raises(IntegrityError), transaction.atomic():
            Sender.objects.update(is_default=True)


@pytest.mark.parametrize(
    ("method", "login"),
    [("address", "reports@example.com"), ("display_name", "Reports"), ("login_name", "CORP\\r"), ("none", "")],
)
def test_the_login_follows_the_method(method: str, login: str) -> None:
    sender = Sender(address="reports@example.com", display_name="Reports", login_name="CORP\\r", login_method=method)
    assert sender.login == login
