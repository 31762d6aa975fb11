"""What is asked of one check: whose settings, which receiver, who asks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from django.conf import settings

from delivery.account import server_settings
from delivery.check.mail import compose_test_mail, subject_of_test

if TYPE_CHECKING:
    from delivery.values import ComposedMail, ServerSettings
    from senders.models import Sender


@dataclass(frozen=True, slots=True)
class CheckOrder:
    """One check, complete and valid: nothing of it is asked for again."""

    sender: Sender
    """The account as it is to be tested; unsaved where a form's values are."""
    settings: ServerSettings
    receiver: str
    mail: ComposedMail = field(repr=False)
    subject: str
    tests_saved_values: bool
    """The account's own row is tested, so the result is a fact about it."""
    requested_by: str = ""
    requester_ip: str | None = None


def order_check(
    sender: Sender,
    password: str,
    receiver: str,
    *,
    tests_saved_values: bool,
    requested_by: str = "",
    requester_ip: str | None = None,
) -> CheckOrder:
    """Prepare a check; the test mail is composed here, in the language of whoever asks.

    Args:
        sender: The account as it is to be tested, saved or not.
        password: What to sign in with; kept out of every repr.
        receiver: A validated address.
        tests_saved_values: Whether `sender` is the stored account, unchanged.
        requested_by: The user's name.
        requester_ip: The user's IP address.
    """
    dialled = server_settings(sender, password)
    # A person waits, so no step may take as long as it may when nobody does.
    patience = min(dialled.timeout, settings.MAILBOX_CHECK_STEP_SECONDS)
    return CheckOrder(
        sender=sender,
        settings=replace(dialled, timeout=patience),
        receiver=receiver,
        mail=compose_test_mail(sender, receiver),
        subject=subject_of_test(),
        tests_saved_values=tests_saved_values,
        requested_by=requested_by,
        requester_ip=requester_ip,
    )
