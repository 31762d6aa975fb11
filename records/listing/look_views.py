"""How the record list looks to the person who reads it: columns, density, time zone."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from records.listing.enums import Density
from records.listing.forms import LookForm
from records.listing.models import ListPreference
from records.listing.preferences import find_look, keep_browser_time_zone, keep_look, person_id, person_of


@permission_required("records.view_sendingrecord", raise_exception=True)
@never_cache
@vary_on_headers("HX-Request")
def change_look(request: HttpRequest) -> HttpResponse:
    """Show what can be chosen of the list's look, keep what was chosen, and go back to the list."""
    look = find_look(person_of(request))
    if request.method == "POST":
        form = LookForm(request.POST, person=request.user, browser_time_zone=look.browser_time_zone)
        if form.is_valid():
            keep_look(
                person_id(request),
                columns=form.cleaned_data["columns"],
                density=Density(form.cleaned_data["density"]),
                time_zone=form.cleaned_data["time_zone"],
            )
            messages.success(request, _("The view of the list was changed."))
            return HttpResponseRedirect(back_to_list(request))
    else:
        chosen = ListPreference.objects.filter(pk=person_id(request)).values_list("time_zone", flat=True).first() or ""
        initial = {"columns": [each.key for each in look.columns], "density": look.density, "time_zone": chosen}
        form = LookForm(initial=initial, person=request.user, browser_time_zone=look.browser_time_zone)
    is_part = bool(getattr(request, "htmx", False))
    template = "records/listing/_look_drawer.html" if is_part else "records/listing/look.html"
    return render(request, template, {"form": form, "next": back_to_list(request)})


@permission_required("records.view_sendingrecord", raise_exception=True)
@require_POST
def note_time_zone(request: HttpRequest) -> HttpResponse:
    """Keep the time zone that the browser names; it holds where no other was chosen."""
    if not keep_browser_time_zone(person_id(request), request.POST.get("time_zone", "")[:64]):
        return HttpResponseBadRequest()
    return HttpResponse(status=204)


def back_to_list(request: HttpRequest) -> str:
    """Return the address of the list that a form was opened from: ours, whatever the request says."""
    url = str(request.POST.get("next") or request.GET.get("next") or "")
    own = reverse("records:list")
    is_ours = url_has_allowed_host_and_scheme(url, None) and (url == own or url.startswith(f"{own}?"))
    return url if is_ours else own
