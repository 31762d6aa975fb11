"""The tags `url`, `static` and `querystring`, as Django has them, but each address is looked up once.

A page of the record list has some thirty addresses of pages, ten of files, and ten queries; none is copied deeply.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django import template
from django.conf import settings
from django.http import QueryDict
from django.template.base import Parser, Token
from django.template.context import Context
from django.template.defaulttags import URLNode
from django.template.defaulttags import url as plain_url
from django.templatetags.static import StaticNode
from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils.html import escape

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


_escape = lru_cache(maxsize=1024)(escape)


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
            return _escape(address) if context.autoescape else address
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


class _FileNode(StaticNode):
    """A tag that names a file."""

    @classmethod
    def handle_simple(cls, path: str) -> str:
        """Return the address of a file.

        Raises:
            ValueError: There is no such file.
        """
        return _find_file(path, settings.STATIC_URL, settings.DEBUG)


@lru_cache(maxsize=1024)
def _find_file(path: str, _prefix: str, _is_debug: bool) -> str:
    return StaticNode.handle_simple(path)


@register.tag
def static(parser: Parser, token: Token) -> StaticNode:
    """Read the tag."""
    return _FileNode.handle_token(parser, token)


@register.simple_tag(takes_context=True)
def querystring(context: Context, query: QueryDict | None = None, **changed: Any) -> str:
    """Write the query of the page, or of another, with other values, several if they are listed, or without: None."""
    given = context.request.GET if query is None else query  # type: ignore[attr-defined]  # a page is of a request
    kept = dict(given.lists())
    for name, value in changed.items():
        if value is None:
            kept.pop(name, None)
        else:
            kept[name] = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    return f"?{urlencode(kept, doseq=True)}" if kept or given else ""
