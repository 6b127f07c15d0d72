"""What of a passage can be quoted, and how far a list reaches."""

from __future__ import annotations

import pytest

from ragweave.chains.quotable import is_lead_in, list_end, list_start, stretches

LISTED = "Bring these:\n\n- a passport\n- two photos. In colour.\n- the fee\n\nThen wait."
CODE = "Run this:\n\n```python\nx = {\n}\n```\n\nDone at last."


def quoted(text: str) -> list[str]:
    return [text[one.start : one.end] for one in stretches(text)]


@pytest.mark.parametrize(
    "text",
    [
        "# Leave\n\nYou get 25 days a year.",
        "Leave\n=====\n\nYou get 25 days a year.",
        "Leave\n\nYou get 25 days a year.",
        "Some text ends here.\n\nLeave\n\nYou get 25 days a year.",
        "Leave\nYou get 25 days a year, of which ten may be carried over into the following one.",
    ],
)
def test_a_heading_is_not_quoted_but_kept_with_what_stands_below_it(text: str) -> None:
    last = stretches(text)[-1]

    assert last.heading == "Leave"
    assert text[last.start : last.end].startswith("You get 25 days")
    assert "Leave" not in quoted(text)


def test_a_line_with_a_sum_is_quoted_and_no_heading() -> None:
    assert quoted("Thanks.\n\nTOTAL $821.14\n\nCome again.") == ["Thanks.", "TOTAL $821.14", "Come again."]


def test_items_and_rows_are_stretches_of_their_kind() -> None:
    table = "| name | port |\n|---|---|\n| web | 80 |"

    assert [one.kind for one in stretches(LISTED)][1:3] == ["item", "item"]
    assert quoted(table) == ["| web | 80 |"]  # the names of the columns are no answer
    assert {one.kind for one in stretches(table)} == {"row"}


def test_a_row_is_named_by_its_columns_and_knows_where_these_stand() -> None:
    table = "| Country | Area (km2) | Capital |\n| Austria | 83,879 | Vienna |\n| Malta | 316 | Valletta |"
    table = f"Areas\n\n{table}"

    rows = [one for one in stretches(table) if one.kind == "row"]

    assert [table[one.start : one.end] for one in rows] == [
        "| Austria | 83,879 | Vienna |",
        "| Malta | 316 | Valletta |",
    ]
    assert {(one.heading, one.columns) for one in rows} == {("Areas", "Country, Area (km2), Capital")}
    assert [table[slice(*one.head)] for one in rows if one.head] == 2 * ["| Country | Area (km2) | Capital |"]


@pytest.mark.parametrize(
    "table",
    [
        "| Cinema: | Downtown |\n| Contact: | Sarah |",  # a form
        "| Founder | Bill Gates |\n| Chairman | Satya Nadella |",  # may be one
        "| A-12 | 450 | 12 May |\n| B-07 | 289 | 13 May |",  # no names at all
        "| Report 2024-11-15 | East | Sarah |\n| A | B | C |",
    ],
)
def test_a_first_row_that_says_something_stays_and_is_no_head(table: str) -> None:
    pieces = stretches(table)

    assert quoted(table) == table.split("\n")
    assert not any(one.head for one in pieces)


def test_each_table_has_its_own_columns() -> None:
    tables = "| Pet | Legs | Wings |\n| dog | 4 | 0 |\n\n| a form: | x |\n| b: | y |"

    assert [one.columns for one in stretches(tables)] == ["Pet, Legs, Wings", "", ""]


def test_a_table_that_is_led_in_is_part_of_its_list() -> None:
    text = "The days by grade are:\n\n| Grade | Days | Weeks |\n| A | 30 | 6 |"
    pieces = stretches(text)

    assert list_end(text, pieces, 0, words=99) == 1


def test_a_fenced_block_is_one_stretch_with_its_braces() -> None:
    assert quoted(CODE) == ["Run this:", "x = {\n}", "Done at last."]


def test_marks_of_the_format_are_left_out() -> None:
    text = "/// note\n\nMind the gap.\n\n///\n\n{* ../a.py *}\n\n<img src='a.png'>\n\n---\n\nThe end is near."

    assert quoted(text) == ["Mind the gap.", "The end is near."]


@pytest.mark.parametrize("text", ["", "   \n\n  "])
def test_nothing_comes_of_nothing(text: str) -> None:
    assert stretches(text) == []


def test_headings_alone_are_better_quoted_than_lost() -> None:
    assert quoted("# Contact") == ["# Contact"]


def test_a_list_ends_with_its_last_item_and_brings_second_sentences() -> None:
    pieces = stretches(LISTED)

    end = list_end(LISTED, pieces, 0, words=100)

    assert is_lead_in("Bring these:")
    assert LISTED[pieces[0].start : pieces[end].end].endswith("the fee")


def test_a_long_list_is_cut_at_the_number_of_words() -> None:
    pieces = stretches(LISTED)

    end = list_end(LISTED, pieces, 0, words=6)

    assert LISTED[pieces[end].start : pieces[end].end] == "- a passport"


def test_an_item_finds_what_leads_it_in() -> None:
    pieces = stretches(LISTED)

    assert list_start(LISTED, pieces, 2) == 0
    assert list_start(LISTED, pieces, len(pieces) - 1) == len(pieces) - 1


def test_prose_below_a_colon_is_no_list() -> None:
    text = "Import it first:\n\nThis is a paragraph."

    assert list_end(text, stretches(text), 0, words=100) == 0
