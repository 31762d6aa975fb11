"""What every page knows of alarms."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from delivery.alarms.banners import Banners, find_banners


def open_alarms(request: HttpRequest) -> dict[str, "SimpleLazyObject[Banners]"]:
    """Give templates the variable `alarm_banners`, looked up when a page first uses it."""
    return {"alarm_banners": SimpleLazyObject(lambda: find_banners(request))}
