from __future__ import annotations

import unicodedata

from ragweave.chains.extraction_builder import ExtractionBuilder, clean, table_text


def test_cleaning_composes_letters_and_drops_what_is_not_seen() -> None:
    dirty = "u\u0308ber\x00 zwei\u00adzeilig\ufeff \u200eend\r\n\u00a0\ud800."

    assert clean(dirty) == "über zweizeilig end\n ."
    assert unicodedata.is_normalized("NFC", clean(dirty))


def test_columns_and_rows_that_are_empty_throughout_are_left_out() -> None:
    assert table_text([["a", "", "b"], ["", "", ""], ["c", " ", ""]]) == "| a | b |\n| c |  |"


def test_marks_point_at_their_text() -> None:
    builder = ExtractionBuilder()
    builder.page()
    builder.heading("  Annual\nleave ", level=2)
    builder.table([["A", "30"]])
    builder.page()
    builder.block("  - deep\n", kind="list")

    extraction = builder.build()

    assert extraction.text == "Annual leave\n\n| A | 30 |\n\n  - deep"
    heading = extraction.headings[0]
    assert (extraction.text[heading.start : heading.end], heading.level) == ("Annual leave", 2)
    assert [extraction.text[block.start : block.end] for block in extraction.blocks] == [
        "| A | 30 |",
        "  - deep",
    ]
    assert extraction.pages == (0, extraction.text.index("  - deep"))


def test_empty_pages_start_where_the_next_text_does() -> None:
    builder = ExtractionBuilder()
    builder.page()
    builder.page()
    builder.paragraph("Text.")
    builder.page()

    assert builder.build().pages == (0, 0, 5)


def test_a_page_may_start_within_a_paragraph() -> None:
    builder = ExtractionBuilder()
    builder.paragraph("Thirty")
    builder.page()
    builder.continue_paragraph("days.")

    extraction = builder.build()

    assert (extraction.text, extraction.pages) == ("Thirty days.", (7,))


def test_another_extraction_moves_in_with_its_marks() -> None:
    inner = ExtractionBuilder()
    inner.heading("Inner", level=1)
    inner.table([["A", "30"]])
    outer = ExtractionBuilder()
    outer.paragraph("Before.")

    outer.extraction(inner.build(), below=1)
    extraction = outer.build()

    heading, block = extraction.headings[0], extraction.blocks[0]
    assert (extraction.text[heading.start : heading.end], heading.level) == ("Inner", 2)
    assert extraction.text[block.start : block.end] == "| A | 30 |"


def test_the_first_of_the_highest_headings_is_the_title() -> None:
    builder = ExtractionBuilder()
    builder.heading("Part", level=2)
    builder.heading("Handbook", level=1)

    assert builder.build().title == "Handbook"
    assert builder.build(title="Own").title == "Own"
