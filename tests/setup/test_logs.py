import io
import json
import logging
import logging.config
from collections.abc import Iterator

import pytest

from mailbox_admin.logs import logging_config
from tests.people import client_of, make_person
from tests.web.checking import MAILBOX

logger = logging.getLogger("delivery.test")


@pytest.fixture
def log(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """What the product's own set-up writes, in the style that the test asks for; taken away afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logging.config.dictConfig(logging_config(request.param, "INFO"))
    written = io.StringIO()
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    yield written
    root.handlers[:], root.level = handlers, level


@pytest.mark.parametrize("log", ["json"], indirect=True)
def test_a_line_is_one_json_object_with_the_extras(log: io.StringIO) -> None:
    logger.info("a try ended", extra={"mail_id": 7, "outcome": "accepted"})
    told = json.loads(log.getvalue())
    assert (told["level"], told["logger"], told["message"]) == ("INFO", "delivery.test", "a try ended")
    assert (told["mail_id"], told["outcome"]) == (7, "accepted")


@pytest.mark.parametrize("log", ["text"], indirect=True)
def test_a_line_on_a_terminal_is_readable(log: io.StringIO) -> None:
    logger.info("a try ended", extra={"mail_id": 7})
    assert log.getvalue().endswith("INFO delivery.test: a try ended mail_id=7\n")


@pytest.mark.parametrize("log", ["json", "text"], indirect=True)
@pytest.mark.parametrize(
    "sentence",
    [
        "said AUTH PLAIN canary-secret",
        "password=canary-secret",
        "Password: canary-secret",
        "postgres://mailbox:canary-secret@database/mailbox",
    ],
)
def test_what_looks_like_a_secret_is_hidden(log: io.StringIO, sentence: str) -> None:
    logger.warning("wrong: %s", sentence, extra={"api_key": "canary-secret", "new_password": "canary-secret"})
    assert "canary-secret" not in log.getvalue()
    assert "********" in log.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize("log", ["json", "text"], indirect=True)
def test_a_page_that_is_refused_is_one_line_with_who_wanted_what(log: io.StringIO) -> None:
    client = client_of(make_person(name="ann"))
    assert client.get(f"{MAILBOX}records/?receiver=canary@example.net").status_code == 403
    (line,) = log.getvalue().splitlines()
    assert "a page was refused" in line
    assert all(value in line for value in ("ann", "GET", f"{MAILBOX}records/"))
    assert "canary" not in line


@pytest.mark.django_db
@pytest.mark.parametrize("log", ["json", "text"], indirect=True)
def test_what_a_request_searched_for_is_not_logged(log: io.StringIO) -> None:
    assert client_of(make_person(name="ann")).get("/nowhere/?receiver=canary@example.net").status_code == 404
    (line,) = log.getvalue().splitlines()
    assert "GET /nowhere/" in line
    assert "canary" not in line
