"""One question on the command line: its history from a file, its answer as it is written, its sources."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import UsageError
from .output import Output, printable

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable, RunnableConfig

__all__ = ["made_by", "read_history", "write_answer"]

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
    output: Output,
    chain: Runnable[Any, Any],
    turn: Mapping[str, Any],
    *,
    trace: bool = False,
    adapter: str | None = None,
    signed: bool = False,
) -> None:
    """Ask the chain and write the state (`--json`), or the answer while it comes and its sources after it.

    `adapter` is the one to answer with; `signed` adds the line that says which one did.
    """
    config: RunnableConfig = {} if adapter is None else {"configurable": {"adapter": adapter}}
    if output.json:
        output.result(chain.invoke(turn, config), lambda console: None)
        return
    from .rendering import draw_citations, draw_doubts

    state: dict[str, Any] = {"answer": "", "trace": []}
    for part in chain.stream(turn, config):
        for key, value in part.items():
            state[key] = state[key] + value if key in ("answer", "trace") else value
        if piece := part.get("answer"):
            output.stream.write(printable(piece))
            output.stream.flush()
    output.stream.write("\n")
    console = output.console(output.stream)
    draw_doubts(console, state.get("grounding"))
    if signed and (made := made_by(state)):
        output.stream.write(f"\n{printable(made)}\n")
    if state.get("citations"):
        output.stream.write("\n")
        draw_citations(console, state["citations"], state.get("documents", ()))
    if trace:
        from .trace_tree import draw_trace

        output.stream.write("\n")
        draw_trace(console, state["trace"], whole=output.verbose)


def made_by(state: Mapping[str, Any]) -> str:
    """Who wrote an answer, in a sentence; "" for an abstention that no adapter decided.

    >>> made_by({"adapter": "support", "adapter_version": "2", "trace": []})
    'Answered by support, version 2.'
    """
    details = [step["detail"] or {} for step in state.get("trace", ()) if step["step"] == "answer"]
    by = details[-1].get("by") if details else None
    version = f", version {state['adapter_version']}" if state.get("adapter_version") else ""
    name = f"{state['adapter']}{version}" if state.get("adapter") else ""
    if by == "reader":
        return f"Answered in quotes: {name or 'the base model'} gave no answer."
    if name:
        return f"Answered by {name}."
    return "Answered by the base model." if by == "model" else ""
