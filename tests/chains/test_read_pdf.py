from __future__ import annotations

import io
from pathlib import Path

import pytest

from ragweave.chains.errors import IngestError
from ragweave.chains.extraction import Extraction
from ragweave.chains.readers import read

from .pdf_file import PdfPage, pdf

SAMPLES = Path(__file__).resolve().parents[3] / "shared/data/sample-docs/files"
PROSE = (
    "Everyone who works here for a whole year may take thirty days of paid leave, and those who",
    "start in the middle of a year may take two and a half days for each month that is left of the",
    "year in which they start.",
)


def sample(name: str) -> Extraction:
    if not (SAMPLES / name).exists():
        pytest.skip(f"No {name}: ../shared/data/sample-docs is not there.")
    return read((SAMPLES / name).read_bytes(), name)


def test_larger_type_is_a_heading_at_its_exact_place() -> None:
    page = PdfPage().text("Annual leave", y=700, size=18).lines(*PROSE, y=660)

    extraction = read(pdf(page), "leave.pdf")

    heading = extraction.headings[0]
    assert (heading.title, heading.level) == ("Annual leave", 1)
    assert extraction.text[heading.start : heading.end] == "Annual leave"
    assert extraction.title == "Annual leave"


def test_bold_type_of_the_bodys_size_is_a_heading_below_the_larger_one() -> None:
    page = PdfPage().text("Annual leave", y=700, size=18).text("Parents", y=670, font="bold")
    page.lines(*PROSE, y=650)

    extraction = read(pdf(page), "leave.pdf")

    assert [(one.level, one.title) for one in extraction.headings] == [(1, "Annual leave"), (2, "Parents")]


@pytest.mark.parametrize("line", ["Total $821.14", "To pay: 1,200.00 EUR", "*TXN98765202411231432*"])
def test_a_sum_or_a_code_in_bold_is_no_heading(line: str) -> None:
    page = PdfPage().text(line, y=700, font="bold").lines(*PROSE, y=650)

    extraction = read(pdf(page), "receipt.pdf")

    assert extraction.headings == ()
    assert line in extraction.text


def test_full_lines_join_to_one_paragraph() -> None:
    extraction = read(pdf(PdfPage().lines(*PROSE, y=700)), "leave.pdf")

    assert extraction.text == " ".join(PROSE)


@pytest.mark.parametrize(
    ("rotation", "matrix", "start"),
    [(90, "0 1 -1 0", (100, 72)), (180, "-1 0 0 -1", (540, 100)), (270, "0 -1 1 0", (512, 720))],
)
def test_pages_on_their_side_read_like_upright_ones(
    rotation: int, matrix: str, start: tuple[int, int]
) -> None:
    page = PdfPage(rotation=rotation)
    down = {90: (12, 0), 180: (0, 12), 270: (-12, 0)}[rotation]
    lines = [PROSE[0], PROSE[0], "They apply in writing."]  # capitals: only full lines above join them
    for number, line in enumerate(lines):
        x, y = (place + number * step for place, step in zip(start, down, strict=True))
        page.operators.append(f"BT /plain 10 Tf {matrix} {x} {y} Tm ({line}) Tj ET")

    assert read(pdf(page), "leave.pdf").text == " ".join(lines)


def test_a_wider_gap_parts_paragraphs() -> None:
    page = PdfPage().lines(*PROSE, y=700).lines(*PROSE, y=650)

    extraction = read(pdf(page), "leave.pdf")

    assert extraction.text == "\n\n".join([" ".join(PROSE)] * 2)


def test_pages_start_where_their_text_starts() -> None:
    data = pdf(PdfPage().text("First page.", y=700), PdfPage(), PdfPage().text("Third page.", y=700))

    extraction = read(data, "pages.pdf")

    assert [extraction.text[start:] for start in extraction.pages] == [
        "First page.\n\nThird page.",
        "Third page.",
        "Third page.",
    ]


def test_a_sentence_over_a_page_break_stays_whole() -> None:
    data = pdf(PdfPage().lines(*PROSE[:2], y=700), PdfPage().lines(*PROSE[2:], y=700))

    extraction = read(data, "leave.pdf")

    assert extraction.text == " ".join(PROSE)
    assert extraction.text[extraction.pages[1] :] == PROSE[2]


def test_a_word_divided_at_a_line_end_is_made_whole() -> None:
    page = PdfPage().lines(
        "Everyone who works here for a whole year may take thirty days of paid leave and so on con-",
        "firming it in writing.",
        y=700,
    )

    extraction = read(pdf(page), "leave.pdf")

    assert "so on confirming it" in extraction.text


def test_a_compound_that_is_written_with_a_hyphen_elsewhere_keeps_it() -> None:
    page = PdfPage().text("This is a multi-agent system.", y=730)
    page.lines(
        "Everyone who works here for a whole year may take thirty days of leave with the new multi-",
        "agent planner.",
        y=700,
    )

    extraction = read(pdf(page), "leave.pdf")

    assert "new multi-agent planner" in extraction.text


def test_aligned_columns_are_a_table() -> None:
    page = PdfPage().lines(*PROSE, y=700)
    for row, cells in enumerate(
        [("Grade", "Days", "Notice"), ("A", "30", "6 weeks"), ("B", "27", "3 months")]
    ):
        for column, cell in enumerate(cells):
            page.text(cell, x=72 + 120 * column, y=640 - 14 * row)

    extraction = read(pdf(page), "leave.pdf")

    table = extraction.blocks[0]
    assert table.kind == "table"
    assert extraction.text[table.start : table.end] == (
        "| Grade | Days | Notice |\n| A | 30 | 6 weeks |\n| B | 27 | 3 months |"
    )


