"""The command that makes users."""

import io

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from tests.people import make_person


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("create_user", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["administrator", "auditor"])
def test_a_user_gets_the_role_and_a_password_that_is_shown_once(role: str) -> None:
    said = run("otto", "--role", role, "--email", "otto@example.com")
    user = User.objects.get(username="otto")
    password = said.rpartition("shown only now: ")[2].strip()
    assert user.check_password(password)
    assert (list(user.groups.values_list("name", flat=True)), user.email) == ([role], "otto@example.com")
    assert (user.is_staff, user.is_superuser) == (False, False)


@pytest.mark.django_db
def test_a_password_can_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a-fine-password-1\n"))
    said = run("otto", "--role", "auditor", "--password-stdin")
    assert User.objects.get(username="otto").check_password("a-fine-password-1")
    assert "a-fine-password-1" not in said


@pytest.mark.django_db
@pytest.mark.parametrize("password", ["", "short", "1234567890123", "password123", "otto-otto-otto"])
def test_a_weak_password_is_refused(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    with pytest.raises(CommandError, match="password"):
        run("otto-otto-otto", "--role", "auditor", "--password-stdin")
    assert not User.objects.exists()


@pytest.mark.django_db
def test_a_name_that_is_taken_is_refused() -> None:
    make_person(name="otto")
    with pytest.raises(CommandError, match="A user with that username already exists"):
        run("otto", "--role", "auditor")


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "email"), [("o t t o", ""), ("otto", "nonsense"), ("", "")])
def test_a_wrong_name_or_address_is_refused(name: str, email: str) -> None:
    with pytest.raises(CommandError):
        run(name, "--role", "auditor", "--email", email)


@pytest.mark.django_db
def test_an_unknown_role_is_refused() -> None:
    with pytest.raises(CommandError, match="invalid choice"):
        run("otto", "--role", "king")
