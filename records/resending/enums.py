"""The closed sets of values of sending many mails again. Stored values never change."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ResendingState(models.TextChoices):
    """How far an order is."""

    COLLECTING = "collecting", _("Collecting")
    """The records are read, and the mails that are meant noted. Nothing is sent yet."""
    SENDING = "sending", _("Sending")
    """It is known which mails are meant; one after the other is asked for as a new mail."""
    DONE = "done", _("Done")
    """Each mail was asked for again, or left out with a reason. Final."""
    CANCELLED = "cancelled", _("Cancelled")
    """A person stopped it: the rest is not sent again. Final."""
    TOO_MANY = "too_many", _("Too many mails")
    """More mails were meant than may be sent again at once: none was. Final."""
    FORBIDDEN = "forbidden", _("Not allowed any more")
    """Whoever began it was deactivated since, or may not send mail any more: the rest is not sent again. Final."""


class LeftOut(models.TextChoices):
    """Why a mail was not sent again."""

    CONTENT_GONE = "content_gone", _("Its content is not kept any more, or it was refused before it was composed.")
    SECRETS_GONE = "secrets_gone", _("Its secrets are masked; whoever asked for it must ask again.")
    HAS_IT = "has_it", _("It was accepted for its receivers by now.")
    SENT_AGAIN = "sent_again", _("It was sent again since, and a server took that copy, or it is on its way.")
    UNFINISHED = "unfinished", _("It still waits to be sent, so it goes out by itself.")
    ACCOUNT_GONE = "account_gone", _("Its sender account is disabled or was deleted.")
    REFUSED = "refused", _("It does not keep to the rules of today, such as for size or number of receivers.")
    UNREADABLE = "unreadable", _("What is stored of it can't be read.")
