"""Sentences that stand behind each other in a template."""

from django import template
from django.utils.safestring import SafeString, mark_safe

from senders.sentences import close_up

register = template.Library()


@register.simple_block_tag
def sentences(content: str) -> SafeString:
    """Write sentences, which may have markup between them, as their language wants."""
    return mark_safe(close_up(content))  # noqa: S308  # it was rendered, and so escaped
