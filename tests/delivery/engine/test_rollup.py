"""A mail's state as the roll-up of its receivers'."""

import pytest

from delivery.engine.rollup import roll_up


@pytest.mark.parametrize(
    ("receivers", "mail"),
    [
        (["accepted"], "sent"),
        (["accepted", "accepted"], "sent"),
        (["accepted", "refused"], "partly_sent"),
        (["accepted", "expired"], "partly_sent"),
        (["accepted", "cancelled"], "partly_sent"),
        (["refused", "refused"], "failed"),
        (["refused", "expired"], "expired"),
        (["refused", "cancelled"], "cancelled"),
        (["accepted", "uncertain"], "uncertain"),
        (["refused", "uncertain"], "uncertain"),
        (["accepted", "pending"], None),
        (["uncertain", "pending"], None),
    ],
)
def test_the_state_follows_from_the_receivers(receivers: list[str], mail: str | None) -> None:
    assert roll_up(receivers) == mail
