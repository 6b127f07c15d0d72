"""A step of the chain: a named Runnable that lets the state pass and adds to it.

One generator serves invoke, stream and batch, and its async twin the async ones. Knows no particular step.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.runnables import RunnableConfig, RunnableGenerator

from .state import RagState, add, first_state, joined

__all__ = ["Piece", "Step", "entry", "exit_step"]

Piece = Mapping[str, Any]
Detail = dict[str, Any]  # what the trace tells of this run of a step
Run = Callable[[RagState, RunnableConfig, Detail], Iterator[Piece]]
AsyncRun = Callable[[RagState, RunnableConfig, Detail], AsyncIterator[Piece]]


@dataclass(frozen=True, slots=True)
class Step:
    """`run` yields pieces of the state; without `arun` it runs in a thread for async callers."""

    name: str
    run: Run
    arun: AsyncRun | None = None
    traced: bool = True  # False where a step only puts a plain value in place

    def runnable(self, *, trace: bool) -> RunnableGenerator[RagState, RagState]:
        """The step as a Runnable; with `trace` each run leaves its name, milliseconds and detail."""

        def transform(pieces: Iterator[RagState], config: RunnableConfig) -> Iterator[RagState]:
            state = RagState()
            for piece in pieces:
                state = state + piece
                yield piece if isinstance(piece, RagState) else RagState(piece)
            detail: Detail = {}
            started = time.perf_counter()
            for made in self.run(state, config, detail):
                yield RagState(made)
            if trace and self.traced:
                yield self._traced(started, detail)

        async def atransform(
            pieces: AsyncIterator[RagState], config: RunnableConfig
        ) -> AsyncIterator[RagState]:
            state = RagState()
            async for piece in pieces:
                state = state + piece
                yield piece if isinstance(piece, RagState) else RagState(piece)
            detail: Detail = {}
            started = time.perf_counter()
            async for made in self.pieces(state, config, detail):
                yield RagState(made)
            if trace and self.traced:
                yield self._traced(started, detail)

        # RunnableGenerator passes a config to functions that take one; its types do not say so.
        return RunnableGenerator(cast(Any, transform), cast(Any, atransform), name=self.name)

    async def pieces(self, state: RagState, config: RunnableConfig, detail: Detail) -> AsyncIterator[Piece]:
        """What `run` yields, for async callers."""
        if self.arun is None:
            for made in await asyncio.to_thread(lambda: list(self.run(state, config, detail))):
                yield made
        else:
            async for made in self.arun(state, config, detail):
                yield made

    def _traced(self, started: float, detail: Detail) -> RagState:
        ms = round((time.perf_counter() - started) * 1000, 3)
        return RagState(trace=[{"step": self.name, "ms": ms, "detail": detail}])


def entry(*, trace: bool) -> RunnableGenerator[Any, RagState]:
    """The first step: whatever a caller hands in becomes a state."""

    def transform(pieces: Iterator[Any]) -> Iterator[RagState]:
        yield first_state(joined(pieces)) + (RagState(trace=[]) if trace else RagState())

    async def atransform(pieces: AsyncIterator[Any]) -> AsyncIterator[RagState]:
        whole: Any = None
        async for piece in pieces:
            whole = piece if whole is None else add(whole, piece)
        yield first_state(whole) + (RagState(trace=[]) if trace else RagState())

    return RunnableGenerator(transform, atransform, name="question")


def exit_step() -> RunnableGenerator[RagState, RagState]:
    """The last step: what steps left for each other stays inside."""

    def transform(pieces: Iterator[RagState]) -> Iterator[RagState]:
        for piece in pieces:
            public = _public(piece)
            if public:
                yield public

    async def atransform(pieces: AsyncIterator[RagState]) -> AsyncIterator[RagState]:
        async for piece in pieces:
            public = _public(piece)
            if public:
                yield public

    return RunnableGenerator(transform, atransform, name="answer")


def _public(piece: Piece) -> RagState:
    return RagState({key: value for key, value in piece.items() if not key.startswith("_")})
