"""Addresses of the delivery room, below System Management > System Setting > Mailbox."""

from django.urls import path

from delivery.views import alarms, checking, detecting, exporting, masking, queue, queued, resending, writing

app_name = "delivery"
urlpatterns = [
    path("check/", checking.check, name="check"),
    path("senders/<int:pk>/check/", checking.check_saved, name="check_saved"),
    path("detect/", detecting.detect_settings, name="detect"),
    path("alarms/", alarms.list_alarms, name="alarms"),
    path("queue/", queue.show_queue, name="queue"),
    path("queue/pause/", queue.pause_all, name="pause_all"),
    path("queue/resume/", queue.resume_all, name="resume_all"),
    path("queue/mails/", queued.list_mails, name="queue_mails"),
    path("queue/mails/cancel/", queued.cancel_many, name="queue_cancel"),
    path("queue/mails/send-now/", queued.send_many_now, name="queue_send_now"),
    path("queue/mails/retry/", queued.retry_many, name="queue_retry"),
    path("queue/mails/decide/", queued.decide_many, name="queue_decide"),
    path("queue/deeds/<int:pk>/", queued.show_work, name="queue_work"),
    path("queue/deeds/<int:pk>/stop/", queued.stop_work, name="queue_work_stop"),
    path("senders/<int:pk>/pause/", queue.pause, name="pause"),
    path("senders/<int:pk>/resume/", queue.resume, name="resume"),
    path("mails/<int:mail_id>/", queued.show_mail, name="queue_mail"),
    path("mails/<int:mail_id>/retry/", queued.retry, name="retry"),
    path("mails/<int:mail_id>/send-now/", queued.send_now, name="send_now"),
    path("mails/<int:mail_id>/decide/", queued.decide, name="decide"),
    path("send-again/", resending.send_many_again, name="resend_many"),
    path("send-again/orders/", resending.list_orders, name="resendings"),
    path("send-again/orders/<int:pk>/", resending.show_order, name="resending"),
    path("send-again/orders/<int:pk>/cancel/", resending.cancel_order, name="resending_cancel"),
    path("exports/", exporting.list_exports, name="exports"),
    path("exports/new/", exporting.order_export, name="export_new"),
    path("exports/<int:pk>/", exporting.show_export, name="export_order"),
    path("exports/<int:pk>/cancel/", exporting.cancel_export, name="export_cancel"),
    path("exports/<int:pk>/file", exporting.fetch_export, name="export_file"),
    path("masking/", masking.list_rules, name="masking"),
    path("masking/new/", masking.add_rule, name="masking_new"),
    path("masking/suggested/", masking.add_suggested, name="masking_suggested"),
    path("masking/<int:pk>/", masking.edit_rule, name="masking_rule"),
    path("masking/<int:pk>/switch/", masking.switch_rule, name="masking_switch"),
    path("masking/<int:pk>/delete/", masking.delete_rule, name="masking_delete"),
    path("compose/", writing.compose, name="compose"),
    path("mails/<int:mail_id>/accepted/", writing.accepted, name="accepted"),
    path("mails/<int:mail_id>/resend/", writing.resend, name="resend"),
    path("mails/<int:mail_id>/cancel/", writing.cancel, name="cancel"),
]
