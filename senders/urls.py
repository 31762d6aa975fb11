"""Addresses of the senders room, below System Management > System Setting > Mailbox."""

from django.urls import path

from senders import stand_in_views, views

app_name = "senders"
urlpatterns = [
    path("", views.list_senders, name="list"),
    path("senders/add/", views.add, name="add"),
    path("senders/default/", views.save_default, name="set_default"),
    path("senders/default/stand-ins/", stand_in_views.save_of_default, name="default_stand_ins"),
    path("senders/<int:pk>/", views.edit, name="edit"),
    path("senders/<int:pk>/stand-ins/", stand_in_views.save_own, name="stand_ins"),
    path("senders/<int:pk>/delete/", views.delete, name="delete"),
    path("guides/<slug:slug>/", views.guide, name="guide"),
]
