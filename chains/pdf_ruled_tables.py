"""Tables drawn with lines: pdfplumber finds their cells, pdfium reads the text in each.

pdfplumber is slow (60 ms a page against 10), so it gets only pages with as many drawn paths as a table needs.
"""

from __future__ import annotations

import io
from typing import Any

from .extraction_builder import one_line
from .pdf_lines import RuledTable
from .reader_errors import PARSER_ERRORS

__all__ = ["RuledTables"]

FEWEST_PATHS = 4
MOST_PATHS = 2_500  # drawings and maps: pdfplumber would take seconds
FEWEST_FILLED = 3  # cells with text
LONGEST_CELL = 600  # characters on average: more is a page laid out in frames


class RuledTables:
    """The ruled tables of one document."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._plumber: Any = None

    def on_page(self, page: Any, number: int) -> list[RuledTable]:
        """The ruled tables of a pdfium page, which is page `number` (from 0) of the document."""
        if not _may_hold_tables(page):
            return []
        import pdfplumber
        from pdfplumber.utils.exceptions import PdfminerException

        broken: tuple[type[Exception], ...] = (*PARSER_ERRORS, PdfminerException)
        try:
            if self._plumber is None:
                self._plumber = pdfplumber.open(io.BytesIO(self._data))
            plumbed = self._plumber.pages[number]
            found, height = plumbed.find_tables(), float(plumbed.height)
        except broken:
            return []  # pdfium mends more than pdfminer does: the text is there, its lines are not
        text_page = page.get_textpage()
        tables = [_read(table, text_page, height) for table in found]
        text_page.close()
        return [table for table in tables if _is_table(table)]


def _may_hold_tables(page: Any) -> bool:
    """Enough drawn paths, and a page whose places both libraries count from the same corner."""
    from pypdfium2.raw import FPDF_PAGEOBJ_PATH  # type: ignore[import-untyped]  # ships no types

    if page.get_rotation() or page.get_mediabox()[:2] != (0, 0) or page.get_cropbox() != page.get_mediabox():
        return False
    paths = 0
    for _ in page.get_objects(filter=[FPDF_PAGEOBJ_PATH], max_depth=3):
        paths += 1
        if paths > MOST_PATHS:
            return False
    return paths >= FEWEST_PATHS


def _read(table: Any, text_page: Any, height: float) -> RuledTable:
    left, top, right, bottom = table.bbox
    rows = [[_cell(text_page, cell, height) for cell in row.cells] for row in table.rows]
    return RuledTable(left, height - bottom, right, height - top, rows)


def _cell(text_page: Any, cell: tuple[float, float, float, float] | None, height: float) -> str:
    if cell is None:  # covered by a cell that spans several
        return ""
    left, top, right, bottom = cell
    return one_line(text_page.get_text_bounded(left, height - bottom, right, height - top))


def _is_table(table: RuledTable) -> bool:
    filled = [cell for row in table.rows for cell in row if cell]
    columns = max((sum(bool(cell) for cell in row) for row in table.rows), default=0)
    if columns < 2 or len(table.rows) < 2 or len(filled) < FEWEST_FILLED:
        return False
    return sum(map(len, filled)) <= LONGEST_CELL * len(filled)
