"""Excel workbooks (.xlsx): a page a sheet, its name as heading, its cells as tables of values."""

from __future__ import annotations

import datetime
import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any

from .extraction import Extraction
from .extraction_builder import ExtractionBuilder
from .office_zip import open_zip
from .reader_errors import corrupt_as_ingest_error, too_large

__all__ = ["read_xlsx"]

MOST_CHARACTERS = 100_000_000  # with three a cell for its borders; many cells may share one stored text
# A formula whose result was never stored: the file was written by a program that does not calculate.
UNCALCULATED = re.compile(rb"(?:</f>|<f[^>]*/>)(?:<v\s*/>|<v></v>)?</c>")


def read_xlsx(data: bytes, name: str) -> Extraction:
    """Read a workbook; raises `IngestError` if it is damaged, a zip bomb or behind a password."""
    from lxml.etree import LxmlError
    from openpyxl import load_workbook  # type: ignore[import-untyped]  # ships no types
    from openpyxl.utils.exceptions import InvalidFileException  # type: ignore[import-untyped]  # ships no types

    with corrupt_as_ingest_error("xlsx", name, InvalidFileException, LxmlError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl tells of styles and extensions that it leaves out
        with open_zip(data, name) as archive:
            uncalculated = _has_uncalculated(archive)
        results = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        formulas = load_workbook(io.BytesIO(data), read_only=True, keep_links=False) if uncalculated else None
        builder = ExtractionBuilder()
        left = MOST_CHARACTERS
        for sheet in results.worksheets:
            builder.page()
            builder.heading(sheet.title, level=1)
            for table in _tables(_lines(sheet, formulas[sheet.title] if formulas else None)):
                left -= sum(len(cell) + 3 for row in table for cell in row)
                if left < 0:
                    raise too_large(name, f"it holds more than {MOST_CHARACTERS:,} characters")
                builder.table(table)
        return builder.build(title=results.properties.title or "", first_heading=False)


def _has_uncalculated(archive: zipfile.ZipFile) -> bool:
    sheets = (member for member in archive.namelist() if member.startswith("xl/worksheets/"))
    return any(UNCALCULATED.search(archive.read(member)) for member in sheets)


def _lines(sheet: Any, formulas: Any | None) -> Iterator[list[str]]:
    """The rows of a sheet as texts; a formula without a stored result stands for itself."""
    sheet.reset_dimensions()  # some programs state a size that is not the sheet's
    if formulas is None:
        for row in sheet.iter_rows():
            yield [_text(cell) for cell in row]
        return
    formulas.reset_dimensions()
    for row, written in zip(sheet.iter_rows(), formulas.iter_rows(), strict=True):
        yield [_text(cell) or _text(formula) for cell, formula in zip(row, written, strict=True)]


def _tables(lines: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    """Split rows at empty ones: what these part are separate tables."""
    table: list[list[str]] = []
    for line in lines:
        if any(line):
            table.append(line)
        elif table:
            yield table
            table = []
    if table:
        yield table


def _text(cell: Any) -> str:
    """A cell as a reader of the sheet would write it down: dates in ISO form, shares in per cent."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime.datetime):
        return (
            value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ", "minutes")
        )
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (int, float)) and "%" in (cell.number_format or ""):
        return f"{value * 100:.12g}%"
    if isinstance(value, float):
        return f"{value:.15g}"  # as many digits as Excel keeps
    return str(value).strip()
