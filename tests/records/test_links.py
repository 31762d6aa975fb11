"""Where the links of a mail lead."""

import pytest

from records.links import MAX_ADDRESS, MAX_WORDS, Link, find_links


@pytest.mark.parametrize(
    ("html", "links"),
    [
        ('<a href="https://example.org/a?b=1&amp;c=2">Open</a>', [Link("Open", "https://example.org/a?b=1&c=2")]),
        ("<A HREF=https://example.org>Open</A>", [Link("Open", "https://example.org")]),
        ("<a href='x' href='y'>Open</a>", [Link("Open", "x")]),
        ('<a href="x">the <b>re</b>port<br>of\n today</a> and more', [Link("the report of today", "x")]),
        ('<a href="x"><img src="logo.png" alt="Acme"></a>', [Link("Acme", "x")]),
        ('<a href="x"><img src="logo.png"></a>', [Link("", "x")]),
        ('<a href="x">one<a href="y">two</a>', [Link("one", "x"), Link("two", "y")]),
        ('<a href="x">one</a><a href="x">one</a><a href="x">two</a>', [Link("one", "x"), Link("two", "x")]),
        ('<map><area href="x" alt="North"><area href="y"></map>words', [Link("North", "x"), Link("", "y")]),
        ('<a name="top">Top</a><a href="#top">Up</a><a href="">Here</a>', []),
        ('<!-- <a href="x">no</a> --><style>/* <a href="x"> */</style>', []),
        ('<a href="dingtalk://open?id=1">Open</a>', [Link("Open", "dingtalk://open?id=1")]),
        ('<a href=" java\nscript:alert(1)">Open</a>', [Link("Open", "javascript:alert(1)")]),
        (
            '<a href="https://example.org/\u202egnp.exe">a\u202eb</a>',
            [Link("ab", "https://example.org/%E2%80%AEgnp.exe")],
        ),
        ('<a href="https://例え.example/报表">报表</a>', [Link("报表", "https://例え.example/报表")]),
        ('<a href="x">never closed', [Link("never closed", "x")]),
        ('<a href="x', []),
    ],
)
def test_a_link_is_told_as_its_reader_sees_it(html: str, links: list[Link]) -> None:
    assert find_links(html) == links


def test_what_is_too_long_ends_in_an_ellipsis() -> None:
    (link,) = find_links(f'<a href="data:,{"x" * 10_000}">{"word " * 1000}')
    assert (len(link.words), len(link.address)) == (MAX_WORDS, MAX_ADDRESS)
    assert link.words.endswith("…")
    assert link.address.endswith("…")
