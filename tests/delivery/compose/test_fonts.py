"""Fonts whose names hold more than letters and digits are shown as SimSun; nothing else changes."""

import html as html_library
import re
import time
from html.parser import HTMLParser

import pytest
import tinycss2
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.compose.fonts import replace_unsupported_fonts


def before(marked: str) -> str:
    """Return the HTML without the marks: «a name that isn't supported», ‹the source of such a font›."""
    return marked.translate(dict.fromkeys(map(ord, "«»‹›")))


def after(marked: str) -> str:
    """Return the HTML with SimSun at the marks."""
    return re.sub("‹.*?›", "local(SimSun)", re.sub("«.*?»", "SimSun", marked))


FAMILIES = [
    # Supported: letters and digits only.
    ("Arial", "Arial"),
    ("Arial, Verdana", "Arial, Verdana"),
    ('"Arial"', '"Arial"'),
    ("Helvetica2", "Helvetica2"),
    ("8514oem", "8514oem"),
    ("微软雅黑", "微软雅黑"),
    ("宋体,黑体", "宋体,黑体"),
    ("हिन्दी", "हिन्दी"),
    ("SimSun, SimSun", "SimSun, SimSun"),
    ("", ""),
    # Not supported: spaces, hyphens, any other sign.
    ("Times New Roman", "SimSun"),
    ("'Times New Roman'", "SimSun"),
    ("Windding 3", "SimSun"),
    ("Arial-Black", "SimSun"),
    ("-apple-system", "SimSun"),
    ("'Foo_Bar'", "SimSun"),
    ("Foo_Bar", "SimSun"),
    ("'a.b'", "SimSun"),
    ("@SimHei", "SimSun"),
    ("'@SimHei'", "SimSun"),
    ("AC/DC", "SimSun"),
    ("'微软 雅黑'", "SimSun"),
    ("\\41 rial", "\\41 rial"),
    ("Segoe\\20UI", "SimSun"),
    ("Segoe\\ UI", "SimSun"),
    ("'Segoe\\20 UI'", "SimSun"),
    ("Seg/**/oe", "SimSun"),
    # Order and supported names stay; neighbours that are both SimSun become one.
    ("Arial, Times New Roman, Verdana", "Arial, SimSun, Verdana"),
    ("Segoe UI, Times New Roman, Arial", "SimSun, Arial"),
    ("Segoe UI,Arial,Times New Roman", "SimSun,Arial,SimSun"),
    ("Segoe UI, SimSun, Arial", "SimSun, Arial"),
    ("SimSun, Segoe UI, Arial", "SimSun, Arial"),
    ("simsun , Segoe UI", "simsun"),
    ("Segoe UI, 'SIMSUN', A-B, serif", "SimSun, serif"),
    # Generic families and CSS-wide keywords are keywords; in quotes they are names.
    ("Segoe UI, sans-serif", "SimSun, sans-serif"),
    ("system-ui, -apple-system, 'Segoe UI', Roboto, SANS-SERIF", "system-ui, SimSun, Roboto, SANS-SERIF"),
    ("ui-serif, ui-sans-serif, ui-monospace, ui-rounded", "ui-serif, ui-sans-serif, ui-monospace, ui-rounded"),
    ("serif, monospace, cursive, fantasy", "serif, monospace, cursive, fantasy"),
    ("math, emoji, fangsong", "math, emoji, fangsong"),
    ("'sans-serif'", "SimSun"),
    ("inherit", "inherit"),
    ("revert-layer", "revert-layer"),
    ("sans-serif extra", "SimSun"),
    # Functions are none of our business.
    ("var(--heading)", "var(--heading)"),
    ("var(--heading, Segoe UI), A B", "var(--heading, Segoe UI), SimSun"),
    ("generic(fangsong)", "generic(fangsong)"),
    # White space, comments, importance and broken lists stay.
    ("  A B  ", "  SimSun  "),
    ("/* one */ 'A B' /* two */ , C", "/* one */ SimSun /* two */ , C"),
    ("A B !important", "SimSun !important"),
    ("A B!IMPORTANT", "SimSun!IMPORTANT"),
    (", A B,, C,", ", SimSun,, C,"),
    ("'A B", "SimSun"),
]  # fmt: skip


