"""PDF pages as lines of text with their places, sizes and gaps, in the order of the page's content.

pdfium gives the characters (beside pypdf and pdfplumber it alone keeps words apart and columns in order on
all samples, and it is the fastest); its text of right-to-left scripts is out of order, so there pypdf reads.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Cell", "Line", "Page", "RuledTable", "is_right_to_left", "page_lines", "unplaced_page"]

CELL_GAP = 0.95  # of the type size: wider gaps than this in a line part cells; justified text stays below
WORD_GAP = 0.15  # of the type size: wider gaps part words
HYPHEN_MARK = 2  # pdfium's code for a hyphen that divides a word at the end of a line
BOLD_WEIGHT = 600
BOLD_NAME = re.compile(rb"bold|black|heavy|demi|-medi|cmbx", re.IGNORECASE)
FIXED_NAME = re.compile(rb"courier|mono|consol|menlo|cmtt|sftt", re.IGNORECASE)
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
LIST_MARK = re.compile(r"[•◦▪‣·●○■–—*-]|\(?\w{1,3}[.)]")
LETTER = re.compile(r"[^\W\d_]")


@dataclass(slots=True)
class Cell:
    """A stretch of a line without a wide gap."""

    left: float
    right: float
    text: str


@dataclass(slots=True)
class Line:
    """One line; places in points from the lower left corner, `size` the height of its type."""

    text: str
    left: float = 0.0
    right: float = 0.0
    bottom: float = 0.0
    top: float = 0.0
    size: float = 0.0
    bold: bool = False
    fixed_width: bool = False  # type as of a typewriter
    divided: bool = False  # ends with a hyphen that divides a word
    cells: list[Cell] = field(default_factory=list)

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


@dataclass(frozen=True, slots=True)
class RuledTable:
    """A table drawn with lines: its frame and the texts of its cells."""

    left: float
    bottom: float
    right: float
    top: float
    rows: list[list[str]]

    def holds(self, line: Line) -> bool:
        """Whether the middle of a line lies in the frame."""
        return (
            self.left <= (line.left + line.right) / 2 <= self.right and self.bottom <= line.middle <= self.top
        )


@dataclass(slots=True)
class Page:
    """The lines of one page; `placed` is false where the lines have no places (right-to-left text)."""

    lines: list[Line]
    width: float
    height: float
    placed: bool = True
    ruled: list[RuledTable] = field(default_factory=list)

    def ruled_around(self, line: Line) -> int | None:
        """The number of the ruled table that a line stands in."""
        return next((number for number, table in enumerate(self.ruled) if table.holds(line)), None)


def page_lines(page: Any) -> Page:
    """The lines of a pdfium page."""
    text_page = page.get_textpage()
    try:
        upright = _Upright(page.get_rotation(), *page.get_mediabox())
        lines = [
            line for line in _lines(text_page.raw, text_page.count_chars(), upright) if line.text.strip()
        ]
        lines = _whole(lines)
    finally:
        text_page.close()
    return Page(lines, page.get_width(), page.get_height())


def is_right_to_left(page: Page) -> bool:
    """Whether a third of a page's letters or more are Arabic, Hebrew or of a kindred script."""
    text = "".join(line.text for line in page.lines)
    return len(RIGHT_TO_LEFT.findall(text)) * 3 > max(1, len(LETTER.findall(text)))


def unplaced_page(text: str, like: Page) -> Page:
    """A page of lines of which only the text is known."""
    lines = [Line(" ".join(line.split())) for line in text.splitlines() if line.strip()]
    return Page(lines, like.width, like.height, placed=False)


@dataclass(frozen=True, slots=True)
class _Upright:
    """Turns places on a page into those of the page as it is shown."""

    rotation: int  # degrees, clockwise
    left: float
    bottom: float
    right: float
    top: float

    def box(self, box: Any) -> tuple[float, float, float, float]:
        """Left, right, bottom and top."""
        if self.rotation == 90:
            return (
                box.bottom - self.bottom,
                box.top - self.bottom,
                self.right - box.right,
                self.right - box.left,
            )
        if self.rotation == 180:
            return self.right - box.right, self.right - box.left, self.top - box.top, self.top - box.bottom
        if self.rotation == 270:
            return self.top - box.top, self.top - box.bottom, box.left - self.left, box.right - self.left
        return box.left, box.right, box.bottom, box.top


def _lines(raw: Any, count: int, upright: _Upright) -> Iterator[Line]:
    """Split the characters at pdfium's line ends and at its division marks, which run two lines together."""
    from pypdfium2.raw import (  # type: ignore[import-untyped]  # ships no types
        FS_RECTF,
        FPDFText_GetLooseCharBox,
        FPDFText_GetUnicode,
    )

    box = FS_RECTF()
    characters: list[tuple[int, int, float, float, float, float]] = []
    for index in range(count):
        code = FPDFText_GetUnicode(raw, index)
        if code in (10, 13, HYPHEN_MARK):
            if characters:
                yield _line(raw, characters, divided=code == HYPHEN_MARK)
            characters = []
        elif FPDFText_GetLooseCharBox(raw, index, box):
            characters.append((code, index, *upright.box(box)))
    if characters:
        yield _line(raw, characters, divided=False)


