"""The account that a try went out from, as far as its page leads there."""

from dataclasses import dataclass

from records.models import Mail, SendingRecord
from senders.guides import Guide, find_guide
from senders.models import Sender
from senders.presets import find_preset_by_host


@dataclass(frozen=True, slots=True)
class Account:
    """The account as it is now."""

    sender: Sender
    guide: Guide | None
    """How to set up an account of its provider."""
    test_mail_id: int | None
    """The mail of its latest connection check, while that is kept."""


def find_account(record: SendingRecord) -> Account | None:
    """Find the account with the address that the try went out from; None where there is none any more."""
    sender = Sender.objects.filter(address__iexact=record.sender_address).first() if record.sender_address else None
    if sender is None:
        return None
    preset = find_preset_by_host(sender.host)
    guide = find_guide(preset.guide) if preset and preset.guide else None
    is_kept = sender.last_test_mail_id and Mail.objects.filter(pk=sender.last_test_mail_id).exists()
    return Account(sender, guide, sender.last_test_mail_id if is_kept else None)