@pytest.mark.parametrize(("families", "shown"), FAMILIES)
def test_a_list_of_families_in_a_style_attribute(families: str, shown: str) -> None:
    before = f'<p style="color: red; font-family:{families}">x</p>'
    after = f'<p style="color: red; font-family:{shown}">x</p>'
    assert replace_unsupported_fonts(before) == after


@pytest.mark.parametrize(("families", "shown"), [pair for pair in FAMILIES if not pair[0].startswith("'A B")])
def test_a_list_of_families_in_a_style_element(families: str, shown: str) -> None:
    before = f"<style>p > a:hover {{ font-family:{families}; color: red }}</style>"
    assert replace_unsupported_fonts(before) == f"<style>p > a:hover {{ font-family:{shown}; color: red }}</style>"


@pytest.mark.parametrize(
    ("font", "shown"),
    [
        ("12px Arial", "12px Arial"),
        ("12px Segoe UI", "12px SimSun"),
        ("12px 'Segoe UI', Arial", "12px SimSun, Arial"),
        ("italic bold 12px/30px Segoe UI, serif", "italic bold 12px/30px SimSun, serif"),
        ("italic small-caps 400 condensed 1.5em / 1.2 'A B'", "italic small-caps 400 condensed 1.5em / 1.2 SimSun"),
        ("oblique 10deg 80% A-B", "oblique 10deg 80% SimSun"),
        ("bold x-large A B", "bold x-large SimSun"),
        (".9rem/normal A B", ".9rem/normal SimSun"),
        ("calc(1px + (2 * 1em))/var(--line) A B", "calc(1px + (2 * 1em))/var(--line) SimSun"),
        ("var(--size) A B", "var(--size) SimSun"),
        ("12px A B, C D !important", "12px SimSun !important"),
        # Nothing that names a family.
        ("caption", "caption"),
        ("small-caption", "small-caption"),
        ("status-bar", "status-bar"),
        ("inherit", "inherit"),
        ("var(--font)", "var(--font)"),
        ("calc(1px A B", "calc(1px A B"),
        # No size: a browser ignores the whole of it.
        ("bold Segoe UI", "bold Segoe UI"),
    ],
)
def test_the_font_shorthand(font: str, shown: str) -> None:
    assert replace_unsupported_fonts(f'<p style="font:{font}">') == f'<p style="font:{shown}">'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<font face='Segoe UI'>x</font>", "<font face='SimSun'>x</font>"),
        ('<FONT COLOR=red FACE="Windding 3, Arial">', '<FONT COLOR=red FACE="SimSun, Arial">'),
        ("<font face=Arial-Black>", "<font face=SimSun>"),
        ("<font face=Arial>", "<font face=Arial>"),
        ("<span face='Segoe UI'>", "<span face='Segoe UI'>"),
        ("<font\nface\n=\n'A B'\nsize=3>", "<font\nface\n=\n'SimSun'\nsize=3>"),
    ],
)
def test_font_elements(before: str, after: str) -> None:
    assert replace_unsupported_fonts(before) == after


@pytest.mark.parametrize(
    "marked",
    [
        # Quoting and character references.
        "<p style='font-family:«\"A B\"»,C'>",
        '<p style="font-family:«&quot;A B&quot;»,C;x:&amp;y">',
        '<p style="font-family:«&#34;A B&#x22;»,C">',
        '<p style="font&#45;family&colon;«A B»">',
        '<p style="font-family:«A&#32;B»">',
        "<p style=font-family:«A-B»>",
        "<p style = font-family:«A-B» class=x>",
        "<p\tSTYLE='FONT-FAMILY:«A B»'\n>",
        "<p style='f\\6fnt-family:«A B»'>",
        "<br style='font-family:«A B»'/>",
        "<p style='font-family:«A B»' style='font-family:«C D»'>",
        # Line ends and odd characters stay.
        "<p\r\nstyle='color:red;\r\nfont-family:\r\n «A B»;\r\n'>\r\n",
        "\0<p style='font-family:«A B»'>\0",
        # What only looks like a declaration of a font.
        "<p style='--font: A B; x-font-family: A B; font-size: 1px'>",
        "<p style='background:url(data:x;font-family:A B)'>",
        "<p style='content:\";font-family:A B\"'>",
        "<p style='/*;font-family:A B*/'>",
        "<p title='font-family:A B' data-style='font-family:A B'>",
        "font-family: A B",
    ],
)
def test_style_attributes(marked: str) -> None:
    assert replace_unsupported_fonts(before(marked)) == after(marked)


