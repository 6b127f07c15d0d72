"""The trace of an answer as a tree on the terminal. Values in, lines of rich out; opens nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from ragweave.chains.trace_table import candidate_table

from .output import printable
from .trace_words import Told, cell, dropped_line, end, passage_name, tell, total_ms

__all__ = ["draw_trace"]

ROWS = 10  # candidates shown without -v
STAGES = ("keyword", "vector", "fused", "freshness", "rerank")
CAUTION, QUIET = "yellow", "dim"


def draw_trace(console: Console, trace: Sequence[Mapping[str, Any]], *, whole: bool = False) -> None:
    """The steps that made an answer, with their time, and what became of each passage; `whole` shows all."""
    rows = candidate_table(trace)
    names = {row["id"]: passage_name(row) for row in rows}
    tree = Tree(Text(f"Trace, {_ms(total_ms(trace))}", style="bold"), guide_style=QUIET)
    told = tell(trace, names)
    under = max((index for index, one in enumerate(told) if one.step in ("select", "retrieve")), default=None)
    for index, one in enumerate(told):
        branch = tree.add(_headline(one))
        for line in _lines(one):
            branch.add(line)
        if index == under and rows:
            branch.add(_table(rows, whole=whole))
    console.print(tree)


def _headline(told: Told) -> Text:
    style = QUIET if told.left_out else ""
    line = Text(printable(f"{told.step:<10}"), style=style or "bold")
    line.append(f"{'' if told.left_out else _ms(told.ms):>9}  ", style="not bold dim")
    return line.append(printable(told.sentence), style=f"not bold {style}".strip())


def _lines(told: Told) -> list[Text]:
    lines = [Text(printable(caution), style=CAUTION) for caution in told.cautions]
    lines += [Text(printable(dropped_line(*one)), style=QUIET) for one in told.dropped]
    return lines + [Text(printable(f"{name}: {value}"), style=QUIET) for name, value in told.facts]


def _table(rows: Sequence[Mapping[str, Any]], *, whole: bool) -> Table:
    """What became of the passages; columns that no passage has a score in are left out."""
    stages = [stage for stage in STAGES if any(cell(row, stage) for row in rows)]
    shown = rows if whole else rows[:ROWS]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("", justify="right")
    table.add_column("passage", overflow="fold")
    for stage in stages:
        table.add_column(stage, justify="right", no_wrap=True)
    table.add_column("end", overflow="fold")
    for row in shown:
        dropped = row["place"] is None
        cells = ("" if dropped else str(row["place"]), passage_name(row), *(cell(row, one) for one in stages))
        table.add_row(*(Text(printable(one)) for one in (*cells, end(row))), style=QUIET if dropped else "")
    if len(shown) < len(rows):
        table.add_row("", Text(f"and {len(rows) - len(shown)} more (-v shows all)", style=QUIET))
    return table


def _ms(value: float) -> str:
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.1f} ms"
