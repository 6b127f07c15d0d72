"""What every reader gives: one text, and marks that say where its headings, pages and tables are.

All positions are offsets in characters into `text`. Knows no format.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Block", "Extraction", "Heading"]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading line; `level` 1 is the highest. `text[start:end]` is the line as it stands in the text."""

    start: int
    end: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch that is cut only if it does not fit a passage whole."""

    start: int
    end: int
    kind: Literal["table", "code", "list", "paragraph"]


@dataclass(frozen=True, slots=True)
class Extraction:
    """The readable text of one document."""

    text: str
    title: str = ""  # from the document itself; "" where it has none
    headings: tuple[Heading, ...] = ()  # in order
    pages: tuple[int, ...] = ()  # where page 1, 2, ... starts (slides, sheets too); () where there are none
    blocks: tuple[Block, ...] = ()  # in order, not overlapping
    reader: str = ""  # name and version of what read it, part of the pipeline's fingerprint
