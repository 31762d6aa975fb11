"""Every address of the product, room by room."""

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LogoutView
from django.urls import include, path
from django.views.i18n import set_language

from mailbox_admin import health, metrics, views

MAILBOX = "system/setting/mailbox/"

urlpatterns = [
    path("", views.home, name="home"),
    path("system/setting/", views.mailbox, name="mailbox"),
    path(MAILBOX, include("senders.urls")),
    path(MAILBOX, include("records.urls")),
    path(MAILBOX, include("delivery.urls")),
    path("sign-in/", views.SignInView.as_view(), name="login"),
    path("sign-out/", LogoutView.as_view(), name="logout"),
    path("password/", views.ChangePasswordView.as_view(), name="password_change"),
    path("theme/", views.set_theme, name="set_theme"),
    path("language/", login_not_required(set_language), name="set_language"),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]

handler403 = "mailbox_admin.views.permission_denied"
