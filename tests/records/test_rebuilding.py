"""Making sums anew never takes off what was counted from records that are not kept any more."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from records.clock import database_now
from records.enums import MailState
from records.keeping import rounds
from records.keeping.models import RemovalMark
from records.keeping.rounds import run_whole
from records.models import Mail, SendingRecord
from records.rollups import rebuilding
from records.rollups.folding import fold
from records.rollups.models import DayRollup, MonthRollup, Rollup
from records.rollups.rebuilding import find_beginning
from records.rollups.rebuilding import rebuild as correct
from tests.records.keeping.rows import old_mail, set_rules
from tests.records.rows import make_record
from tests.records.sums import Counted, assert_lengths_agree, hour_of, read_from_sums

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


def rebuild(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("rebuild_rollups", *arguments, stdout=out)
    return out.getvalue().splitlines()


def sums() -> Counted:
    fold()
    assert_lengths_agree()
    return read_from_sums()


def prune(**rules: int) -> None:
    set_rules(**rules)
    run_whole(pause=0)


def hold(days: float) -> Mail:
    """Store a mail that waits for a person's decision, which keeping never touches."""
    return old_mail(days, state=MailState.UNCERTAIN)


def test_sums_of_removed_records_stay_where_an_older_mail_is_held() -> None:
    hold(20)
    for days in (15, 14.9, 3):
        old_mail(days)
    before = sums()
    prune(records_days=10)
    assert SendingRecord.objects.count() == 2
    rebuild()
    assert sums() == before


def test_sums_of_an_hour_stay_of_which_some_records_are_removed_and_others_held() -> None:
    held, gone = hold(20), old_mail(15)
    make_record(held, receiver_address="late@example.net", started_at=gone.accepted_at)
    old_mail(3)
    before = sums()
    prune(records_days=10)
    assert not Mail.objects.filter(pk=gone.pk).exists()
    rebuild()
    assert sums() == before


def test_sums_of_all_hours_stay_in_which_a_removed_mail_was_tried() -> None:
    hold(20)
    retried = old_mail(15)
    make_record(retried, receiver_address="late@example.net", started_at=retried.accepted_at + 6 * HOUR)
    hold(14.95)
    old_mail(3)
    before = sums()
    prune(records_days=10)
    rebuild()
    assert sums() == before


def test_it_begins_with_the_first_hour_after_the_latest_removed_try_and_says_so() -> None:
    hold(20)
    removed = old_mail(15)
    old_mail(3)
    fold()
    prune(records_days=10)
    said = rebuild()
    begins = hour_of(removed.accepted_at) + HOUR
    assert find_beginning() == begins
    assert said[0] == (
        f"Records were removed up to {removed.accepted_at:%Y-%m-%d %H:%M} UTC: sums from before"
        f" {begins:%Y-%m-%d %H:%M} stay as they are."
    )
    assert said[1].startswith(f"Since {begins:%Y-%m-%d %H:%M} UTC the sums agree with the records: ")


def test_what_is_younger_is_corrected() -> None:
    hold(20)
    old_mail(15)
    young = old_mail(14.9)
    before = sums()
    prune(records_days=15)
    of_young = Rollup.objects.filter(hour=hour_of(young.accepted_at))
    of_young.update(tries=70)
    rebuild()
    assert of_young.get().tries == 1
    assert sums() == before


def test_a_day_that_is_named_takes_off_no_sums_of_removed_records() -> None:
    old_mail(15)
    old_mail(3)
    before = sums()
    prune(records_days=10)
    since = f"{database_now() - timedelta(days=17):%Y-%m-%d}"
    assert rebuild("--since", since)[0].startswith("Records were removed up to ")
    assert sums() == before
    assert len(rebuild("--since", f"{database_now() - timedelta(days=5):%Y-%m-%d}")) == 1


def test_where_all_records_were_removed_all_sums_stay() -> None:
    old_mail(15)
    before = sums()
    prune(records_days=10)
    rebuild("--since", f"{database_now() - timedelta(days=17):%Y-%m-%d}")
    assert sums() == before


def test_sums_stay_of_what_is_removed_while_they_are_made_anew() -> None:
    for days in (5, 4.9, 4.8, 2):
        old_mail(days)
    before = sums()
    beginning = find_beginning()
    assert beginning is not None
    hours = correct(beginning)
    looked_at = [next(hours)]
    prune(records_days=3)
    looked_at += hours
    assert sums() == before
    [mark] = RemovalMark.objects.all()
    assert [hour for hour in looked_at if hour <= mark.latest_at] == [beginning]


def test_the_mark_never_goes_back() -> None:
    late, early = old_mail(11), old_mail(15)
    for rules, left in (({"max_records": 1}, [early.pk]), ({"records_days": 10}, [])):
        prune(**rules)
        assert list(Mail.objects.values_list("pk", flat=True)) == left
        assert RemovalMark.objects.get().latest_at == late.accepted_at


def test_removing_what_mails_said_marks_nothing() -> None:
    old_mail(15)
    prune(contents_days=10, attachments_days=10)
    assert not RemovalMark.objects.exists()


def test_a_mail_without_tries_marks_nothing() -> None:
    mail = old_mail(15)
    SendingRecord.objects.all().delete()
    prune(records_days=10)
    assert not Mail.objects.filter(pk=mail.pk).exists()
    assert not RemovalMark.objects.exists()


def test_records_that_were_not_removed_after_all_are_not_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    old_mail(15)

    def die(*_arguments: object) -> None:
        raise SystemExit

    monkeypatch.setattr(rounds, "move_on", die)
    with pytest.raises(SystemExit):
        prune(records_days=10)
    assert (SendingRecord.objects.count(), RemovalMark.objects.count()) == (1, 0)


def test_sums_are_made_anew_no_further_back_than_they_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "KEPT_FOR", timedelta(days=10))
    now = database_now()
    first_kept = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=9)
    for hours in (-30, -2, 2):
        make_record(started_at=first_kept + hours * HOUR)
    fold()
    Rollup.objects.filter(hour__lt=first_kept).delete()  # as folding does, an hour at a time
    before = _tries()
    [said] = rebuild("--since", f"{now - timedelta(days=15):%Y-%m-%d}")
    assert said.startswith(f"Since {first_kept:%Y-%m-%d} 00:00 UTC ")
    assert Rollup.objects.get().hour == first_kept + 2 * HOUR
    assert _tries() == before


def _tries() -> list[list[tuple[object, int]]]:
    """List the sums of days and of months."""
    days, months = DayRollup.objects.order_by("day"), MonthRollup.objects.order_by("month")
    return [list(days.values_list("day", "tries")), list(months.values_list("month", "tries"))]
