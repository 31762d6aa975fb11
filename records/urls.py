"""Addresses of the records room, below System Management > System Setting > Mailbox."""

from django.urls import path

from records.detail import views as detail
from records.export.views import export_csv, export_xlsx
from records.keeping.views import edit_rules
from records.listing import look_views, view_views
from records.listing import views as listing
from records.listing.news import tell_news
from records.overview.views import show_overview
from records.viewing import views as viewing

app_name = "records"
urlpatterns = [
    path("overview/", show_overview, name="overview"),
    path("records/", listing.list_records, name="list"),
    path("records/new/", tell_news, name="news"),
    path("records/look/", look_views.change_look, name="look"),
    path("records/time-zone/", look_views.note_time_zone, name="time_zone"),
    path("records/views/", view_views.list_own, name="views"),
    path("records/views/save/", view_views.save, name="save_view"),
    path("records/views/<int:pk>/rename/", view_views.rename, name="rename_view"),
    path("records/views/<int:pk>/delete/", view_views.delete, name="delete_view"),
    path("records/export.csv", export_csv, name="export"),
    path("records/export.xlsx", export_xlsx, name="export_xlsx"),
    path("records/<int:pk>/", detail.show_record, name="detail"),
    path("mails/<int:mail_id>/record/", detail.find_record, name="of_mail"),
    path("mails/<int:mail_id>/content/", viewing.preview, name="preview"),
    path("mails/<int:mail_id>/attachments/<int:index>/", viewing.attachment, name="attachment"),
    path("mails/<int:mail_id>/source.eml", viewing.source, name="source"),
    path("keeping/", edit_rules, name="keeping"),
]
