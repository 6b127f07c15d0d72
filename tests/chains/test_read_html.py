from __future__ import annotations

import json
from pathlib import Path

import pytest

from ragweave.chains.extraction import Extraction
from ragweave.chains.read_html import html_parts, read_html

from .extraction_marks import assert_marks_hold, blocks_of

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def page(body: str, *, head: str = "") -> Extraction:
    extraction = read_html(f"<html><head>{head}</head><body>{body}</body></html>".encode(), "a.html")
    assert_marks_hold(extraction)
    return extraction


def test_headings_have_levels_and_paragraphs_the_white_space_of_a_browser() -> None:
    extraction = page("<h1> A \n <b>b</b></h1><p>One\n  two&nbsp;<i>three</i><br>four</p>Loose<h3>C</h3>")

    assert extraction.text == "A b\n\nOne two three\nfour\n\nLoose\n\nC"
    assert [(heading.level, heading.title) for heading in extraction.headings] == [(1, "A b"), (3, "C")]


def test_entities_are_characters() -> None:
    assert page("<p>&lt;a&gt; &amp; &eacute; &#8364; &hearts;</p>").text == "<a> & é € ♥"


def test_a_table_is_a_line_a_row() -> None:
    source = "<table><caption>Leave</caption><tr><th>Grade<th>Days<tr><td>A<td>30 <b>days</b></table>"

    extraction = page(source)

    assert extraction.text == "Leave\n\n| Grade | Days |\n| A | 30 days |"
    assert blocks_of(extraction, "table") == ["| Grade | Days |\n| A | 30 days |"]


def test_a_cell_that_spans_rows_stands_in_each() -> None:
    source = (
        "<table><tr><td rowspan=2>A</td><td>1</td></tr><tr><td>2</td></tr>"
        "<tr><td colspan=2>both</td></tr></table>"
    )

    assert page(source).text == "| A | 1 |\n| A | 2 |\n| both |  |"


def test_a_list_within_a_cell_is_one_line() -> None:
    source = "<table><tr><td>Who<td><ul><li>Ann<li>Bob<br>(chair)</ul></table>"

    assert page(source).text == "| Who | Ann; Bob (chair) |"


def test_a_table_for_layout_is_read_as_text() -> None:
    source = "<table><tr><td><h2>A</h2><p>Text</p><table><tr><td>1<td>2</table></td></tr></table>"

    assert page(source).text == "A\n\nText\n\n| 1 | 2 |"


def test_lists_are_nested_and_numbered() -> None:
    source = "<ol start=3><li>three<ul><li>in</ul><li>four</ol><ul><li>a</li><ul><li>b</li></ul></ul>"

    assert blocks_of(page(source), "list") == ["3. three\n   - in\n4. four", "- a\n  - b"]


def test_code_keeps_its_white_space() -> None:
    extraction = page(
        "<pre><code>def f():\n    <b>return</b> 1\n\n# end</code></pre><p>by <code>f</code></p>"
    )

    assert blocks_of(extraction, "code") == ["def f():\n    return 1\n\n# end"]
    assert extraction.text.endswith("by f")


def test_a_definition_carries_its_term() -> None:
    assert page("<dl><dt>Leave</dt><dd>30 days</dd><dt>Why?</dt><dd>Rest</dd></dl>").text == (
        "Leave: 30 days\n\nWhy? Rest"
    )


def test_menus_scripts_and_hidden_text_are_left_out() -> None:
    source = (
        "<header>Logo</header><nav>Menu</nav><div role=navigation>More</div><script>x()</script>"
        "<style>p{}</style><p hidden>a</p><p style='display: none'>b</p><span aria-hidden=true>c</span>"
        "<noscript>d</noscript><!-- e --><button>f</button><p>Text</p><footer>Imprint</footer>"
    )

    assert page(source).text == "Text"


def test_the_header_and_footer_of_an_article_are_read() -> None:
    source = "<article><header><h1>A</h1></header><p>Text</p><footer>By Ann</footer></article>"

    assert page(source).text == "A\n\nText\n\nBy Ann"


