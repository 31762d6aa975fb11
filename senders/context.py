"""What every page knows of the senders room."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from senders.configuration import MailConfiguration, find_configuration
from senders.stand_ins import StandingIn, find_standing_in


def mail_configuration(_request: HttpRequest) -> dict[str, "SimpleLazyObject[MailConfiguration]"]:
    """Give templates the variable `mail_configuration`, looked up when a page first uses it."""
    return {"mail_configuration": SimpleLazyObject(find_configuration)}


def standing_in(_request: HttpRequest) -> dict[str, "SimpleLazyObject[list[StandingIn]]"]:
    """Give templates the variable `standing_in`: which accounts are stood in for, looked up when a page uses it."""
    return {"standing_in": SimpleLazyObject(find_standing_in)}
