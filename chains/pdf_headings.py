"""Which lines of a PDF are headings: set larger or bolder than the body, or named in its bookmarks.

Pure: knows lines and their places, no PDF library.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .extraction_builder import one_line
from .pdf_lines import Line, Page
from .sentences import states_a_sum

__all__ = ["FoundHeading", "Headings"]

LARGER = 1.12  # times the body's size
LONGEST = 150  # characters of a heading
MOST_LINES = 3
NEXT_LINE = 1.7  # line heights from one line of a heading to its next
MOST_SHARE = 0.3  # of a document's lines: where more are bold, bold says nothing
DEEPEST = 6
MOST_CELLS = 3  # wide gaps: this many stretches are a table's head
LETTERS = re.compile(r"[^\W\d_]{2}")
NO_HEADING = re.compile(
    r"[•◦▪‣·●○■–—*]\s|.*[.,;]$|\(?\d+\)?\s*$|(?:figure|fig\.|table|abb\.)\s*\d", re.IGNORECASE
)
CODE = re.compile(r"\W*\w*\d{6,}\W*$")  # under the bars of a receipt
LEADERS = re.compile(r"\.{4,}|(?:\. ){4,}")  # a line of a table of contents
NUMBERING = re.compile(r"[\d.]+\s+")


@dataclass(frozen=True, slots=True)
class FoundHeading:
    title: str
    level: int
    lines: int  # how many lines it takes


class Headings:
    """Tells the headings of one document from its own usage of type."""

    def __init__(self, lines: Sequence[Line], outline: Sequence[tuple[int, str]]) -> None:
        weights: Counter[tuple[float, bool]] = Counter()
        for line in lines:
            weights[_rounded(line.size), line.bold] += len(line.text)
        self._body_size, body_bold = max(weights, key=lambda style: weights[style], default=(0.0, False))
        fixed = sum(len(line.text) for line in lines if line.fixed_width)
        self.body_fixed_width = 2 * fixed > sum(weights.values())
        self._outline = {_key(title): level for level, title in outline}
        bold = [line for line in lines if line.bold and _rounded(line.size) >= self._body_size]
        self._bold_counts = not body_bold and len(bold) <= MOST_SHARE * len(lines)
        larger = {style for style in map(_style, lines) if self._stands_out(*style)}
        order = sorted(larger, key=lambda style: (-style[0], not style[1]))
        self._levels = {style: min(place + 1, DEEPEST) for place, style in enumerate(order)}

    def at(self, lines: Sequence[Line], position: int) -> FoundHeading | None:
        """The heading that starts at this line, over as many lines as share its type."""
        first = lines[position]
        style = _style(first)
        if self._body_size and self._stands_out(*style) and len(first.cells) < MOST_CELLS:
            end = position + 1
            while end < len(lines) and _goes_on(lines[end - 1], lines[end]):
                end += 1
            title = one_line(" ".join(line.text for line in lines[position:end]))
            if end - position <= MOST_LINES and _reads_as_heading(title):
                level = self._outline.get(_key(title), self._levels[style])
                return FoundHeading(title, level, end - position)
        level = self._outline.get(_key(first.text), 0)
        return FoundHeading(one_line(first.text), level, 1) if level and LETTERS.search(first.text) else None

    def title(self, pages: Sequence[Page]) -> str:
        """What names the document: the heading at the top of page 1, else the page's highest."""
        lines = pages[0].lines if pages else []
        found = [
            (position, heading) for position in range(len(lines)) if (heading := self.at(lines, position))
        ]
        if not found:
            return ""
        first = found[0] if found[0][0] == 0 else min(found, key=lambda place: place[1].level)
        return "" if NUMBERING.match(first[1].title) else first[1].title

    def _stands_out(self, size: float, bold: bool) -> bool:
        if size >= LARGER * self._body_size:
            return True
        return bold and self._bold_counts and size >= 0.95 * self._body_size


def _rounded(size: float) -> float:
    return round(size * 2) / 2


def _style(line: Line) -> tuple[float, bool]:
    return _rounded(line.size), line.bold


def _goes_on(line: Line, after: Line) -> bool:
    below = 0 < line.middle - after.middle <= NEXT_LINE * line.size
    overlap = min(line.right, after.right) - max(line.left, after.left)
    return below and overlap > 0 and _style(line) == _style(after)


def _reads_as_heading(title: str) -> bool:
    return (
        len(title) <= LONGEST
        and bool(LETTERS.search(title))
        and not (NO_HEADING.match(title) or CODE.match(title) or LEADERS.search(title))
        and not states_a_sum(title)  # receipts set it in bold, and it is what is asked for
    )


def _key(title: str) -> str:
    return NUMBERING.sub("", one_line(title)).casefold()
