from __future__ import annotations

import re
from pathlib import Path

import pytest

from ragweave.chains.extraction import Extraction
from ragweave.chains.read_markdown import read_markdown

from .extraction_marks import assert_marks_hold, blocks_of

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def markdown(source: str) -> Extraction:
    extraction = read_markdown(source.encode(), "a.md")
    assert_marks_hold(extraction)
    return extraction


def test_headings_of_both_kinds_have_their_levels() -> None:
    extraction = markdown("Title\n=====\n\n## Part { #part }\n\nText\n\nSub\n---\n\n### `code` *here* ###\n")

    assert [(heading.level, heading.title) for heading in extraction.headings] == [
        (1, "Title"),
        (2, "Part"),
        (2, "Sub"),
        (3, "code here"),
    ]
    assert extraction.title == "Title"


def test_a_comment_in_code_is_no_heading() -> None:
    extraction = markdown("```sh\n# not a heading\n\nls\n```\n")

    assert extraction.headings == ()
    assert blocks_of(extraction, "code") == ["# not a heading\n\nls"]


def test_links_and_emphasis_leave_their_words_and_code_its_backticks() -> None:
    extraction = markdown("See **the [guide](http://a.b)**, _now_, `f(*a)`, ~~old~~ and <https://x.y>.")

    assert extraction.text == "See the guide, now, `f(*a)`, old and https://x.y."


def test_wrapped_lines_are_joined_and_broken_lines_are_not() -> None:
    assert markdown("one\ntwo  \nthree\n").text == "one two\nthree"


def test_chinese_lines_are_joined_without_a_blank() -> None:
    assert markdown("中文第一行\n第二行").text == "中文第一行第二行"


def test_a_table_is_a_line_a_row() -> None:
    extraction = markdown("| Grade | Days |\n|:--|--:|\n| **A** | [30](x) |\n| B | |\n")

    assert blocks_of(extraction, "table") == ["| Grade | Days |\n| A | 30 |\n| B |  |"]


def test_lists_keep_their_marks_and_depth() -> None:
    extraction = markdown("3. three\n4. four\n   - in *four*\n   - too\n\nText\n\n* star\n* [x] done\n")

    assert blocks_of(extraction, "list") == [
        "3. three\n4. four\n   - in four\n   - too",
        "- star\n- [x] done",
    ]


def test_code_within_a_list_is_a_block_of_its_own() -> None:
    extraction = markdown("1. Run:\n\n   ```sh\n   make\n   ```\n\n2. Done\n")

    assert extraction.text == "1. Run:\n\nmake\n\n2. Done"
    assert blocks_of(extraction, "code") == ["make"]


def test_pictures_leave_their_description_and_badges_nothing() -> None:
    source = "[![CI](a.svg)](b) [![PyPI](c.svg)](d)\n\n![The flow](flow.png)\n\n# ![logo](x) Name\n"

    assert markdown(source).text == "The flow\n\nName"


def test_html_is_read_and_its_comments_are_not() -> None:
    source = (
        '<h1 align="center">Name</h1>\n\n<!-- note\n\nto self -->\n\n'
        "<details><summary>More</summary>\n\nPress <kbd>Ctrl</kbd> &amp; <dfn title='x'>wait</dfn>.\n\n"
        "</details>\n"
    )

    extraction = markdown(source)

    assert extraction.text == "Name\n\nMore\n\nPress Ctrl & wait."
    assert extraction.title == "Name"


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ('---\ntitle: "Sick leave"\ntags: [a]\n---\nText.\n', "Sick leave"),
        ('+++\ntitle = "Sick leave"\n+++\nText.\n', "Sick leave"),
        ("---\ndate: 2026-01-01\n---\n\nText.\n", ""),
    ],
)
def test_front_matter_gives_the_title_and_is_no_text(source: str, title: str) -> None:
    extraction = markdown(source)

    assert (extraction.title, extraction.text) == (title, "Text.")


def test_a_rule_at_the_top_is_no_front_matter() -> None:
    assert markdown("---\n\nText\n\n---\n\nMore\n").text == "Text\n\nMore"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("/// note | Technical **Details**\n\nBody.\n\n///\n", "Technical Details\n\nBody."),
        ("/// tip\n\nBody.\n\n///\n", "Body."),
        ('!!! warning "Careful"\n    Body.\n\n    More.\n\nAfter.\n', "Careful\n\nBody.\n\nMore.\n\nAfter."),
        ("??? note\n    Body.\nAfter.\n", "Body. After."),
        ('=== "Linux"\n\n    Run.\n\n    !!! note\n        Deep.\n', "Linux\n\nRun.\n\nDeep."),
        ("> [!WARNING]\n> Body.\n", "Body."),
        ("{* ../../docs_src/a.py hl[1:2] *}\n\nText.\n", "Text."),
        ('--8<-- "part.md"\n\nText.\n', "Text."),
        ("Text.{: .big }\n{: #id }\n", "Text."),
        ("A [link](u){ .external target='_blank' }.\n", "A link."),
        ("Yes[^1].\n\n[^1]: Note.\n", "Yes.\n\n[1] Note."),
    ],
)
def test_what_site_generators_add_is_cleaned(source: str, expected: str) -> None:
    assert markdown(source).text == expected


def test_code_keeps_what_looks_like_a_dialect() -> None:
    source = "````md\n/// note\n{* a.py *}\n```\n!!! tip\n    body\n```\n[^1]: x\n````\n"

    assert markdown(source).text == "/// note\n{* a.py *}\n```\n!!! tip\n    body\n```\n[^1]: x"


def test_colours_of_a_shown_terminal_are_left_out() -> None:
    assert markdown('```console\n$ ls\n<font color="#4E9A06">INFO</font> ok\n```').text == "$ ls\nINFO ok"


def test_deep_nesting_is_read_without_an_error() -> None:
    assert markdown("> " * 40 + "end\n").text == "end"
    assert markdown("> " * 5000 + "end\n").text in ("", "end")


def test_no_mark_is_left_in_the_documents_of_fastapi() -> None:
    folder = SHARED / "fastapi-docs" / "files"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: the sample documents are not part of the repository")
    mark = re.compile(r"^///|\{\*|\{ ?#|</?div|!\[|\]\(|<!--|(?<!`)\*\*\w[^`*]*\*\*(?!`)", re.MULTILINE)

    for path in folder.rglob("*.md"):
        extraction = read_markdown(path.read_bytes(), path.name)
        assert_marks_hold(extraction)
        code = [block for block in extraction.blocks if block.kind == "code"]
        found = (match for match in mark.finditer(extraction.text))
        outside = [m[0] for m in found if not any(one.start <= m.start() < one.end for one in code)]
        assert outside == [], path
