"""Views of the list under a name: the built-in ones, and those that a person saved."""

import unicodedata
from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from records.enums import ResultClass
from records.filters import DayRange, RecordFilters
from records.listing.models import SavedView
from records.statements import Question, Rows

MAX_VIEWS = 30
"""So many views are a list that one still finds something in."""


class ViewRefusedError(Exception):
    """A view can't be kept under this name. The message says why, and what to do."""


class ViewExistsError(ViewRefusedError):
    """Another view of the same person has this name."""


@dataclass(frozen=True, slots=True)
class View:
    """A view that is one click away."""

    name: str | Promise
    query: str
    is_current: bool
    pk: int | None = None
    """None: built in."""


def asking_for_views(user_id: int) -> Question:
    """Ask for the views that a person saved."""
    statement = f"SELECT id, name, query FROM records_savedview WHERE user_id = %s ORDER BY name LIMIT {MAX_VIEWS}"  # noqa: S608
    return Question(statement, [user_id])


def write_query(filters: RecordFilters, *, is_folded: bool) -> str:
    """Write the query of the address that a view leads to."""
    return f"{filters.as_query()}{'&fold=1' if is_folded else ''}"


def list_views(saved: Rows, current: str) -> list[View]:
    """List the views of a person, the built-in one first, marking the one that is shown.

    Args:
        saved: The answer to `asking_for_views`.
        current: What is shown, by `write_query`.
    """
    built_in = View(_BUILT_IN, FAILED_TODAY, is_current=current == FAILED_TODAY)
    return [built_in, *(View(name, query, is_current=query == current, pk=pk) for pk, name, query in saved)]


def save_view(
    user_id: int, name: str, filters: RecordFilters, *, is_folded: bool = False, replaces: bool = False
) -> bool:
    """Keep filters under a name. Returns whether there was no view of that name.

    Args:
        user_id: Whose view it is.
        name: What it is called.
        filters: What it shows.
        is_folded: The tries of a mail are one line in it.
        replaces: A view of that name gives way to it.

    Raises:
        ViewExistsError: There is a view of that name, and this one does not replace it.
        ViewRefusedError: There is nothing to keep, too much is kept already, or a built-in view has the name.
    """
    if not filters.is_active:
        raise ViewRefusedError(_("There is no filter to save. Filter the records first."))
    _check_name(name)
    views = SavedView.objects.filter(user_id=user_id)
    if views.exclude(name=name).count() >= MAX_VIEWS:
        raise ViewRefusedError(_("You have 30 views. Delete one that you do not need any more."))
    query = write_query(filters, is_folded=is_folded)
    if replaces and views.filter(name=name).update(query=query):
        return False
    try:
        with transaction.atomic():
            SavedView.objects.create(user_id=user_id, name=name, query=query)
    except IntegrityError as error:
        raise ViewExistsError(_("You have a view of that name already. Replace it, or choose another name.")) from error
    return True


def rename_view(view: SavedView, name: str) -> None:
    """Give a view another name.

    Raises:
        ViewExistsError: Another view of the same person has that name.
        ViewRefusedError: A built-in view has it.
    """
    _check_name(name)
    view.name = name
    try:
        with transaction.atomic():
            view.save(update_fields=["name"])
    except IntegrityError as error:
        raise ViewExistsError(_("You have a view of that name already. Choose another name.")) from error


def _check_name(name: str) -> None:
    """Refuse the name of the built-in view, in whatever language and case: two of one look would be mistaken."""
    for code, _language in settings.LANGUAGES:
        with override(code):
            is_taken = _plain(str(_BUILT_IN)) == _plain(name)
        if is_taken:
            raise ViewRefusedError(_("That is the name of a built-in view. Choose another name."))


def _plain(name: str) -> str:
    """Write a name without what hardly anybody sees: case, width, joiners, spaces."""
    letters = unicodedata.normalize("NFKC", name).casefold()
    return "".join(letter for letter in letters if unicodedata.category(letter) != "Cf" and not letter.isspace())


_BUILT_IN = _("Failed today")
FAILED_TODAY = RecordFilters(range=DayRange.TODAY, result=ResultClass.FAILED).as_query()
