"""System checks of the delivery room: a webhook that can't be called is a sentence when Mailbox starts."""

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from delivery.alarms.webhook.target import TargetError, is_configured, read_target


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
