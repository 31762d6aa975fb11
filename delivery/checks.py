"""System checks of the delivery room: a webhook that can't be called is a sentence when Mailbox starts."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import DatabaseError

from delivery.alarms.webhook.target import TargetError, is_configured, read_target
from delivery.masking.rules import find_problem
from records.masking.models import MaskingRule


@register(Tags.security)
def check_webhook(**_: Any) -> list[CheckMessage]:
    """Tell of a webhook whose URL or secret can't be used."""
    if not is_configured():
        return []
    try:
        read_target()
    except TargetError as error:
        hint = "Set https://host/path, and a MAILBOX_ALARM_WEBHOOK_SECRET of 16 random characters or more."
        return [Error(str(error), hint=hint, id="delivery.E001")]
    return []


@register(Tags.database)
def check_masking_rules(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Tell of rules of masking in force that can't be read, as when a row was changed by hand."""
    if not databases or "default" not in databases:
        return []
    try:
        names = [rule.name for rule in MaskingRule.objects.filter(is_enabled=True) if find_problem(rule) is not None]
    except DatabaseError:
        return []  # said by others, who know what to do about it
    hint = "Change it on the page Masking, or switch it off; until then nothing is kept of what its mail says."
    return [
        CheckWarning(f"The rule of masking {name!r} can't be read.", hint=hint, id="delivery.W001") for name in names
    ]
