"""One corrective round: where the first search brought no answer, the question is put otherwise, once.

What the second search finds is judged as the first was; only if it holds the answer does it take the place.
Knows the steps by their names alone.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from typing import Any

from langchain_core.runnables import RunnableConfig

from .state import RagState
from .step import Piece, Step

__all__ = ["second_try_step"]

NAME = "again"
TAKEN = ("_documents", "_queries", "_quotes", "_verdict")


def second_try_step(requery: Step, search: Sequence[Step], *, trace: bool) -> Step:
    """Runs `search` again with the queries of `requery`, where the verdict was to abstain."""
    requery = replace(requery, instead=None)  # it is a "transform" too, and no call leaves out this one

    def run(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> Iterator[Piece]:
        if not _wanted(state):
            return
        started = time.perf_counter()
        tried = _joined(state, requery.played(state, config, trace=trace))
        yield from _entry(state, tried, started, trace)
        if not _has_news(state, tried):
            return
        for step in search:
            for piece in step.played(tried, config, trace=trace):
                tried = tried + piece
                yield from _told(piece)
        yield from _taken(tried)

    async def arun(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> AsyncIterator[Piece]:
        if not _wanted(state):
            return
        started = time.perf_counter()
        pieces = [piece async for piece in requery.aplayed(state, config, trace=trace)]
        tried = _joined(state, pieces)
        for piece in _entry(state, tried, started, trace):
            yield piece
        if not _has_news(state, tried):
            return
        for step in search:
            async for made in step.aplayed(tried, config, trace=trace):
                tried = tried + made
                for piece in _told(made):
                    yield piece
        for piece in _taken(tried):
            yield piece

    return Step(NAME, run, arun, traced=False, instead=lambda state: {})


def _wanted(state: RagState) -> bool:
    verdict = state.get("_verdict")
    return verdict is not None and bool(verdict.abstain) and bool(state["standalone"].strip())


def _joined(state: RagState, pieces: Any) -> RagState:
    tried = RagState({key: value for key, value in state.items() if key != "trace"})
    for piece in pieces:
        tried = tried + piece
    return tried


def _has_news(state: RagState, tried: RagState) -> bool:
    return bool(set(tried["queries"]) - set(state["queries"]))


def _entry(state: RagState, tried: RagState, started: float, trace: bool) -> Iterator[Piece]:
    """The trace of the round: why, and by which queries; the steps' own entries follow."""
    if trace:
        told = tried["trace"][-1]["detail"] if tried.get("trace") else {}
        ms = round((time.perf_counter() - started) * 1000, 3)
        why = state["_verdict"].reason or "no answer"
        queries = tried["queries"] if _has_news(state, tried) else []  # nothing new, so nothing is searched
        yield {"trace": [{"step": NAME, "ms": ms, "detail": {**told, "why": why, "queries": queries}}]}


def _told(piece: RagState) -> Iterator[Piece]:
    if "trace" in piece:
        yield {"trace": piece["trace"]}


def _taken(tried: RagState) -> Iterator[Piece]:
    """The second search in the place of the first, if it brought an answer."""
    if not tried["_verdict"].abstain:
        yield {key: tried[key] for key in TAKEN if key in tried}
