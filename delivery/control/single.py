"""The same deeds at one mail, for its own page."""

from django.db import transaction

from delivery.control.deeds import carry_out
from delivery.control.selection import GROUPS_OF
from records.clock import database_now
from records.interventions import Deed


def do_to_mail(deed: Deed, mail_id: int, by: str) -> bool:
    """Do it to one mail; returns false where the mail stands elsewhere by now, or can't be sent any more."""
    with transaction.atomic():
        for group in GROUPS_OF[deed]:
            meant = list(group.mails.filter(pk=mail_id).select_for_update(of=("self",)))
            if carry_out(deed, meant, by, database_now()):
                return True
    return False
