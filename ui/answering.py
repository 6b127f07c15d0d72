"""One question on the command line: its history from a file, its answer as it is written, its sources."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import UsageError
from .output import Output, printable

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable

__all__ = ["read_history", "write_answer"]

FORM = 'A JSON list of {"role": "user", "content": "..."} objects or ["user", "..."] pairs.'


def read_history(file: Path) -> list[tuple[str, str]]:
    """The earlier turns in a file, oldest first; raises `UsageError` for any other content."""
    try:
        turns = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"The history {file} cannot be read: {error}.", remedy=f"Expected: {FORM}"
        ) from error
    if not isinstance(turns, list):
        raise UsageError(f"The history {file} holds a {type(turns).__name__}.", remedy=f"Expected: {FORM}")
    return [_turn(turn, number, file) for number, turn in enumerate(turns, start=1)]


def _turn(turn: object, number: int, file: Path) -> tuple[str, str]:
    pair = [turn.get("role"), turn.get("content")] if isinstance(turn, dict) else turn
    match pair:
        case [str(role), str(text)]:
            return role, text
    raise UsageError(f"Turn {number} of the history {file} is {turn!r}.", remedy=f"Expected: {FORM}")


def write_answer(
    output: Output, chain: Runnable[Any, Any], turn: Mapping[str, Any], *, trace: bool = False
) -> None:
    """Ask the chain and write the state (`--json`), or the answer while it comes and its sources after it."""
    if output.json:
        output.result(chain.invoke(turn), lambda console: None)
        return
    from .rendering import draw_citations, draw_trace

    state: dict[str, Any] = {"answer": "", "trace": []}
    for part in chain.stream(turn):
        for key, value in part.items():
            state[key] = state[key] + value if key in ("answer", "trace") else value
        if piece := part.get("answer"):
            output.stream.write(printable(piece))
            output.stream.flush()
    output.stream.write("\n")
    console = output.console(output.stream)
    if state.get("citations"):
        output.stream.write("\n")
        draw_citations(console, state["citations"], state.get("documents", ()))
    if trace:
        output.stream.write("\n")
        draw_trace(console, state["trace"])
