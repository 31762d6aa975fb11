"""The test mail. Its content is a fixed sentence that people look for in their inbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from delivery.compose.message import compose
from delivery.values import Draft

if TYPE_CHECKING:
    from delivery.values import ComposedMail
    from senders.models import Sender

CONTENT = "Congratulation! Your mail server is configured successfully."
"""Exactly as the manual has it, in every language, so that people and filters can look for it."""


def compose_test_mail(sender: Sender, receiver: str) -> ComposedMail:
    """Compose the test mail of an account, saved or not, to one receiver."""
    return compose(
        Draft(
            sender_address=sender.address,
            display_name=sender.display_name,
            subject=subject_of_test(),
            to=(receiver,),
            reply_to=(sender.reply_to,) if sender.reply_to else (),
            text=CONTENT,
            html=f"<p>{CONTENT}</p>",
        )
    )


def subject_of_test() -> str:
    """Write the subject in the language of the person who tests."""
    return _("Test mail of your mail server settings")
