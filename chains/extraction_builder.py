"""Put an `Extraction` together piece by piece, so that no reader counts offsets itself.

Every piece is cleaned (NFC, no control characters) before its place is noted. Knows no format.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Literal

from .extraction import Block, Extraction, Heading

__all__ = ["ExtractionBuilder", "clean", "one_line", "table_text"]

SEPARATOR = "\n\n"
# NUL and other controls break FTS5, JSON viewers and terminals; the rest are invisible marks (soft hyphen,
# zero-width space, byte order mark, direction marks) that make equal words differ.
UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f\ufeff\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\ufffe\uffff\ud800-\udfff]"
)
LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
FIXED_BLANKS = re.compile("[\u00a0\u2007\u202f]")


def clean(text: str) -> str:
    """NFC text without control characters, with plain line ends and blanks.

    >>> clean("cafe\\u0301\\x00\\r\\n")
    'café\\n'
    """
    text = UNWANTED.sub("", LINE_ENDS.sub("\n", text))
    return unicodedata.normalize("NFC", FIXED_BLANKS.sub(" ", text))


def one_line(text: str) -> str:
    """Clean text with each run of white space as one blank.

    >>> one_line(" Annual \\n leave ")
    'Annual leave'
    """
    return " ".join(clean(text).split())


def table_text(rows: Iterable[Sequence[str]]) -> str:
    """Rows as lines `| a | b |`; empty rows and columns that are empty throughout are left out.

    >>> table_text([["Grade", "", "Days"], ["A", "", "30"]])
    '| Grade | Days |\\n| A | 30 |'
    """
    lines = [[one_line(cell) for cell in row] for row in rows]
    lines = [line for line in lines if any(line)]
    width = max((len(line) for line in lines), default=0)
    lines = [line + [""] * (width - len(line)) for line in lines]
    filled = [column for column in range(width) if any(line[column] for line in lines)]
    return "\n".join("| " + " | ".join(line[column] for column in filled) + " |" for line in lines)


class ExtractionBuilder:
    """Pieces go in in reading order, `build` gives the text with all marks at the right offsets.

    >>> builder = ExtractionBuilder()
    >>> builder.heading("Leave", level=1)
    >>> builder.paragraph("30 days.")
    >>> extraction = builder.build()
    >>> extraction.text, extraction.headings[0].title
    ('Leave\\n\\n30 days.', 'Leave')
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._headings: list[Heading] = []
        self._blocks: list[Block] = []
        self._pages: list[int] = []
        self._pages_waiting = 0

    @property
    def empty(self) -> bool:
        """Whether no text has come in yet."""
        return not self._length

    @property
    def last_character(self) -> str:
        """The last character so far, "" where there is none."""
        return self._pieces[-1][-1] if self._pieces else ""

    def page(self) -> None:
        """Start a page, slide or sheet: the next piece stands on it."""
        self._pages_waiting += 1

    def heading(self, title: str, *, level: int) -> None:
        """Add a heading line; nothing where it has no text."""
        title = one_line(title)
        if title:
            start = self._append(title)
            self._headings.append(Heading(start, start + len(title), level, title))

    def paragraph(self, text: str) -> None:
        """Add a paragraph; nothing where it has no text."""
        text = _trimmed(clean(text))
        if text:
            self._append(text)

    def continue_paragraph(self, text: str, *, joint: str = " ") -> None:
        """Add to the last piece, as where a sentence runs over the end of a page."""
        text = _trimmed(clean(text))
        if text:
            self._append(text, separator=joint)

    def block(self, text: str, *, kind: Literal["code", "list", "paragraph"]) -> None:
        """Add lines that belong together and keep their indentation."""
        text = _trimmed(clean(text))
        if text:
            start = self._append(text)
            self._blocks.append(Block(start, start + len(text), kind))

    def table(self, rows: Iterable[Sequence[str]]) -> None:
        """Add a table, one row a line."""
        text = table_text(rows)
        if text:
            start = self._append(text)
            self._blocks.append(Block(start, start + len(text), "table"))

    def extraction(self, part: Extraction, *, below: int = 0) -> None:
        """Add what another reader gave, its headings `below` levels lower; its pages are left out."""
        if not part.text:
            return
        start = self._append(part.text)
        for heading in part.headings:
            moved = Heading(start + heading.start, start + heading.end, heading.level + below, heading.title)
            self._headings.append(moved)
        for block in part.blocks:
            self._blocks.append(Block(start + block.start, start + block.end, block.kind))

    def build(self, *, title: str = "", first_heading: bool = True) -> Extraction:
        """The extraction; without a title, and if wanted, that of the first of the highest headings."""
        pages = [*self._pages, *[self._length] * self._pages_waiting]
        highest = min(self._headings, key=lambda heading: heading.level, default=None)
        return Extraction(
            text="".join(self._pieces),
            title=one_line(title) or (highest.title if highest and first_heading else ""),
            headings=tuple(self._headings),
            pages=tuple(pages),
            blocks=tuple(self._blocks),
        )

    def _append(self, text: str, *, separator: str = SEPARATOR) -> int:
        if self._pieces:
            self._pieces.append(separator)
            self._length += len(separator)
        start = self._length
        self._pages.extend([start] * self._pages_waiting)
        self._pages_waiting = 0
        self._pieces.append(text)
        self._length += len(text)
        return start


def _trimmed(text: str) -> str:
    """Without blank lines around and blanks at line ends; the first line's indentation stays."""
    return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")
