"""A canary password is typed into every page of the senders room, and then searched for everywhere."""

import logging
import sys
from pathlib import Path

import pytest
from django.contrib.sessions.models import Session
from django.core import serializers
from django.core.management import call_command
from django.db import IntegrityError
from django.test import Client, RequestFactory
from django.urls import reverse
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

from senders.models import Circuit, Sender
from senders.services import save_sender
from senders.views import keeps_secrets
from tests.senders.certificates import PRIVATE_KEY_PEM
from tests.senders.conftest import PASSWORD, MakeSender

Values = dict[str, str]
PRIVATE_KEY_LINE = PRIVATE_KEY_PEM.splitlines()[1]
pytestmark = pytest.mark.django_db


def test_it_is_in_no_page_no_log_and_no_row(
    admin_client: Client, form_values: Values, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("django.db.backends").setLevel(logging.INFO)  # SQL is not logged where DEBUG is off
    pages: list[str] = []

    def visit(name: str, values: Values | None = None, *arguments: int) -> None:
        address = reverse(name, args=arguments)
        response = admin_client.get(address) if values is None else admin_client.post(address, values, follow=True)
        pages.append(response.content.decode())

    wrong = {**form_values, "host": "http://x", "trusted_certificates": PRIVATE_KEY_PEM}
    for values in (wrong, {**form_values, "preset": "qq"}, {**wrong, "preset": "qq"}, form_values, form_values):
        visit("senders:add", values)
    sender = Sender.objects.get()
    visit("senders:edit", None, sender.pk)
    visit("senders:edit", wrong, sender.pk)
    visit("senders:edit", {**form_values, "display_name": "Changed"}, sender.pk)
    visit("senders:set_default", {"sender": str(sender.pk)})
    visit("senders:list")
    call_command("rotate_keys", "--retire")
    rows = serializers.serialize("json", [*Sender.objects.all(), *Circuit.objects.all()])
    sessions = [str(session.get_decoded()) for session in Session.objects.all()]
    visit("senders:delete", {}, sender.pk)

    logged = [f"{record.getMessage()} {vars(record)}" for record in caplog.records]
    said = capsys.readouterr()
    everything = "\n".join([*pages, *logged, rows, *sessions, said.out, said.err])
    assert PASSWORD not in everything
    assert PRIVATE_KEY_LINE not in everything
    assert "Sender account saved" in everything
    assert sender.secret not in "\n".join([*pages, *logged])


def test_it_is_in_no_error_report(make_sender: MakeSender) -> None:
    try:
        save_sender(Sender(address="a@example.com", display_name="A", host="h", port=0), password=PASSWORD)
    except IntegrityError:
        reporter = ExceptionReporter(None, *sys.exc_info())
        report = reporter.get_traceback_html() + reporter.get_traceback_text()
    assert "save_sender" in report
    assert PASSWORD not in report


def test_what_was_typed_is_in_no_error_report(rf: RequestFactory, form_values: Values) -> None:
    request = rf.post("/", {**form_values, "trusted_certificates": PRIVATE_KEY_PEM})
    keeps_secrets(lambda request: None)(request)
    shown = dict(SafeExceptionReporterFilter().get_post_parameters(request).items())
    assert shown["address"] == form_values["address"]
    assert PASSWORD not in str(shown)
    assert PRIVATE_KEY_LINE not in str(shown)


def test_it_is_in_no_file_beside_the_database(make_sender: MakeSender, data_dir: Path) -> None:
    make_sender()
    assert [path for path in data_dir.iterdir() if PASSWORD.encode() in path.read_bytes()] == []


def test_it_is_in_no_repr(make_sender: MakeSender) -> None:
    sender = make_sender()
    assert PASSWORD not in repr(sender) + str(sender) + repr(vars(sender))
