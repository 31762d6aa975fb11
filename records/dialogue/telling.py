"""Lines of a dialogue as they are shown."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from records.dialogue.lines import Line, LineKind
from records.enums import Fault

_SENTENCES = {
    LineKind.ADDRESSES: gettext_lazy("The host name leads to %(said)s."),
    LineKind.CONNECTED: gettext_lazy("Connected to %(said)s."),
    LineKind.SECURED: gettext_lazy("From here on encrypted: %(said)s."),
}
_SPEAKERS = {LineKind.CLIENT: "C:", LineKind.SERVER: "S:"}


@dataclass(frozen=True, slots=True)
class ShownLine:
    """One line on the page."""

    speaker: str
    """`C:` or `S:`; empty where something happened and nobody spoke."""
    text: str
    kind: LineKind

    @property
    def is_bad(self) -> bool:
        """Tell whether it is what went wrong: a refusal, or the end of the session."""
        if self.kind is LineKind.SERVER:
            return self.text[:1] in {"4", "5"}
        return self.kind is LineKind.ENDED


def tell(lines: Iterable[Line]) -> list[ShownLine]:
    """Give lines as they are shown, in the reader's language; what was said stands as it was said."""
    return [ShownLine(_SPEAKERS.get(line.kind, ""), _text_of(line), line.kind) for line in lines]


def _text_of(line: Line) -> str:
    match line.kind:
        case LineKind.CONTENT:
            return _("The content of the mail: %(size)s.") % {"size": filesizeformat(line.text)}
        case LineKind.LEFT_OUT:
            count = int(line.text)
            return ngettext("%(count)s line is left out.", "%(count)s lines are left out.", count) % {"count": count}
        case LineKind.ENDED:
            return str(Fault(line.text).label)
    return str(_SENTENCES.get(line.kind, "%(said)s")) % {"said": line.text}
