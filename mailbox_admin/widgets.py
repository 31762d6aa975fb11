"""How forms are drawn: fields and the usual widgets by functions, everything else by templates.

Django's own templates for widgets take an include per choice; a form with a few lists of choices took longer to draw
than the page that it stands on. What is written here of widgets is the same but for line breaks; a test holds it
against them.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from django import template
from django.forms.renderers import TemplatesSetting
from django.utils.safestring import SafeData, SafeString, mark_safe
from django.utils.translation import gettext

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.forms import BoundField
    from django.http import HttpRequest

    Widget = Mapping[str, Any]

register = template.Library()
_FOLDER = "django/forms/widgets"


class Renderer(TemplatesSetting):
    """Draws forms; see FORM_RENDERER."""

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> str:
        """Draw a widget, a list of errors, a field or a form."""
        if template_name in _WRITERS:
            return mark_safe(_WRITERS[template_name](context["widget"]))  # noqa: S308  # every value is escaped
        if template_name == self.field_template_name:
            return draw_field(context["field"])
        if template_name == "django/forms/errors/list/default.html" and not context["errors"]:
            return ""
        return super().render(template_name, context, request)


@register.simple_tag(name="field")
def draw_field(field: BoundField, *, is_optional: bool = False) -> SafeString:
    """Draw a field with its label, help and errors; `is_optional` says that it may stay empty."""
    label = _escaped(field.label)
    if is_optional:
        optional = gettext("(optional)")
        label += f' <span class="optional">{_escaped(optional)}</span>'
    if field.use_fieldset:
        described = f' aria-describedby="{_escaped(field.aria_describedby)}"' if field.aria_describedby else ""
        body = f"<fieldset{described}><legend>{label}</legend>{field}</fieldset>"
    elif field.widget_type == "checkbox":
        body = f'<label class="check" for="{field.id_for_label}">{field}<span>{_escaped(field.label)}</span></label>'
    else:
        body = f'<label for="{field.id_for_label}">{label}</label>{field}'
    # Help is ours, and may hold markup.
    help_text = f'<div class="help" id="{field.auto_id}_helptext">{field.help_text}</div>' if field.help_text else ""
    return mark_safe(f'<div class="field">{body}{help_text}{field.errors}</div>')  # noqa: S308  # escaped, or drawn


def _input(widget: Widget) -> str:
    value = "" if widget["value"] is None else f' value="{_escaped(widget["value"])}"'
    return f'<input type="{widget["type"]}" name="{_escaped(widget["name"])}"{value}{_attributes(widget)}>'


def _option_input(widget: Widget) -> str:
    if not widget["wrap_label"]:
        return _input(widget)
    place = widget["attrs"].get("id")
    of = f' for="{_escaped(place)}"' if place else ""
    return f"<label{of}>{_input(widget)} {_escaped(widget['label'])}</label>"


def _select(widget: Widget) -> str:
    groups = "".join(_group(name, options) for name, options, _place in widget["optgroups"])
    return f'<select name="{_escaped(widget["name"])}"{_attributes(widget)}>{groups}\n</select>'


def _group(name: Any, options: list[Widget]) -> str:
    written = "".join(f"\n  {_option(option)}" for option in options)
    return f'\n  <optgroup label="{_escaped(name)}">{written}\n  </optgroup>' if name else written


def _option(option: Widget) -> str:
    return f'<option value="{_escaped(option["value"])}"{_attributes(option)}>{_escaped(option["label"])}</option>'


def _attributes(widget: Widget) -> str:
    return "".join(
        f" {_escaped(name)}" if value is True else f' {_escaped(name)}="{_escaped(value)}"'
        for name, value in widget["attrs"].items()
        if value is not False
    )


def _escaped(value: Any) -> str:
    """Escape a value, except what is marked as safe."""
    text = str(value)
    return text if isinstance(text, SafeData) else escape(text)


_INPUTS = ("text", "number", "email", "url", "password", "hidden", "date", "datetime", "time", "checkbox")
_WRITERS: dict[str, Callable[[Widget], str]] = {
    **{f"{_FOLDER}/{name}.html": _input for name in _INPUTS},
    f"{_FOLDER}/radio_option.html": _option_input,
    f"{_FOLDER}/checkbox_option.html": _option_input,
    f"{_FOLDER}/select.html": _select,
}
