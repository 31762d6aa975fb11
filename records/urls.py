"""Addresses of the records room, below System Management > System Setting > Mailbox."""

from django.urls import path

from records import views
from records.export.views import export_csv, export_xlsx

app_name = "records"
urlpatterns = [
    path("records/", views.list_records, name="list"),
    path("records/export.csv", export_csv, name="export"),
    path("records/export.xlsx", export_xlsx, name="export_xlsx"),
    path("records/<int:pk>/", views.show_record, name="detail"),
    path("mails/<int:mail_id>/record/", views.find_record, name="of_mail"),
    path("mails/<int:mail_id>/content/", views.preview, name="preview"),
    path("mails/<int:mail_id>/attachments/<int:index>/", views.attachment, name="attachment"),
]
