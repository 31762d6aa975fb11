"""Forms drawn by functions are what Django's templates draw but for line breaks, icons what their package draws."""

from datetime import date, time

import pytest
from django import forms
from django.forms.renderers import TemplatesSetting
from django.template import Context, Template
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy
from lucide.templatetags.lucide import lucide

from mailbox_admin.widgets import Renderer, draw_field

HOSTILE = "\"><script>alert('&')</script>"
CHOICES = [
    ("", gettext_lazy("All")),
    ("a&b", HOSTILE),
    (1, mark_safe("<b>one</b>")),
    ("Group <1>", [(HOSTILE, "x"), (None, "none")]),
]
WIDGETS: list[tuple[forms.Widget, object]] = [
    (forms.TextInput({"placeholder": gettext_lazy("Part of the address"), "title": HOSTILE}), HOSTILE),
    (forms.TextInput({"required": True, "disabled": False, "data-size": 3}), ""),
    (forms.TextInput(), mark_safe("<i>")),
    (forms.NumberInput({"min": 0}), 0),
    (forms.HiddenInput(), None),
    (forms.EmailInput(), "a@b.example"),
    (forms.URLInput(), "https://example.com/?a=1&b=2"),
    (forms.PasswordInput(), "secret"),
    (forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), date(2026, 1, 31)),
    (forms.TimeInput(format="%H:%M"), time(14, 5)),
    (forms.CheckboxInput(), True),
    (forms.CheckboxInput(), False),
    (forms.Select({"id": "id_x"}, CHOICES), "a&b"),
    (forms.Select(choices=CHOICES), HOSTILE),
    (forms.SelectMultiple(choices=CHOICES), ["1", HOSTILE]),
    (forms.RadioSelect({"id": "id_x"}, CHOICES), "a&b"),
    (forms.CheckboxSelectMultiple({"class": "some"}, CHOICES), [""]),
    (forms.Textarea(), HOSTILE),
]


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(("widget", "value"), WIDGETS)
def test_a_widget_is_drawn_as_by_its_template(widget: forms.Widget, value: object) -> None:
    drawn, expected = (
        widget.render('name"', value, {"aria-describedby": "x"}, renderer)
        for renderer in (Renderer(), TemplatesSetting())
    )
    assert _in_one_line(drawn) == _in_one_line(expected)


class Asking(forms.Form):
    name = forms.CharField(label=HOSTILE, help_text="As <strong>printed</strong>.", max_length=3)
    agreed = forms.BooleanField(label=HOSTILE)
    one = forms.ChoiceField(label="One & all", help_text="Any", choices=CHOICES, widget=forms.RadioSelect)


def test_a_field_has_its_label_help_and_errors() -> None:
    drawn = draw_field(Asking({"name": HOSTILE})["name"], is_optional=True)
    escaped = "&quot;&gt;&lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt;"
    assert _in_one_line(drawn) == (
        f'<div class="field"><label for="id_name">{escaped} <span class="optional">(optional)</span></label>'
        f'<input type="text" name="name" value="{escaped}" maxlength="3" required aria-invalid="true" '
        'aria-describedby="id_name_helptext id_name_error" id="id_name">'
        '<div class="help" id="id_name_helptext">As <strong>printed</strong>.</div>'
        '<ul class="errors" id="id_name_error"> '
        "<li>Ensure this value has at most 3 characters (it has 29).</li> </ul></div>"
    )


def test_a_box_to_tick_stands_before_its_label() -> None:
    drawn = draw_field(Asking()["agreed"])
    assert drawn.startswith('<div class="field"><label class="check" for="id_agreed"><input type="checkbox"')
    assert "<script>" not in drawn


def test_choices_side_by_side_are_a_group_with_a_name() -> None:
    drawn = draw_field(Asking()["one"], is_optional=True)
    assert drawn.startswith(
        '<div class="field"><fieldset aria-describedby="id_one_helptext"><legend>One &amp; all '
        '<span class="optional">(optional)</span></legend>'
    )
    assert drawn == Asking()["one"].as_field_group().replace(
        "One &amp; all</legend>", ('One &amp; all <span class="optional">(optional)</span></legend>')
    )


def test_the_parts_of_a_choice_are_drawn_as_by_their_templates() -> None:
    class Choosing(forms.Form):
        one = forms.ChoiceField(choices=CHOICES, widget=forms.RadioSelect)
        some = forms.MultipleChoiceField(choices=CHOICES, widget=forms.CheckboxSelectMultiple)

    ours, templates = (Choosing({"one": "a&b"}, renderer=renderer) for renderer in (Renderer(), TemplatesSetting()))
    for name in ("one", "some"):
        for mine, other in zip(ours[name], templates[name], strict=True):
            assert mine.tag() == other.tag()
            assert _in_one_line(mine.tag(wrap_label=True)) == _in_one_line(other.tag(wrap_label=True))
    assert str(ours["some"].errors) == str(templates["some"].errors)
    assert str(ours["one"].errors) == str(templates["one"].errors) == ""


def test_an_icon_is_drawn_as_its_package_draws_it_each_time() -> None:
    drawn = Template('{% load lucide %}{% lucide name size=17 aria_hidden="true" class=title %}')
    for title in ("some", HOSTILE, "some"):
        context = Context({"name": "settings", "title": title})
        assert drawn.render(context) == lucide("settings", size=17, aria_hidden="true", **{"class": title})
