"""What each person keeps of the record list: how it looks, and views of it under a name."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from records.listing.enums import Density


class ListPreference(models.Model):
    """How one person reads the list. The time zone holds for all pages."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="list_preference"
    )
    columns = models.CharField(
        max_length=300, blank=True, help_text=_("Keys of the columns that are shown, parted by commas; empty: as usual")
    )
    density = models.CharField(max_length=16, choices=Density.choices, default=Density.COMFORTABLE)
    time_zone = models.CharField(max_length=64, blank=True, help_text=_("Chosen by hand; empty: the browser's"))
    browser_time_zone = models.CharField(
        max_length=64, blank=True, help_text=_("What the browser said; empty: nothing yet")
    )

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        """Name the person by the id."""
        return f"preference of user {self.user_id}"


class SavedView(models.Model):
    """Filters that a person keeps under a name. Relative days stay relative."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views", db_index=False
    )
    name = models.CharField(max_length=60)
    query = models.TextField(help_text=_("The filters as an address writes them"))

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="view_name_is_unique_per_user")]

    def __str__(self) -> str:
        """Show the name."""
        return self.name
