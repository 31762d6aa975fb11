"""Saving, renaming and deleting a person's own views of the record list."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from records.forms import find_filters
from records.listing.forms import ViewNameForm
from records.listing.models import SavedView
from records.listing.preferences import person_id
from records.listing.saved_views import MAX_VIEWS, ViewRefusedError, rename_view, save_view, write_query


@permission_required("records.view_sendingrecord", raise_exception=True)
@require_safe
@never_cache
@vary_on_headers("HX-Request")
def list_own(request: HttpRequest) -> HttpResponse:
    """Show a person's own views, each with a way to rename and to delete it."""
    views = SavedView.objects.filter(user_id=person_id(request)).order_by("name")[:MAX_VIEWS]
    is_part = bool(getattr(request, "htmx", False))
    template = "records/listing/_views_drawer.html" if is_part else "records/listing/views.html"
    return render(request, template, {"views": views})


@permission_required("records.view_sendingrecord", raise_exception=True)
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Save the filters of the list under a name, and go back to the list."""
    query = request.POST.get("query", "")
    filters = find_filters(query, request.user)
    form = ViewNameForm(request.POST)
    if filters is None:
        return redirect("records:list")
    is_folded = request.POST.get("fold") == "1"
    back = HttpResponseRedirect(f"{reverse('records:list')}?{write_query(filters, is_folded=is_folded)}")
    if not form.is_valid():
        messages.error(request, str(form.errors["name"][0]))
        return back
    try:
        is_new = save_view(person_id(request), form.cleaned_data["name"], filters, is_folded=is_folded)
    except ViewRefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request, _("The view was saved.") if is_new else _("The view was saved in place of the one of that name.")
        )
    return back


@permission_required("records.view_sendingrecord", raise_exception=True)
@require_POST
def rename(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename one of a person's own views."""
    view = SavedView.objects.filter(pk=pk, user_id=person_id(request)).first()
    if view is None:
        return _tell_it_is_gone(request)
    form = ViewNameForm(request.POST)
    if not form.is_valid():
        messages.error(request, str(form.errors["name"][0]))
        return redirect("records:views")
    try:
        rename_view(view, form.cleaned_data["name"])
    except ViewRefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The view was renamed."))
    return redirect("records:views")


@permission_required("records.view_sendingrecord", raise_exception=True)
@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete one of a person's own views; the records stay."""
    number, _by_table = SavedView.objects.filter(pk=pk, user_id=person_id(request)).delete()
    if not number:
        return _tell_it_is_gone(request)
    messages.success(request, _("The view was deleted."))
    return redirect("records:views")


def _tell_it_is_gone(request: HttpRequest) -> HttpResponse:
    messages.warning(request, _("There is no such view any more: it was deleted meanwhile."))
    return redirect("records:views")
