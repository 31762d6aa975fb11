"""What every page knows of the senders room."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from senders.configuration import MailConfiguration, find_configuration


def mail_configuration(_request: HttpRequest) -> dict[str, "SimpleLazyObject[MailConfiguration]"]:
    """Give templates the variable `mail_configuration`, looked up when a page first uses it."""
    return {"mail_configuration": SimpleLazyObject(find_configuration)}
