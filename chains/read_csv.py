"""CSV: each row as one list item, `- Header: value; Header: value`.

A row is found and quoted alone, far from its header line, so it carries its column names along; a pipe
table would leave `| 25 | Osaka |` without a word on what 25 is. The mark of a list item keeps rows apart
where text is cut into sentences.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from .composing import Part, compose
from .decoding import decode
from .errors import IngestError
from .extraction import Extraction
from .extraction_builder import one_line

__all__ = ["read_csv"]

DELIMITERS = (",", ";", "\t", "|")
SAMPLE = 50  # rows looked at to find the delimiter
LONGEST_CELL = 100_000_000  # characters; csv's own limit, 131,072, is met by long texts


def read_csv(data: bytes, name: str) -> Extraction:
    """The rows of a CSV file, one a line, each value with its column's name; empty cells are left out.

    The delimiter (comma, semicolon, tab, bar) is found by trying. Without a header line, rows are their
    values alone. Raises IngestError where the file is no text, or no table for its quotes.
    """
    rows = _rows(decode(data, name), name)
    above, header = _header(rows)
    named = (_line(row, header) for row in rows[above + bool(header) :])
    lines = [*("; ".join(cell for cell in row if cell) for row in rows[:above]), *named]
    text = "\n".join(f"- {line}" for line in lines if line)
    return compose([Part("list", text)], reader="csv")


def _rows(text: str, name: str) -> list[list[str]]:
    csv.field_size_limit(LONGEST_CELL)
    delimiter = max(DELIMITERS, key=lambda one: _fitness(text[:100_000], one))
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        try:  # quotes within values are frequent, and no reason to refuse the file
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        except csv.Error as error:
            raise IngestError(
                f"{name} cannot be read as CSV ({error}).",
                remedy="Check its quotes, or save it as .xlsx or .txt and ingest that.",
            ) from error
    return [row for row in ([one_line(cell) for cell in row] for row in rows) if any(row)]


def _fitness(sample: str, delimiter: str) -> tuple[float, int]:
    """How evenly a delimiter divides the rows, then into how many columns."""
    rows = [row for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter) if row][:SAMPLE]
    widths = [len(row) for row in rows]
    if not widths or max(widths) == 1:
        return 0.0, 0
    usual = max(set(widths), key=lambda width: (widths.count(width), width))
    return (widths.count(usual) / len(widths), usual) if usual > 1 else (0.0, 0)


def _header(rows: list[list[str]]) -> tuple[int, list[str]]:
    """How many notes stand above the column names, and these: text only, all different; [] for none."""
    widths = [len(row) for row in rows]
    usual = max(set(widths), key=widths[:1000].count, default=0)
    for index, row in enumerate(rows[:5]):
        if len(row) >= usual:
            names = [cell for cell in row if cell]
            named = all(map(_is_name, names)) and len(set(names)) == len(names)
            return (index, row) if named and index + 1 < len(rows) else (0, [])
    return 0, []


def _is_name(cell: str) -> bool:
    """Not a number, a date, an address: years are names of columns, though."""
    if cell.isdigit() and len(cell) == 4:
        return True
    return any(char.isalpha() for char in cell) and "@" not in cell and "://" not in cell and len(cell) <= 100


def _line(row: Sequence[str], header: Sequence[str]) -> str:
    named = [(header[index] if index < len(header) else "", cell) for index, cell in enumerate(row)]
    return "; ".join(f"{column}: {cell}" if column else cell for column, cell in named if cell)
