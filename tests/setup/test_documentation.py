"""What the documents say about settings, files and links is true."""

import math
import re
from pathlib import Path

import pytest

from tests.setup.processes import ROOT

PACKAGES = ("mailbox_admin", "delivery", "records", "senders")
# env("NAME"), env.int("NAME", …), os.environ.get("NAME"), os.environ["NAME"], "NAME" in os.environ
READ = re.compile(
    r"""\benv(?:\.\w+)?\(\s*"([A-Z_]+)"|environ(?:\.get\(|\[)\s*["']([A-Z_]+)["']|"([A-Z_]+)" (?:not )?in os\.environ"""
)
ROW = re.compile(r"^\| (?P<names>`[A-Z_]+`(?:, `[A-Z_]+`)*) \| (?P<defaults>[^|]+) \|", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)(?P<target>[^)#]+)(?P<anchor>#[^)]*)?\)")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
NOT_OURS = {"DJANGO_SETTINGS_MODULE"}


def variables_read() -> set[str]:
    sources = [path.read_text() for package in PACKAGES for path in ROOT.glob(f"{package}/**/*.py")]
    return {name for source in sources for names in READ.findall(source) for name in names if name} - NOT_OURS


def documented() -> dict[str, str]:
    table = (ROOT / "docs" / "operations.md").read_text()
    found: dict[str, str] = {}
    for row in ROW.finditer(table):
        names, text = re.findall(r"[A-Z_]+", row["names"]), row["defaults"].strip()
        found |= dict(zip(names, [text] if len(names) == 1 else text.split(", "), strict=True))
    return found


def test_every_variable_is_documented_and_every_documented_variable_is_read() -> None:
    assert set(documented()) == variables_read()


def test_the_documented_numbers_are_the_defaults() -> None:
    source = "".join((ROOT / "mailbox_admin" / name).read_text() for name in ("settings.py", "gunicorn_config.py"))
    in_code = {
        name: math.prod(map(float, default.split("*")))
        for name, default in re.findall(
            r'env\.(?:int|float)\(\s*"([A-Z_]+)", default=([0-9.* ]+)(?:, least=0)?\)', source
        )
    }
    words = {"a year": 365.0 * 24 * 3600}
    in_text = {name: words.get(text) or float(text) for name, text in documented().items() if name in in_code}
    assert in_text == in_code


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
    text = document.read_text()
    missing = [link["target"] for link in LINK.finditer(text) if not (document.parent / link["target"]).exists()]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_a_document_names_exists(document: Path) -> None:
    named = re.findall(r"`((?:mailbox_admin|delivery|records|senders|scripts|deploy|static|templates|tests)/[^` {]+)`",
                       document.read_text())  # fmt: skip
    assert [name for name in named if not (ROOT / name.rstrip("/")).exists()] == []
