"""What the pages of work behind the scenes share: of deeds at many mails, of sending again, of exports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from django.shortcuts import render

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
