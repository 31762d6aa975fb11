"""How deep a mail's HTML is nested. Time and memory of reading HTML as browsers do grow with the square of that."""

import re
from collections import Counter

DEEPEST = 256
"""Mails are nested some dozens deep, also those that Word or a builder of newsletters wrote."""
_TAG = re.compile(r"<(/?)([a-z][^\s/>]*)", re.IGNORECASE)
# Elements that never hold anything, or that the next of their kind ends.
_NOT_COUNTED = frozenset(
    (
        *(
            "area",
            "base",
            "br",
            "col",
            "embed",
            "hr",
            "img",
            "input",
            "link",
            "meta",
            "param",
            "source",
            "track",
            "wbr",
        ),
        *("html", "head", "body", "p", "li", "dd", "dt", "tr", "td", "th", "thead", "tbody", "tfoot", "option"),
    )
)


def is_too_deep(html: str) -> bool:
    """Tell whether more than `DEEPEST` elements are open at some place. Takes time in proportion to the length.

    Counted by name, roughly and rather too high than too low: what ends an element early isn't looked at.
    """
    is_open: Counter[str] = Counter()
    depth = 0
    for tag in _TAG.finditer(html):
        name = tag[2].lower()
        if name in _NOT_COUNTED:
            continue
        if not tag[1]:
            is_open[name] += 1
            depth += 1
            if depth > DEEPEST:
                return True
        elif is_open[name]:
            is_open[name] -= 1
            depth -= 1
    return False
