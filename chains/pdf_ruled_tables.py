"""Tables drawn with lines: pdfium gives the lines, pdfplumber's geometry the cells, pdfium the text in each.

pdfplumber's own parsing of a page is left out: it took three quarters of the time of reading a PDF.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from .extraction_builder import one_line
from .pdf_lines import RuledTable

__all__ = ["ruled_tables"]

TOLERANCE = 3.0  # points: lines and ends that lie nearer to each other are one
MOST_EDGES = 600  # across or down: more are drawings and maps, on which geometry takes seconds
FEWEST_FILLED = 3  # cells with text
LONGEST_CELL = 600  # characters on average: more is a page laid out in frames


def ruled_tables(page: Any) -> list[RuledTable]:
    """The tables of a pdfium page that are drawn with lines; none on pages that lie on their side."""
    if page.get_rotation():
        return []
    edges = list(_edges(page))
    down = sum(edge["orientation"] == "v" for edge in edges)
    if not (2 <= down <= MOST_EDGES and 2 <= len(edges) - down <= MOST_EDGES):
        return []
    from pdfplumber.table import (
        Table,
        cells_to_tables,
        edges_to_intersections,
        intersections_to_cells,
        merge_edges,
    )

    merged = merge_edges(edges, TOLERANCE, TOLERANCE, TOLERANCE, TOLERANCE)
    cells = intersections_to_cells(edges_to_intersections(merged, TOLERANCE, TOLERANCE))
    text_page = page.get_textpage()
    tables = [_read(Table(page, group), text_page) for group in cells_to_tables(cells)]
    text_page.close()
    return [table for table in tables if _is_table(table)]


def _edges(page: Any) -> Iterator[dict[str, Any]]:
    """The lines across and down of a page's drawn paths, as pdfplumber wants them: `top` grows downwards."""
    from pypdfium2.raw import FPDF_PAGEOBJ_PATH  # type: ignore[import-untyped]  # ships no types

    for path in page.get_objects(filter=[FPDF_PAGEOBJ_PATH], max_depth=3):
        for (x0, y0), (x1, y1) in _segments(path):
            left, right, top, bottom = min(x0, x1), max(x0, x1), -max(y0, y1), -min(y0, y1)
            width, height = right - left, bottom - top
            if min(width, height) <= 1 and max(width, height) > TOLERANCE:
                yield {
                    "x0": left,
                    "x1": right if width > height else left,
                    "top": top,
                    "bottom": top if width > height else bottom,
                    "width": width,
                    "height": height,
                    "orientation": "h" if width > height else "v",
                    "object_type": "line",
                }


def _segments(path: Any) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """The straight pieces of a path, in the page's coordinates."""
    from pypdfium2.raw import FPDFPath_CountSegments

    matrix = path.get_matrix()
    container = path.container
    while container is not None:
        matrix = matrix.multiply(container.get_matrix())
        container = container.container
    points = [_point(path, number, matrix) for number in range(FPDFPath_CountSegments(path))]
    start = points[0][0] if points else (0.0, 0.0)
    for (before, _, closes_before), (point, draws, closes) in pairwise(points):
        if closes_before or not draws:
            start = point if not draws else start
        if draws:
            yield before, point
        if closes:
            yield point, start


def _point(path: Any, number: int, matrix: Any) -> tuple[tuple[float, float], bool, bool]:
    """Where a segment of a path ends, whether it is a line to there, and whether it closes its figure."""
    from ctypes import c_float

    from pypdfium2.raw import (
        FPDF_SEGMENT_LINETO,
        FPDFPath_GetPathSegment,
        FPDFPathSegment_GetClose,
        FPDFPathSegment_GetPoint,
        FPDFPathSegment_GetType,
    )

    segment = FPDFPath_GetPathSegment(path, number)
    x, y = c_float(), c_float()
    FPDFPathSegment_GetPoint(segment, x, y)
    is_line = FPDFPathSegment_GetType(segment) == FPDF_SEGMENT_LINETO
    return matrix.on_point(x.value, y.value), is_line, bool(FPDFPathSegment_GetClose(segment))


def _read(table: Any, text_page: Any) -> RuledTable:
    left, top, right, bottom = table.bbox
    rows = [[_cell(text_page, cell) for cell in row.cells] for row in table.rows]
    return RuledTable(left, -bottom, right, -top, rows)


def _cell(text_page: Any, cell: tuple[float, float, float, float] | None) -> str:
    if cell is None:  # covered by a cell that spans several
        return ""
    left, top, right, bottom = cell
    return one_line(text_page.get_text_bounded(left, -bottom, right, -top))


def _is_table(table: RuledTable) -> bool:
    filled = [cell for row in table.rows for cell in row if cell]
    columns = max((sum(bool(cell) for cell in row) for row in table.rows), default=0)
    if columns < 2 or len(table.rows) < 2 or len(filled) < FEWEST_FILLED:
        return False
    return sum(map(len, filled)) <= LONGEST_CELL * len(filled)
