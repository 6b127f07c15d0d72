"""Where a text is code: what looks like a citation in there is none. Knows Markdown alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["CodeScanner", "outside_code"]

FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})")
TICKS = re.compile(r"`+")


class CodeScanner:
    """Tells whether what comes after the text it was fed is code: in a fence, or between backticks.

    >>> scanner = CodeScanner()
    >>> scanner.feed("Take `a"), scanner.inside
    (None, True)
    >>> scanner.feed("[0]`"), scanner.inside
    (None, False)
    """

    def __init__(self) -> None:
        self._fence = ""  # what opened the block
        self._line = ""

    def feed(self, text: str) -> None:
        """Read on."""
        for number, line in enumerate(text.split("\n")):
            if number:
                self._fence = self._after_line()
                self._line = ""
            self._line += line

    @property
    def fenced(self) -> bool:
        """Whether it is within a block, its first line included."""
        return bool(self._after_line())

    @property
    def inside(self) -> bool:
        """Whether the next character is code."""
        if self._fence or FENCE.match(self._line):
            return self.fenced
        opened = ""
        for run in TICKS.findall(self._line):
            opened = run if not opened else "" if run == opened else opened
        return bool(opened)

    def _after_line(self) -> str:
        fence = FENCE.match(self._line)
        if not self._fence:
            return fence[1] if fence else ""
        closed = fence is not None and fence[1].startswith(self._fence)
        return "" if closed else self._fence


def outside_code(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """The matches of a pattern that are no code; blanks at the beginning of a match are not looked at."""
    scanner, place = CodeScanner(), 0
    for found in pattern.finditer(text):
        begin = found.end() - len(found[0].lstrip())
        scanner.feed(text[place:begin])
        place = begin
        if not scanner.inside:
            yield found
