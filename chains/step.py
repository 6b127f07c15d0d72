"""A step of the chain: a named Runnable that lets the state pass and adds to it.

One generator serves invoke, stream and batch, and its async twin the async ones. Knows no particular step.
A call leaves steps out with `config={"configurable": {"without": ["rerank"]}}`.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, cast

from langchain_core.runnables import RunnableConfig, RunnableGenerator

from .errors import ChainError
from .state import RagState, add, first_state, joined

__all__ = ["WITHOUT", "Piece", "Step", "entry", "exit_step"]

WITHOUT = "without"  # the configurable key: names of steps that this call leaves out
Piece = Mapping[str, Any]
Detail = dict[str, Any]  # what the trace tells of this run of a step
Run = Callable[[RagState, RunnableConfig, Detail], Iterator[Piece]]
AsyncRun = Callable[[RagState, RunnableConfig, Detail], AsyncIterator[Piece]]


@dataclass(frozen=True, slots=True)
class Step:
    """`run` yields pieces of the state; without `arun` it runs in a thread for async callers.

    `instead` gives what stands in the state where the step is left out: by the call (`without`), or by an
    earlier step that put its name into `_skip`. A step that has none is always run.
    """

    name: str
    run: Run
    arun: AsyncRun | None = None
    traced: bool = True  # False where a step only puts a plain value in place
    instead: Callable[[RagState], Piece] | None = None

    def runnable(self, *, trace: bool) -> RunnableGenerator[RagState, RagState]:
        """The step as a Runnable; with `trace` each run leaves its name, milliseconds and detail."""

        def transform(pieces: Iterator[RagState], config: RunnableConfig) -> Iterator[RagState]:
            state = RagState()
            for piece in pieces:
                state = state + piece
                yield piece if isinstance(piece, RagState) else RagState(piece)
            yield from self.played(state, config, trace=trace)

        async def atransform(
            pieces: AsyncIterator[RagState], config: RunnableConfig
        ) -> AsyncIterator[RagState]:
            state = RagState()
            async for piece in pieces:
                state = state + piece
                yield piece if isinstance(piece, RagState) else RagState(piece)
            async for piece in self.aplayed(state, config, trace=trace):
                yield piece

        # LangChain asks for the signature twice in each run: to derive it anew costs more than most steps.
        transform.__dict__["__signature__"] = inspect.signature(transform)
        atransform.__dict__["__signature__"] = inspect.signature(atransform)
        # RunnableGenerator passes a config to functions that take one; its types do not say so.
        return RunnableGenerator(cast(Any, transform), cast(Any, atransform), name=self.name)

    def played(self, state: RagState, config: RunnableConfig, *, trace: bool) -> Iterator[RagState]:
        """What the step adds to the state, and its entry in the trace if it has something to tell."""
        detail: Detail = {}
        started, made = time.perf_counter(), False
        for piece in self._pieces(state, config, detail):
            made = True
            yield RagState(piece)
        if trace and self._tells(made, detail):
            yield self._traced(started, detail)

    async def aplayed(
        self, state: RagState, config: RunnableConfig, *, trace: bool
    ) -> AsyncIterator[RagState]:
        """`played` for async callers."""
        detail: Detail = {}
        started, made = time.perf_counter(), False
        async for piece in self.pieces(state, config, detail):
            made = True
            yield RagState(piece)
        if trace and self._tells(made, detail):
            yield self._traced(started, detail)

    def _pieces(self, state: RagState, config: RunnableConfig, detail: Detail) -> Iterator[Piece]:
        instead = self._instead(state, config, detail)
        return self.run(state, config, detail) if instead is None else iter((instead,))

    async def pieces(self, state: RagState, config: RunnableConfig, detail: Detail) -> AsyncIterator[Piece]:
        """What `run` yields, for async callers."""
        instead = self._instead(state, config, detail)
        if instead is not None:
            yield instead
        elif self.arun is None:
            for made in await asyncio.to_thread(lambda: list(self.run(state, config, detail))):
                yield made
        else:
            async for made in self.arun(state, config, detail):
                yield made

    def _instead(self, state: RagState, config: RunnableConfig, detail: Detail) -> Piece | None:
        if self.instead is None:
            return None
        if self.name in state.get("_skip", ()):
            detail["left_out"] = "nothing to do on this route"
        elif self.name in config.get("configurable", {}).get(WITHOUT, ()):
            detail["left_out"] = "by the call"
        else:
            return None
        return self.instead(state)

    def _tells(self, made: bool, detail: Detail) -> bool:
        """Whether there is something to trace; that a step was left out is told of every step."""
        return "left_out" in detail or (self.traced and (made or bool(detail)))

    def _traced(self, started: float, detail: Detail) -> RagState:
        ms = round((time.perf_counter() - started) * 1000, 3)
        return RagState(trace=[{"step": self.name, "ms": ms, "detail": detail}])


def entry(*, trace: bool, optional: Collection[str] = ()) -> RunnableGenerator[Any, RagState]:
    """The first step: whatever a caller hands in becomes a state; `optional` are steps to be left out."""

    def begun(given: Any, config: RunnableConfig) -> RagState:
        _check_without(config, optional)
        return first_state(given) + (RagState(trace=[]) if trace else RagState())

    def transform(pieces: Iterator[Any], config: RunnableConfig) -> Iterator[RagState]:
        yield begun(joined(pieces), config)

    async def atransform(pieces: AsyncIterator[Any], config: RunnableConfig) -> AsyncIterator[RagState]:
        whole: Any = None
        async for piece in pieces:
            whole = piece if whole is None else add(whole, piece)
        yield begun(whole, config)

    return RunnableGenerator(cast(Any, transform), cast(Any, atransform), name="question")


def _check_without(config: RunnableConfig, optional: Collection[str]) -> None:
    given = config.get("configurable", {}).get(WITHOUT, ())
    if isinstance(given, str) or not all(isinstance(name, str) for name in given):
        raise ChainError(
            f"`{WITHOUT}` is {given!r}.", remedy='Give a list of step names, such as ["rerank"].'
        )
    for name in given:
        if name not in optional:
            near = get_close_matches(name, optional, n=1)
            meant = f"Did you mean {near[0]!r}? " if near else ""
            raise ChainError(
                f"There is no step {name!r} to leave out.",
                remedy=f"{meant}These can be left out: {', '.join(optional)}.",
            )


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