@pytest.mark.parametrize(
    "marked",
    [
        # Nested rules, at-rules, several rules, the last semicolon missing.
        "p{font-family:«A B»}q{font-family:C,«D E»}",
        "@media print{p{font-family:«A B»}}",
        "p{color:red;& a{font-family:«A B»}font-family:«C D»;}",
        "@import 'x.css';@charset \"utf-8\";p{font:1px «A B»}",
        "p{font-family:«A B»",
        "}p{font-family:«A B»}}",
        # A selector is no declaration.
        "font:hover{color:red}",
        "@media print{font:hover, A B{color:red}}",
        "a[title='}']{font-family:«A B»}",
        "/*}*/p{font-family:«A B»}",
        # As Word writes it.
        '<!-- /* Font Definitions */ @font-face {font-family:«"Cambria Math"»; panose-1:2 4;} -->',
        # A web font that isn't supported is shown as SimSun too, under one name.
        "@font-face{font-family:«'A B'»;src:‹url(x) format('woff2'), url(y)›;font-weight:700}p{font-family:«'A B'»,C}",
        "@font-face{src: ‹url(x.woff2)›; font-family: «My-Font» }",
        "<!-- @FONT-FACE {font-family:«'A B'»;SRC:‹url(x)›} -->",
        "@font-face{font-family:MyFont;src:url(x.woff2)}",
    ],
)
def test_style_elements(marked: str) -> None:
    assert replace_unsupported_fonts(f"<style>{before(marked)}</style>") == f"<style>{after(marked)}</style>"
    in_capitals = '<STYLE type="text/css">{}</Style >x'
    assert replace_unsupported_fonts(in_capitals.format(before(marked))) == in_capitals.format(after(marked))


@pytest.mark.parametrize(
    "marked",
    [
        "<!--[if mso]><style>p{font-family:«A B»}</style><![endif]-->",
        "<!--[if gte mso 9]><p style='font-family:«A B»'><![endif]-->",
        "<![if !mso]><p style='font-family:«A B»'><![endif]>",
        "<!--[if !mso]><!--><p style='font-family:«A B»'><!--<![endif]-->",
        "<!-- <p style='font-family:A B'> -->",
        "<!--[if mso]><style>p{font-family:A B}",
        "<!--><p style='font-family:«A B»'>",
        "<!---><p style='font-family:«A B»'>",
        "<!-- --!><p style='font-family:«A B»'>",
    ],
)
def test_comments(marked: str) -> None:
    assert replace_unsupported_fonts(before(marked)) == after(marked)


@pytest.mark.parametrize(
    "untouched",
    [
        "",
        "plain text",
        "<p>no styles</p>",
        "a < b and <3 <>< </> <!> <?php font-family: A B ?>",
        "<script>'<p style=\"font-family:A B\">'</script>",
        "<textarea><p style='font-family:A B'></textarea>",
        "<title><font face='A B'></title>",
        "<p style='font-family:A B",
        "<p style=",
        "<p style",
        "<style",
        "<!--",
        "<plaintext>",
        "\ud800<p style='color:red'>",
    ],
)
def test_what_holds_no_font_stays_as_it_is(untouched: str) -> None:
    assert replace_unsupported_fonts(untouched) == untouched


def test_the_mail_goes_on_after_elements_without_markup() -> None:
    before = "<script>'<p style=\"'</script ><p style='font-family:A B'>"
    assert replace_unsupported_fonts(before) == "<script>'<p style=\"'</script ><p style='font-family:SimSun'>"


