"""Addresses of the records room, below System Management > System Setting > Mailbox."""

from django.urls import URLPattern

app_name = "records"
urlpatterns: list[URLPattern] = []
