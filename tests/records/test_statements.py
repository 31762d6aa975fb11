"""Several questions that are asked at once."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from records.statements import Question, fetch, fetch_together, take_apart

pytestmark = pytest.mark.django_db
SETTING = "SELECT current_setting('enable_sort')"


def test_each_question_gets_its_own_rows_and_its_own_parameters() -> None:
    asked = (
        Question("SELECT 1 WHERE 1 = 0"),
        Question("SELECT 'a', %s", [2], is_along=True),
        Question("SELECT '%'", None),
        Question("SELECT 3 UNION ALL SELECT 4", is_along=True),
        Question("SELECT '%s'", None, is_along=True),
        Question("SELECT %s", ["; SELECT 5"]),
    )
    assert fetch_together(*asked) == [[], [("a", 2)], [("%",)], [(3,), (4,)], [("%s",)], [("; SELECT 5",)]]


def test_nothing_is_asked_of_the_database_where_there_is_no_question() -> None:
    with CaptureQueriesContext(connection) as captured:
        assert fetch_together() == []
    assert len(captured) == 0


@pytest.mark.parametrize("state", ["on", "off"])
def test_only_what_is_asked_along_indexes_is_kept_to_them(state: str) -> None:
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL enable_sort TO {state}")
    asked = [Question(SETTING, is_along=is_along) for is_along in (False, True, True, False, True)]
    with CaptureQueriesContext(connection) as captured:
        answers = fetch_together(*asked)
    assert [found for ((found,),) in answers] == [state, "off", "off", state, "off"]
    assert fetch(SETTING) == [(state,)]
    (sent,) = (query["sql"] for query in captured)
    assert [question.is_along for question in take_apart(sent)] == [False, True, True, False, True]
    assert {question.sql for question in take_apart(sent)} == {SETTING}


@pytest.mark.django_db(transaction=True)
def test_a_question_that_fails_keeps_nothing_to_indexes() -> None:
    if connection.vendor != "postgresql":
        return
    asked = (Question("SELECT 1", is_along=True), Question("SELECT 1 / 0", is_along=True), Question("SELECT 2"))
    with pytest.raises(DatabaseError):
        fetch_together(*asked)
    assert fetch(SETTING) == [("on",)]
    with transaction.atomic():
        with pytest.raises(DatabaseError), transaction.atomic():
            fetch_together(*asked)
        assert fetch(SETTING) == [("on",)]
