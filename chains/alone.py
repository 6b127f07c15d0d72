"""One step of the chain as a Runnable of its own, for other people's chains.

It takes what the chain takes, or a dict with more of the state, and gives the value that the step sets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import ensure_config

from .state import RagState, first_state
from .step import Step

__all__ = ["StandaloneStep"]

GIVEN = ("question", "history", "filter")


class StandaloneStep(Runnable[Any, Any]):
    """`rag_chain` takes it as the step that it is; elsewhere `invoke` gives the value of `key`."""

    def __init__(self, step: Step, key: str) -> None:
        self.step = step
        self.key = key
        self.name = step.name

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Run the step on a question, or on a dict with `question` and whatever else it reads."""
        # LangChain passes a config to functions that take one; its types do not say so.
        return self._call_with_config(cast(Any, self._run), input, config)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """`invoke` without blocking the event loop."""
        return await self._acall_with_config(cast(Any, self._arun), input, config)

    def _run(self, given: Any, config: RunnableConfig) -> Any:
        state = _started(given)
        for piece in self.step.run(state, ensure_config(config), {}):
            state = state + piece
        return state[self.key]

    async def _arun(self, given: Any, config: RunnableConfig) -> Any:
        state = _started(given)
        async for piece in self.step.pieces(state, ensure_config(config), {}):
            state = state + piece
        return state[self.key]


def _started(given: Any) -> RagState:
    if not isinstance(given, Mapping):
        state = first_state(given)
        rest: Mapping[str, Any] = {}
    else:
        state = first_state({key: value for key, value in given.items() if key in GIVEN})
        rest = {key: value for key, value in given.items() if key not in GIVEN}
    plain = {"standalone": state["question"], "queries": [rest.get("standalone", state["question"])]}
    documents = {"_documents": rest["documents"]} if "documents" in rest else {}
    return RagState({**state, **plain, **documents, **rest})
