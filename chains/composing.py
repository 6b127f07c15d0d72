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

__all__ = ["Part", "code_part", "compose", "list_parts"]


@dataclass(frozen=True, slots=True)
class Part:
    """A heading (`level` from 1), paragraph, list, table or piece of code, as it will stand in the text."""

    kind: Literal["heading", "paragraph", "list", "table", "code"]
    text: str = ""
    level: int = 0
    rows: tuple[tuple[str, ...], ...] = ()  # of a table


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


def _item(mark: str, texts: Sequence[str]) -> str:
    indent = " " * (len(mark) + 1)
    lines = "\n".join(texts).split("\n")
    return "\n".join([f"{mark} {lines[0]}", *(indent + line for line in lines[1:])])
