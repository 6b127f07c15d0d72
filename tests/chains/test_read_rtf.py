from __future__ import annotations

from ragweave.chains.readers import read

RTF = rb"""{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Times;}}
{\stylesheet{\s0 Normal;}{\s1\b\fs32 heading 1;}{\s2 heading 2;}}{\info{\title Leave rules}}
\pard\s1 {\b Annual} leave\par\pard Thirty days \endash  caf\'e9 \u8364? 5.\par
\trowd\cellx100\cellx200\pard\intbl Grade\cell Days\par a year\cell\row
\trowd\cellx100\cellx200\pard\intbl A\cell 30|31\cell\row
\pard\s2 Parents\par\pard Ten more \u-10179?\u-8704?\par}"""


def test_styles_give_headings() -> None:
    extraction = read(RTF, "leave.rtf")

    assert [(one.level, one.title) for one in extraction.headings] == [(1, "Annual leave"), (2, "Parents")]
    assert all(extraction.text[one.start : one.end] == one.title for one in extraction.headings)


def test_tables_keep_rows_and_cells_of_several_paragraphs() -> None:
    extraction = read(RTF, "leave.rtf")

    table = extraction.blocks[0]
    assert extraction.text[table.start : table.end] == "| Grade | Days a year |\n| A | 30|31 |"


def test_characters_in_all_three_spellings_are_read() -> None:
    text = read(RTF, "leave.rtf").text

    assert "Thirty days – café € 5." in text
    assert "Ten more 😀" in text


def test_the_title_comes_from_the_files_own_data() -> None:
    assert read(RTF, "leave.rtf").title == "Leave rules"


def test_an_outline_level_is_a_heading_without_a_style() -> None:
    extraction = read(rb"{\rtf1\pard\outlinelevel1 Notice\par\pard Six weeks.\par}", "leave.rtf")

    assert [(one.level, one.title) for one in extraction.headings] == [(2, "Notice")]
