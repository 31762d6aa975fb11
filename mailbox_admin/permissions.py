"""Which permission each page asks for, and every permission in plain words."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PERMISSION_NAMES: dict[str, str | Promise] = {
    "senders.view_sender": _("See sender accounts"),
    "senders.add_sender": _("Add sender accounts"),
    "senders.change_sender": _("Change sender accounts"),
    "senders.delete_sender": _("Delete sender accounts"),
    "senders.set_default_sender": _("Choose the system default sender"),
    "senders.test_sender": _("Send test mail and detect settings"),
    "senders.pause_sender": _("Pause and resume sending"),
    "records.view_sendingrecord": _("See the mail sending record"),
    "records.export_records": _("Export the mail sending record"),
    "records.view_content": _("See the content of mails"),
    "records.view_alarm": _("See alarms and metrics"),
    "records.change_keepingrules": _("Change how long records and contents are kept"),
    "records.send_mail": _("Write mail and send it again"),
    "records.cancel_mail": _("Cancel waiting mail"),
    "records.retry_mail": _("Try failed mail again and send waiting mail at once"),
    "records.decide_mail": _("Decide about mail that may have arrived"),
}

METRICS_PERMISSION = "records.view_alarm"

# What each address asks for, so that the page for "not allowed" can name it. A test holds it against the views.
PAGE_PERMISSIONS: dict[str, tuple[str, ...]] = {
    "senders:list": ("senders.view_sender",),
    "senders:add": ("senders.add_sender",),
    "senders:edit": ("senders.change_sender",),
    "senders:delete": ("senders.delete_sender",),
    "senders:set_default": ("senders.set_default_sender",),
    "senders:stand_ins": ("senders.change_sender",),
    "senders:default_stand_ins": ("senders.set_default_sender",),
    "senders:guide": (),
    "records:overview": ("records.view_sendingrecord",),
    "records:list": ("records.view_sendingrecord",),
    "records:detail": ("records.view_sendingrecord",),
    "records:of_mail": ("records.view_sendingrecord",),
    "records:export": ("records.export_records",),
    "records:preview": ("records.view_content",),
    "records:attachment": ("records.view_content",),
    "records:keeping": ("records.change_keepingrules",),
    "delivery:check": ("senders.test_sender", "senders.add_sender"),
    "delivery:check_saved": ("senders.test_sender",),
    "delivery:detect": ("senders.test_sender",),
    "delivery:alarms": ("records.view_alarm",),
    "delivery:queue": ("records.view_sendingrecord",),
    "delivery:pause_all": ("senders.pause_sender",),
    "delivery:resume_all": ("senders.pause_sender",),
    "delivery:pause": ("senders.pause_sender",),
    "delivery:resume": ("senders.pause_sender",),
    "delivery:queue_mails": ("records.view_sendingrecord",),
    "delivery:queue_cancel": ("records.view_sendingrecord", "records.cancel_mail"),
    "delivery:queue_send_now": ("records.view_sendingrecord", "records.retry_mail"),
    "delivery:queue_retry": ("records.view_sendingrecord", "records.retry_mail"),
    "delivery:queue_decide": ("records.view_sendingrecord", "records.decide_mail"),
    "delivery:queue_work": ("records.view_sendingrecord",),
    "delivery:queue_mail": ("records.view_sendingrecord",),
    "delivery:retry": ("records.retry_mail",),
    "delivery:send_now": ("records.retry_mail",),
    "delivery:decide": ("records.decide_mail",),
    "delivery:compose": ("records.send_mail",),
    "delivery:accepted": ("records.send_mail",),
    "delivery:resend": ("records.send_mail",),
    "delivery:cancel": ("records.cancel_mail",),
}
