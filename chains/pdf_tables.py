"""Tables without ruling lines: consecutive lines whose wide gaps leave aligned columns.

Pure: knows lines and their places, no PDF library.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .pdf_lines import Cell, Line

__all__ = ["Table", "find_tables", "unwoven"]

NEXT_ROW = 3.8  # times the type size from one row's middle to the next one's
ALIGNED = 0.7  # of the type size: how far apart two edges of a column may lie
PROSE_CELL = 32  # characters: columns of longer cells are two columns of running text, not a table


@dataclass(frozen=True, slots=True)
class Table:
    """The lines `start` to `end` (excluded) as rows of cells."""

    start: int
    end: int
    rows: list[list[str]]


def find_tables(lines: Sequence[Line]) -> list[Table]:
    """The tables among the lines of a page, in order: three rows or more, or two of three columns or more."""
    tables: list[Table] = []
    position = 0
    while position < len(lines):
        table = _table_at(lines, position) if len(lines[position].cells) > 1 else None
        if table:
            tables.append(table)
        position = table.end if table else position + 1
    return tables


def unwoven(lines: list[Line]) -> list[Line]:
    """The lines with columns of running text one after the other where they were written side by side."""
    result: list[Line] = []
    position = 0
    while position < len(lines):
        end = position
        while end < len(lines) and len(lines[end].cells) == 2:
            end += 1
        run = lines[position:end]
        if len(run) >= 4 and _mean_length(run) > PROSE_CELL and _apart(run):
            for column in (0, 1):
                result.extend(_part(line, line.cells[column]) for line in run)
            position = end
        else:
            result.append(lines[position])
            position += 1
    return result


def _part(line: Line, cell: Cell) -> Line:
    return replace(line, text=cell.text, left=cell.left, right=cell.right, cells=[cell])


def _mean_length(lines: Sequence[Line]) -> float:
    cells = [cell for line in lines for cell in line.cells]
    return sum(len(cell.text) for cell in cells) / max(1, len(cells))


def _apart(lines: Sequence[Line]) -> bool:
    """Whether a gutter runs down between the two cells of all lines."""
    return max(line.cells[0].right for line in lines) < min(line.cells[1].left for line in lines)


def _table_at(lines: Sequence[Line], start: int) -> Table | None:
    columns = [replace(cell) for cell in lines[start].cells]
    rows = [lines[start]]
    continued: list[Line] = []  # lines of one cell: kept if another row follows
    members: list[Line] = [lines[start]]
    end = start + 1
    for position in range(start + 1, len(lines)):
        line = lines[position]
        drop = lines[position - 1].middle - line.middle
        if not 0 < drop <= NEXT_ROW * max(line.size, lines[position - 1].size):
            break
        if len(line.cells) > 1 and _fits(line, columns):
            _widen(columns, line)
            rows.append(line)
            members.extend([*continued, line])
            continued = []
            end = position + 1
        elif len(line.cells) == 1 and len(continued) < 2 and _aligned(line.cells[0], columns[1:], line.size):
            continued.append(line)
        else:
            break
    if len(rows) < 2 or (len(rows) == 2 and len(columns) < 3):
        return None
    return Table(start, end, _grid(members, columns))


def _overlaps(cell: Cell, column: Cell) -> bool:
    return cell.left < column.right and column.left < cell.right


def _aligned(cell: Cell, columns: Sequence[Cell], size: float) -> bool:
    """Whether the cell shares its left edge, right edge or middle with a column."""
    near = ALIGNED * size
    return any(
        abs(cell.left - column.left) <= near
        or abs(cell.right - column.right) <= near
        or abs(cell.left + cell.right - column.left - column.right) <= 2 * near
        for column in columns
    )


def _fits(line: Line, columns: Sequence[Cell]) -> bool:
    aligned = sum(_aligned(cell, columns, line.size) for cell in line.cells)
    return aligned * 2 >= len(line.cells)


def _widen(columns: list[Cell], line: Line) -> None:
    for cell in line.cells:
        under = [column for column in columns if _overlaps(cell, column)]
        if not under:
            columns.append(replace(cell))
            columns.sort(key=lambda column: column.left)
        elif len(under) == 1:
            under[0].left = min(under[0].left, cell.left)
            under[0].right = max(under[0].right, cell.right)


def _grid(lines: Sequence[Line], columns: Sequence[Cell]) -> list[list[str]]:
    """Rows of texts; a line of one cell goes on in the cell above it."""
    grid: list[list[str]] = []
    for line in lines:
        row = [""] * len(columns) if len(line.cells) > 1 or not grid else grid[-1]
        for cell in line.cells:
            number = _column(cell, columns)
            row[number] = f"{row[number]} {cell.text}".strip()
        if not grid or row is not grid[-1]:
            grid.append(row)
    return grid


def _column(cell: Cell, columns: Sequence[Cell]) -> int:
    for number, column in enumerate(columns):
        if _overlaps(cell, column):
            return number
    return min(range(len(columns)), key=lambda number: abs(columns[number].left - cell.left))