def _whole(lines: list[Line]) -> list[Line]:
    """Put lines together that go on at the same height: pdfium starts one at superscripts and many a cell."""
    result: list[Line] = []
    for line in lines:
        last = result[-1] if result else None
        if last is None or last.divided or not _goes_on(last, line):
            result.append(line)
            continue
        gap = line.left - last.right
        blank = " " if gap > WORD_GAP * last.size else ""
        if gap > CELL_GAP * last.size:
            last.cells.extend(line.cells)
        elif last.cells and line.cells:
            first, *others = line.cells
            last.cells[-1].text += blank + first.text
            last.cells[-1].right = first.right
            last.cells.extend(others)
        last.text += blank + line.text
        last.right, last.divided = line.right, line.divided
        last.bold = last.bold and line.bold
    return result


def _goes_on(last: Line, line: Line) -> bool:
    """Whether a line starts right of where the last one ends, within its height."""
    return last.bottom <= line.middle <= last.top and line.left >= last.right - WORD_GAP * last.size


def _line(raw: Any, characters: list[tuple[int, int, float, float, float, float]], *, divided: bool) -> Line:
    solid = [character for character in characters if character[0] > 32 and character[5] > character[4]]
    if not solid:
        return Line(_text(code for code, *_ in characters))
    first, last = _font(raw, solid[0][1]), _font(raw, solid[-1][1])
    size = _type_size(raw, [solid[0][1], solid[len(solid) // 2][1], solid[-1][1]])
    cells: list[Cell] = []
    start = 0
    for position in range(1, len(characters) + 1):
        part = characters[start:position]
        if position < len(characters) and not _is_gap(characters, position, CELL_GAP * size):
            continue
        if position < len(characters) and LIST_MARK.fullmatch(_text(code for code, *_ in part).strip()):
            continue  # the gap behind a bullet or a number parts no columns
        ink = [character for character in part if character[0] > 32]
        if ink:
            text = _text(code for code, *_ in part).strip()
            cells.append(Cell(min(c[2] for c in ink), max(c[3] for c in ink), text))
        start = position
    return Line(
        _text(code for code, *_ in characters).strip() + ("-" if divided else ""),
        left=min(cell.left for cell in cells),
        right=max(cell.right for cell in cells),
        bottom=min(character[4] for character in solid),
        top=max(character[5] for character in solid),
        size=size,
        bold=first.bold and last.bold,
        fixed_width=first.fixed_width and last.fixed_width,
        divided=divided,
        cells=cells,
    )


def _type_size(raw: Any, indices: list[int]) -> float:
    """The middle one of some characters' type sizes, scaled as they stand on the page.

    The height of a character's box will not do: it differs between fonts of one size.
    """
    from pypdfium2.raw import FS_MATRIX, FPDFText_GetFontSize, FPDFText_GetMatrix

    matrix = FS_MATRIX()
    sizes: list[float] = []
    for index in indices:
        FPDFText_GetMatrix(raw, index, matrix)
        sizes.append(FPDFText_GetFontSize(raw, index) * math.hypot(matrix.c, matrix.d))
    return sorted(sizes)[len(sizes) // 2]


def _is_gap(
    characters: list[tuple[int, int, float, float, float, float]], position: int, wide: float
) -> bool:
    """Whether a wide gap lies before this character: between it and the last one that leaves ink."""
    if characters[position][0] <= 32:
        return False
    before = position - 1
    while before >= 0 and characters[before][0] <= 32:
        before -= 1
    return before >= 0 and characters[position][2] - characters[before][3] > wide


def _text(codes: Iterator[int]) -> str:
    """Characters from codes; pairs of surrogates (emoji, rare letters) become one."""
    joined = "".join(map(chr, codes))
    return joined.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


@dataclass(frozen=True, slots=True)
class _Font:
    bold: bool
    fixed_width: bool


def _font(raw: Any, index: int) -> _Font:
    from pypdfium2.raw import FPDFText_GetFontInfo, FPDFText_GetFontWeight

    name = ctypes.create_string_buffer(128)
    flags = ctypes.c_int()
    FPDFText_GetFontInfo(raw, index, name, len(name), flags)
    return _Font(
        bold=FPDFText_GetFontWeight(raw, index) >= BOLD_WEIGHT or bool(BOLD_NAME.search(name.value)),
        fixed_width=bool(flags.value & 1) or bool(FIXED_NAME.search(name.value)),
    )
