"""Addresses of the delivery room, below System Management > System Setting > Mailbox."""

from django.urls import path

from delivery.views import alarms, checking, detecting, writing

app_name = "delivery"
urlpatterns = [
    path("check/", checking.check, name="check"),
    path("senders/<int:pk>/check/", checking.check_saved, name="check_saved"),
    path("detect/", detecting.detect_settings, name="detect"),
    path("alarms/", alarms.list_alarms, name="alarms"),
    path("compose/", writing.compose, name="compose"),
    path("mails/<int:mail_id>/accepted/", writing.accepted, name="accepted"),
    path("mails/<int:mail_id>/resend/", writing.resend, name="resend"),
    path("mails/<int:mail_id>/cancel/", writing.cancel, name="cancel"),
]
