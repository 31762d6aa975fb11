"""`manage.py test_webhook`: call the alarm webhook once, and say what came of it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from delivery.alarms.webhook.calls import note_call, try_call
from delivery.alarms.webhook.target import TargetError, is_configured, read_target
from records.alarms.enums import CallEvent
from records.clock import database_now


class Command(BaseCommand):
    """Calls the webhook now, without an alarm."""

    help = "Call the webhook of MAILBOX_ALARM_WEBHOOK once, as for an alarm, and say what came of it."

    def handle(self, **_options: Any) -> None:
        """Make the call.

        Raises:
            CommandError: There is no webhook, or it did not take the call.
        """
        if not is_configured():
            raise CommandError("MAILBOX_ALARM_WEBHOOK is not set: nobody is told of alarms.")
        try:
            target = read_target()
        except TargetError as error:
            raise CommandError(str(error)) from error
        call = note_call(None, CallEvent.TEST, database_now())
        answer = try_call(call, target) if call else None
        if call is None or answer is None:
            raise CommandError("A worker was quicker: see the page Alarms.")
        if answer.fault:
            said = f"answered {answer.status}. " if answer.status else ""
            raise CommandError(f"{target.label}, call {call.pk}: {said}{answer.fault.label}")
        self.stdout.write(f"{target.label} took call {call.pk}: {answer.status}.")
