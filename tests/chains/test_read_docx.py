from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from docx import Document as new_document
from docx.document import Document
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from ragweave.chains.errors import IngestError
from ragweave.chains.extraction import Extraction
from ragweave.chains.readers import read


def reading(write: Callable[[Document], object]) -> Extraction:
    return read(saved(write), "leave.docx")


def saved(write: Callable[[Document], object]) -> bytes:
    document = new_document()
    write(document)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def handbook(document: Document) -> None:
    document.add_heading("Handbook", level=0)
    document.add_heading("Leave", level=1)
    document.add_paragraph("Thirty days a year.")
    table = document.add_table(rows=2, cols=2)
    for row, cells in enumerate([("Grade", "Days"), ("A", "30")]):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    document.add_heading("Parents", level=2)
    document.add_paragraph("Ten days more.")


def test_headings_and_tables_come_in_document_order() -> None:
    extraction = reading(handbook)

    assert extraction.text == (
        "Handbook\n\nLeave\n\nThirty days a year.\n\n| Grade | Days |\n| A | 30 |\n\n"
        "Parents\n\nTen days more."
    )
    assert [(one.level, one.title) for one in extraction.headings] == [
        (1, "Handbook"),
        (1, "Leave"),
        (2, "Parents"),
    ]
    assert all(extraction.text[one.start : one.end] == one.title for one in extraction.headings)
    table = extraction.blocks[0]
    assert (table.kind, extraction.text[table.start : table.end]) == ("table", "| Grade | Days |\n| A | 30 |")


def test_the_title_paragraph_is_the_title() -> None:
    assert reading(handbook).title == "Handbook"


def test_a_style_built_on_a_heading_is_a_heading() -> None:
    def write(document: Document) -> None:
        style = document.styles.add_style("Clause", 1)
        style.base_style = document.styles["Heading 3"]
        document.add_paragraph("Notice", style="Clause")

    assert [(one.level, one.title) for one in reading(write).headings] == [(3, "Notice")]


def test_bold_lines_are_headings_where_no_style_says_so() -> None:
    def write(document: Document) -> None:
        document.add_paragraph().add_run("Annual leave").bold = True
        document.add_paragraph("Thirty days.")
        paragraph = document.add_paragraph()
        paragraph.add_run("Note").bold = True
        paragraph.add_run(" that it lapses")

    assert [one.title for one in reading(write).headings] == ["Annual leave"]


def test_bold_lines_are_text_beside_real_headings() -> None:
    def write(document: Document) -> None:
        document.add_heading("Leave", level=1)
        document.add_paragraph().add_run("Important").bold = True

    assert [one.title for one in reading(write).headings] == ["Leave"]


def test_a_table_of_contents_is_left_out() -> None:
    def write(document: Document) -> None:
        document.styles.add_style("toc 1", 1)
        document.add_paragraph("Leave\t7", style="toc 1")
        document.add_heading("Leave", level=1)

    assert reading(write).text == "Leave"


def test_list_items_are_one_block() -> None:
    def write(document: Document) -> None:
        document.add_paragraph("You get:")
        document.add_paragraph("leave", style="List Bullet")
        document.add_paragraph("a bicycle", style="List Bullet")

    extraction = reading(write)

    assert extraction.text == "You get:\n\n- leave\n- a bicycle"
    assert extraction.blocks[0].kind == "list"


def test_numbers_that_word_counts_are_written_out() -> None:
    def write(document: Document) -> None:
        for text, style in [("first", "List Number"), ("second", "List Number"), ("a dot", "List Bullet")]:
            document.add_paragraph(text, style=style)

    assert reading(write).text == "1. first\n2. second\n- a dot"


