"""The folder that holds everything of one installation: database, keys, broker, static files. Private to its owner.

Runs before the settings are read, which need the secret key from here: so nothing of Django is imported.
"""

import os
import secrets
import stat
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class DataDirError(Exception):
    """The data folder can't be used as it is. The message says what to do.

    Not raised for a missing folder, which is made.
    """


def open_data_dir() -> Path:
    """Make the data folder and, unless SECRET_KEY is set, the `env` file with a new secret key.

    Returns the folder, and puts it into MAILBOX_DATA_DIR, so that child processes use the same one.

    Raises:
        DataDirError: if it can't be made, is not ours, or can't be made private.
    """
    path = find_data_dir()
    os.environ["MAILBOX_DATA_DIR"] = str(path)
    # Everything that this process and its children make from now on is private: database, journal, static files.
    os.umask(0o077)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_private(path)
        if "SECRET_KEY" not in os.environ:
            _write_secret_key(path / "env")
    except OSError as error:
        raise DataDirError(
            f"The data folder {path} cannot be used: {error.strerror}. Give it to this user, "
            "or name another folder in MAILBOX_DATA_DIR."
        ) from error
    return path


def require_secret_key() -> None:
    """Make sure that the settings will find a secret key.

    Raises:
        DataDirError: if neither the environment nor the data folder holds one that this user can read.
    """
    file = find_data_dir() / "env"
    if "SECRET_KEY" in os.environ or os.access(file, os.R_OK):
        return
    raise DataDirError(
        f"Mailbox is not set up: {file} is missing, or this user may not read it. Run ./run or manage.py prepare "
        "first, as the user that Mailbox runs as; where it is set up elsewhere, name that folder in MAILBOX_DATA_DIR."
    )


def find_data_dir() -> Path:
    """Tell which folder it is, there or not."""
    return Path(os.environ.get("MAILBOX_DATA_DIR") or ROOT / "var").resolve()


def _make_private(path: Path) -> None:
    if is_private(path):
        return
    # Not for a folder with something in it: nobody wants /tmp closed because of a slip in MAILBOX_DATA_DIR.
    if any(path.iterdir()):
        raise DataDirError(f"The data folder {path} can be read by others. Close it first: chmod 700 '{path}'")
    path.chmod(0o700)


def is_private(path: Path) -> bool:
    """Tell whether nobody but its owner may read, write or enter."""
    return not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def _write_secret_key(file: Path) -> None:
    try:
        handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w", encoding="ascii") as env:
        env.write(f"SECRET_KEY={secrets.token_urlsafe(50)}\n")
