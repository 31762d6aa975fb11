"""So many new values a month have sums of their own, and what comes beyond is summed up as others."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from records.models import SendingRecord
from records.rollups import folding, keys
from records.rollups.adding import take_off_sums
from records.rollups.folding import fold
from records.rollups.models import DayRollup, MonthRollup, Rollup, RollupDelta, RollupKey
from records.rollups.reading import read_sums
from records.rollups.rebuilding import rebuild
from tests.records.rows import make_record
from tests.records.sums import assert_lengths_agree, keys_of_hours

pytestmark = pytest.mark.django_db(transaction=True)

OTHERS = "\x1a"
SECOND = (datetime.now(UTC) - timedelta(days=30)).replace(day=1, hour=1, minute=0, second=0, microsecond=0)
FIRST = SECOND - timedelta(hours=2)
"""Of the month before."""


@pytest.fixture
def _two_a_month(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "MOST_NEW_VALUES", 2)


def use(*templates: str, at: datetime = FIRST, **values: object) -> None:
    for name in templates:
        make_record(template_name=name, started_at=at, **values)


def templates() -> dict[str, int]:
    """Tries by template, as the dashboard is told of them."""
    fold()
    assert_lengths_agree()
    found: dict[str, int] = {}
    for each in read_sums(FIRST - timedelta(days=30)).by_template:
        found[each.name] = found.get(each.name, 0) + each.tries
    return found


@pytest.mark.usefixtures("_two_a_month")
def test_values_beyond_a_number_are_summed_up_as_others() -> None:
    use("a", "b", "c", "d", "a", "c")
    assert templates() == {"a": 2, "b": 1, OTHERS: 3}
    assert Rollup.objects.count() == keys_of_hours().count() == 3


@pytest.mark.usefixtures("_two_a_month")
def test_those_that_were_there_first_stay_told_apart_in_all_combinations() -> None:
    use("a", "b")
    fold()
    use("c", "b", outcome="refused")
    assert templates() == {"a": 1, "b": 2, OTHERS: 1}


@pytest.mark.usefixtures("_two_a_month")
def test_each_month_has_room_for_new_values_and_what_was_known_needs_none() -> None:
    use("a", "b", "c")
    fold()
    use("a", "c", "d", "e", at=SECOND)
    assert templates() == {"a": 2, "b": 1, "c": 1, "d": 1, OTHERS: 2}


@pytest.mark.usefixtures("_two_a_month")
def test_a_missing_value_needs_no_room() -> None:
    use("a", "b", "", "c")
    assert templates() == {"a": 1, "b": 1, "": 1, OTHERS: 1}


@pytest.mark.usefixtures("_two_a_month")
def test_senders_and_servers_are_bounded_too_and_each_for_itself() -> None:
    for number in range(4):
        use("a", sender_address=f"s{number}@example.com", server=f"h{number}.example:25")
    use("b")
    fold()
    assert sorted(keys_of_hours().values_list("sender_address", "template_name", "server")) == [
        (OTHERS, "a", OTHERS),
        (OTHERS, "b", ""),
        ("s0@example.com", "a", "h0.example:25"),
        ("s1@example.com", "a", "h1.example:25"),
    ]


@pytest.mark.usefixtures("_two_a_month")
def test_a_try_that_is_taken_off_later_is_taken_off_the_others() -> None:
    use("a", "b", "c", "d")
    fold()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(take_off_sums("records_sendingrecord", "template_name = 'd'"))
    SendingRecord.objects.filter(template_name="d").delete()
    assert templates() == {"a": 1, "b": 1, OTHERS: 1}


@pytest.mark.usefixtures("_two_a_month")
def test_sums_made_anew_are_the_same() -> None:
    use("a", "b", "d")
    use("c", "e", "f", at=SECOND)
    before = templates()
    assert before == {"a": 1, "b": 1, "c": 1, "e": 1, OTHERS: 2}
    for beginning in (FIRST, SECOND):
        assert list(rebuild(beginning))
        assert templates() == before
    Rollup.objects.all().delete()
    assert list(rebuild(FIRST))
    assert templates() == before


@pytest.mark.usefixtures("_two_a_month")
def test_what_found_room_a_month_later_is_told_apart_where_sums_are_made_anew() -> None:
    use("a", "b", "c")
    use("c", at=SECOND)
    assert templates() == {"a": 1, "b": 1, "c": 1, OTHERS: 1}
    assert list(rebuild(FIRST))
    assert templates() == {"a": 1, "b": 1, "c": 2}


def test_names_of_the_day_fill_neither_the_keys_nor_the_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "MOST_NEW_VALUES", 10)
    monkeypatch.setattr(folding, "BATCH", 20)
    RollupDelta.objects.bulk_create(
        RollupDelta(hour=FIRST, template_name=f"run {number}", outcome="accepted", tries=1) for number in range(100)
    )
    found = templates()
    assert (len(found), found[OTHERS]) == (11, 90)
    assert (keys_of_hours().count(), Rollup.objects.count()) == (11, 11)
    # The margins of those templates, and of the one sender, cause and server that they have.
    assert [model.objects.count() for model in (DayRollup, MonthRollup)] == [14] * 2
    assert set(RollupKey.objects.values_list("first_month", flat=True)) == {FIRST.date().replace(day=1)}
