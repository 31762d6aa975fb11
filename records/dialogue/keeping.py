"""Writing dialogues down, and finding them again."""

from collections.abc import Iterable, Mapping, Sequence

from records.dialogue.lines import Line, LineKind
from records.dialogue.models import Dialogue

Said = tuple[int, int, Sequence[Line]]
"""Id of the mail, its epoch, and what was said in that try."""


def keep_dialogues(dialogues: Iterable[Said]) -> None:
    """Write down what was said in tries, once per mail and epoch; silence is not written down."""
    rows = [
        Dialogue(mail_id=mail_id, epoch=epoch, lines=[[line.kind.value, line.text] for line in lines])
        for mail_id, epoch, lines in dialogues
        if lines
    ]
    if rows:
        Dialogue.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["mail", "epoch"], update_fields=["lines"]
        )


def find_dialogues(mail_id: int, epochs: Iterable[int]) -> Mapping[int, list[Line]]:
    """Find what was said in tries of a mail, by epoch."""
    found = Dialogue.objects.filter(mail_id=mail_id, epoch__in=list(epochs)).values_list("epoch", "lines")
    return {epoch: [Line(LineKind(kind), text) for kind, text in lines] for epoch, lines in found}
