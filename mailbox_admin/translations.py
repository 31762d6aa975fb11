"""The tags of Django's `i18n`, but what a template says is looked up once for each language: fifty times in a page."""

from django.template import Library, Node
from django.template.base import FilterExpression, Parser, Token, Variable
from django.template.context import Context
from django.templatetags import i18n
from django.utils.translation import get_language

register = Library()
register.tags.update(i18n.register.tags)
register.filters.update(i18n.register.filters)


class _SentenceNode(Node):
    """A tag that names a sentence, and nothing that differs from page to page."""

    child_nodelists = ()

    def __init__(self, plain: i18n.TranslateNode) -> None:
        """Take the tag as Django read it."""
        self._name, plain.asvar = plain.asvar, None
        self._plain = plain
        self._found: dict[str | None, str] = {}

    def render(self, context: Context) -> str:
        """Write the sentence, or keep it under the name that was given."""
        language = get_language()
        sentence = self._found.get(language)
        if sentence is None:
            sentence = self._found[language] = self._plain.render(context)
        if self._name is None:
            return sentence
        context[self._name] = sentence
        return ""


@register.tag("trans")
@register.tag("translate")
def translate(parser: Parser, token: Token) -> Node:
    """Read the tag; what names no sentence itself is Django's."""
    node = i18n.do_translate(parser, token)
    named = [each for each in (node.filter_expression, node.message_context) if each is not None]
    return _SentenceNode(node) if all(map(_is_literal, named)) else node


def _is_literal(expression: FilterExpression) -> bool:
    variable = expression.var
    return not expression.filters and (not isinstance(variable, Variable) or variable.lookups is None)
