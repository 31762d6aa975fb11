"""Text that is data in both languages of the product: provider names, guides, error book."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import get_language


@dataclass(frozen=True, slots=True)
class Bilingual:
    """One text in English and in Simplified Chinese; as a string it is the one of the active language."""

    en: str
    zh: str

    def __str__(self) -> str:
        """Return the text in the active language, English where that is neither."""
        return self.zh if (get_language() or "").startswith("zh") else self.en

    def __bool__(self) -> bool:
        """Tell whether there is any text."""
        return bool(self.en or self.zh)


NO_TEXT = Bilingual("", "")


def read_bilingual(table: Mapping[str, str]) -> Bilingual:
    """Return the text of a TOML table with exactly the keys `en` and `zh`.

    Raises:
        ValueError: If a language is missing or there is a further key.
    """
    if set(table) != {"en", "zh"}:
        raise ValueError(f"not a text in both languages: {table!r}")
    return Bilingual(en=table["en"].strip(), zh=table["zh"].strip())
