"""From placed lines to a document: running heads dropped, headings told by type, lines joined to paragraphs.

Pure: knows lines and their places, no PDF library.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from .extraction import Extraction
from .extraction_builder import ExtractionBuilder
from .pdf_headings import Headings
from .pdf_lines import Line, Page
from .pdf_running_heads import without_running_heads
from .pdf_tables import find_tables, unwoven

__all__ = ["assemble"]

SAME_SIZE = 0.08
LOOSER = 1.25  # times the usual distance of lines: more parts paragraphs
PROSE_WIDTH = 20  # times the type size: line ends of narrower text (labels, addresses) mean something
INDENT = 0.8  # of the type size
NEARLY_FULL = 0.7  # of the column: enough for a line that a small letter follows, as in ragged text
NEIGHBOURS = 6  # lines looked at to each side for the right edge of a column
LIST_START = re.compile(r"(?:[•◦▪‣·●○■–—*-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)])\s+\S")
SENTENCE_END = re.compile(r"[.!?:;…。！？؟]['\"”’»)\]]*$")
NO_BLANKS = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u0e00-\u0e7f]")  # scripts that part no words
WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
LONGEST_WORD = 80  # characters of a paragraph's end that are looked at, whatever its length
LAST_WORD = re.compile(r"([^\W\d_]+(?:-[^\W\d_]+)*)-$")


def assemble(
    pages: list[Page], *, outline: Sequence[tuple[int, str]] = (), title: str = "", fields: Sequence[str] = ()
) -> Extraction:
    """The document of these pages, with level and title of its bookmarks and the entries of its form."""
    for page, lines in zip(pages, without_running_heads(pages), strict=True):
        page.lines = unwoven(lines) if page.placed else lines
    return _Writer(pages, outline).extraction(title, fields)


class _Writer:
    """Writes one document; `_text` is the paragraph under way, `_last` its last line."""

    def __init__(self, pages: list[Page], outline: Sequence[tuple[int, str]]) -> None:
        lines = [line for page in pages for line in page.lines]
        self._pages = pages
        self._headings = Headings(lines, outline)
        self._pitches = _pitches(pages)
        self._words = Counter(word.casefold() for line in lines for word in WORD.findall(line.text))
        self._builder = ExtractionBuilder()
        self._text = ""
        self._joint: str | None = None  # what ties the paragraph to the last piece, None for a new piece
        self._last: Line | None = None
        self._code = False  # whether all lines of the paragraph are of fixed width, and the body is not
        self._left = 0.0  # where its first line starts

    def extraction(self, title: str, fields: Sequence[str]) -> Extraction:
        for page in self._pages:
            self._page(page)
        self._end_paragraph()
        self._builder.block("\n".join(fields), kind="list")
        return self._builder.build(title=title or self._headings.title(self._pages), first_heading=False)

    def _page(self, page: Page) -> None:
        tables = {table.start: table for table in find_tables(page.lines)}
        written: set[int] = set()
        position = self._open_page(page, text_first=0 not in tables)
        while position < len(page.lines):
            ruled = page.ruled_around(page.lines[position])
            heading = self._headings.at(page.lines, position)
            if ruled is not None:
                if ruled not in written:
                    self._table(page.ruled[ruled].rows)
                written.add(ruled)
                position += 1
            elif position in tables:
                self._table(tables[position].rows)
                position = tables[position].end
            elif heading:
                self._end_paragraph()
                self._builder.heading(heading.title, level=heading.level)
                position += heading.lines
            else:
                self._line(page, position)
                position += 1

    def _open_page(self, page: Page, *, text_first: bool) -> int:
        """Start a page, within a sentence that runs on over its start; gives how many lines that took."""
        line, last = next(iter(page.lines), None), self._last
        text_first = text_first and line is not None and page.ruled_around(line) is None
        if not line or not last or not text_first or self._headings.at(page.lines, 0):
            runs_on = False
        else:
            runs_on = _same_size(last, line) and (last.divided or self._runs_on(line))
        joint = ""
        if line and runs_on:
            self._text, joint = self._tied(line.text)
        self._end_paragraph()
        self._builder.page()
        if not line or not runs_on:
            return 0
        self._text, self._joint, self._last = line.text, joint, line
        return 1

    def _runs_on(self, line: Line) -> bool:
        """Whether the paragraph under way goes on in a line that stands elsewhere: next column, next page."""
        return not SENTENCE_END.search(self._text[-LONGEST_WORD:]) and line.text[:1].islower()

    def _line(self, page: Page, position: int) -> None:
        line, last = page.lines[position], self._last
        if last is None:
            self._text, self._left = line.text, line.left
        elif self._joins(page, position):
            self._text, joint = self._tied(line.text)
            self._text += joint + line.text
        elif self._parts(line, last):
            self._end_paragraph()
            self._text, self._left, last = line.text, line.left, None
        else:
            self._text += "\n" + self._indentation(line) + line.text
        self._code = line.fixed_width and (last is None or self._code) and not self._headings.body_fixed_width
        self._last = line

    def _joins(self, page: Page, position: int) -> bool:
        """Whether a line goes on with the sentence of the line before: that line was full."""
        line, last = page.lines[position], self._last
        assert last is not None
        if not _same_size(last, line) or LIST_START.match(line.text):
            return False
        if not page.placed:
            widest = max(len(other.text) for other in page.lines)
            return len(last.text) > 0.75 * widest and not SENTENCE_END.search(last.text)
        if last.divided:
            return True
        drop = last.middle - line.middle
        if drop <= 0 or last not in page.lines:
            return self._runs_on(line)
        if drop > LOOSER * self._pitch(line) or (last.fixed_width and line.fixed_width):
            return False
        if last.right - last.left < PROSE_WIDTH * last.size and not line.text[0].islower():
            return False
        if line.left > last.left + INDENT * line.size and SENTENCE_END.search(last.text):
            return False
        edge = _right_edge(page.lines, position)
        if line.text[0].islower() and last.right - last.left > NEARLY_FULL * (edge - last.left):
            return not SENTENCE_END.search(last.text)
        first_word = len(line.text.split(maxsplit=1)[0]) / len(line.text) * (line.right - line.left)
        return last.right + first_word + 0.2 * line.size > edge

    def _parts(self, line: Line, last: Line) -> bool:
        """Whether a line that does not join the one before starts a paragraph, not just a new line."""
        drop = last.middle - line.middle
        if self._code and line.fixed_width and 0 < drop <= 2 * line.size:
            return False
        if drop <= 0 or drop > LOOSER * self._pitch(line) or not _same_size(last, line) or self._code:
            return True
        return bool(SENTENCE_END.search(last.text)) and not LIST_START.match(line.text)

    def _tied(self, following: str) -> tuple[str, str]:
        """The paragraph under way and what ties the next line to it; a divided word is made whole.

        The hyphen stays where the document writes the word with it elsewhere, or where both halves are words.
        """
        text = self._text
        found = LAST_WORD.search(text[-LONGEST_WORD:])
        after = WORD.match(following)
        if not found or not after:
            glued = text.endswith("-") and following[:1].isdigit()
            open_script = NO_BLANKS.match(text[-1:]) and NO_BLANKS.match(following[:1])
            return text, "" if glued or open_script else " "
        left, right = found.group(1).casefold(), after.group().casefold()
        if not following[0].islower() or self._words[f"{left}-{right}"]:
            return text, ""
        if self._words[left + right]:
            return text[:-1], ""
        # both halves were counted once where they stand divided
        both_words = len(left) > 2 and len(right) > 2 and self._words[left] > 1 and self._words[right] > 1
        return (text, "") if both_words else (text[:-1], "")

    def _indentation(self, line: Line) -> str:
        """Blanks for how far a line of code stands right of the first, 0.6 of the type size each."""
        if not (self._code and line.fixed_width):
            return ""
        return " " * max(0, round((line.left - self._left) / (0.6 * line.size)))

    def _pitch(self, line: Line) -> float:
        return self._pitches.get(round(line.size), 1.3 * line.size)

    def _table(self, rows: list[list[str]]) -> None:
        self._end_paragraph()
        self._builder.table(rows)

    def _end_paragraph(self) -> None:
        if self._code:
            self._builder.block(self._text, kind="code")
        elif self._joint is None:
            self._builder.paragraph(self._text)
        else:
            self._builder.continue_paragraph(self._text, joint=self._joint)
        self._text, self._joint, self._last, self._code = "", None, None, False


def _same_size(one: Line, other: Line) -> bool:
    return abs(one.size - other.size) <= SAME_SIZE * max(one.size, other.size)


def _right_edge(lines: Sequence[Line], position: int) -> float:
    """Where a line's column ends: the furthest right of its neighbours that start about where it does."""
    line = lines[position]
    near = lines[max(0, position - NEIGHBOURS) : position + NEIGHBOURS + 1]
    column = (other for other in near if abs(other.left - line.left) <= 3 * line.size)
    return max(other.right for other in column if _same_size(line, other))


def _pitches(pages: list[Page]) -> Mapping[int, float]:
    """Size of type to the usual distance between the middles of two lines of it."""
    drops: dict[int, list[float]] = {}
    for page in pages:
        for line, after in pairwise(page.lines):
            if _same_size(line, after) and 0 < line.middle - after.middle < 3 * line.size:
                drops.setdefault(round(line.size), []).append(line.middle - after.middle)
    return {size: sorted(found)[len(found) // 2] for size, found in drops.items()}
