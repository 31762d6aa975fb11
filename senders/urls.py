"""Addresses of the senders room, below System Management > System Setting > Mailbox."""

from django.urls import URLPattern

app_name = "senders"
urlpatterns: list[URLPattern] = []
