"""What must be done before the processes start, each step so that doing it again changes nothing."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import polib
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.management import call_command
from django.db import transaction

FIRST_ADMIN = "admin"


def compile_translations() -> int:
    """Write the .mo file beside every .po file that is newer, and return how many were written."""
    sources = (source for folder in settings.LOCALE_PATHS for source in Path(folder).glob("*/LC_MESSAGES/*.po"))
    return sum(_compile_translation(source) for source in sources)


def _compile_translation(source: Path) -> bool:
    target = source.with_suffix(".mo")
    if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
        return False
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    polib.pofile(str(source)).save_as_mofile(str(aside))
    aside.replace(target)
    return True


def collect_static_files() -> bool:
    """Collect the static files where they changed since the last time, and tell whether they did."""
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    fingerprint = _fingerprint_of_static_files()
    if stamp.exists() and stamp.read_text(encoding="ascii") == fingerprint:
        return False
    # Not cleared: a page that was served before the change still finds its files.
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(fingerprint, encoding="ascii")
    return True


def _fingerprint_of_static_files() -> str:
    digest = hashlib.sha256(Path(settings.ROOT, "requirements.txt").read_bytes())
    for path in sorted(_static_sources()):
        digest.update(f"{path}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _static_sources() -> Iterator[Path]:
    for folder in settings.STATICFILES_DIRS:
        yield from (path for path in Path(folder).rglob("*") if path.is_file())


def create_first_admin() -> str | None:
    """Create the first user, an administrator, if there is no user at all.

    The password is MAILBOX_ADMIN_PASSWORD if that is set, and a new random one otherwise.

    Returns:
        The random password, to be shown once; None if there is nothing to show.

    Raises:
        ValidationError: if MAILBOX_ADMIN_PASSWORD is too weak.
    """
    users = get_user_model().objects
    with transaction.atomic():
        if users.exists():
            return None
        given = os.environ.get("MAILBOX_ADMIN_PASSWORD", "")
        if given:
            validate_password(given, get_user_model()(username=FIRST_ADMIN))
        password = given or secrets.token_urlsafe(12)
        users.create_superuser(username=FIRST_ADMIN, email="", password=password)
    return None if given else password
