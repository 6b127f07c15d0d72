"""Running heads and page numbers: lines that come back at the edge of page after page.

Pure: knows lines and their places, no PDF library.
"""

from __future__ import annotations

import re
from collections import Counter

from .pdf_lines import Line, Page

__all__ = ["without_running_heads"]

MARGIN = 0.1  # of a page's height, at its top and its bottom
EDGE_LINES = 2  # lines from the edge that are looked at
NUMBER_MARGIN = 0.18  # a page number may stand further in, if nothing stands further out
FEWEST_PAGES = 3
FEWEST_NUMBERED = 2
SHARE = 0.45  # of the pages: heads of left and right pages may differ
DIGITS = re.compile(r"\d+")
NUMBER_ALONE = re.compile(
    r"\W*(?:page|seite|p\.)?\s*#\s*(?:(?:of|/|von)\s*#)?\W*|[ivxlc]{1,6}", re.IGNORECASE
)


def without_running_heads(pages: list[Page]) -> list[list[Line]]:
    """The lines of each page without those; a head that is more than a number stays where it comes first."""
    edges = [_edge_lines(page) for page in pages]
    counts = Counter(key for edge in edges for key in set(edge.values()))
    needed = max(FEWEST_PAGES, SHARE * len(pages))
    needed_numbers = max(FEWEST_NUMBERED, SHARE * len(pages))
    seen: set[tuple[str, str]] = set()
    result: list[list[Line]] = []
    for page, edge in zip(pages, edges, strict=True):
        kept: list[Line] = []
        for number, line in enumerate(page.lines):
            key = edge.get(number)
            number_alone = key is not None and bool(NUMBER_ALONE.fullmatch(key[1]))
            again = key is not None and counts[key] >= (needed_numbers if number_alone else needed)
            if not again or (key not in seen and not number_alone):
                kept.append(line)
            if again and key is not None:
                seen.add(key)
        result.append(kept)
    return result


def _edge_lines(page: Page) -> dict[int, tuple[str, str]]:
    """Number of a line at an edge to the edge's name and its text with figures made alike."""
    if not page.placed:
        return {}
    order = sorted(range(len(page.lines)), key=lambda number: page.lines[number].middle)
    edges: dict[int, tuple[str, str]] = {}
    for name, numbers in (("bottom", order[:EDGE_LINES]), ("top", order[: -EDGE_LINES - 1 : -1])):
        for place, number in enumerate(numbers):
            line = page.lines[number]
            inside = line.middle if name == "bottom" else page.height - line.middle
            text = DIGITS.sub("#", line.text)
            outermost_number = place == 0 and NUMBER_ALONE.fullmatch(text)
            if inside < (NUMBER_MARGIN if outermost_number else MARGIN) * page.height:
                edges[number] = (name, text)
    return edges
