"""What the record list offers to do with all the records that the filters keep."""

import pytest
from django.test import Client

from tests.people import client_of, make_person
from tests.records.rows import make_record

pytestmark = pytest.mark.django_db

MAILBOX = "/system/setting/mailbox/"
URL = f"{MAILBOX}records/"
SEND_AGAIN = f'href="{MAILBOX}send-again/?receiver=anna"'
CSV, XLSX = (f'href="{URL}export.{ending}?receiver=anna"' for ending in ("csv", "xlsx"))


def offered(client: Client, receiver: str = "anna") -> list[str]:
    html = client.get(URL, {"receiver": receiver, "before": "5-5"}).content.decode()
    return [link for link in (SEND_AGAIN, CSV, XLSX) if link in html]


@pytest.mark.parametrize(
    ("permissions", "links"),
    [
        ((), []),
        (("records.send_mail",), [SEND_AGAIN]),
        (("records.export_records",), [CSV, XLSX]),
        (("records.send_mail", "records.export_records"), [SEND_AGAIN, CSV, XLSX]),
    ],
)
def test_each_is_offered_to_whoever_may_with_the_filters_and_without_the_place(
    permissions: tuple[str, ...], links: list[str]
) -> None:
    make_record()
    assert offered(client_of(make_person("records.view_sendingrecord", *permissions))) == links


def test_nothing_is_offered_for_no_record() -> None:
    make_record()
    client = client_of(make_person(role="administrator"))
    assert offered(client) == [SEND_AGAIN, CSV, XLSX]
    assert "Send again…" not in client.get(URL, {"receiver": "nobody"}).content.decode()
