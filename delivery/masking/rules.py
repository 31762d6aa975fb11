"""The rules of masking, ready to be applied: which mails each is for, and how it finds secrets."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from delivery.masking.codes import find_codes
from delivery.masking.hiding import essences
from delivery.masking.links import find_tokens
from delivery.masking.patterns import compile_pattern
from delivery.masking.readings import spellings
from records.masking.enums import Target
from records.masking.models import MaskingRule

logger = logging.getLogger(__name__)

Finder = Callable[[str], Iterable[str]]
_GAP = r"[\s:：=\"'“”（(]*"
_CLOSERS = ".,;:!?)]}\"'”’。，；：！？）】"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule that is in force."""

    name: str
    template: re.Pattern[str] | None
    """What a template name must be; None: anything."""
    find: Finder = field(repr=False)
    """Finds secrets in a text."""
    strips_files: bool = False
    """It takes files away, whatever is in them, and finds nothing."""
    hides_all: bool = False
    """Nobody knows what it looks for, so nothing is kept of the mail that it is for."""

    @classmethod
    def of(cls, rule: MaskingRule) -> "Rule":
        """Make a rule ready.

        Raises:
            ValueError: Its own pattern is none (`PatternError`), or what it masks is not known.
        """
        return cls(
            rule.name,
            _read_template(rule),
            _finder_of(rule),
            strips_files=rule.target == Target.ATTACHMENTS,
        )

    def find_in(self, texts: Iterable[str]) -> frozenset[str]:
        """Find the essences of the secrets in texts, each searched for itself and once."""
        different = dict.fromkeys(spelling for text in texts for spelling in spellings(text))
        return essences(secret for text in different for secret in self.find(text))

    def is_for(self, template_name: str) -> bool:
        """Tell whether the rule applies to mail of a template."""
        return self.template is None or self.template.fullmatch(template_name) is not None


def read_rules() -> list[Rule]:
    """Read the rules in force, in one query.

    One that can't be read must neither keep mail from being accepted nor let a secret through: it hides all.
    """
    return [_read(rule) for rule in MaskingRule.objects.filter(is_enabled=True)]


def find_problem(rule: MaskingRule) -> str | None:
    """Find why a stored rule can't be read, in RE2's words; None: it can be."""
    try:
        Rule.of(rule)
    except ValueError as error:
        return str(error)
    return None


def _read(rule: MaskingRule) -> Rule:
    try:
        return Rule.of(rule)
    except ValueError:
        _log_unreadable(rule.pk, rule.pattern)
        return Rule(rule.name, _read_template(rule), _find_nothing, hides_all=True)


@lru_cache(maxsize=64)
def _log_unreadable(pk: int, _pattern: str) -> None:
    """Log it once per process: each mail that is accepted meets it again."""
    logger.error("a rule of masking can't be read, nothing is kept of the mail that it is for", extra={"rule": pk})


def _read_template(rule: MaskingRule) -> re.Pattern[str] | None:
    return _template_pattern(rule.template) if rule.template else None


def _template_pattern(template: str) -> re.Pattern[str]:
    # Stars side by side are one: nothing to go back and forth in.
    parts = (re.escape(part) for part in re.split(r"\*+", template))
    return re.compile(".*".join(parts), re.IGNORECASE | re.DOTALL)


def _finder_of(rule: MaskingRule) -> Finder:
    match Target(rule.target):
        case Target.CODES:
            return find_codes
        case Target.LINKS:
            return find_tokens
        case Target.AFTER_WORDS:
            return _after(rule.word_list)
        case Target.PATTERN:
            return compile_pattern(rule.pattern)
        case Target.ATTACHMENTS:
            return _find_nothing


def _find_nothing(_text: str) -> Sequence[str]:
    return ()


def _after(words: Sequence[str]) -> Finder:
    """Find the word that follows one of some words."""
    if not words:
        return _find_nothing
    # A line may end within what is a phrase.
    phrases = (r"\s+".join(map(re.escape, word.split())) for word in words)
    wanted = re.compile(f"(?:{'|'.join(phrases)}){_GAP}(\\S{{1,2000}})", re.IGNORECASE)

    def find(text: str) -> Iterator[str]:
        for found in wanted.finditer(text):
            yield found[1].rstrip(_CLOSERS)

    return find
