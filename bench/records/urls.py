"""The product's addresses, and the stock admin's change list of the same records."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import include, path

from records.models import SendingRecord

stock = admin.AdminSite(name="stock")


class SendingRecordAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not to be written at run time
    """What a team would write first."""

    list_display = ("started_at", "sender_address", "receiver_address", "template_name", "outcome", "requester_ip")
    list_filter = ("outcome",)
    search_fields = ("receiver_address",)
    list_per_page = 50

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow the filters of the manual."""
        return True


stock.register(SendingRecord, SendingRecordAdmin)
urlpatterns = [path("stock/", stock.urls), path("", include("mailbox_admin.urls"))]
