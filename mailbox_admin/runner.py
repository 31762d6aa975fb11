"""`./run`: the web, the worker and the scheduler under one parent, on one machine."""

import argparse
import contextlib
import fcntl
import logging.config
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from mailbox_admin.data_dir import ROOT, DataDirError, open_data_dir
from mailbox_admin.environment import Environment, SettingError
from mailbox_admin.listening import ListenError, allowed_hosts, is_loopback, open_listener, url_of
from mailbox_admin.logs import STYLES, logging_config
from mailbox_admin.supervisor import Child, Supervisor

_EXIT_UNUSABLE = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Set up on first use, then serve until Ctrl-C. Returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        folder = open_data_dir()
        style = Environment().one_of("LOG_FORMAT", STYLES, default="auto")
        logging.config.dictConfig(logging_config(style, "INFO"))
        with _only_one(folder), open_listener(options.host, options.port) as listener:
            _announce_hosts(options.host)
            _prepare()
            return _serve(listener)
    except (DataDirError, SettingError, ListenError, AlreadyRunningError) as error:
        _give_up(str(error))
    except KeyboardInterrupt:
        _give_up("Mailbox was not started: interrupted.")


class AlreadyRunningError(Exception):
    """Another `./run` serves the same data folder. The message says so.

    Not raised for the separate processes of production, which may share one.
    """


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run", description="Run Mailbox: web, worker and scheduler.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=8000, help="port to listen on; 0: any free one (default: %(default)s)"
    )
    return parser


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def _give_up(sentence: str) -> NoReturn:
    sys.stderr.write(f"{sentence}\n")
    sys.exit(_EXIT_UNUSABLE)


@contextlib.contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    with (folder / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(
                f"Mailbox is running already on the data folder {folder}. "
                "Stop it first, or name another folder in MAILBOX_DATA_DIR."
            ) from None
        yield


def _announce_hosts(host: str) -> None:
    """Let the web answer under the names it is reached by, unless ALLOWED_HOSTS says which, and say so."""
    if is_loopback(host):
        return
    if not os.environ.get("ALLOWED_HOSTS"):
        os.environ["ALLOWED_HOSTS"] = ",".join(allowed_hosts(host))
    _say(f"Answers to these names only: {os.environ['ALLOWED_HOSTS']} (set ALLOWED_HOSTS to change that).")
    if not Environment().bool("BEHIND_HTTPS", default=False):
        _say("Others can reach this address, and read what is sent over it: put an HTTPS proxy before it.")


def _prepare() -> None:
    finished = subprocess.run([sys.executable, "manage.py", "prepare"], cwd=ROOT, check=False)
    if finished.returncode:
        _give_up("Mailbox was not started: preparing it failed, see above.")


def _serve(listener: socket.socket) -> int:
    python = (sys.executable, "-m")
    gunicorn = ("gunicorn", "-c", "python:mailbox_admin.gunicorn_config", "--bind", f"fd://{listener.fileno()}")
    web = Child("web", (*python, *gunicorn, "mailbox_admin.wsgi:application"), (listener.fileno(),))
    worker = Child("worker", (sys.executable, "manage.py", "worker", "--name", "run@%h"))
    beat = Child("beat", (*python, "celery", "-A", "mailbox_admin", "--workdir", str(ROOT), "-q", "beat"))
    # Children of a parent with a working folder of its own would not find the packages.
    os.chdir(ROOT)
    # With an arena for each of many threads, glibc takes memory that it does not need.
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    status = Supervisor([web, worker, beat], on_tick=_announcer(url_of(listener))).run()
    _say("Mailbox has stopped." if status == 0 else "Mailbox has stopped: a process cannot be kept running.")
    return status


def _announcer(url: str) -> Callable[[], None]:
    announced = False

    def announce_once() -> None:
        nonlocal announced
        if not announced:
            announced = True
            _say(f"Mailbox: {url}  (Ctrl-C stops it)")

    return announce_once


if __name__ == "__main__":
    sys.exit(main())
