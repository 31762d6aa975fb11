"""The distinct addresses of receivers, and up to which record they are known.

A part of an address is looked for among these, a twentieth of the records or fewer. They are filled in behind delivery
(`filling`); what is younger than the mark is looked through record by record, so nothing is ever hidden.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class KnownAddress(models.Model):
    """An address that a record's receiver has, written as it is there."""

    address = models.CharField(max_length=320)

    class Meta:
        default_permissions = ()
        # A constraint: `unique=True` would make a second index, for patterns that nobody asks for.
        constraints = [models.UniqueConstraint(fields=["address"], name="known_address_is_unique")]

    def __str__(self) -> str:
        """Show the address."""
        return self.address


class SearchMark(models.Model):
    """Up to which record all addresses are known; one row."""

    reached = models.BigIntegerField(default=0, help_text=_("Id of a record"))
    checked = models.BigIntegerField(default=0, help_text=_("Id of the address that was last seen to be in use"))

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        """Show the id."""
        return f"up to record {self.reached}"
