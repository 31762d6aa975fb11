"""How much an account may send: the admin's limits, the provider's, and what was learned, which is forgotten again."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from senders.limits import DOUBLES_EVERY, HOLDS, limits_of
from senders.models import Allowance, Sender
from senders.presets import NO_LIMITS, SenderLimits, find_preset_by_host

NOW = timezone.now()


def account(host: str = "smtp.example.com", address: str = "reports@example.com", **values: Any) -> Sender:
    return Sender(address=address, display_name="Reports", host=host, **values)


def taught(**values: Any) -> Sender:
    """An account that was told off a moment ago."""
    own = {name: values.pop(name) for name in ("max_connections", "per_minute") if name in values}
    sender = account(pk=1, **own)
    sender.allowance = Allowance(sender=sender, learned_until=NOW + HOLDS, **values)
    return sender


def test_an_account_at_a_server_of_ones_own_has_no_limits() -> None:
    assert limits_of(account()) == NO_LIMITS


def test_an_account_without_limits_of_its_own_has_those_of_its_provider() -> None:
    assert limits_of(account("smtp.office365.com")) == SenderLimits(connections=3, per_minute=30, per_day=10_000)


def test_the_admins_limits_come_before_the_providers() -> None:
    limits = limits_of(account("SMTP.office365.com.", per_minute=60, per_hour=100, max_connections=2))
    assert limits == SenderLimits(connections=2, per_minute=60, per_hour=100, per_day=10_000)


@pytest.mark.parametrize(
    ("address", "per_day"), [("someone@gmail.com", 500), ("someone@GMail.com", 500), ("reports@example.com", 2000)]
)
def test_a_free_account_has_other_limits_than_one_with_its_own_domain(address: str, per_day: int) -> None:
    assert limits_of(account("smtp.gmail.com", address)).per_day == per_day


def test_a_provider_with_one_set_of_limits_has_it_for_all_addresses() -> None:
    preset = find_preset_by_host("smtp.mail.me.com")
    assert preset is not None
    assert preset.limits_for("someone@icloud.com") == preset.limits_for("someone@example.com")


def test_what_was_learned_tightens_the_limits_while_it_holds() -> None:
    sender = taught(learned_connections=1, learned_per_minute=8, max_connections=4, per_minute=30)
    assert limits_of(sender, NOW) == SenderLimits(connections=1, per_minute=8)


def test_what_was_learned_never_raises_a_limit() -> None:
    sender = taught(learned_connections=8, learned_per_minute=90, max_connections=4, per_minute=30)
    assert limits_of(sender, NOW) == SenderLimits(connections=4, per_minute=30)


def test_what_was_learned_doubles_step_by_step_and_is_forgotten() -> None:
    sender = taught(learned_per_minute=3)
    later = NOW + HOLDS
    steps = [limits_of(sender, later + step * DOUBLES_EVERY).per_minute for step in range(7)]
    assert steps == [6, 12, 24, 48, 96, 192, None]
    assert limits_of(sender, later - timedelta(seconds=1)).per_minute == 3
