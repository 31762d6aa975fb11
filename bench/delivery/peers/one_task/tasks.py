"""The two tasks: with a record of each mail, and without."""

from celery import shared_task
from django.core.mail import EmailMessage
from django.utils import timezone

from one_task.models import Record


@shared_task(name="one_task.send", ignore_result=True)
def send(subject: str, body: str, sender: str, receiver: str) -> None:
    """Send a mail over a connection of its own."""
    EmailMessage(subject, body, sender, [receiver]).send()


@shared_task(name="one_task.send_recorded", ignore_result=True)
def send_recorded(pk: int) -> None:
    """Send the mail of a record over a connection of its own, and note how it ended."""
    record = Record.objects.get(pk=pk)
    try:
        EmailMessage(record.subject, record.body, record.sender, [record.receiver]).send()
        record.state = "sent"
    except Exception as error:
        record.state, record.error = "failed", str(error)
    record.ended_at = timezone.now()
    record.save(update_fields=["state", "error", "ended_at"])
