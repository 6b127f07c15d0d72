"""The trace beside an answer: from a trace to plain values that the page draws as text, bounded in size.

Knows no Gradio and no HTML: the page makes text nodes of what stands here, so nothing needs escaping.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ragweave.chains.trace_table import candidate_table

from .trace_words import Told, cell, dropped_line, end, passage_name, tell, total_ms

__all__ = ["trace_view"]

STEPS = 60  # shown at most: an agent's turn may go through many
LINES = 8  # of a step's details
ROWS = 60  # passages that the table shows
STAGES = ("keyword", "vector", "fused", "freshness", "rerank")


def trace_view(trace: Sequence[Mapping[str, Any]], *, name: Callable[[str], str] = str) -> dict[str, Any]:
    """The steps in words with their time, and what became of each passage; `name` calls sources.

    `hidden` counts what was too much to show, in the steps and among the passages.
    """
    sources = {str(row["source"]) for row in candidate_table(trace) if row["source"]}
    trace = _renamed(trace, {source: name(source) for source in sources if name(source) != source})
    rows = candidate_table(trace)
    told = tell(trace, {row["id"]: passage_name(row) for row in rows})
    return {
        "ms": round(total_ms(trace), 1),
        "steps": [_step(one) for one in told[:STEPS]],
        "hidden": max(0, len(told) - STEPS),
        "passages": [_passage(row) for row in rows[:ROWS]],
        "passages_hidden": max(0, len(rows) - ROWS),
    }


def _renamed(value: Any, hidden: Mapping[str, str]) -> Any:
    """The trace with sources as users call them, wherever a step names one: paths are not theirs to see."""
    if not hidden:
        return value
    if isinstance(value, str):
        for source, shown in hidden.items():
            value = value.replace(source, shown)
        return value
    if isinstance(value, Mapping):
        return {key: _renamed(item, hidden) for key, item in value.items()}
    return [_renamed(item, hidden) for item in value] if isinstance(value, (list, tuple)) else value


def _step(told: Told) -> dict[str, Any]:
    return {
        "step": told.step,
        "ms": round(told.ms, 1),
        "sentence": told.sentence,
        "left_out": told.left_out,
        "cautions": list(told.cautions[:LINES]),
        "dropped": [dropped_line(*one) for one in told.dropped[:LINES]],
        "facts": [list(fact) for fact in told.facts[:LINES]],
    }


def _passage(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": passage_name(row),
        "source": str(row["source"] or ""),
        "place": row["place"],
        "scores": [[stage, shown] for stage in STAGES if (shown := cell(row, stage))],
        "end": end(row),
    }
