"""Requests that are too large to be read."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

SIGN_IN = "/sign-in/"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small_limits(settings: Settings) -> None:
    settings.MAILBOX_MAX_SIZE = 1000
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000


def test_a_request_far_larger_than_any_form_is_refused_unread(client: Client) -> None:
    response = client.post(SIGN_IN, {"file": SimpleUploadedFile("big", b"x" * 20_000)})
    assert response.status_code == 413
    assert "too large" in response.content.decode()


def test_a_request_that_is_somewhat_too_large_is_left_to_its_page(client: Client) -> None:
    assert client.post(SIGN_IN, {"file": SimpleUploadedFile("file", b"x" * 2000)}).status_code == 200


@pytest.mark.parametrize("announced", ["", "-1", "many", "1e9"])
def test_a_length_that_is_no_number_is_none(client: Client, announced: str) -> None:
    assert client.get(SIGN_IN, CONTENT_LENGTH=announced).status_code == 200
