"""`./run`: first start, second start, stopping, and what it says when it can't start."""

import http.cookiejar
import json
import os
import re
import signal
import socket
import stat
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import wait_until
from tests.setup.processes import (
    BEAT,
    WEB,
    WORKER,
    Installation,
    descendants_of,
    environment,
    is_alive,
    served,
    started,
)

PASSWORD = "a-long-first-password"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def env(data_dir: Path) -> Iterator[dict[str, str]]:
    with environment(data_dir, SWEEP_SECONDS="1") as env:
        yield env


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One installation for all tests that leave it running."""
    folder = tmp_path_factory.mktemp("served") / "data"
    with environment(folder, SWEEP_SECONDS="1", MAILBOX_ADMIN_PASSWORD=PASSWORD) as env, served(env) as mailbox:
        yield mailbox


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return str(answer.read().decode())


def ready(mailbox: Installation) -> dict[str, object]:
    answer: dict[str, object] = json.loads(get(f"{mailbox.url}/readyz"))
    return answer


def can_sign_in(mailbox: Installation, password: str) -> bool:
    cookies = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    with browser.open(f"{mailbox.url}/", timeout=30) as page:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.read().decode())
        assert token is not None
        fields = {"csrfmiddlewaretoken": token[1], "username": "admin", "password": password}
        with browser.open(page.url, urllib.parse.urlencode(fields).encode(), timeout=30):
            return "mailbox_session" in {cookie.name for cookie in cookies}


def test_the_first_start_shows_a_password_that_signs_in_and_the_second_shows_none(env: dict[str, str]) -> None:
    with served(env) as mailbox:
        shown = [line for line in mailbox.said if line.startswith("First administrator: user admin, password ")]
        assert len(shown) == 1
        assert can_sign_in(mailbox, shown[0].rpartition(" ")[2])
    with served(env) as mailbox:
        assert [line for line in mailbox.said if "password" in line] == []
        assert can_sign_in(mailbox, shown[0].rpartition(" ")[2])


def test_an_address_may_hold_long_filters_in_chinese(mailbox: Installation) -> None:
    query = urllib.parse.urlencode({"receiver": "每" * 100, "subject": "日" * 100, "template": "报" * 200})
    page = get(f"{mailbox.url}/system/setting/mailbox/records/?{query}")
    assert "csrfmiddlewaretoken" in page  # to sign in


def test_a_given_password_signs_in_and_is_not_shown(mailbox: Installation) -> None:
    assert [line for line in mailbox.said if PASSWORD in line] == []
    assert can_sign_in(mailbox, PASSWORD)


def test_a_weak_given_password_is_refused(env: dict[str, str]) -> None:
    with started(env | {"MAILBOX_ADMIN_PASSWORD": "12345678"}) as mailbox:
        mailbox.wait_for_line("MAILBOX_ADMIN_PASSWORD is too weak")
        assert mailbox.wait() == 1


def test_everything_in_the_data_folder_is_private(data_dir: Path, env: dict[str, str]) -> None:
    with served(env) as mailbox:
        get(f"{mailbox.url}/readyz")
        made = [data_dir, *data_dir.rglob("*")]
        open_to_others = [path for path in made if path.lstat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]
    assert len(made) > 5
    assert open_to_others == []


def test_a_data_folder_with_files_that_others_can_read_is_refused(data_dir: Path, env: dict[str, str]) -> None:
    data_dir.mkdir()
    (data_dir / "something").touch()
    data_dir.chmod(0o755)
    with started(env) as mailbox:
        mailbox.wait_for_line(r"can be read by others\. Close it first: chmod 700")
        assert mailbox.wait() == 1
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o755


def test_ctrl_c_stops_everything_cleanly(env: dict[str, str]) -> None:
    with served(env) as mailbox:
        get(f"{mailbox.url}/livez")
        family = {mailbox.child(WEB), mailbox.child(WORKER), mailbox.child(BEAT)} | descendants_of(mailbox.process.pid)
        mailbox.process.send_signal(signal.SIGINT)
        assert mailbox.wait() == 0
        mailbox.wait_for_line(r"^Mailbox has stopped\.$")
        assert [pid for pid in family if is_alive(pid)] == []
        with pytest.raises(urllib.error.URLError):
            get(f"{mailbox.url}/livez")


def test_a_killed_parent_leaves_no_orphan(env: dict[str, str]) -> None:
    with served(env) as mailbox:
        get(f"{mailbox.url}/livez")
        family = {mailbox.child(WEB), mailbox.child(WORKER), mailbox.child(BEAT)} | descendants_of(mailbox.process.pid)
        mailbox.process.kill()
        wait_until(lambda: not any(map(is_alive, family)), what="the end of all children")


@pytest.mark.parametrize("which", [WEB, WORKER, BEAT])
def test_a_killed_child_comes_back(mailbox: Installation, which: str) -> None:
    before = mailbox.child(which)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: not is_alive(before))
    assert mailbox.child(which) != before
    # Not refused while the web was away: the parent holds the listening socket.
    assert json.loads(get(f"{mailbox.url}/livez")) == {"alive": True}


def seen_ago(mailbox: Installation) -> float:
    seconds = ready(mailbox)["worker_seen_seconds_ago"]
    return float(seconds) if isinstance(seconds, int | float) else float("inf")


def test_the_worker_is_seen_again_and_again(mailbox: Installation) -> None:
    wait_until(lambda: seen_ago(mailbox) < 5, what="the worker's heartbeat")
    assert ready(mailbox)["broker"] == "ok"


def test_the_same_command_runs_on_redis(env: dict[str, str], redis_url: str) -> None:
    with served(env | {"REDIS_URL": redis_url}) as mailbox:
        wait_until(lambda: seen_ago(mailbox) < 5, what="the worker's heartbeat")
        assert ready(mailbox)["ready"] is True


def test_a_taken_port_is_a_sentence(env: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with started(env, port=port) as mailbox:
            mailbox.wait_for_line(f"^Port {port} is in use by another program: choose another one with --port\\.$")
            assert mailbox.wait() == 1


def test_a_second_run_on_the_same_folder_is_refused(env: dict[str, str]) -> None:
    with served(env), started(env) as second:
        second.wait_for_line("^Mailbox is running already on the data folder")
        assert second.wait() == 1


def test_listening_beyond_this_machine_says_under_which_names_it_answers(env: dict[str, str]) -> None:
    with served(env, "--host", "0.0.0.0") as mailbox:
        said = "\n".join(mailbox.said)
        names = re.search(r"Answers to these names only: (\S+) \(set ALLOWED_HOSTS", said)
        assert names is not None
        assert {"localhost", "127.0.0.1", "[::1]", socket.gethostname()} <= set(names[1].split(","))
        assert "put an HTTPS proxy before it" in said
        assert get(f"{mailbox.url}/") != ""


def test_a_foreign_host_is_a_sentence(env: dict[str, str]) -> None:
    with started(env, "--host", "192.0.2.77") as mailbox:
        mailbox.wait_for_line(r"^192\.0\.2\.77 is not an address of this machine: choose another one with --host\.$")
        assert mailbox.wait() == 1
