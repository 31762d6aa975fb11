"""The roles that come with the product: groups, brought up to date after every migration."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What a person may do, all in all. The value is the name of the group."""

    ADMINISTRATOR = "administrator", _("Administrator")
    """Everything in the product."""
    AUDITOR = "auditor", _("Auditor")
    """Sees and exports the records of what was sent: no content of mails, no sender accounts."""


ROOMS = ("senders", "records")
AUDITOR_PERMISSIONS = ("view_sendingrecord", "export_records")


def update_roles(*, using: str = "default", **_signal: Any) -> None:
    """Give each role exactly its permissions. Run after every migration, since that makes permissions."""
    product = Permission.objects.using(using).filter(content_type__app_label__in=ROOMS)
    _set(Role.ADMINISTRATOR, product, using)
    _set(
        Role.AUDITOR, product.filter(Q(content_type__app_label="records") & Q(codename__in=AUDITOR_PERMISSIONS)), using
    )


def _set(role: Role, permissions: models.QuerySet[Permission], using: str) -> None:
    group, _created = Group.objects.using(using).get_or_create(name=role.value)
    group.permissions.set(permissions)
