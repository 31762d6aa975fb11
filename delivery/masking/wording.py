"""Saying in plain words what is wrong with a pattern; RE2 says it in its own."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

_PROBLEMS: dict[str, str | Promise] = {
    "missing )": gettext_lazy("A bracket ( is never closed."),
    "unexpected )": gettext_lazy("A bracket ) was never opened."),
    "missing ]": gettext_lazy("A bracket [ is never closed."),
    "no argument for repetition operator": gettext_lazy("Nothing stands before a sign that repeats it."),
    "bad repetition operator": gettext_lazy("Two signs that repeat stand side by side."),
    "invalid repetition size": gettext_lazy("A repetition is out of bounds: 1000 is the most."),
    "invalid character class range": gettext_lazy("A range of characters runs backwards."),
    "invalid escape sequence": gettext_lazy("A backslash stands before something that needs none, or is not known."),
    "trailing \\": gettext_lazy("The pattern ends in a backslash."),
    "invalid perl operator": gettext_lazy("RE2 knows no looking ahead or behind, nor this group."),
    "invalid named capture group": gettext_lazy("The name of a group is wrong: write (?P<name>…)."),
    "library not loaded": gettext_lazy("The library RE2 can't be loaded here. Install what Mailbox requires anew."),
    "pattern too large": gettext_lazy("The pattern takes too much memory. Repeat less."),
}


def tell_pattern_error(said: str) -> str:
    """Say what is wrong, and where; what RE2 says, where it is not known what that means."""
    kind, colon, place = said.partition(": ")
    problem = next((sentence for known, sentence in _PROBLEMS.items() if kind.startswith(known)), None)
    if problem is None:
        return _("This is no pattern that can be read. RE2 says: %(said)s") % {"said": said}
    if not (colon and place):
        return str(problem)
    return _("%(problem)s Look here: %(place)s") % {"problem": problem, "place": place}
