"""The form of a rule of masking, and what would be kept of a sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from delivery.masking.copies import mask
from delivery.masking.files import Files
from delivery.masking.hiding import SHORTEST
from delivery.masking.patterns import PatternError, compile_pattern
from delivery.masking.rules import Rule
from delivery.masking.wording import tell_pattern_error
from delivery.request import MailRequest
from records.masking.enums import Target
from records.masking.models import MaskingRule

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_WORDS = 50
LONGEST_WORD = 100
LONGEST_SAMPLE = 20_000
_PLAIN_TEXT = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}


@dataclass(frozen=True, slots=True)
class Sample:
    """What would be kept of what was typed."""

    subject: str
    text: str
    is_html: bool
    is_masked: bool
    """Anything was found."""


class RuleForm(forms.Form):
    """A rule of masking; beside it a sample to try it on, which is never stored."""

    use_required_attribute = False

    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Give the rule a name: it is shown where it masked something.")},
    )
    template = forms.CharField(
        label=_("For mails of the template"),
        required=False,
        max_length=200,
        help_text=_("Its name; * stands for anything, such as Sign-in*. Empty: all mail."),
        widget=forms.TextInput(attrs={**_PLAIN_TEXT, "list": "known-templates", "placeholder": _("All mail")}),
    )
    target = forms.ChoiceField(
        label=_("What is masked"),
        choices=Target.choices,
        initial=Target.CODES,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what is masked."), "invalid_choice": _("Choose what is masked.")},
    )
    words = forms.CharField(
        label=_("Words"),
        required=False,
        help_text=_("One per line. The word that follows each is masked, as in “Activation number: 4711-X”."),
        widget=forms.Textarea(attrs={"rows": 3, **_PLAIN_TEXT}),
    )
    pattern = forms.CharField(
        label=_("Pattern"),
        required=False,
        max_length=1000,
        strip=False,
        help_text=_(
            "A regular expression in RE2 syntax, such as Ref ([A-Z0-9]+). The first group is masked, or all of it."
        ),
        widget=forms.TextInput(attrs={**_PLAIN_TEXT, "class": "mono"}),
    )
    is_enabled = forms.BooleanField(label=_("In force"), required=False, initial=True)
    sample_subject = forms.CharField(
        label=_("Subject"),
        required=False,
        max_length=998,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    sample_text = forms.CharField(
        label=_("Text or HTML"),
        required=False,
        max_length=LONGEST_SAMPLE,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 5, "autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, rule: MaskingRule, **kwargs: Any) -> None:
        """Show a rule, which may be a new one."""
        kwargs.setdefault("initial", {name: getattr(rule, name) for name in _FIELDS} if rule.pk else {})
        super().__init__(*args, **kwargs)
        self.rule = rule

    def clean_name(self) -> str:
        """Refuse the name of another rule."""
        name: str = self.cleaned_data["name"]
        if MaskingRule.objects.filter(name__iexact=name).exclude(pk=self.rule.pk).exists():
            raise ValidationError(_("Another rule has this name."), code="taken")
        return name

    def clean_words(self) -> str:
        """Read the words, one per line."""
        words = [word for line in self.cleaned_data["words"].splitlines() if (word := line.strip())]
        if len(words) > MOST_WORDS or any(len(word) > LONGEST_WORD for word in words):
            sentence = _("At most %(most)d words of %(length)d characters each.")
            raise ValidationError(sentence, code="too_many", params={"most": MOST_WORDS, "length": LONGEST_WORD})
        return "\n".join(words)

    def clean(self) -> dict[str, Any]:
        """Ask for the words or the pattern, where the rule needs them."""
        cleaned = super().clean() or {}
        if cleaned.get("target") == Target.AFTER_WORDS and not cleaned.get("words") and "words" not in self.errors:
            self.add_error("words", ValidationError(_("Type at least one word."), code="required"))
        if cleaned.get("target") == Target.PATTERN and "pattern" not in self.errors:
            self._check_pattern(cleaned.get("pattern", ""))
        return cleaned

    def _check_pattern(self, pattern: str) -> None:
        if not pattern:
            self.add_error("pattern", ValidationError(_("Type a pattern."), code="required"))
            return
        try:
            compile_pattern(pattern)
        except PatternError as error:
            self.add_error("pattern", ValidationError(tell_pattern_error(str(error)), code="invalid"))

    def as_rule(self) -> MaskingRule:
        """Give the rule as it was typed, not saved; only of a valid form."""
        typed = {name: self.cleaned_data[name] for name in _FIELDS}
        if typed["target"] != Target.AFTER_WORDS:
            typed["words"] = ""
        if typed["target"] != Target.PATTERN:
            typed["pattern"] = ""
        return MaskingRule(pk=self.rule.pk, **typed)

    def try_out(self) -> Sample:
        """Tell what this rule alone would keep of the sample; only of a valid form."""
        rule = self.as_rule()
        rule.template = ""  # the sample has none
        subject, text = self.cleaned_data["sample_subject"], self.cleaned_data["sample_text"]
        return try_rules([Rule.of(rule)], subject, text)


_FIELDS = ("name", "template", "target", "words", "pattern", "is_enabled")


def try_rules(rules: Sequence[Rule], subject: str, text: str) -> Sample:
    """Tell what rules would keep of a text, or of HTML, without keeping anything of it."""
    is_html = text.lstrip().startswith("<")
    asked = MailRequest(to=(), subject=subject, text="" if is_html else text, html=text if is_html else "")
    copy = mask(asked, rules, Files())
    kept = copy.request if copy else asked
    return Sample(kept.subject, kept.html if is_html else kept.text, is_html, is_masked=copy is not None)


def tell_least() -> str:
    """Say what is too short to be masked."""
    return gettext("What has fewer than %(least)d letters and digits is not masked.") % {"least": SHORTEST}
