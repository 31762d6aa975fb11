"""Plain text made of HTML."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.compose.plain_text import MAX_LENGTH, text_from_html


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("  \n ", ""),
        ("plain", "plain"),
        ("a < b & c", "a < b & c"),
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<p>One\n  and\tmore </p>\n<p>\n</p>\n<p> Two</p>", "One and more\n\nTwo"),
        ("<h1>Title</h1>Text", "Title\n\nText"),
        ("<div>One</div><div>Two</div>", "One\nTwo"),
        ("<div><div><p>Deep</p></div></div><div>Next</div>", "Deep\n\nNext"),
        ("one<br>two<br/>three<br><br>four<br><br><br><br>five", "one\ntwo\nthree\n\nfour\n\nfive"),
        ("<b>bold</b> <i>italic</i>, <u>all</u> one line", "bold italic, all one line"),
        ("<b>a</b><b>b</b>", "ab"),
        ("a<hr>b", "a\nb"),
        # Character references.
        ("&lt;tag&gt; &amp;amp; &copy; &#25968;&#x636E;", "<tag> &amp; © 数据"),
        ("数据&nbsp;平台", "数据 平台"),
        ("&nosuch; &#0; &#x110000; &#xD800;", "&nosuch; &#0; \ufffd \ufffd"),
        # Lists.
        ("<ul><li>one<li>two</ul>after", "* one\n* two\n\nafter"),
        ("before<ol><li>one</li><li><p>two</p></li></ol>", "before\n\n1. one\n\n2. two"),
        ("<ul><li>one<ul><li>inner</li></ul></li><li>two</li></ul>", "* one\n  * inner\n* two"),
        ("<ol><li>a<ol><li>b</ol><li>c</ol>", "1. a\n  1. b\n2. c"),
        ("<ul><li>one<br>more</ul>", "* one\n  more"),
        ("<li>stray", "stray"),
        ("</ul></ol>x", "x"),
        # Tables.
        ("<table><tr><th>Task</th><th>State</th></tr>\n<tr>\n<td>load</td>\n<td>failed</td></tr></table>",
         "Task  State\nload  failed"),
        ("<table><thead><tr><td>a<tbody><tr><td>b<td>c</table>d", "a\nb  c\n\nd"),
        # Links.
        ('See <a href="https://x.example/?a=1&amp;b=2">the log</a>.', "See the log <https://x.example/?a=1&b=2>."),
        ('<a href="https://x.example/">https://x.example</a>!', "https://x.example!"),
        ('<a href="https://x.example">x.example</a>', "x.example"),
        ('<a href="mailto:a@b.example">a@b.example</a>', "a@b.example"),
        ('<a href="mailto:a@b.example">Ann</a>', "Ann <mailto:a@b.example>"),
        ('<a href="https://x.example"><img src="x.png"></a>', "<https://x.example>"),
        ('<a href="https://x.example"><img alt="Logo"></a>', "Logo <https://x.example>"),
        ('<a href="javascript:alert(1)">go</a><a href="#top">up</a><a name="x">here</a>', "gouphere"),
        ('<a href="https://x.de">one <a href="https://y.de">two</a>', "one <https://x.de> two <https://y.de>"),
        ('<a href="java\nscript:x">go</a>', "go"),
        ('<a href="https://x.example/a\n b">go</a>', "go <https://x.example/ab>"),
        # What isn't seen.
        ("<style>p{}</style><script>x<p></script><title>t</title>a<textarea>b</textarea>", "a"),
        ("<!-- a -->b<!--[if mso]>c<![endif]-->", "b"),
        ("<head><title>T</title></head><body>x</body>", "x"),
        # Preformatted.
        ("<pre>  a\n    b\n\nc</pre>d", "  a\n    b\n\nc\n\nd"),
        # Characters that no text should hold.
        ("a\0b\x1b[31mc\x7f\ud800d", "ab[31mcd"),
    ],
)  # fmt: skip
def test_html_reads_as_text(html: str, text: str) -> None:
    assert text_from_html(html) == text


def test_deep_lists_are_indented_only_so_far() -> None:
    text = text_from_html("<ul>" * 1000 + "<li>x")
    assert text == " " * 16 + "* x"


def test_a_text_that_is_too_long_is_cut() -> None:
    text = text_from_html("<p>" + "word " * 400_000)
    assert len(text) == MAX_LENGTH
    assert text.endswith("…")


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(["<ul>", "</ul>", "<ol>", "<li>", "<a href=http://x>", "</a>", "<pre>", "</pre>", "<p>",
                             "<br>", "<td>", "<img alt=x>", "&nbsp;", "&", "<", ">",
                             "<!--", "-->", "\r\n", " ", "\0", "\ud800"]),
            st.text(max_size=5),
        ),
        max_size=40,
    ).map("".join)
)  # fmt: skip
def test_no_html_raises(html: str) -> None:
    text = text_from_html(html)
    assert "\0" not in text
    assert "\r" not in text
    text.encode()


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text("abc数", min_size=1, max_size=5), min_size=1, max_size=5))
def test_every_word_survives(words: list[str]) -> None:
    html = "".join(f"<div><table><td><b>{word}</b> " for word in words)
    assert text_from_html(html).split() == words


@pytest.mark.parametrize(
    "hostile",
    [
        "<div>" * 50_000,
        "<b>" * 100_000 + "x",
        "<ul><li>x" * 20_000,
        "<a href=https://x>" * 20_000 + "</a>" * 20_000,
        "<a href=https://x>x" * 20_000,
        "<td>" * 100_000 + "x",
        "<table><tr><td>" * 20_000 + "x",
        "<pre>" + "\n" * 500_000,
        " " * 500_000 + "x",
        "<p> " * 100_000,
        "&#" + "9" * 100_000 + ";",
        "&" * 100_000,
        '<td colspan=99999999 rowspan=99999999 style="padding-left:99999999em">x',
    ],
    ids=lambda hostile: hostile[:20],
)
def test_hostile_html_takes_time_and_space_in_proportion(hostile: str) -> None:
    started = time.process_time()
    text = text_from_html(hostile)
    assert time.process_time() - started < 5
    assert len(text) <= 3 * len(hostile)
