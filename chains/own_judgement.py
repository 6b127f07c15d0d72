"""A reader or a judge of the caller's, in place of ours: any Runnable from the state.

What it gives is read here; async ones are awaited where the chain is. Knows no encoder.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from langchain_core.documents import Document
from langchain_core.runnables import Runnable, RunnableConfig

from .abstention import DOES_NOT_SAY, Verdict
from .document_step import shown
from .errors import ChainError
from .extractive import Quote
from .state import RagState

__all__ = ["Own", "asked", "own_judge", "own_reader"]

T = TypeVar("T")
Asked = Callable[[RagState, RunnableConfig], T]


@dataclass(frozen=True, slots=True)
class Own(Generic[T]):
    """A Runnable as a function of the state; `read` makes what is expected of what it gives."""

    worker: Runnable[Any, Any]
    read: Callable[[Any, RagState], T]

    def __call__(self, state: RagState, config: RunnableConfig) -> T:
        return self.read(self.worker.invoke(shown(state), config), state)

    async def awaited(self, state: RagState, config: RunnableConfig) -> T:
        """The same for async callers, on their event loop."""
        return self.read(await self.worker.ainvoke(shown(state), config), state)


async def asked(function: Asked[T], state: RagState, config: RunnableConfig) -> T:
    """What a reader or judge gives; ours compute in a thread."""
    if isinstance(function, Own):
        given: T = await function.awaited(state, config)
        return given
    return await asyncio.to_thread(function, state, config)


def own_judge(worker: Runnable[Any, Any]) -> Own[Verdict]:
    """True, or a reason, abstains; what is false, or None, does not."""
    return Own(worker, _verdict)


def own_reader(worker: Runnable[Any, Any]) -> Own[list[Quote]]:
    """It gives texts that stand in the documents, or Quotes; none is no answer."""
    return Own(worker, _quotes)


def _verdict(given: Any, state: RagState) -> Verdict:
    if isinstance(given, Verdict):
        return given
    return Verdict(bool(given), given if isinstance(given, str) else DOES_NOT_SAY if given else "", {})


def _quotes(given: Any, state: RagState) -> list[Quote]:
    several = [] if given is None else [given] if isinstance(given, (str, Quote)) else given
    if not isinstance(several, Iterable) or isinstance(several, Mapping):
        raise _no_quotes(given)
    return [_quote(one, shown(state)["documents"]) for one in several]


def _quote(given: Any, documents: Sequence[Document]) -> Quote:
    if isinstance(given, Quote):
        return given
    if not isinstance(given, str) or not given.strip():
        raise _no_quotes(given)
    text = given.strip()
    for place, document in enumerate(documents):
        if (start := document.page_content.find(text)) >= 0:
            return Quote(place, start, start + len(text), 1.0)
    raise ChainError(
        f"The reader gave {text[:80]!r}, which none of the documents holds.",
        remedy="It must give their own words, for each quote shows where it stands.",
    )


def _no_quotes(given: Any) -> ChainError:
    return ChainError(
        f"The reader gave a {type(given).__name__}, {str(given)[:80]!r}.",
        remedy="It must give a list of texts that stand in the documents.",
    )
