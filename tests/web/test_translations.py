"""The tag `translate` does as Django's does."""

import pytest
from django.template import Context, Engine
from django.utils.translation import override

OURS, DJANGOS = (Engine(builtins=[tags]) for tags in ("mailbox_admin.translations", "django.templatetags.i18n"))
WRITTEN = [
    "{% translate 'Receiver' %}",
    '{% trans "Receiver" %}',
    "{% translate 'first day' context 'no such context' %}",
    "{% translate 'From' context 'first day' %}",
    "{% translate 'From' context meant %}",
    "{% translate 'Receiver' as word %}[{{ word }}{{ word }}]",
    "{% translate 'Receiver' noop %}",
    "{% translate sentence %}",
    "{% translate sentence|lower %}",
    "{% translate 'Receiver'|upper %}",
    "{% translate '<b> & 100%% \\'quoted\\'' %}",
    "{% translate hostile %}",
    "{% autoescape off %}{% translate hostile %}{% translate '<i>' %}{% endautoescape %}",
    "{% translate '' %}",
    "{% for each in several %}{% translate each %}{% translate 'Receiver' %}{% endfor %}",
    "{% blocktranslate %}Times in {{ sentence }}{% endblocktranslate %}",
    "{% get_current_language as language %}{{ language }}",
]


def draw(engine: Engine, written: str) -> list[str]:
    """Draw a template in each language, one after the other and back."""
    template = engine.from_string(written)
    drawn: list[str] = []
    for language in ("en", "zh-hans", None, "en", "zh-hans"):
        context = {"sentence": "Receiver", "meant": "first day", "hostile": "<s>", "several": ["Sender", "Receiver"]}
        with override(language):
            drawn.append(template.render(Context(context)))
    return drawn


@pytest.mark.parametrize("written", WRITTEN)
def test_it_writes_what_djangos_writes(written: str) -> None:
    assert draw(OURS, written) == draw(DJANGOS, written)


def test_it_says_each_sentence_in_the_language_of_the_page() -> None:
    english, chinese, _none, *again = draw(OURS, "{% translate 'Receiver' %}")
    assert english == "Receiver"
    assert chinese not in {"", "Receiver"}
    assert again == [english, chinese]
