"""The guides to the providers' settings."""

import pytest
from django.test import Client
from django.urls import reverse

from senders.guides import GUIDES

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("slug", [guide.slug for guide in GUIDES])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_guide_is_a_page_with_numbered_steps(admin_client: Client, slug: str, language: str) -> None:
    response = admin_client.get(reverse("senders:guide", args=[slug]), headers={"Accept-Language": language})
    page = response.content.decode()
    guide = next(guide for guide in GUIDES if guide.slug == slug)
    assert response.status_code == 200
    assert page.count("<li>") >= len(guide.steps) + len(guide.mistakes)
    assert '<ol class="guide-steps">' in page


def test_beside_the_form_it_comes_without_a_page_around_it(admin_client: Client) -> None:
    response = admin_client.get(
        reverse("senders:guide", args=["qq"]), headers={"HX-Request": "true", "HX-Target": "drawer-content"}
    )
    page = response.content.decode()
    assert "<html" not in page
    assert 'id="drawer-title"' in page
    assert "HX-Target" in response.headers["Vary"]


def test_a_guide_that_is_not_there_is_not_found(admin_client: Client) -> None:
    assert admin_client.get("/system/setting/mailbox/guides/nonsense/").status_code == 404