def test_a_ruled_table_keeps_cells_of_several_lines() -> None:
    page = PdfPage().grid([72, 200, 400], [700, 670, 630])
    page.text("Grade", x=76, y=680).text("Days", x=204, y=680)
    page.text("A", x=76, y=655).lines("thirty, and five more", "after ten years", x=204, y=655)

    extraction = read(pdf(page), "leave.pdf")

    assert "| A | thirty, and five more after ten years |" in extraction.text


def test_bullets_with_a_wide_gap_are_a_list_and_no_table() -> None:
    page = PdfPage()
    for number, item in enumerate(["thirty days of leave", "a bicycle", "coffee"]):
        page.text("\u2022", x=72, y=700 - 14 * number).text(item, x=100, y=700 - 14 * number)

    extraction = read(pdf(page), "list.pdf")

    assert not extraction.blocks
    assert "• a bicycle" in extraction.text


def test_a_raised_figure_stays_in_its_line() -> None:
    after = 72 + 20 * 6  # a character of this type is 0.6 of its size wide
    page = PdfPage().text("The office has 100 m", y=700, font="code")
    page.text("2", x=after, y=704, size=6, font="code").text(" of floor.", x=after + 3.6, y=700, font="code")

    extraction = read(pdf(page), "office.pdf")

    assert extraction.text == "The office has 100 m2 of floor."


def test_running_heads_stay_once_and_page_numbers_go() -> None:
    pages = [
        PdfPage().text("Acme handbook", y=770).text(f"Text number {n}.", y=600).text(str(n), x=300, y=30)
        for n in range(1, 5)
    ]

    extraction = read(pdf(*pages), "handbook.pdf")

    assert extraction.text == "Acme handbook\n\n" + "\n\n".join(f"Text number {n}." for n in range(1, 5))


def test_code_keeps_its_lines_and_indentation() -> None:
    page = PdfPage().lines(*PROSE, y=700).text("def leave():", y=640, font="code")
    page.text("return 30", x=72 + 4 * 6, y=628, font="code")

    extraction = read(pdf(page), "code.pdf")

    block = extraction.blocks[0]
    assert (block.kind, extraction.text[block.start : block.end]) == ("code", "def leave():\n    return 30")


def test_the_title_comes_from_the_files_own_data() -> None:
    extraction = read(pdf(PdfPage().text("Text.", y=700), title="Leave policy"), "x.pdf")

    assert extraction.title == "Leave policy"


def test_a_password_is_named_as_the_reason() -> None:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf(PdfPage().text("Secret.", y=700)))))
    writer.encrypt("secret", algorithm="RC4-128")
    buffer = io.BytesIO()
    writer.write(buffer)

    with pytest.raises(IngestError, match=r"secret\.pdf is protected by a password.*without the password"):
        read(buffer.getvalue(), "secret.pdf")


def test_a_cut_file_is_refused_and_not_read_in_part() -> None:
    data = pdf(*(PdfPage().lines(*PROSE, y=700) for _ in range(40)))

    with pytest.raises(IngestError, match=r"cut\.pdf cannot be read as pdf.*cut off"):
        read(data[: len(data) // 2], "cut.pdf")


def test_a_pdf_without_a_word_is_refused() -> None:
    with pytest.raises(IngestError, match=r"empty\.pdf has no text layer.*OCR"):
        read(pdf(PdfPage()), "empty.pdf")


def test_entries_of_a_form_are_read() -> None:
    from pypdf import PdfReader, PdfWriter
    from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf(PdfPage().text("Application for leave.", y=700)))))
    entry = DictionaryObject(
        {
            NameObject("/FT"): NameObject("/Tx"),
            NameObject("/T"): TextStringObject("Applicant"),
            NameObject("/V"): TextStringObject("Ada Lovelace"),
        }
    )
    form = DictionaryObject({NameObject("/Fields"): ArrayObject([writer._add_object(entry)])})
    writer.root_object[NameObject("/AcroForm")] = form
    buffer = io.BytesIO()
    writer.write(buffer)

    extraction = read(buffer.getvalue(), "form.pdf")

    assert extraction.text.endswith("Applicant: Ada Lovelace")


def test_a_scan_asks_for_ocr() -> None:
    with pytest.raises(IngestError, match="no text layer: not a sentence on its 3 page.*OCR"):
        sample("medical-report-scan.pdf")


def test_arabic_reads_in_logical_order() -> None:
    extraction = sample("arabic-rtl.pdf")

    assert "تحسين الإنتاجية وحل المشكلات" in extraction.text


def test_two_columns_are_read_one_after_the_other() -> None:
    extraction = sample("latex-multicolumn.pdf")

    assert "consectetuer adipiscing elit. Ut purus elit, vestibulum ut, placerat ac" in extraction.text
    assert "Quisque ullamcorper placerat ipsum. Cras nibh. Morbi vel justo" in extraction.text


def test_pages_of_pictures_among_text_are_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    picture = PdfPage(["q 100 0 0 100 72 600 cm BI /W 1 /H 1 /BPC 8 /CS /G ID \x41 EI Q"])

    read(pdf(PdfPage().lines(*PROSE, y=700), picture), "half.pdf")

    assert "half.pdf: page(s) 2 are pictures without text" in caplog.text
