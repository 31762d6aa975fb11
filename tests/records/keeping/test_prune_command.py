"""`manage.py prune_records`."""

from io import StringIO

import pytest
from django.core.management import call_command

from delivery.values import Attachment
from records.keeping import rounds
from records.keeping.models import KeepingRound, KeepingRules
from records.models import Mail
from tests.records.keeping.rows import mail_with_files, old_mail, set_rules, what_is_left

pytestmark = pytest.mark.django_db(transaction=True)


def call(*options: str) -> list[str]:
    out = StringIO()
    call_command("prune_records", *options, stdout=out)
    return out.getvalue().splitlines()


@pytest.fixture
def _different_ages() -> None:
    set_rules(records_days=400, contents_days=100, attachments_days=10)
    old_mail(500, records=3)
    old_mail(200)
    mail_with_files(50, Attachment("a.txt", b"x"))
    old_mail(1)


@pytest.mark.usefixtures("_different_ages")
def test_a_dry_run_tells_what_would_go_and_removes_nothing() -> None:
    before = what_is_left()
    assert call("--dry-run") == [
        "This would go; nothing was removed:",
        "             1  mails",
        "             3  records of these mails",
        "             2  contents, of these and other mails",
        "             1  contents that lose their attachments",
    ]
    assert what_is_left() == before
    assert not KeepingRound.objects.exists()


@pytest.mark.usefixtures("_different_ages")
def test_what_was_told_is_removed() -> None:
    told = call("--dry-run")
    assert call() == ["This was removed:", *told[1:]]
    assert Mail.objects.count() == 3
    assert call()[1] == "             0  mails"


@pytest.mark.usefixtures("_different_ages")
def test_it_takes_a_round_over_that_was_left_half_done_and_tells_what_that_one_removed() -> None:
    KeepingRound.objects.create(pk=1, stage="remove_contents", reached=10**12, removed_mails=99, removed_records=7)
    assert call()[:3] == [
        "This was removed, by the round that was under way and then by this one:",
        "           100  mails",
        "            10  records of these mails",
    ]
    assert call()[:2] == ["This was removed:", "             0  mails"]


@pytest.mark.usefixtures("_different_ages")
def test_started_twice_at_once_both_tell_all_that_was_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    told = call("--dry-run")[1:]
    second: list[str] = []
    take_step = rounds.take_step

    def start_another_amid(here: KeepingRound, rules: KeepingRules) -> bool:
        if here.removed_mails:
            monkeypatch.setattr(rounds, "take_step", take_step)
            second.extend(call())
        return take_step(here, rules)

    monkeypatch.setattr(rounds, "take_step", start_another_amid)
    assert call() == ["This was removed:", *told]
    assert second[1:] == told
