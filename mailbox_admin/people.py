"""Who is signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User

from mailbox_admin.banners import asking_for_glance, keep_glance
from records.listing.models import ListPreference
from records.statements import Question, as_models, columns_of, fetch_together

if TYPE_CHECKING:
    from records.statements import Rows


class PersonBackend(ModelBackend):
    """Knows people by name and password, and reads along with them what every page asks for, at once.

    That is how they read lists, and whether there is anything to tell at the top of a page.
    """

    def get_user(self, user_id: int) -> User | None:
        """Find a person who may still sign in."""
        rows, glance = fetch_together(Question(_PERSON, [user_id]), asking_for_glance())
        if not rows:
            return None
        person = _read(rows)
        keep_glance(person, glance)
        return person if self.user_can_authenticate(person) else None


_PERSON = f"""
    SELECT {columns_of(User, "auth_user")}, {columns_of(ListPreference, "preference")}
    FROM auth_user LEFT JOIN records_listpreference AS preference ON preference.user_id = auth_user.id
    WHERE auth_user.id = %s
"""  # noqa: S608  # names of columns


def _read(rows: Rows) -> User:
    number = len(User._meta.concrete_fields)  # noqa: SLF001  # a public interface, its name notwithstanding
    (person,) = as_models(User, [row[:number] for row in rows])
    kept = as_models(ListPreference, [row[number:] for row in rows if row[number] is not None])
    preference = User._meta.get_field("list_preference")  # noqa: SLF001
    preference.set_cached_value(person, kept[0] if kept else None)
    return person
