from __future__ import annotations

import io

import pytest
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from ragweave.chains.errors import IngestError
from ragweave.chains.extraction import Extraction
from ragweave.chains.readers import read

HERE = [Inches(1)] * 4


def deck() -> bytes:
    presentation = Presentation()
    first = presentation.slides.add_slide(presentation.slide_layouts[1])
    first.shapes.title.text = "Annual leave"
    frame = first.placeholders[1].text_frame
    frame.text = "Thirty days"
    frame.add_paragraph().text = "Ten more for parents"
    first.notes_slide.notes_text_frame.text = "Mention the form."
    second = presentation.slides.add_slide(presentation.slide_layouts[5])
    second.shapes.title.text = "Grades"
    table = second.shapes.add_table(2, 2, *HERE).table
    for row, cells in enumerate([("Grade", "Days"), ("A", "30")]):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    group = second.shapes.add_group_shape()
    group.shapes.add_textbox(*HERE).text_frame.text = "In a group"
    chart = CategoryChartData()  # type: ignore[no-untyped-call]  # ships no types
    chart.categories = ["2024", "2025"]
    chart.add_series("Days taken", (21, 24.5))  # type: ignore[no-untyped-call]  # ships no types
    second.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *HERE, chart)
    buffer = io.BytesIO()
    presentation.save(buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def extraction() -> Extraction:
    return read(deck(), "leave.pptx")


def test_each_slide_is_a_page_with_its_title_as_heading(extraction: Extraction) -> None:
    assert [one.title for one in extraction.headings] == ["Annual leave", "Grades"]
    assert [one.start for one in extraction.headings] == list(extraction.pages)
    assert all(extraction.text[one.start : one.end] == one.title for one in extraction.headings)


def test_bullets_and_notes_belong_to_their_slide(extraction: Extraction) -> None:
    slide = extraction.text[extraction.pages[0] : extraction.pages[1]].strip()

    assert slide == "Annual leave\n\n- Thirty days\n- Ten more for parents\n\nNotes: Mention the form."


def test_tables_are_rows(extraction: Extraction) -> None:
    table = next(block for block in extraction.blocks if block.kind == "table")

    assert extraction.text[table.start : table.end] == "| Grade | Days |\n| A | 30 |"


def test_text_in_groups_and_numbers_in_charts_are_read(extraction: Extraction) -> None:
    assert "In a group" in extraction.text
    assert "| 2025 | 24.5 |" in extraction.text


def test_numbers_and_footers_of_slides_are_left_out() -> None:
    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    slide.shapes.title.text = "Grades"
    for placeholder in slide.slide_layout.placeholders:
        if placeholder.placeholder_format.idx >= 10:  # date, footer, slide number
            slide.shapes.clone_placeholder(placeholder)
    for placeholder in slide.placeholders:
        if placeholder.placeholder_format.idx >= 10:
            placeholder.text_frame.text = "Acme 2026"
    buffer = io.BytesIO()
    presentation.save(buffer)

    assert "Acme 2026" in "".join(shape.text_frame.text for shape in slide.placeholders)
    assert read(buffer.getvalue(), "leave.pptx").text == "Grades"


def test_a_cut_file_says_so() -> None:
    with pytest.raises(IngestError, match=r"leave\.pptx cannot be read as pptx"):
        read(deck()[:-3000], "leave.pptx")
