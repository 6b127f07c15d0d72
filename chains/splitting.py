"""From a document's text to passages that fit the encoder's window.

Passages are stretches of the text: in order, not overlapping, and together they hold all of it but
the heading lines, which are known by their path instead. Knows no format and no tokenizer: the
caller brings the function that finds tokens.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import ceil

from .extraction import Block, Extraction, Heading
from .sentences import is_list_item, sentences

__all__ = ["SPLITTER_VERSION", "Piece", "indexed_text", "split"]

SPLITTER_VERSION = "1"  # part of the pipeline's fingerprint: raise it when passages come out differently

TokenSpans = Callable[[str], list[tuple[int, int]]]

PATH_SEPARATOR = " > "
TITLE_LIMIT, HEADING_LIMIT = 120, 200  # characters; more would leave no room for the passage
LEAST_SHARE = 1 / 3  # of the window is the passage's, whatever title and headings take
# Of the window: an introduction below it says nothing alone, and would take a better passage's place among
# the k found. (nDCG@10 of documents does not see it: .844 with joining and .846 without on FastAPI's.)
TINY_SHARE = 1 / 12
SLICE = 100_000  # characters tokenised in one call
LONGEST_HEADING = 70  # characters of a line that may be a heading no format marks
CHARACTERS_PER_TOKEN = 12  # a "word" of 100,000 characters is one unknown token, but no passage

# What a cut costs, in shares of the window: a passage may be so much shorter to avoid it.
PARAGRAPH, ITEM, SENTENCE, LEADING, CLAUSE, INSIDE, WORD, CHARACTER = (
    0.0,
    0.1,
    0.25,
    0.35,
    0.6,
    0.8,
    1.0,
    2.0,
)

BLANK = re.compile(r"\n[ \t]*\n\s*")
CLAUSE_END = re.compile(r"[,;:)—–][ \t\n]+|[，；：、]")
SPACE = re.compile(r"\s+")
LINE_BREAK = re.compile(r"\n\s*(?=\S)")


@dataclass(frozen=True, slots=True)
class Piece:
    """One passage: `text[start:end]` of its document, the path of headings above it, its page."""

    start: int
    end: int
    heading: str  # "A > B", or ""
    page: int | None  # from 1; where the passage begins


def split(extraction: Extraction, *, token_spans: TokenSpans, window: int, title: str) -> list[Piece]:
    """Cuts a document into passages whose `indexed_text` fits `window` tokens.

    A passage stays within its section; a tiny introduction takes the section below it along where
    both fit. It is cut between paragraphs where it can be, else between list items, sentences,
    clauses, words; tables and code are kept whole where they fit.
    """
    ruler = _Ruler(extraction.text, token_spans)
    sizes: dict[str, int] = {}  # tokens left for the passage, by path of headings
    pieces: list[Piece] = []
    for section in _joined(_sections(extraction), ruler, window):
        if section.path not in sizes:
            above = len(token_spans(indexed_text(title, section.path, "")))
            sizes[section.path] = max(window - above, int(window * LEAST_SHARE), 1)
        for start, end in _cut(extraction.text, section, ruler, sizes[section.path]):
            page = bisect_right(extraction.pages, start) or None
            pieces.append(Piece(start, end, section.path, page))
    if not pieces and extraction.headings:  # nothing but headings: better a passage than nothing
        bare = replace(extraction, headings=())
        return split(bare, token_spans=token_spans, window=window, title=title)
    return pieces


def indexed_text(title: str, heading: str, text: str) -> str:
    r"""The text that is embedded and searched: title, path of headings, passage.

    A path that begins with the title does not repeat it.

    >>> indexed_text("Leave", "Leave > Parents", "Ten weeks.")
    'Leave\nParents\n\nTen weeks.'
    """
    if title:
        heading = "" if heading == title else heading.removeprefix(title + PATH_SEPARATOR)
    above = "\n".join(line for line in (title[:TITLE_LIMIT], heading[-HEADING_LIMIT:]) if line)
    return f"{above}\n\n{text}" if above else text


class _Ruler:
    """Where the tokens of a text begin, so that any stretch is measured without tokenising it again."""

    def __init__(self, text: str, token_spans: TokenSpans) -> None:
        self.starts: list[int] = []
        start = 0
        while start < len(text):
            end = _slice_end(text, start)
            self.starts.extend(start + span[0] for span in token_spans(text[start:end]))
            start = end

    def tokens(self, start: int, end: int) -> int:
        return bisect_left(self.starts, end) - bisect_left(self.starts, start)

    def fill(self, start: int, end: int, size: int) -> float:
        """How much of a passage of `size` tokens a stretch takes; above 1 it does not fit."""
        return max(self.tokens(start, end) / size, (end - start) / (size * CHARACTERS_PER_TOKEN))

    def reach(self, start: int, size: int) -> int:
        """The furthest offset that a passage of `size` tokens can end at."""
        index = bisect_left(self.starts, start) + size
        limit = start + size * CHARACTERS_PER_TOKEN
        return min(self.starts[index], limit) if index < len(self.starts) else limit


def _slice_end(text: str, start: int) -> int:
    """Cuts where no token is cut: before a line break or blank, if there is one."""
    if start + SLICE >= len(text):
        return len(text)
    for blank in ("\n", " "):
        found = text.rfind(blank, start + 1, start + SLICE)
        if found > 0:
            return found
    return start + SLICE


@dataclass(frozen=True, slots=True)
class _Section:
    """A stretch of text under one path of headings."""

    start: int
    end: int
    names: tuple[str, ...]  # of the headings above, the highest first
    blocks: tuple[Block, ...]

    @property
    def path(self) -> str:
        return PATH_SEPARATOR.join(self.names)


def _sections(extraction: Extraction) -> Iterator[_Section]:
    """The stretches between heading lines, those without text left out."""
    starts = [block.start for block in extraction.blocks]
    above: list[Heading] = []
    position = 0
    for heading in (*extraction.headings, None):
        end = heading.start if heading else len(extraction.text)
        if extraction.text[position:end].strip():
            blocks = extraction.blocks[bisect_left(starts, position) : bisect_left(starts, end)]
            yield _Section(position, end, tuple(one.title for one in above), blocks)
        if heading:
            above = [one for one in above if one.level < heading.level] + [heading]
            position = heading.end


def _joined(sections: Iterator[_Section], ruler: _Ruler, window: int) -> Iterator[_Section]:
    """Sections, a tiny introduction together with the section right below it where both fit."""
    held: _Section | None = None
    for section in sections:
        if held is None:
            held = section
        elif _belongs_below(held, section, ruler, window):
            held = _Section(held.start, section.end, held.names, held.blocks + section.blocks)
        else:
            yield held
            held = section
    if held is not None:
        yield held


def _belongs_below(above: _Section, section: _Section, ruler: _Ruler, window: int) -> bool:
    """Whether a section joins the tiny introduction above it."""
    inside = len(section.names) > len(above.names) > 0 and section.names[: len(above.names)] == above.names
    tiny = ruler.tokens(above.start, above.end) <= window * TINY_SHARE
    return inside and tiny and ruler.tokens(above.start, section.end) <= window / 2


def _cut(text: str, section: _Section, ruler: _Ruler, size: int) -> Iterator[tuple[int, int]]:
    """Cuts one section into stretches of about equal length, none above `size` tokens."""
    start, last = _trimmed(text, section.start, section.end)
    cuts: _Cuts | None = None
    while start < last:
        end = last
        if ruler.fill(start, last, size) > 1:
            cuts = cuts or _Cuts(text, _units(text, section, last), ruler, size)
            end = cuts.best(start, last)
        yield _trimmed(text, start, end)
        start = _trimmed(text, end, last)[0]


def _units(text: str, section: _Section, last: int) -> list[Block]:
    """The blocks of a section and, between them, its paragraphs."""
    units: list[Block] = []
    position = section.start
    for block in (*section.blocks, None):
        until = block.start if block else last
        units += (Block(start, end, "paragraph") for start, end in _paragraphs(text, position, until))
        if block:
            units.append(block)
            position = block.end
    return units


def _paragraphs(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """What blank lines divide."""
    for blank in BLANK.finditer(text, start, end):
        if text[start : blank.start()].strip():
            yield _trimmed(text, start, blank.start())
        start = blank.end()
    if text[start:end].strip():
        yield _trimmed(text, start, end)


class _Cuts:
    """Where a section may be cut and what each cut costs; finer places are found only when needed."""

    def __init__(self, text: str, units: list[Block], ruler: _Ruler, size: int) -> None:
        self.text, self.units, self.ruler, self.size = text, units, ruler, size
        self.starts = [unit.start for unit in units]
        self.known: dict[int, list[int]] = {}  # places within a unit, by its index

    def best(self, start: int, last: int) -> int:
        """Where a passage from `start` ends: near an equal share of the rest, at a cheap place."""
        rest = self.ruler.fill(start, last, self.size)
        share = rest / ceil(rest)
        reach = min(self.ruler.reach(start, self.size), last)
        best, least = self.ruler.reach(start, ceil(share * self.size)), CHARACTER
        for offset, cost in self._places(start, reach, last):
            if cost < LEADING and self.text[max(offset - 4, 0) : offset].rstrip().endswith(":"):
                cost = LEADING  # what is introduced stays with its introduction
            cost += abs(self.ruler.fill(start, offset, self.size) - share)
            if cost <= least:
                best, least = offset, cost
        return best

    def _places(self, start: int, reach: int, last: int) -> Iterator[tuple[int, float]]:
        """Offsets in (start, reach] where a passage may end, with the cost of the cut."""
        nearest, following = start, last
        for index in range(max(bisect_right(self.starts, start) - 1, 0), len(self.units)):
            unit = self.units[index]
            places = self._within(index)
            low, high = bisect_right(places, start), bisect_right(places, reach)
            for place in places[low:high]:
                nearest = place
                yield place, self._before(index) if place == unit.start else self._cost(unit, place, start)
            if high < len(places):
                following = places[high]
                break
        if nearest == start or self.ruler.fill(nearest, following, self.size) > 1:
            yield from ((found.end(), CLAUSE) for found in CLAUSE_END.finditer(self.text, nearest + 1, reach))
            yield from ((found.end(), WORD) for found in SPACE.finditer(self.text, nearest + 1, reach))

    def _within(self, index: int) -> list[int]:
        """Where a unit begins, and its lines (table, code), list items or sentences."""
        if index not in self.known:
            unit = self.units[index]
            body = self.text[unit.start : unit.end]
            if self.ruler.fill(unit.start, unit.end, self.size) <= ITEM:
                self.known[index] = [unit.start]  # its ends are near enough, whatever the size wanted
            elif unit.kind in ("table", "code"):
                self.known[index] = [
                    unit.start,
                    *(unit.start + found.end() for found in LINE_BREAK.finditer(body)),
                ]
            else:
                self.known[index] = [unit.start + start for start, _ in sentences(body)]
        return self.known[index]

    def _before(self, index: int) -> float:
        """What it costs to cut before a unit: more where the line above it seems to be its heading."""
        above = self.units[index - 1] if index else None
        if above is None or above.kind != "paragraph":
            return PARAGRAPH
        line = self.text[max(above.start, above.end - LONGEST_HEADING) : above.end].rsplit("\n", 1)
        short = len(line) > 1 or above.end - above.start < LONGEST_HEADING
        heading_like = short and line[-1][-1].isalnum() and not is_list_item(line[-1])
        return LEADING if heading_like else PARAGRAPH

    def _cost(self, unit: Block, place: int, start: int) -> float:
        if unit.kind in ("table", "code"):
            whole = unit.start >= start and self.ruler.fill(unit.start, unit.end, self.size) <= 1
            return INSIDE if whole else ITEM
        return ITEM if is_list_item(self.text[place : place + 12]) else SENTENCE


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
