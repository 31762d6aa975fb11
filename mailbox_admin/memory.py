"""What the web process does with its memory before it answers anybody."""

import gc

from django.urls import get_resolver

_KEPT_BACK = 20_000
"""Objects that pile up before garbage is looked for; a page leaves some thousands, most of which go by themselves."""


def settle_memory() -> None:
    """Load what answers requests, and let the collector of garbage leave all that alone from then on.

    It stays for as long as the process does. Looked through again by every full collection, it let a page wait a tenth
    of a second now and then, in the middle of some request; without it such a collection takes a few milliseconds.
    """
    # Views, and all that they import, are loaded by the first request otherwise.
    get_resolver().url_patterns  # noqa: B018  # read for what it loads
    gc.collect()
    gc.freeze()
    gc.set_threshold(_KEPT_BACK, 10, 10)
