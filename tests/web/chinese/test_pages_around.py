"""The pages around in Simplified Chinese: signing in, refusals, errors."""

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import translation
from pytest_django.fixtures import Settings

from tests.people import PASSWORD, make_person
from tests.web.chinese.reading import assert_chinese, chinese

pytestmark = pytest.mark.usefixtures("own_keys")


class TestThePagesAround:
    def test_sign_in_its_refusal_and_its_lock(self, db: None, settings: Settings) -> None:
        make_person(name="ada")
        client = Client(headers={"Accept-Language": "zh-CN"})
        assert_chinese(client.get("/sign-in/").content.decode())
        answers = [
            client.post("/sign-in/", {"username": "ada", "password": "x"}) for _ in range(settings.AXES_FAILURE_LIMIT)
        ]
        assert answers[-1].status_code == 429
        for answer in answers:
            assert_chinese(answer.content.decode())

    def test_being_signed_out_in_the_midst_of_a_form(self, db: None) -> None:
        client = Client(headers={"Accept-Language": "zh-CN"})
        assert_chinese(client.post(reverse("senders:add"), {}, follow=True).content.decode())

    def test_changing_the_password(self, admin: Client) -> None:
        assert_chinese(admin.get("/password/").content.decode())
        weak = {"old_password": "x", "new_password1": "12345", "new_password2": "12345"}
        for values in ({}, weak, weak | {"new_password2": "other"}, weak | {"old_password": PASSWORD}):
            assert_chinese(admin.post("/password/", values).content.decode())

    def test_what_is_not_allowed_or_not_there(self, db: None) -> None:
        auditor = chinese(role="auditor")
        assert_chinese(auditor.get(reverse("senders:list")).content.decode())
        assert_chinese(chinese().get("/").content.decode())
        assert_chinese(auditor.get("/nothing/").content.decode())

    def test_a_form_without_its_proof(self, db: None) -> None:
        strict = Client(enforce_csrf_checks=True, headers={"Accept-Language": "zh-CN"})
        assert_chinese(strict.post("/sign-in/", {}).content.decode())

    def test_a_broken_server(self) -> None:
        with translation.override("zh-hans"):
            assert_chinese(render_to_string("500.html"))

    def test_every_weakness_of_a_password(self) -> None:
        with translation.override("zh-hans"), pytest.raises(ValidationError) as refused:
            validate_password("12345")
        assert refused.value.messages == ["密码太短，至少需要 10 个字符。", "这个密码太常见了。", "密码只包含数字。"]
