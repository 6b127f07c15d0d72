"""Rich text (.rtf): striprtf gives the text; marks set before it runs keep headings and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .extraction import Extraction
from .extraction_builder import ExtractionBuilder
from .reader_errors import corrupt_as_ingest_error

__all__ = ["read_rtf"]

HEADING = "\ue000"  # + level; characters for private use, of which none is left in the text
CELL, ROW_START, ROW_END = "\ue010", "\ue011", "\ue012"
MARKS = re.compile("[\ue000-\ue012]")
ROW = re.compile(f"{ROW_START}(.*?){ROW_END}", re.DOTALL)
TABLE_MARKS = {"cell": CELL, "nestcell": CELL, "trowd": ROW_START, "row": ROW_END}
STYLE = re.compile(r"\{(?:\\\*)?\\s(\d+)\b[^{}]*?\bheading (\d)\s*;\}", re.IGNORECASE)
TOKEN = re.compile(r"\\([a-z]+)(-?\d+)? ?|\\[^a-z]|[{}]|[^\\{}]+", re.IGNORECASE)
TITLE = re.compile(r"\{\\title\s+([^{}]*)\}")
NO_TEXT = frozenset({"stylesheet", "fonttbl", "colortbl", "listtable", "info", "header", "footer", "pict"})


def read_rtf(data: bytes, name: str) -> Extraction:
    """Read rich text; raises `IngestError` if it is damaged."""
    from striprtf.striprtf import rtf_to_text  # type: ignore[import-untyped]  # ships no types

    with corrupt_as_ingest_error("rtf", name):
        source = MARKS.sub("", data.decode("latin-1"))
        text = rtf_to_text("".join(_marked(source)), errors="replace")
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
        title = TITLE.search(source)
        builder = ExtractionBuilder()
        _assemble(builder, text)
        return builder.build(title=rtf_to_text(title.group(1), errors="replace") if title else "")


def _marked(source: str) -> Iterator[str]:
    """The source with a mark behind each cell's end and at the start of each heading's text.

    A paragraph's style holds until `pard` or another style; groups keep and restore it.
    """
    levels = {number: int(level) for number, level in STYLE.findall(source)}
    stack: list[tuple[int, bool]] = []
    level, silent, fresh = 0, False, True  # fresh: no text yet in this paragraph
    for token in TOKEN.finditer(source):
        word, number = token.group(1), token.group(2)
        whole = token.group()
        if whole == "{":
            stack.append((level, silent))
        elif whole == "}":
            level, silent = stack.pop() if stack else (0, False)
        elif word in NO_TEXT or whole == "\\*":
            silent = True
        elif word in ("pard", "s", "outlinelevel"):
            level = _level(word, number, level, levels)
        elif word in ("par", "row", "sect"):
            fresh = True
        elif not silent and level and fresh and _is_text(whole, word):
            fresh = False
            yield chr(ord(HEADING) + level)
        yield whole
        if word in TABLE_MARKS and not silent:
            yield TABLE_MARKS[word]


def _level(word: str, number: str | None, level: int, levels: dict[str, int]) -> int:
    if word == "pard":
        return 0
    if word == "s":
        return levels.get(number or "", 0)
    return int(number or 9) + 1 if int(number or 9) < 9 else level


def _is_text(whole: str, word: str | None) -> bool:
    return word == "u" or whole.startswith("\\'") or (not whole.startswith("\\") and bool(whole.strip()))


def _assemble(builder: ExtractionBuilder, text: str) -> None:
    rows: list[list[str]] = []
    for number, piece in enumerate(ROW.split(text)):
        if number % 2:
            cells = MARKS.sub(lambda mark: mark.group() if mark.group() == CELL else "", piece).split(CELL)
            rows.append([cell.strip().removesuffix("|") for cell in cells[:-1]])
        elif piece.strip():
            builder.table(rows)
            rows = []
            _prose(builder, piece)
    builder.table(rows)


def _prose(builder: ExtractionBuilder, text: str) -> None:
    for line in text.split("\n"):
        mark = MARKS.search(line)
        if mark and mark.group() < CELL:
            builder.heading(MARKS.sub("", line), level=ord(mark.group()) - ord(HEADING))
        else:
            builder.paragraph(MARKS.sub("", line))