_PIECES = st.lists(
    st.sampled_from(
        ["<p", "<font", "<style>", "</style>", "<!--", "-->", "[if mso]", " style=", " face=", "'", '"', ">", "/",
         "&quot;", "&#32;", "&",
         "font-family", "font", ":", ";", ",", "{", "}", "(", ")", "\\", "/*", "*/",
         "url(", "A B", "Arial", "-", "1px", "@font-face", "src",
         "!important", "\r\n", "\n", " ", "\0", "é", "🎉", "var("]
    ),
    max_size=60,
).map("".join)  # fmt: skip


@settings(deadline=None, max_examples=500)
@given(_PIECES)
def test_broken_html_never_raises_and_is_done_in_one_go(broken: str) -> None:
    once = replace_unsupported_fonts(broken)
    assert replace_unsupported_fonts(once) == once
    assert len(once) <= len(broken) + 20 * broken.count("A B") + 20 * (
        broken.count("-") + broken.count("src") + broken.count("&")
    )


@settings(deadline=None, max_examples=200)
@given(st.text(st.characters(exclude_characters="<")))
def test_text_without_tags_stays(text: str) -> None:
    assert replace_unsupported_fonts(text) == text


_FAMILY = st.lists(
    st.sampled_from(["Arial", "'Segoe UI'", "A-B", "serif", "微软雅黑", "Times New Roman", "var(--x)", "SimSun"]),
    min_size=1,
)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.sampled_from(["font-family:", "font: bold 12px/1 "]), _FAMILY), max_size=4))
def test_other_readers_see_what_this_one_meant(declarations: list[tuple[str, list[str]]]) -> None:
    style = ";".join(name + ", ".join(families) for name, families in declarations)
    shown = replace_unsupported_fonts(f'<p title="x" style="{html_library.escape(style)}">')
    seen = [
        family
        for declaration in tinycss2.parse_blocks_contents(_style_of(shown))
        for family in _families(declaration.value)
    ]
    assert all(family == "serif" or "--x" in family or family.isalnum() for family in seen)
    supported = [
        family for _name, families in declarations for family in families if family in ("Arial", "serif", "微软雅黑")
    ]
    assert [family for family in seen if family in ("Arial", "serif", "微软雅黑")] == supported


def _style_of(tag: str) -> str:
    found: dict[str, str | None] = {}

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.update(attrs)

    Reader().feed(tag)
    return found["style"] or ""


def _families(value: list[tinycss2.ast.Node]) -> list[str]:
    words = tinycss2.serialize(value).split("/1 ")[-1]
    return [family.strip().strip("'\"") for family in words.split(",")]


@pytest.mark.parametrize(
    "hostile",
    [
        "<a " * 50_000,
        "<!--[if" * 50_000 + "-->",
        "<style>" * 50_000,
        "<style></styl" * 20_000,
        '<p style="' * 50_000,
        '<p style="font:' + "(" * 50_000 + '">',
        "<style>" + "{" * 50_000,
        "<style>" + "a{font-family:" * 20_000,
        "<p style='font-family:" + "\\" * 50_000 + "'>",
        "<p style='font-family:" + '"' * 50_000 + "'>",
        "<p style='font-family:" + "/*" * 50_000 + "'>",
        "<p style='font-family:" + "url(" * 50_000 + "'>",
        "<p style='font-family:" + "," * 50_000 + "'>",
        "<p style='font-family:" + "-" * 50_000 + "'>",
        "<p style='font-family:" + "+" * 50_000 + "'>",
        "<p style='font-family:" + "1." * 50_000 + "'>",
        "<p style='font-family:" + "&#" * 50_000 + "'>",
        "<p style='font-family:&#" + "9" * 50_000 + ";'>",
        "<p style='font-family:\\" + "a" * 50_000 + "'>",
        "<p style='font:" + "!" * 50_000 + "'>",
        "<p" + " a= " * 50_000,
        "<" * 100_000,
        "</" * 50_000,
        "<p " + "/" * 100_000,
    ],
    ids=lambda hostile: hostile[:30],
)
def test_hostile_html_takes_time_in_proportion_to_its_length(hostile: str) -> None:
    started = time.process_time()
    replace_unsupported_fonts(hostile)
    assert time.process_time() - started < 5
