"""The numbers and letters that Word shows before paragraphs and does not store in their text.

Knows the numbering and style parts of a Word document; knows nothing of its text.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docx.document import Document

__all__ = ["BULLET", "Numbering"]

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
BULLET = "-"
PLACE = re.compile(r"%(\d)")
ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"))
SMALL_ROMAN = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))


@dataclass(frozen=True, slots=True)
class _Level:
    style: str  # "decimal", "lowerLetter", "bullet", ...
    pattern: str  # "%1.%2"
    start: int


class Numbering:
    """Counts along with the paragraphs of one document, in order."""

    def __init__(self, document: Document) -> None:
        self._lists: dict[str, str] = {}  # a list's number to that of its pattern
        self._restarts: dict[tuple[str, int], int] = {}
        self._levels: dict[tuple[str, int], _Level] = {}
        self._level_of_style: dict[str, int] = {}
        self._counts: dict[str, dict[int, int]] = defaultdict(dict)
        root = _numbering_root(document)
        if root is not None:
            self._read(root)
        self._styles = _numbered_styles(document)

    def label(self, paragraph: Any, style: str) -> tuple[str, int]:
        """What stands before a paragraph, "" for nothing, and how deep in a list it is, from 0."""
        own = paragraph.find(f"{W}pPr/{W}numPr")
        number, level = _reference(own) if own is not None else ("", None)
        if not number:
            number, inherited = self._styles.get(style, ("", None))
            level = inherited if level is None else level
        if number in ("", "0"):
            return "", 0
        depth = self._level_of_style.get(style, 0) if level is None else level
        return self._next(number, depth), depth

    def _next(self, number: str, depth: int) -> str:
        pattern = self._lists.get(number, "")
        level = self._levels.get((pattern, depth))
        if level is None or level.style == "bullet":
            return BULLET
        if level.style == "none":
            return ""
        counts = self._counts[pattern]
        for deeper in [one for one in counts if one > depth]:
            del counts[deeper]
        restart = self._restarts.pop((number, depth), None)
        counts[depth] = restart if restart is not None else counts.get(depth, level.start - 1) + 1
        return PLACE.sub(lambda place: self._written(pattern, int(place.group(1)) - 1), level.pattern)

    def _written(self, pattern: str, depth: int) -> str:
        level = self._levels.get((pattern, depth))
        if level is None:
            return ""
        return _written(self._counts[pattern].setdefault(depth, level.start), level.style)

    def _read(self, root: Any) -> None:
        for pattern in root.iter(W + "abstractNum"):
            for level in pattern.iter(W + "lvl"):
                depth = int(level.get(W + "ilvl"))
                self._levels[str(pattern.get(W + "abstractNumId")), depth] = _Level(
                    style=_value(level, "numFmt") or "decimal",
                    pattern=_value(level, "lvlText"),
                    start=int(_value(level, "start") or 1),
                )
                if style := _value(level, "pStyle"):
                    self._level_of_style[style] = depth
        for one in root.iter(W + "num"):
            number = str(one.get(W + "numId"))
            self._lists[number] = _value(one, "abstractNumId")
            for override in one.iter(W + "lvlOverride"):
                if start := _value(override, "startOverride"):
                    self._restarts[number, int(override.get(W + "ilvl"))] = int(start)


def _numbering_root(document: Document) -> Any:
    parts = (one for one in document.part.rels.values() if one.reltype.endswith("/numbering"))
    relation = next(parts, None)
    return None if relation is None else getattr(relation.target_part, "element", None)


def _numbered_styles(document: Document) -> dict[str, tuple[str, int | None]]:
    """Style to its list's number and depth, its own or inherited."""
    styles: dict[str, tuple[str, int | None]] = {}
    for style in document.styles:
        ancestor: Any = style
        for _ in range(20):  # more only where styles are built on each other in a circle
            if ancestor is None:
                break
            found = ancestor.element.find(f"{W}pPr/{W}numPr")
            if found is not None:
                styles[style.style_id] = _reference(found)
                break
            ancestor = getattr(ancestor, "base_style", None)
    return styles


def _reference(properties: Any) -> tuple[str, int | None]:
    level = _value(properties, "ilvl")
    return _value(properties, "numId"), int(level) if level else None


def _value(element: Any, tag: str) -> str:
    child = element.find(W + tag)
    return "" if child is None else str(child.get(W + "val") or "")


def _written(count: int, style: str) -> str:
    if style in ("lowerLetter", "upperLetter"):
        letters = chr(ord("a") + (count - 1) % 26) * ((count - 1) // 26 + 1)
        return letters.upper() if style == "upperLetter" else letters
    if style in ("lowerRoman", "upperRoman"):
        roman = ""
        for value, letters in (*ROMAN, *SMALL_ROMAN):
            roman += letters * (count // value)
            count %= value
        return roman.upper() if style == "upperRoman" else roman
    return f"{count:02}" if style == "decimalZero" else str(count)
