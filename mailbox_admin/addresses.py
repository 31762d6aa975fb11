"""The tag `url`, as Django has it, but with the address of each page looked up once: a page has some thirty of them."""

from functools import lru_cache

from django import template
from django.conf import settings
from django.template.base import Parser, Token
from django.template.context import Context
from django.template.defaulttags import URLNode
from django.template.defaulttags import url as plain_url
from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils.html import conditional_escape

register = template.Library()


def find_address(view_name: str, current_app: str | None = None) -> str:
    """Return the address of a page that takes no arguments. `current_app`: as Django's `reverse` takes it.

    Raises:
        NoReverseMatch: There is no such page.
    """
    return _find(view_name, current_app, get_script_prefix(), settings.ROOT_URLCONF)


@lru_cache(maxsize=1024)
def _find(view_name: str, current_app: str | None, _prefix: str, _urlconf: str) -> str:
    return reverse(view_name, current_app=current_app)


class _PageNode(URLNode):
    """A tag that names a page and gives no arguments."""

    def render(self, context: Context) -> str:
        """Write the address, or keep it under the name that was given."""
        request = getattr(context, "request", None)
        match = getattr(request, "resolver_match", None)
        current_app = getattr(request, "current_app", None) or getattr(match, "namespace", None)
        try:
            address = find_address(str(self.view_name.var), current_app)
        except NoReverseMatch:
            if not self.asvar:
                raise
            address = ""
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
