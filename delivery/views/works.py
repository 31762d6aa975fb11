"""What the pages of work behind the scenes share: of deeds at many mails, of sending again, of exports."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from records.filters import NEEDED_FOR_SUBJECTS
from records.forms import find_filters_from
from records.listing.active import list_active

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest, HttpResponse


class Work(Protocol):
    """Something that was asked for, and that workers go on with until it is finished."""

    @property
    def person_id(self) -> int | None:
        """Who asked for it."""

    @property
    def is_unfinished(self) -> bool:
        """Tell whether there is more to do."""


class FilteredWork(Protocol):
    """Something that is done with the records that filters keep."""

    @property
    def query(self) -> str:
        """The filters as an address writes them."""

    @property
    def time_zone(self) -> str:
        """Whose days they mean."""


def tell_records(request: HttpRequest, work: FilteredWork) -> dict[str, Any]:
    """Tell which records work is about: its `active` filters in words, their `records_query`, and the `records_url`.

    Days are those of the reader. Part of a subject is for those who may read subjects; others have no such list. Nor
    has anybody where the filters can't be read any more: then they are None.
    """
    filters = find_filters_from(work.time_zone, work.query)
    if filters is None:
        return {"active": None, "records_query": "", "records_url": ""}
    if filters.subject and not request.user.has_perm(NEEDED_FOR_SUBJECTS):
        hidden = replace(filters, subject=_("(for those who may see the content of mails)"))
        return {"active": list_active(hidden, request.GET), "records_query": "", "records_url": ""}
    query = filters.as_query()
    address = f"{reverse('records:list')}?{query}".removesuffix("?")
    return {"active": list_active(filters, request.GET), "records_query": query, "records_url": address}


def show_anew(request: HttpRequest) -> HttpResponse:
    """Show a page that was confirmed but out of date as it would be now."""
    messages.warning(request, _("The page was out of date, and nothing was begun. This is the present one."))
    return HttpResponseRedirect(request.get_full_path())


def render_list(request: HttpRequest, template: str, found: Iterable[Work], *, title: str) -> HttpResponse:
    """Show a list of work, which is asked for anew as long as any of it goes on."""
    works = list(found)
    context = {"works": works, "is_live": any(work.is_unfinished for work in works), "title": title}
    return render_part_or_page(request, template, context)


def render_part_or_page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """Show a page or, where htmx asks, the part of it that changes: `exports/_list.html` of `exports/list.html`."""
    if getattr(request, "htmx", False):
        folder, name = template.rsplit("/", 1)
        template = f"{folder}/_{name}"
    return render(request, template, context)


def may_stop(request: HttpRequest, work: Work, permissions: Iterable[str]) -> bool:
    """Tell whether a person may stop work: whoever asked for it, and those with the permissions."""
    return work.person_id == request.user.pk or request.user.has_perms(list(permissions))
