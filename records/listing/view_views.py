"""Saving, renaming and deleting a person's own views of the record list."""

from collections.abc import Mapping
from typing import NamedTuple

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRedirect

from records.forms import find_filters
from records.listing.active import list_active
from records.listing.forms import ViewNameForm, name_new_view, name_view
from records.listing.models import SavedView
from records.listing.preferences import person_id
from records.listing.saved_views import (
    MAX_VIEWS,
    ViewExistsError,
    ViewRefusedError,
    rename_view,
    save_view,
    write_query,
)


class NamedView(NamedTuple):
    """A person's own view, and the form with its name."""

    view: SavedView
    form: ViewNameForm


@permission_required("records.view_sendingrecord", raise_exception=True)
@require_safe
@never_cache
@vary_on_headers("HX-Request")
def list_own(request: HttpRequest) -> HttpResponse:
    """Show a person's own views, each with a way to rename and to delete it."""
    is_part = bool(getattr(request, "htmx", False))
    template = "records/listing/_views_drawer.html" if is_part else "records/listing/views.html"
    return render(request, template, {"views": _list_named(request)})


@permission_required("records.view_sendingrecord", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def save(request: HttpRequest) -> HttpResponse:
    """Save the filters of the list under a name, and go back to the list; ask again where the name can't be had.

    As a link, such as that of a person who was signed out meanwhile, it leads to the list.
    """
    query = request.POST.get("query", "")
    filters = find_filters(query, request.user)
    if request.method != "POST" or filters is None:
        return _lead(request, reverse("records:list"))
    is_folded = request.POST.get("fold") == "1"
    back = f"{reverse('records:list')}?{write_query(filters, is_folded=is_folded)}"
    form, taken = name_new_view(request.POST), ""
    if form.is_valid():
        name = form.cleaned_data["name"]
        replaces = request.POST.get("replace") == name
        try:
            is_new = save_view(person_id(request), name, filters, is_folded=is_folded, replaces=replaces)
        except ViewRefusedError as error:
            form.add_error("name", str(error))
            taken = name if isinstance(error, ViewExistsError) else ""
        else:
            replaced = _("The view was saved in place of the one of that name.")
            messages.success(request, _("The view was saved.") if is_new else replaced)
            return _lead(request, back)
    context = {"form": form, "taken": taken, "query": query, "is_folded": is_folded}
    if getattr(request, "htmx", False):
        return render(request, "records/listing/_save_view.html", context)
    form.take_focus()
    active = list_active(filters, QueryDict(query))
    return render(request, "records/listing/save_view.html", {**context, "active": active, "back": back})


def _lead(request: HttpRequest, url: str) -> HttpResponse:
    """Lead to another page, also where htmx would put that page into this one."""
    return HttpResponseClientRedirect(url) if getattr(request, "htmx", False) else HttpResponseRedirect(url)


@permission_required("records.view_sendingrecord", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def rename(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename one of a person's own views; ask again where the name can't be had. As a link it leads to the views."""
    views = SavedView.objects.filter(pk=pk, user_id=person_id(request))
    if request.method != "POST":
        get_object_or_404(views)
        return redirect("records:views")
    view = views.first()
    if view is None:
        return _tell_it_is_gone(request)
    form = name_view(view, request.POST)
    if form.is_valid():
        try:
            rename_view(view, form.cleaned_data["name"])
        except ViewRefusedError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, _("The view was renamed."))
            return redirect("records:views")
    form.take_focus()
    return render(request, "records/listing/views.html", {"views": _list_named(request, {view.pk: form})})


@permission_required("records.view_sendingrecord", raise_exception=True)
@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete one of a person's own views; the records stay."""
    number, _by_table = SavedView.objects.filter(pk=pk, user_id=person_id(request)).delete()
    if not number:
        return _tell_it_is_gone(request)
    messages.success(request, _("The view was deleted."))
    return redirect("records:views")


def _list_named(request: HttpRequest, refused: Mapping[int, ViewNameForm] | None = None) -> list[NamedView]:
    """List a person's own views with their names. `refused`: what was typed and can't be had, by the view's id."""
    views = SavedView.objects.filter(user_id=person_id(request)).order_by("name")[:MAX_VIEWS]
    return [NamedView(view, (refused or {}).get(view.pk) or name_view(view)) for view in views]


def _tell_it_is_gone(request: HttpRequest) -> HttpResponse:
    messages.warning(request, _("There is no such view any more: it was deleted meanwhile."))
    return redirect("records:views")
