import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import services
from tests.setup.processes import ROOT


def manage(
    data_dir: Path, *arguments: str, isolated: bool = False, keeping: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    left_out = {"SECRET_KEY", "DATABASE_URL"} - {*keeping}
    env = {name: value for name, value in os.environ.items() if name not in left_out}
    python = (sys.executable, *(("-S",) if isolated else ()))
    return subprocess.run(
        [*python, "manage.py", *arguments],
        cwd=ROOT, env=env | {"MAILBOX_DATA_DIR": str(data_dir)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_command_before_the_first_start_says_what_to_do(tmp_path: Path) -> None:
    finished = manage(tmp_path, "send_mail", "--to", "a@example.com", "--subject", "Done")
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr == (
        f"Mailbox is not set up: {tmp_path / 'env'} is missing, or this user may not read it. "
        "Run ./run or manage.py prepare first, as the user that Mailbox runs as; "
        "where it is set up elsewhere, name that folder in MAILBOX_DATA_DIR.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_python_without_the_packages_is_told_so(tmp_path: Path) -> None:
    finished = manage(tmp_path, "check", isolated=True)
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr == (
        "This Python lacks Mailbox's packages. Run ./run once, then: .venv/bin/python manage.py …\n"
    )


def test_preparing_without_a_database_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("DATABASE_URL", f"postgres://mailbox:canary@127.0.0.1:{services.free_port()}/mailbox")
    finished = manage(tmp_path, "prepare", keeping=("DATABASE_URL",))
    assert finished.returncode == 1
    assert finished.stderr.startswith("CommandError: The database cannot be used: connection failed: ")
    assert "canary" not in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_command_after_preparing_runs(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert manage(tmp_path, "prepare").returncode == 0
    finished = manage(tmp_path, "check")
    assert (finished.returncode, finished.stdout, finished.stderr) == (
        0, "System check identified no issues (0 silenced).\n", "",
    )  # fmt: skip
