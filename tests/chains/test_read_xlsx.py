from __future__ import annotations

import datetime
import io

import pytest
from openpyxl import Workbook  # type: ignore[import-untyped]  # ships no types

from ragweave.chains import read_xlsx
from ragweave.chains.errors import IngestError
from ragweave.chains.readers import read


def workbook(**sheets: list[list[object]]) -> bytes:
    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_each_sheet_is_a_page_with_its_name_as_heading() -> None:
    extraction = read(workbook(Leave=[["Grade", "Days"], ["A", 30]], Pay=[["Grade", "Euro"]]), "grades.xlsx")

    assert extraction.text == "Leave\n\n| Grade | Days |\n| A | 30 |\n\nPay\n\n| Grade | Euro |"
    assert [extraction.text[start : start + 3] for start in extraction.pages] == ["Lea", "Pay"]
    assert [one.title for one in extraction.headings] == ["Leave", "Pay"]
    table = extraction.blocks[0]
    assert (table.kind, extraction.text[table.start : table.end]) == ("table", "| Grade | Days |\n| A | 30 |")


def test_an_empty_row_parts_two_tables() -> None:
    extraction = read(workbook(Leave=[["Grade", "Days"], ["A", 30], [], ["Town", "Site"]]), "grades.xlsx")

    assert [block.kind for block in extraction.blocks] == ["table", "table"]


def test_values_read_as_a_person_would_write_them() -> None:
    moment = datetime.datetime(2026, 3, 1, 9, 30)
    row = [datetime.date(2026, 3, 1), moment, 0.1 + 0.2, True, 7.0]

    extraction = read(workbook(Values=[row]), "values.xlsx")

    assert extraction.text.endswith("| 2026-03-01 | 2026-03-01 09:30 | 0.3 | TRUE | 7 |")


def test_shares_are_read_in_per_cent() -> None:
    book = Workbook()
    book.active["A1"] = 0.125
    book.active["A1"].number_format = "0.0%"
    buffer = io.BytesIO()
    book.save(buffer)

    assert "| 12.5% |" in read(buffer.getvalue(), "share.xlsx").text


def test_a_formula_without_a_stored_result_stands_for_itself() -> None:
    extraction = read(workbook(Sums=[[1, 2, "=A1+B1"]]), "sums.xlsx")

    assert "| 1 | 2 | =A1+B1 |" in extraction.text


def test_a_sheets_name_is_no_title() -> None:
    assert read(workbook(Sheet1=[["a"]]), "grades.xlsx").title == ""


def test_too_much_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_xlsx, "MOST_CHARACTERS", 40)

    with pytest.raises(
        IngestError, match=r"big\.xlsx is not unpacked: it holds more than 40 characters.*split it"
    ):
        read(workbook(Big=[[1, 2, 3, 4]] * 3), "big.xlsx")


def test_a_cut_file_says_so() -> None:
    with pytest.raises(IngestError, match=r"grades\.xlsx cannot be read as xlsx"):
        read(workbook(Leave=[["Grade"]])[:-500], "grades.xlsx")