def test_numbers_of_several_levels_count_and_restart() -> None:
    def write(document: Document) -> None:
        level = '<w:lvl w:ilvl="{}"><w:start w:val="1"/><w:numFmt w:val="{}"/><w:lvlText w:val="{}"/></w:lvl>'
        levels = level.format(0, "decimal", "%1.") + level.format(1, "lowerLetter", "%1.%2)")
        pattern = f'<w:abstractNum {nsdecls("w")} w:abstractNumId="77">{levels}</w:abstractNum>'
        number = f'<w:num {nsdecls("w")} w:numId="77"><w:abstractNumId w:val="77"/></w:num>'
        numbering = document.part.numbering_part.element
        numbering.insert(0, parse_xml(pattern))
        numbering.append(parse_xml(number))
        for text, depth in [("Leave", 0), ("paid", 1), ("unpaid", 1), ("Notice", 0), ("early", 1)]:
            paragraph = document.add_paragraph(text, style="Heading 1" if depth == 0 else None)
            place = f'<w:numPr {nsdecls("w")}><w:ilvl w:val="{depth}"/><w:numId w:val="77"/></w:numPr>'
            paragraph._p.get_or_add_pPr().append(parse_xml(place))

    extraction = reading(write)

    assert extraction.text == "1. Leave\n\n  1.a) paid\n  1.b) unpaid\n\n2. Notice\n\n  2.a) early"
    assert [one.title for one in extraction.headings] == ["1. Leave", "2. Notice"]


def test_merged_cells_keep_their_columns() -> None:
    def write(document: Document) -> None:
        table = document.add_table(rows=3, cols=3)
        for row in range(3):
            for column in range(3):
                table.cell(row, column).text = f"{row}{column}"
        table.cell(0, 1).merge(table.cell(0, 2)).text = "wide"
        table.cell(1, 0).merge(table.cell(2, 0)).text = "tall"

    assert reading(write).text == "| 00 | wide |  |\n| tall | 11 | 12 |\n| tall | 21 | 22 |"


def test_a_frame_of_one_cell_is_read_as_text() -> None:
    def write(document: Document) -> None:
        document.add_table(rows=1, cols=1).cell(0, 0).text = "Note well."

    extraction = reading(write)

    assert (extraction.text, extraction.blocks) == ("Note well.", ())


def test_insertions_count_and_deletions_do_not() -> None:
    def write(document: Document) -> None:
        paragraph = document.add_paragraph("Days: ")._p
        run = "<w:r><w:{tag}>{text}</w:{tag}></w:r>"
        deleted, inserted = run.format(tag="delText", text="20"), run.format(tag="t", text="30")
        paragraph.append(parse_xml(f"<w:del {nsdecls('w')}>{deleted}</w:del>"))
        paragraph.append(parse_xml(f"<w:ins {nsdecls('w')}>{inserted}</w:ins>"))

    assert reading(write).text == "Days: 30"


def test_text_boxes_are_read_once_after_their_paragraph() -> None:
    def write(document: Document) -> None:
        paragraph = document.add_paragraph("Beside the box.")._p
        box = "<w:txbxContent><w:p><w:r><w:t>In the box.</w:t></w:r></w:p></w:txbxContent>"
        space = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
        choice = f'<mc:Choice Requires="wps">{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback>'
        alternate = f"<mc:AlternateContent>{choice}</mc:AlternateContent>"
        paragraph.append(parse_xml(f"<w:r {nsdecls('w')} {space}>{alternate}</w:r>"))

    assert reading(write).text == "Beside the box.\n\nIn the box."


def test_headers_and_comments_stand_at_the_end() -> None:
    def write(document: Document) -> None:
        paragraph = document.add_paragraph("Thirty days.")
        document.sections[0].header.paragraphs[0].text = "Acme handbook"
        document.add_comment(paragraph.runs, text="Check this.", author="Ada")

    assert reading(write).text == "Thirty days.\n\nAcme handbook\n\nComment (Ada): Check this."


def test_a_cut_file_says_so() -> None:
    with pytest.raises(
        IngestError, match=r"leave\.docx cannot be read as docx: the file is damaged.*save it"
    ):
        read(saved(handbook)[:-2000], "leave.docx")


def test_entities_from_outside_are_not_fetched() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(handbook))) as source, zipfile.ZipFile(buffer, "w") as target:
        for member in source.namelist():
            content = source.read(member)
            if member == "word/document.xml":
                content = content.replace(b"Thirty", b"&secret;Thirty")
                declaration = b'<!DOCTYPE d [<!ENTITY secret SYSTEM "file:///etc/hostname">]>'
                content = content.replace(b"<w:document", declaration + b"<w:document", 1)
            target.writestr(member, content)

    extraction = read(buffer.getvalue(), "leave.docx")

    assert "Thirty days a year." in extraction.text
    assert Path("/etc/hostname").read_text().strip() not in extraction.text
