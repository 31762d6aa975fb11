"""Who is signed in."""

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User


class PersonBackend(ModelBackend):
    """Knows people by name and password, and reads along with them how they read lists: every page asks for both."""

    def get_user(self, user_id: int) -> User | None:
        """Find a person who may still sign in."""
        person = User.objects.select_related("list_preference").filter(pk=user_id).first()
        return person if person and self.user_can_authenticate(person) else None