def test_a_page_header_with_the_main_heading_is_read() -> None:
    assert page("<header><h1>A</h1></header><p>Text</p>").text == "A\n\nText"


def test_the_main_part_alone_is_read_where_it_holds_most_of_the_page() -> None:
    assert page(f"<div>Cookies?</div><main><p>{'Text ' * 20}</p></main>").text == ("Text " * 20).strip()


def test_a_main_part_that_holds_little_does_not_hide_the_rest() -> None:
    assert "Text" in page(f"<main></main><div>{'Text ' * 20}</div>").text


def test_marks_of_footnotes_are_left_out_and_powers_are_not_digits() -> None:
    source = (
        "<p>Founded in 1975<sup><a href='#n'>[1]</a></sup>. 10<sup>6</sup> m<sup>2</sup> of CO<sub>2</sub>, "
        "1<sup>st</sup></p>"
    )

    assert page(source).text == "Founded in 1975. 10⁶ m² of CO2, 1st"


@pytest.mark.parametrize(
    ("head", "body", "title"),
    [
        ("<title>Leave - Example Ltd</title>", "<h1>Leave</h1>", "Leave"),
        ("<title>Leave &amp; rest</title>", "<h1>Other</h1>", "Leave & rest"),
        ("<title>Untitled</title>", "<h1>Leave</h1>", "Leave"),
        ("", "<h2>Leave</h2>", "Leave"),
        ("", "<p>Text</p>", ""),
    ],
)
def test_the_title_is_that_of_the_page_without_the_site(head: str, body: str, title: str) -> None:
    assert page(body, head=head).title == title


@pytest.mark.parametrize(
    "source",
    [
        '<meta charset="koi8-r"><p>Привет, мир</p>',
        "<meta http-equiv='Content-Type' content='text/html; charset=koi8-r'><p>Привет, мир</p>",
        '<?xml version="1.0" encoding="koi8-r"?><html><body><p>Привет, мир</p></body></html>',
    ],
)
def test_the_encoding_is_the_one_that_the_page_names(source: str) -> None:
    assert read_html(source.encode("koi8-r"), "a.html").text == "Привет, мир"


def test_latin_1_is_read_as_browsers_do() -> None:
    source = '<meta charset="iso-8859-1"><p>5 € “café”</p>'

    assert read_html(source.encode("cp1252"), "a.html").text == "5 € “café”"


@pytest.mark.parametrize("source", [b"<!-- nothing -->", b"<html></html>", b"  "])
def test_a_page_without_text_gives_no_text(source: bytes) -> None:
    assert read_html(source, "a.html").text == ""


def test_broken_and_deep_html_is_read() -> None:
    deep = "<div>" * 1500 + "deep <b>down</b>"

    assert page("<p>a<b>b<p>c</i></td>").text == "ab\n\nc"
    assert " ".join(page(deep).text.split()) == "deep down"


def test_a_fragment_is_read_with_everything_in_it() -> None:
    assert [part.text for part in html_parts("<nav>Menu</nav><b>x</b>")] == ["Menu", "x"]


@pytest.mark.parametrize(
    "name", ["blog.html", "wikipedia-microsoft.html", "wiki-duck.html", "nested-lists.html"]
)
def test_sample_pages_hold_what_is_expected_of_them(name: str) -> None:
    folder = SHARED / "sample-docs"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: the sample documents are not part of the repository")
    lines = (folder / "expect.jsonl").read_text().splitlines()
    expected = next(one for one in map(json.loads, lines) if one["file"] == name)

    extraction = read_html((folder / "files" / name).read_bytes(), name)

    assert_marks_hold(extraction)
    text = " ".join(extraction.text.replace("|", " ").split()).lower()  # the samples know no marks of cells
    assert [one for one in expected["must_contain"] if one.lower() not in text] == []
    assert [one for one in expected.get("must_not", []) if one.lower() in text] == []
