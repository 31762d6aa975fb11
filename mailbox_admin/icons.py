"""The tag `lucide`, as its package has it, with each icon drawn once: a page has some thirty of them."""

from functools import lru_cache
from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe
from lucide.templatetags.lucide import lucide as draw

register = template.Library()


@register.simple_tag
def lucide(name: str, *, size: int | None = 24, **attributes: Any) -> SafeString:
    """Draw an icon by its name."""
    return _draw(name, size, tuple(attributes.items()))


@lru_cache(maxsize=1024)
def _draw(name: str, size: int | None, attributes: tuple[tuple[str, Any], ...]) -> SafeString:
    return mark_safe(draw(name, size=size, **dict(attributes)))  # noqa: S308  # its package escapes the attributes
