"""The encryption keys, kept outside the database: in a file, or in MAILBOX_KEYS for many machines.

The file holds one key a line, the primary one first; it is re-read whenever it changed, so that keys can be rotated
while web and workers run. MAILBOX_KEYS holds the same keys, separated by commas, and then the file is not used.
"""

import base64
import binascii
import contextlib
import fcntl
import hashlib
import os
import secrets
import stat
import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from senders.exceptions import KeyFileNotUsedError, KeyringError

KEY_BYTES = 32
_HEADER = (
    "# Encryption keys of Mailbox, the first one in use. Back this file up: without it stored passwords are lost.\n"
)


@dataclass(frozen=True, slots=True)
class Key:
    """One AES-256 key. Its id stands in every ciphertext and tells nothing of it."""

    id: str
    material: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> "Key":
        """Make a new key."""
        return cls.from_material(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def from_material(cls, material: bytes) -> "Key":
        """Name a key after its own hash."""
        return cls(hashlib.sha256(b"mailbox-key-id:" + material).hexdigest()[:12], material)

    @classmethod
    def parse(cls, text: str) -> "Key":
        """Read a key as `text` writes it.

        Raises:
            KeyringError: It is not the base64 form of 32 bytes.
        """
        try:
            material = base64.b64decode(text.strip().encode("ascii"), altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError) as error:
            raise KeyringError("a key is not in base64 form") from error
        if len(material) != KEY_BYTES:
            raise KeyringError(f"a key is not {KEY_BYTES} bytes long")
        return cls.from_material(material)

    @property
    def text(self) -> str:
        """The key as it stands in the file or in MAILBOX_KEYS: URL-safe base64."""
        return base64.urlsafe_b64encode(self.material).decode()


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys of this machine, in order."""

    keys: tuple[Key, ...] = ()

    @property
    def primary(self) -> Key | None:
        """The key that new ciphertext is made with."""
        return self.keys[0] if self.keys else None

    def find(self, key_id: str) -> Key | None:
        """Find the key with that id."""
        return next((key for key in self.keys if key.id == key_id), None)


@dataclass(frozen=True, slots=True)
class _Version:
    """What tells one state of the key file from another."""

    path: str
    inode: int
    modified_ns: int
    size: int


_cached: tuple[_Version, Keyring] | None = None
_cache_lock = threading.Lock()


def key_file() -> Path:
    """The file that holds the keys."""
    return Path(settings.DATA_DIR) / "keys"


def uses_environment() -> bool:
    """Tell whether the keys come from MAILBOX_KEYS."""
    return bool(settings.MAILBOX_KEYS)


def load_keyring(*, fresh: bool = False) -> Keyring:
    """Return the present keys; none where no file was made yet.

    Args:
        fresh: Read the file even if it seems unchanged: for an unknown key id.

    Raises:
        KeyringError: The keys are there and cannot be used.
    """
    global _cached  # noqa: PLW0603  (one cache per process is the purpose)
    if uses_environment():
        return Keyring(_parse_keys(settings.MAILBOX_KEYS))
    version = _version_of_file()
    if version is None:
        return Keyring()
    with _cache_lock:
        if fresh or _cached is None or _cached[0] != version:
            _cached = (version, _read_file())
        return _cached[1]


def primary_key() -> Key:
    """Return the key to encrypt with; the first ever need makes the file.

    Raises:
        KeyringError: The keys cannot be used, or the file cannot be written.
    """
    primary = load_keyring().primary or ensure_key_file().primary
    if primary is None:
        raise KeyringError("the key file holds no key")
    return primary


def ensure_key_file() -> Keyring:
    """Make the key file with a first key, unless there is one already.

    Raises:
        KeyringError: The file cannot be written, or is there and unusable.
    """
    if not uses_environment() and not key_file().exists():
        with _exclusive_file():
            if not key_file().exists():  # Of several processes that start at once, the first one makes it.
                _replace_file([Key.generate()])
    return load_keyring(fresh=True)


def add_primary_key() -> Key:
    """Put a new key first in the file; the others stay, to read with.

    Raises:
        KeyFileNotUsedError: MAILBOX_KEYS holds the keys.
        KeyringError: The file cannot be read or written.
    """
    _refuse_environment()
    with _exclusive_file():
        key = Key.generate()
        _replace_file([key, *load_keyring(fresh=True).keys])
    return key


def drop_keys(key_ids: Iterable[str]) -> tuple[str, ...]:
    """Take keys out of the file, never the primary one, and return the ids of those that went.

    Raises:
        KeyFileNotUsedError: MAILBOX_KEYS holds the keys.
        KeyringError: The file cannot be read or written.
    """
    _refuse_environment()
    unwanted = set(key_ids)
    with _exclusive_file():
        keys = load_keyring(fresh=True).keys
        dropped = [key for key in keys[1:] if key.id in unwanted]
        if dropped:
            _replace_file([key for key in keys if key not in dropped])
    return tuple(key.id for key in dropped)


def is_private(path: Path) -> bool:
    """Tell whether only the file's owner may read or write it."""
    return not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def _parse_keys(texts: Iterable[str]) -> tuple[Key, ...]:
    return tuple(dict.fromkeys(Key.parse(text) for text in texts))


def _version_of_file() -> _Version | None:
    path = key_file()
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeyringError(f"the key file cannot be read: {error.strerror}") from error
    return _Version(str(path), status.st_ino, status.st_mtime_ns, status.st_size)


def _read_file() -> Keyring:
    try:
        lines = key_file().read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise KeyringError(f"the key file cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise KeyringError("the key file is not a text of keys") from error
    return Keyring(_parse_keys(line for line in lines if line.strip() and not line.startswith("#")))


def _refuse_environment() -> None:
    if uses_environment():
        raise KeyFileNotUsedError("MAILBOX_KEYS holds the keys of this machine")


@contextlib.contextmanager
def _exclusive_file() -> Iterator[None]:
    """Let one process at a time change the key file."""
    try:
        key_file().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with key_file().with_name("keys.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise KeyringError(f"the key file cannot be written: {error.strerror}") from error


def _replace_file(keys: Iterable[Key]) -> None:
    """Write the whole file aside, on disk before it takes the other one's place: a crash leaves one or the other."""
    folder = key_file().parent
    descriptor, aside = tempfile.mkstemp(prefix=".keys-", dir=folder)  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(_HEADER + "".join(f"{key.text}\n" for key in keys))
            file.flush()
            os.fsync(file.fileno())
        Path(aside).replace(key_file())
    finally:
        Path(aside).unlink(missing_ok=True)
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
