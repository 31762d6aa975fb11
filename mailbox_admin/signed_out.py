"""Demanding that a person is signed in, also in the midst of a form."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _


class SignInMiddleware(LoginRequiredMiddleware):
    """Leads to the sign-in page. What was sent by a form is not done; after signing in its page is there again."""

    def handle_no_permission(self, request: HttpRequest, view_func: Callable[..., Any]) -> HttpResponseRedirect:
        """Remember the page that was asked for, or that the form stood on: its own address may answer no link."""
        if request.method in {"GET", "HEAD"}:
            return super().handle_no_permission(request, view_func)
        messages.warning(request, _("You were signed out, so nothing was done. Sign in, and do it again."))
        page = request.headers.get("Referer", "")
        is_ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
        if not is_ours:
            return super().handle_no_permission(request, view_func)
        return redirect_to_login(page, self.get_login_url(view_func))
