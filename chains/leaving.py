"""What tells the answer step that nobody reads its stream any more.

LangChain's generators, when they are closed, first read the steps before them to the end, for tracing: a
model would write its whole answer for nobody. Knows no step.
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event
from typing import Any

from langchain_core.runnables import RunnableConfig, RunnableSequence
from langchain_core.runnables.config import patch_config

__all__ = ["LeavableSequence", "has_left"]

LEFT = "__ragweave_left"  # two underscores: LangChain's mark for what is no option of the caller's


def has_left(config: RunnableConfig) -> bool:
    """Whether the consumer of the stream that this step belongs to closed it."""
    left = config.get("configurable", {}).get(LEFT)
    return left is not None and bool(left.is_set())


class LeavableSequence(RunnableSequence[Any, Any]):
    """A sequence whose steps can ask `has_left`; closing an async stream closes every step anyway."""

    def _transform(
        self, inputs: Iterator[Any], run_manager: Any, config: RunnableConfig, **kwargs: Any
    ) -> Iterator[Any]:
        left = Event()
        told = patch_config(config, configurable={LEFT: left})
        pieces = super()._transform(inputs, run_manager, told, **kwargs)  # a loop alone would drop it first
        try:
            for piece in pieces:  # noqa: UP028  # `yield from` would close the steps before they are told
                yield piece
        except GeneratorExit:
            left.set()
            raise
