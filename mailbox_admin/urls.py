"""Every address of the product, room by room."""

from django.urls import include, path
from django.views.generic import RedirectView

from mailbox_admin import health

MAILBOX = "system/setting/mailbox/"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="senders:list"), name="home"),
    path(MAILBOX, include("senders.urls")),
    path(MAILBOX, include("records.urls")),
    path(MAILBOX, include("delivery.urls")),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("i18n/", include("django.conf.urls.i18n")),
]
