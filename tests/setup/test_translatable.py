"""What is to be translated stands where it is found: the program that looks for it does not look into f-strings."""

import ast
from pathlib import Path

import pytest
from django.conf import settings

ROOMS = ("mailbox_admin", "delivery", "records", "senders")
MARKS = {"_", "gettext", "gettext_lazy", "ngettext", "pgettext", "ngettext_lazy", "pgettext_lazy"}


@pytest.mark.parametrize("room", ROOMS)
def test_no_sentence_is_hidden_within_an_f_string(room: str) -> None:
    hidden = [
        f"{path}:{call.lineno}"
        for path in Path(settings.ROOT, room).rglob("*.py")
        for text in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(text, ast.JoinedStr)
        for call in ast.walk(text)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in MARKS
    ]
    assert hidden == []
