"""The pages around the rooms: home, sign-in, password, theme, and the page that says what is not allowed."""

import logging
import math
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.core.exceptions import PermissionDenied
from django.core.validators import MaxLengthValidator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRefresh

from mailbox_admin.context import THEME_COOKIE, Theme
from mailbox_admin.navigation import find_first_tab, find_home
from mailbox_admin.permissions import EITHER_PERMISSION, PAGE_PERMISSIONS, PERMISSION_NAMES

logger = logging.getLogger(__name__)

_YEAR = 365 * 24 * 3600


def home(request: HttpRequest) -> HttpResponse:
    """Lead to the first page that the person may open."""
    return _lead_to(find_home(request.user))


def mailbox(request: HttpRequest) -> HttpResponse:
    """Lead to the first tab of the module that the person may open."""
    return _lead_to(find_first_tab(request.user))


def _lead_to(url: str | None) -> HttpResponse:
    if url is None:
        raise PermissionDenied(_("Your account has no role yet, so there is no page that it may open."))
    return redirect(url)


class SignInForm(AuthenticationForm):
    """Name and password. A name longer than any that exists is refused before it is counted as a wrong one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Let the longest name that there can be hold on the server too, not in the browser only."""
        super().__init__(*args, **kwargs)
        field = self.fields["username"]
        field.validators.append(MaxLengthValidator(int(field.widget.attrs["maxlength"])))


class SignInView(LoginView):
    """Sign a person in; whoever is signed in already goes home."""

    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """Reload the whole page where a part of it was asked for after the session had ended."""
        if getattr(request, "htmx", False):
            return HttpResponseClientRefresh()
        return super().get(request, *args, **kwargs)


def locked_out(request: HttpRequest, _response: HttpResponse | None, _credentials: dict[str, str]) -> HttpResponse:
    """Say how long sign-in is locked after too many wrong passwords, and what to do meanwhile."""
    minutes = math.ceil(settings.AXES_COOLOFF_TIME.total_seconds() / 60)
    return render(request, "registration/locked.html", {"minutes": minutes}, status=429)


class ChangePasswordView(PasswordChangeView):
    """Let a person change the own password; other sessions of the same person end."""

    success_url = reverse_lazy("home")

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        """Change it and say so on the next page."""
        messages.success(self.request, _("Password changed."))
        return super().form_valid(form)


@login_not_required
@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Remember the theme in a cookie and go back to the page that asked."""
    # Not `redirect`: that takes what stands in `next` for the name of a view.
    response = HttpResponseRedirect(_safe_next(request))
    theme = request.POST.get("theme", "")
    if theme in Theme.values:
        response.set_cookie(
            THEME_COOKIE, theme, max_age=_YEAR, samesite="Lax", httponly=True, secure=request.is_secure()
        )
    return response


def _safe_next(request: HttpRequest) -> str:
    url = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if is_ours else "/"


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say in plain words which permission the page asks for, and log who wanted it."""
    logger.warning(
        "a page was refused",
        extra={"by": request.user.get_username(), "method": request.method, "path": request.path},
    )
    return render(
        request,
        "403.html",
        {"missing": _list_missing_permissions(request), "reason": str(exception), "home_url": find_home(request.user)},
        status=403,
    )


def _list_missing_permissions(request: HttpRequest) -> list[str | Promise]:
    """List in plain words what the page asks for and the person lacks; empty where it depends on what was sent."""
    match = request.resolver_match
    view_name = match.view_name if match else ""
    wanted = PAGE_PERMISSIONS.get(view_name, ())
    missing = [PERMISSION_NAMES[name] for name in wanted if not request.user.has_perm(name)]
    either = EITHER_PERMISSION.get(view_name)
    if either and not any(map(request.user.has_perm, either)):
        one, other = (PERMISSION_NAMES[name] for name in either)
        missing.append(_("%(one)s, or: %(other)s") % {"one": one, "other": other})
    return missing
