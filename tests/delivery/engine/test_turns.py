"""One turn per sender and process."""

from delivery.engine.turns import Turns


def test_whoever_asks_during_a_turn_makes_it_look_once_more() -> None:
    turns = Turns()
    turn = turns.begin(1)
    assert turn is not None
    assert turns.begin(1) is None
    assert turns.end(turn) is False
    assert turns.end(turn) is True


def test_a_turn_that_was_given_back_takes_none_away_from_another() -> None:
    turns = Turns()
    first = turns.begin(1)
    assert first is not None
    assert turns.end(first) is True
    second = turns.begin(1)
    assert second is not None
    turns.drop(first)
    assert turns.begin(1) is None
    assert turns.end(second) is False
    assert turns.end(second) is True


def test_a_turn_that_is_dropped_is_free_at_once_whatever_was_asked() -> None:
    turns = Turns()
    turn = turns.begin(1)
    assert turn is not None
    assert turns.begin(1) is None
    turns.drop(turn)
    assert turns.begin(1) is not None
