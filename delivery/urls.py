"""Addresses of the delivery room, below System Management > System Setting > Mailbox."""

from django.urls import URLPattern

app_name = "delivery"
urlpatterns: list[URLPattern] = []
