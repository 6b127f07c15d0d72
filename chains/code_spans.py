"""Where a text is code: what looks like a citation in there is none. Knows Markdown alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["AHEAD", "CodeScanner", "outside_code"]

FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})")
TICKS = re.compile(r"`+")
AHEAD = 400  # characters in which backticks must be closed, on the same line: else they open nothing
HEAD = 400  # characters of a line that a fence is looked for in
MOST_RUNS = 50  # of backticks in a line that are looked at


class CodeScanner:
    """Tells whether what comes after the text it was fed is code: in a fence, or between backticks.

    >>> scanner = CodeScanner()
    >>> scanner.feed("Take `a")
    >>> scanner.is_code("[0]` first."), scanner.is_code("[0] first.\\n"), scanner.is_code("[0] first")
    (True, False, None)
    """

    def __init__(self) -> None:
        self._fence = ""  # what opened the block
        self._head = ""  # of the line
        self._runs: list[int] = []  # of backticks in the line, by their lengths
        self._in_run = False

    def feed(self, text: str) -> None:
        """Read on."""
        for number, line in enumerate(text.split("\n")):
            if number:
                self._fence = self._after_line()
                self._head, self._runs, self._in_run = "", [], False
            self._read(line)

    def _read(self, part: str) -> None:
        self._head += part[: HEAD - len(self._head)]
        for run in TICKS.finditer(part):
            if self._in_run and run.start() == 0:
                self._runs[-1] += len(run[0])
            elif len(self._runs) < MOST_RUNS:
                self._runs.append(len(run[0]))
        self._in_run = part.endswith("`") if part else self._in_run

    @property
    def fenced(self) -> bool:
        """Whether it is within a block, its first line included."""
        return bool(self._after_line())

    def is_code(self, rest: str) -> bool | None:
        """Whether `rest`, the text that follows, begins within code; None while that is not known."""
        if self._fence or FENCE.match(self._head):
            return self.fenced
        return self._between_ticks(rest) if self._runs else False

    def _between_ticks(self, rest: str) -> bool | None:
        """As CommonMark has it: backticks open only what as many of them close."""
        line = rest[:AHEAD].partition("\n")[0]
        whole = len(line) < len(rest)
        later = [len(run) for run in TICKS.findall(line)]
        if later and not whole and line.endswith("`"):
            later.pop()  # it may still grow
        runs, before, open_ones = [*self._runs, *later[:MOST_RUNS]], len(self._runs), False
        place = 0
        while place < before:
            try:
                end = runs.index(runs[place], place + 1)
            except ValueError:
                open_ones, place = True, place + 1
                continue
            if end >= before:
                return True
            place = end + 1
        return None if open_ones and not whole else False

    def _after_line(self) -> str:
        fence = FENCE.match(self._head)
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
        if not scanner.is_code(text[begin : begin + AHEAD + 1]):
            yield found
