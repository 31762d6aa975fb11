import stat
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from mailbox_admin.file_broker import QueueFolder
from tests.setup.processes import ROOT


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.setup.broker_process", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def output_of(process: subprocess.Popen[str]) -> list[str]:
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0
    return said.split()


def test_three_publishers_and_three_consumers_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    folder, names, count = str(tmp_path), ("a", "b", "c"), 400
    consumers = [start("consume", folder) for _ in range(3)]
    for publisher in [start("publish", folder, name, str(count)) for name in names]:
        output_of(publisher)
    output_of(start("publish", folder, "stop", "3"))
    got = Counter(message for consumer in consumers for message in output_of(consumer))
    assert got == Counter(f"{name}-{number}" for name in names for number in range(count))


def test_messages_come_in_the_order_they_were_put(tmp_path: Path) -> None:
    queue = QueueFolder(tmp_path, "mail")
    for text in ("first", "second", "third"):
        queue.put(text)
    assert [queue.take() for _ in range(4)] == ["first", "second", "third", None]


def test_a_half_written_message_is_not_taken(tmp_path: Path) -> None:
    queue = QueueFolder(tmp_path, "mail")
    (queue.path / ".00000000000000000001-aside").write_text("half a mess")
    assert queue.take() is None
    assert queue.size() == 0


def test_a_message_that_another_process_took_is_passed_over(tmp_path: Path) -> None:
    mine, other = QueueFolder(tmp_path, "mail"), QueueFolder(tmp_path, "mail")
    for text in ("first", "second", "third"):
        mine.put(text)
    assert mine.take() == "first"
    assert other.take() == "second"
    assert mine.take() == "third"


def test_clearing_tells_how_many_there_were(tmp_path: Path) -> None:
    queue = QueueFolder(tmp_path, "mail")
    queue.put("one")
    queue.put("two")
    assert queue.size() == 2
    assert queue.clear() == 2
    assert queue.take() is None


def test_folder_and_messages_are_private(tmp_path: Path) -> None:
    queue = QueueFolder(tmp_path, "mail")
    queue.put("text")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (queue.path, *queue.path.iterdir())}
    assert modes == {0o700, 0o600}


@pytest.mark.parametrize("name", ["../outside", "..", "a/b", "a.b"])
def test_no_name_of_a_queue_leaves_the_folder(tmp_path: Path, name: str) -> None:
    top = tmp_path / "broker"
    assert QueueFolder(top, name).path.parent.resolve() == top.resolve()
