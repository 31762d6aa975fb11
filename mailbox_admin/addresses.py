"""The tag `url`, as Django has it, but with the address of each page looked up once: a page has some thirty of them."""

from functools import lru_cache

from django import template
from django.conf import settings
from django.template.base import Parser, Token
from django.template.context import Context
from django.template.defaulttags import URLNode
from django.template.defaulttags import url as plain_url
from django.urls import get_script_prefix, reverse
from django.utils.html import conditional_escape

register = template.Library()


def find_address(view_name: str) -> str:
    """Return the address of a page that takes no arguments.

    Raises:
        NoReverseMatch: There is no such page.
    """
    return _find(view_name, get_script_prefix(), settings.ROOT_URLCONF)


@lru_cache(maxsize=1024)
def _find(view_name: str, _prefix: str, _urlconf: str) -> str:
    return reverse(view_name)


class _PageNode(URLNode):
    """A tag that names a page and gives no arguments."""

    def render(self, context: Context) -> str:
        """Write the address, or keep it under the name that was given."""
        address = find_address(str(self.view_name.var))
        if not self.asvar:
            return conditional_escape(address) if context.autoescape else address
        context[self.asvar] = address
        return ""


@register.tag
def url(parser: Parser, token: Token) -> URLNode:
    """Read the tag; whatever else stands in it is Django's."""
    node = plain_url(parser, token)
    named = node.view_name
    if node.args or node.kwargs or named.filters or not isinstance(named.var, str):
        return node
    return _PageNode(named, node.args, node.kwargs, node.asvar)
