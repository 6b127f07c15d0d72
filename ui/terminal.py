"""What needs rich: a console for results and the bar of an ingest. Imported only when something is drawn."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from .output import printable

if TYPE_CHECKING:
    from ragweave.chains.report import IngestEvent, OnProgress

__all__ = ["PlainConsole", "ingest_bar"]

WIDE = 200  # columns where no terminal says how many: piped tables must not be cut at 80


class PlainConsole(Console):
    """A console that prints text as it is, without markup or guessed colours."""

    def __init__(self, stream: TextIO) -> None:
        width = None if stream.isatty() else WIDE
        super().__init__(file=stream, width=width, markup=False, highlight=False, emoji=False)

    def on_broken_pipe(self) -> NoReturn:
        """Leave it to `main`, which ends every command in the same way."""
        raise BrokenPipeError


@contextmanager
def ingest_bar(console: Console) -> Iterator[OnProgress]:
    """A bar that an ingest moves: documents done of all, embeddings a second, the document in work."""
    columns = (
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("documents"),
        TextColumn("{task.fields[rate]:.0f} embeddings/s", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[source]}", markup=False),
    )
    started = time.monotonic()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("ingest", total=None, rate=0.0, source="")

        def show(event: IngestEvent) -> None:
            rate = event.embedded / max(time.monotonic() - started, 1e-3)
            told = {"rate": rate, "source": printable(event.source)}
            progress.update(task, completed=event.done, total=event.total, **told)  # type: ignore[arg-type]  # fields

        yield show
