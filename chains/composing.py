"""Parts of a document put together: one text, and the marks that point into it.

Readers of marked-up formats turn their input into parts, this turns parts into an `Extraction`.
Knows no format.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .extraction import Extraction
from .extraction_builder import ExtractionBuilder

__all__ = [
    "SUPERSCRIPT",
    "Cell",
    "Part",
    "code_part",
    "compose",
    "definition_parts",
    "list_parts",
    "table_part",
]

SUPERSCRIPT = str.maketrans("0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")  # 10 to the 6th is not 106
MOST_SPANNED = 1000  # rows or columns; pages state absurd numbers


@dataclass(frozen=True, slots=True)
class Part:
    """A heading (`level` from 1), paragraph, list, table or piece of code, as it will stand in the text."""

    kind: Literal["heading", "paragraph", "list", "table", "code"]
    text: str = ""
    level: int = 0
    rows: tuple[tuple[str, ...], ...] = ()  # of a table


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table and how many rows and columns it takes."""

    text: str
    rows: int = 1
    columns: int = 1


def compose(parts: Iterable[Part], *, title: str = "", reader: str) -> Extraction:
    """One text of all parts, a blank line between them; without `title`, its highest heading is its title."""
    builder = ExtractionBuilder()
    for part in parts:
        match part.kind:
            case "heading":
                builder.heading(part.text, level=part.level)
            case "table":
                builder.table(part.rows)
            case "code" | "list" as kind:
                builder.block(part.text, kind=kind)
            case _:
                builder.paragraph(part.text.strip())
    return replace(builder.build(title=title), reader=reader)


def code_part(text: str) -> Part:
    """Code as it stands, without the blanks that all of its lines begin with and those that end them."""
    import textwrap

    return Part("code", textwrap.dedent("\n".join(line.rstrip() for line in text.split("\n"))))


def list_parts(items: Iterable[tuple[str, Sequence[Part]]]) -> list[Part]:
    """A list as one part, a line per item, nested items indented; as several where it holds code or tables.

    Each item is its mark (`-`, `2.`) and its contents.
    """
    entries = [(mark, list(parts)) for mark, parts in items]
    if all(part.kind in ("paragraph", "list") for _, parts in entries for part in parts):
        lines = [_item(mark, [part.text for part in parts]) for mark, parts in entries if parts]
        return [Part("list", "\n".join(lines))] if lines else []
    flat: list[Part] = []
    for mark, parts in entries:
        if parts and parts[0].kind in ("paragraph", "heading"):
            flat.append(Part("list", _item(mark, [parts[0].text])))
            parts = parts[1:]
        flat.extend(Part("paragraph", part.text) if part.kind == "heading" else part for part in parts)
    return flat


def table_part(rows: Iterable[Sequence[Cell]]) -> Part:
    """A table; a cell that spans rows stands in each of them, so that each can be read alone."""
    lines: list[tuple[str, ...]] = []
    spanning: dict[int, Cell] = {}  # by column: the cell with the rows it has left
    for row in rows:
        line: list[str] = []
        cells = list(reversed(row))
        while cells or any(column >= len(line) for column in spanning):
            column = len(line)
            cell = spanning.pop(column, None) or (cells.pop() if cells else Cell(""))
            if cell.rows > 1:
                spanning[column] = replace(cell, rows=min(cell.rows, MOST_SPANNED) - 1)
            line += [cell.text] + [""] * (min(cell.columns, MOST_SPANNED) - 1)
        lines.append(tuple(line))
    return Part("table", rows=tuple(lines))


def definition_parts(term: str, contents: Sequence[Part]) -> list[Part]:
    """A term in one paragraph with its definition, which alone says nothing."""
    if not term or not contents or contents[0].kind != "paragraph":
        return [Part("paragraph", term), *contents]
    joint = " " if term.endswith((":", "?", ".", "!")) else ": "
    return [Part("paragraph", f"{term}{joint}{contents[0].text}"), *contents[1:]]


def _item(mark: str, texts: Sequence[str]) -> str:
    indent = " " * (len(mark) + 1)
    lines = "\n".join(texts).split("\n")
    return "\n".join([f"{mark} {lines[0]}", *(indent + line for line in lines[1:])])
