"""Runs in the peers' environment: copies the product's records to post_office, and asks its admin.

Reads a list of questions (name, parameters) as JSON from its input, and writes the milliseconds of each as JSON.
"""

import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"

import django

django.setup()

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from post_office.models import STATUS, EmailTemplate

IS_SQLITE = connection.vendor == "sqlite"


def copy(records: str) -> None:
    """Copy sender, receiver, subject, template, time and how it ended of every record; the bodies are empty."""
    source = "source." if IS_SQLITE else "public."
    with connection.cursor() as cursor:
        if IS_SQLITE:
            cursor.execute("ATTACH DATABASE %s AS source", [records])
        cursor.execute(f"SELECT DISTINCT template_name FROM {source}records_sendingrecord")
        for (name,) in cursor.fetchall():
            EmailTemplate.objects.create(name=name, subject=name, content=name)
        cursor.execute(
            f"""
            INSERT INTO post_office_email (from_email, "to", cc, bcc, subject, message, html_message, status, priority,
                created, last_updated, message_id, template_id, backend_alias)
            SELECT record.sender_address, record.receiver_address, '', '', mail.subject, '', '',
                CASE WHEN record.outcome = 'accepted' THEN {STATUS.sent} ELSE {STATUS.failed} END, 1,
                record.started_at, record.ended_at, mail.message_id, template.id, ''
            FROM {source}records_sendingrecord record
            JOIN {source}records_mail mail ON mail.id = record.mail_id
            JOIN post_office_emailtemplate template ON template.name = record.template_name
            ORDER BY record.id
            """
        )
        cursor.execute("ANALYZE" if IS_SQLITE else "VACUUM ANALYZE post_office_email")


def measure(client: Client, parameters: dict[str, str], rounds: int) -> dict[str, float]:
    """Ask for the change list, warm."""
    times = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        response = client.get(reverse("admin:post_office_email_changelist"), parameters)
        times.append((time.perf_counter() - began) * 1000)
        if response.status_code != 200:
            raise SystemExit(f"{parameters}: {response.status_code}")
    times = sorted(times[1:])
    return {"p50": times[len(times) // 2], "p95": times[min(int(len(times) * 0.95), len(times) - 1)]}


def main(records: str, rounds: int) -> None:
    """Copy, ask, print."""
    if not IS_SQLITE:
        with connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA IF NOT EXISTS post_office")
    call_command("migrate", verbosity=0)
    if not EmailTemplate.objects.exists():
        copy(records)
    client, people = Client(), get_user_model().objects
    client.force_login(people.filter(username="bench").first() or people.create_superuser("bench"))
    asked = json.loads(sys.stdin.read())
    print(json.dumps([{"name": name, **measure(client, parameters, rounds)} for name, parameters in asked]))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
