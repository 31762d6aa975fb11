"""Keys of sums go when no sum refers to them any more, and never before."""

import threading
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from django.db import OperationalError, connection, transaction

from records.clock import database_now
from records.keeping import forgetting
from records.keeping.forgetting import forget_keys
from records.keeping.models import KeepingRound
from records.keeping.rounds import run_whole
from records.rollups import folding, keys
from records.rollups.folding import KEPT_FOR, fold
from records.rollups.models import DayRollup, MonthRollup, Rollup, RollupKey
from tests.records.keeping.rows import set_rules
from tests.records.rows import make_record
from tests.records.sums import ANY

pytestmark = pytest.mark.django_db(transaction=True)


def use(*templates: str, at: datetime | None = None) -> None:
    for name in templates:
        make_record(template_name=name, started_at=at or database_now())


def drop_sums() -> None:
    for model in (Rollup, DayRollup, MonthRollup):
        model.objects.all().delete()


def known() -> list[str]:
    """The templates that there are keys of."""
    templates = RollupKey.objects.exclude(template_name=ANY).values_list("template_name", flat=True)
    return sorted(set(templates))


def forget() -> None:
    """Let keeping do a round, which ends with the keys."""
    set_rules()
    run_whole(pause=0)


def test_keys_whose_sums_are_forgotten_go_with_keeping() -> None:
    use("old", at=database_now() - KEPT_FOR - timedelta(days=32))
    use("young")
    fold()
    fold()
    assert known() == ["old", "young"]
    forget()
    assert known() == ["young"]
    assert KeepingRound.objects.get().ended_at is not None


@pytest.mark.parametrize("left", [Rollup, DayRollup, MonthRollup])
def test_a_key_stays_while_any_sum_refers_to_it(left: type[Rollup | DayRollup | MonthRollup]) -> None:
    use("a")
    fold()
    for model in (Rollup, DayRollup, MonthRollup):
        if model is not left:
            model.objects.all().delete()
    forget()
    assert known() == ["a"]
    left.objects.all().delete()
    forget()
    assert known() == []


def test_keys_are_looked_at_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "LOOK", 2)
    use(*"abcdefg")
    fold()
    kept = RollupKey.objects.filter(template_name__in="cg")
    for model in (Rollup, DayRollup, MonthRollup):
        model.objects.exclude(key__in=kept).delete()
    forget()
    assert known() == ["c", "g"]


def test_a_key_that_was_forgotten_is_made_again() -> None:
    for _time in range(2):
        use("a")
        fold()
        drop_sums()
        forget()
        assert known() == []
    use("a")
    fold()
    assert Rollup.objects.get().key.template_name == "a"


def test_no_key_is_taken_away_from_who_is_about_to_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    use("a")
    fold()
    drop_sums()
    use("a", "b")
    find, refused = keys.find_key_ids, list[bool]()

    def find_and_be_interrupted(wanted: Iterable[keys.Wanted]) -> dict[keys.Wanted, keys.KeyIds]:
        found = find(wanted)
        thread = threading.Thread(target=lambda: refused.append(_is_refused()))
        thread.start()
        thread.join()
        return found

    monkeypatch.setattr(folding, "find_key_ids", find_and_be_interrupted)
    assert fold() == 2
    assert refused == [True]
    assert known() == ["a", "b"]
    assert Rollup.objects.count() == 2


def _is_refused() -> bool:
    """Try to forget keys without waiting for anybody."""
    try:
        with connection.cursor() as cursor:
            is_sqlite = connection.vendor == "sqlite"
            cursor.execute("PRAGMA busy_timeout = 0" if is_sqlite else "SET lock_timeout = '50ms'")
        with transaction.atomic():
            forget_keys(0)
    except OperationalError:
        return True
    finally:
        connection.close()
    return False
