"""The command that makes a user."""

import secrets
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from mailbox_admin.roles import Role
from senders.sentences import join_sentences

_GENERATED_BYTES = 15


class Command(BaseCommand):
    """Make a user with a role."""

    help = "Make a user with a role. Without --password-stdin a password is made and printed once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the name, the role, and where the password comes from."""
        parser.add_argument("name", help="the name to sign in with")
        parser.add_argument("--role", required=True, choices=Role.values, help="what the user may do")
        parser.add_argument("--email", default="", help="the user's own address")
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")

    def handle(self, *, name: str, role: str, email: str, password_stdin: bool, **_options: Any) -> None:
        """Make the user, or say why not.

        Raises:
            CommandError: If the name, the address or the password is not acceptable.
        """
        password = sys.stdin.readline().rstrip("\r\n") if password_stdin else secrets.token_urlsafe(_GENERATED_BYTES)
        try:
            create_user(name, password, Role(role), email)
        except ValidationError as error:
            raise CommandError(join_sentences(error.messages)) from error
        self.stdout.write(f"User {name} made: {role}.")
        if not password_stdin:
            self.stdout.write(f"Password, shown only now: {password}")


@transaction.atomic
def create_user(name: str, password: str, role: Role, email: str = "") -> User:
    """Create a user with one role.

    Raises:
        ValidationError: If the name is taken or wrong, the address is none, or the password is too weak.
    """
    user = User(username=name, email=email)
    user.set_password(password)
    user.full_clean()
    validate_password(password, user)
    user.save()
    user.groups.add(Group.objects.get(name=role.value))
    return user
