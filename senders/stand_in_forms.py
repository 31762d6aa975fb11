"""Changing a chain of stand-ins, one step at a time: add one, move one, remove one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from senders.models import Sender

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class StandInForm(forms.Form):
    """One step: exactly one of the fields names the account that it is about."""

    up = forms.ModelChoiceField(Sender.objects.all(), required=False)
    down = forms.ModelChoiceField(Sender.objects.all(), required=False)
    remove = forms.ModelChoiceField(Sender.objects.all(), required=False)
    sender = forms.ModelChoiceField(Sender.objects.all(), required=False)

    def __init__(self, typed: Mapping[str, Any], *, owner: Sender | None, chain: Sequence[Sender]) -> None:
        """Prepare a step at the chain as it is now.

        Args:
            typed: What was sent.
            owner: Whose chain it is; None: the system default's.
            chain: The present stand-ins in their order.
        """
        super().__init__(typed)
        self._owner = owner
        self._chain = list(chain)

    def clean(self) -> dict[str, Any]:
        """Refuse what is no step."""
        super().clean()
        if not any(self.cleaned_data.get(name) for name in self.fields):
            self.add_error(None, _("Choose an account first."))
        elif self._owner is not None and self.cleaned_data.get("sender") == self._owner:
            self.add_error(None, _("An account can't stand in for itself."))
        return self.cleaned_data

    def changed_chain(self) -> list[Sender]:
        """Give the chain after the step; only of a valid form."""
        chain = list(self._chain)
        for name, by in (("up", -1), ("down", 1)):
            moved = self.cleaned_data[name]
            if moved in chain:
                index = chain.index(moved)
                chain.insert(max(index + by, 0), chain.pop(index))
        added = self.cleaned_data["sender"]
        if added is not None and added not in chain and self.cleaned_data["remove"] is None:
            chain.append(added)
        return [sender for sender in chain if sender != self.cleaned_data["remove"]]
