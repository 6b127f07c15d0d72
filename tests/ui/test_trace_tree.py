"""The trace on a terminal."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from ragweave.ui.trace_tree import draw_trace

HITS: list[dict[str, Any]] = [
    {"id": str(number), "title": f"Page {number}", "ranks": {"keyword": number + 1}, "scores": {"fused": 0.5}}
    for number in range(12)
]
TRACE: list[dict[str, Any]] = [
    {"step": "retrieve", "ms": 12.25, "detail": {"queries": ["leave"], "found": HITS}},
    {"step": "rerank", "ms": 800.0, "detail": {"degraded": "The reranker was too slow."}},
    {"step": "freshness", "ms": 0.0, "detail": {"left_out": "by the call"}},
    {
        "step": "select",
        "ms": 0.1,
        "detail": {
            "kept": ["3", "0"],
            "dropped": [
                {"id": hit["id"], "reason": "after place 2"} for hit in HITS if hit["id"] not in "30"
            ],
        },
    },
]


def drawn(trace: list[dict[str, Any]], *, whole: bool = False, colour: bool = False) -> list[str]:
    stream = io.StringIO()
    console = Console(
        file=stream, width=160, markup=False, highlight=False, force_terminal=colour,
        color_system="standard" if colour else None, _environ={},
    )  # fmt: skip
    draw_trace(console, trace, whole=whole)
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_each_step_is_a_branch_with_its_time_and_the_sum_on_top() -> None:
    lines = drawn(TRACE)

    assert lines[0] == "Trace, 812 ms"
    assert lines[1] == "├── retrieve    12.2 ms  Found 12 passages with 1 query."
    assert lines[4].split()[1:] == ["freshness", "Left", "out", "for", "this", "question."]


def test_the_table_shows_ten_passages_and_all_when_asked() -> None:
    lines, whole = drawn(TRACE), drawn(TRACE, whole=True)

    assert sum("Page" in line for line in lines) == 11  # ten rows, and the line of what was dropped
    assert lines[-1].split() == ["and", "2", "more", "(-v", "shows", "all)"]
    assert sum("Page" in line for line in whole) == 13
    assert any("1  Page 3" in line and "#4" in line for line in lines)
    assert any("select: after place 2" in line for line in lines)


def test_what_was_degraded_stands_in_the_colour_of_caution() -> None:
    lines = drawn(TRACE, colour=True)

    assert any("\x1b[33mThe reranker was too slow.\x1b[0m" in line for line in lines)


def test_a_document_cannot_drive_the_terminal_through_the_trace() -> None:
    evil = "\x1b]0;title\x07[bold]b[/bold]"
    hit = {"id": "a", "title": evil}
    trace = [{"step": evil, "ms": 1, "detail": {"found": [hit], "why": evil, "degraded": evil, evil: evil}},
             {"step": "retrieve", "ms": 1, "detail": {"found": [hit], "queries": [evil]}}]  # fmt: skip

    text = "\n".join(drawn(trace))

    assert not any(code in text for code in "\x1b\x07")
    assert "[bold]b[/bold]" in text


def test_a_trace_that_tells_nothing_is_one_line() -> None:
    assert drawn([]) == ["Trace, 0.0 ms"]
