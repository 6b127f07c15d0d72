"""Where results, notes, errors and progress go: results to standard output, all else to standard error.

Knows no command. rich is imported only when something is drawn.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout, suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING, TextIO

from .errors import Explanation
from .json_form import json_form

if TYPE_CHECKING:
    from rich.console import Console

    from ragweave.chains.report import IngestEvent, OnProgress

__all__ = ["Output", "printable"]

LINE_EVERY = 5.0  # seconds between progress lines where there is no terminal

# Escape and other control characters of a document must not drive the user's terminal.
CONTROLS = {
    code: "\N{REPLACEMENT CHARACTER}" for code in (*range(32), *range(127, 160)) if code not in (9, 10)
}


def printable(text: str) -> str:
    r"""The text without control characters but tab and newline.

    >>> printable("a\x1b[31mb")
    'a�[31mb'
    """
    return text.translate(CONTROLS)


class Output:
    """The two streams of one run of a command."""

    def __init__(self, *, json: bool = False) -> None:
        self.json = json
        self.quiet = False
        self.verbose = False
        self._result: TextIO | None = None

    @property
    def stream(self) -> TextIO:
        """Standard output, kept for the result alone."""
        return self._result or sys.stdout

    @contextmanager
    def reserved(self) -> Iterator[None]:
        """Send to standard error what libraries and child processes print meanwhile."""
        with _standard_output_to_error() as self._result:
            try:
                yield
                self._result.flush()
            finally:
                self._result = None

    def result(self, data: object, draw: Callable[[Console], None]) -> None:
        """Write the result: `data` as one JSON object, or what `draw` draws."""
        if self.json:
            utf8 = (self.stream.encoding or "").lower().replace("-", "") == "utf8"
            self.stream.write(json.dumps(json_form(data), ensure_ascii=not utf8, indent=2) + "\n")
        else:
            draw(self.console(self.stream))

    def console(self, stream: TextIO) -> Console:
        """A rich console that prints text as it is: no markup, no guessed colours."""
        from .terminal import PlainConsole

        return PlainConsole(stream)

    def note(self, text: str) -> None:
        """Tell the user something beside the result."""
        if not self.quiet:
            self.stream.flush()  # what was said before stands before, where both go to one place
            sys.stderr.write(f"{printable(text)}\n")

    def error(self, explanation: Explanation) -> None:
        """Tell what failed and what to do about it."""
        if self.json:
            fields = {name: getattr(explanation, name) for name in ("type", "message", "remedy")}
            self.result({"error": fields}, lambda console: None)
            return
        lines = (f"Error: {explanation.message}", explanation.remedy)
        sys.stderr.writelines(f"{printable(line)}\n" for line in lines if line)

    def ingest_progress(self) -> AbstractContextManager[OnProgress | None]:
        """A callback for `KnowledgeBase.ingest`: a bar on a terminal, a line now and then elsewhere."""
        if self.quiet:
            return nullcontext()
        if not sys.stderr.isatty():
            return nullcontext(_Lines(self.note))
        from .terminal import ingest_bar

        return ingest_bar(self.console(sys.stderr))


class _Lines:
    """Progress as lines, for logs."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self.note = note
        self.started = self.last = time.monotonic()

    def __call__(self, event: IngestEvent) -> None:
        now = time.monotonic()
        if now - self.last >= LINE_EVERY:
            self.last = now
            rate = event.embedded / (now - self.started)
            self.note(f"{event.done} of {event.total} documents, {rate:.0f} embeddings/s: {event.source}")


@contextmanager
def _standard_output_to_error() -> Iterator[TextIO]:
    """Yield the real standard output while descriptor 1 leads to standard error."""
    output = sys.stdout
    if not isinstance(output, TextIOWrapper) or output is not sys.__stdout__:  # a test's, or an application's
        with redirect_stdout(sys.stderr):
            yield output
        return
    output.flush()
    kept = os.dup(1)
    # backslashreplace: names of files that are not valid UTF-8 must not end the command
    stream = open(kept, "w", encoding=output.encoding, errors="backslashreplace")  # noqa: SIM115
    os.dup2(2, 1)
    try:
        yield stream
    finally:
        output.flush()
        os.dup2(kept, 1)
        with suppress(BrokenPipeError):
            stream.close()
