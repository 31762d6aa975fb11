"""The tags `url`, `static` and `querystring` do as Django's do."""

from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from django.contrib.admin import AdminSite
from django.http import QueryDict
from django.template import Context, Engine
from django.urls import NoReverseMatch, path, set_script_prefix
from pytest_django.fixtures import Settings

ENGINES = [Engine(builtins=[tags]) for tags in ("mailbox_admin.addresses", "django.templatetags.static")]
WRITTEN = [
    "{% url 'home' %}",
    "{% url 'records:list' %}?{{ name }}",
    "{% url 'records:detail' 7 %}",
    "{% url 'records:detail' pk=7 %}",
    "{% url name %}",
    "{% url 'records:list'|lower %}",
    "{% url 'records:list' as address %}[{{ address }}]",
    "{% url 'no:such' as address %}[{{ address }}]",
    "{% autoescape off %}{% url 'records:list' %}{% endautoescape %}",
]


FILES_WRITTEN = [
    "{% static 'mailbox/favicon.svg' %}",
    "{% static name %}",
    "{% static 'a & b.css' as address %}[{{ address }}]",
    "{% autoescape off %}{% static 'a & b.css' %}{% endautoescape %}",
]
QUERIES = ["", "before=7", "receiver=a%2Bb%26c&since=&tag=1&tag=2&before=7", "receiver=%E9%82%AE%E4%BB%B6+%E2%82%AC"]
QUERIES_WRITTEN = [
    "{% querystring %}",
    "{% querystring before=None %}",
    "{% querystring receiver='new & newer' before=None fold='1' %}",
    "{% querystring tag=several before=7 part=name %}",
    "{% querystring tag=nothing none='' %}",
    "{% querystring other receiver=None %}",
    "{% querystring before=None as query %}[{{ query }}]",
    "{% autoescape off %}{% querystring fold='<1>' %}{% endautoescape %}",
]


def each_draws(written: str, request: Any = None) -> list[str]:
    """Draw a template twice with each tag."""
    context = {"name": "senders:list", "several": (3, "x y"), "nothing": [], "other": QueryDict("receiver=me&a=b")}
    drawn: list[str] = []
    for engine in ENGINES:
        template = engine.from_string(written)
        for _ in range(2):
            made = Context(context)
            made.request = request  # type: ignore[attr-defined]  # as a context of a request has it
            drawn.append(template.render(made))
    return drawn


@pytest.mark.parametrize("written", WRITTEN)
def test_it_writes_what_djangos_writes(written: str) -> None:
    drawn = each_draws(written)
    assert drawn == drawn[-1:] * 4
    assert drawn[0] != ""


@pytest.mark.parametrize("written", FILES_WRITTEN)
def test_files_are_found_where_djangos_finds_them(written: str, settings: Settings) -> None:
    for prefix in ("/static/", "/elsewhere/"):
        settings.STATIC_URL = prefix
        drawn = each_draws(written)
        assert drawn == drawn[-1:] * 4
        assert prefix in drawn[0]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("written", QUERIES_WRITTEN)
def test_queries_are_written_as_djangos_are(written: str, query: str) -> None:
    drawn = each_draws(written, SimpleNamespace(GET=QueryDict(query)))
    assert drawn == drawn[-1:] * 4


def test_it_knows_under_which_path_the_site_is_served() -> None:
    set_script_prefix("/mail/")
    try:
        drawn = each_draws("{% url 'home' %}")
    finally:
        set_script_prefix("/")
    assert drawn == ["/mail/"] * 4
    assert each_draws("{% url 'home' %}") == ["/"] * 4


def test_it_finds_the_instance_of_an_app_that_the_page_is_of(settings: Settings) -> None:
    sites = {name: AdminSite(name) for name in ("one", "two")}
    urls: Any = ModuleType("urls")
    urls.urlpatterns = [path(f"{name}/", site.urls) for name, site in sites.items()]
    settings.ROOT_URLCONF = urls
    for name in sites:
        for request in (
            SimpleNamespace(resolver_match=SimpleNamespace(namespace=name)),
            SimpleNamespace(current_app=name),
        ):
            assert each_draws("{% url 'admin:index' %}", request) == [f"/{name}/"] * 4


def test_a_page_that_there_is_not_is_an_error() -> None:
    for engine in ENGINES:
        with pytest.raises(NoReverseMatch):
            engine.from_string("{% url 'no:such' %}").render(Context())
