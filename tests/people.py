"""People for the tests: users with a role or with exactly some permissions, and browsers they are signed in with."""

from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from playwright.sync_api import Page, expect

PASSWORD = "a-password-for-tests"


def make_person(*permissions: str, role: str = "", name: str = "") -> User:
    """Create a user with exactly these permissions, such as `records.send_mail`, or with a role."""
    user = User.objects.create_user(name or f"person{User.objects.count() + 1}", password=PASSWORD)
    if role:
        user.groups.add(Group.objects.get(name=role))
    for permission in permissions:
        room, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=room, codename=codename))
    return user


def lose(user: User, what: str) -> None:
    """Take a permission from a user, such as `send_mail`, or let the user not be `active` any more."""
    if what == "active":
        User.objects.filter(pk=user.pk).update(is_active=False)
        return
    permission = user.user_permissions.get(codename=what)
    user.user_permissions.remove(permission)


def client_of(user: User) -> Client:
    """Return a client that is signed in as the user."""
    client = Client()
    client.force_login(user)
    return client


def sign_in(page: Page, address: str, user: User) -> None:
    """Sign the user in by hand, as a person would."""
    page.goto(f"{address}/sign-in/")
    # The page gives it the focus, and says so in the console where somebody was faster.
    expect(page.locator("#id_username")).to_be_focused()
    page.fill("#id_username", user.get_username())
    page.fill("#id_password", PASSWORD)
    page.press("#id_password", "Enter")
    page.wait_for_url(lambda url: "/sign-in/" not in url)
