"""What was found, reworked: by one of our Reworkers, any LangChain compressor, or a Runnable of the caller's.

Knows no particular one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.runnables import RunnableConfig

from .errors import ChainError
from .rework import Reworked, Reworker
from .state import RagState
from .step import Piece, Step

__all__ = ["as_documents", "document_step", "publish_step", "shown"]


def document_step(name: str, worker: Any) -> Step:
    """A `Reworker`, a compressor, or a Runnable from the state to Documents, on what was found."""

    def run(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> Iterator[Piece]:
        before, query = state["_documents"], state["standalone"]
        if isinstance(worker, Reworker):
            yield _told(name, state, worker.rework(before, query), detail)
        elif isinstance(worker, BaseDocumentCompressor):
            yield _reworked(before, as_documents(name, worker.compress_documents(before, query)), detail)
        else:
            yield _reworked(before, as_documents(name, worker.invoke(shown(state), config)), detail)

    async def arun(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> AsyncIterator[Piece]:
        before, query = state["_documents"], state["standalone"]
        if isinstance(worker, Reworker):
            yield _told(name, state, await asyncio.to_thread(worker.rework, before, query), detail)
        elif isinstance(worker, BaseDocumentCompressor):
            compressed = await worker.acompress_documents(before, query)
            yield _reworked(before, as_documents(name, compressed), detail)
        else:
            given = await worker.ainvoke(shown(state), config)
            yield _reworked(before, as_documents(name, given), detail)

    return Step(name, run, arun, instead=lambda state: {})


def _told(name: str, state: RagState, reworked: Reworked, detail: dict[str, Any]) -> Piece:
    detail |= reworked.detail
    detail["dropped"] = [{"id": one.document.id, "reason": one.reason} for one in reworked.dropped]
    dropped = [(one.document, f"{name}: {one.reason}") for one in reworked.dropped]
    return {"_documents": list(reworked.documents), "_dropped": [*state.get("_dropped", ()), *dropped]}


def shown(state: RagState) -> RagState:
    """The state as a caller's own Runnable sees it: its documents are those found so far."""
    if "documents" in state or "_documents" not in state:
        return state
    return RagState({**state, "documents": state["_documents"]})


def as_documents(name: str, given: Any) -> list[Document]:
    """What a step of the caller's gave, which must be Documents."""
    listed = list(given) if isinstance(given, Iterable) and not isinstance(given, (str, Mapping)) else None
    if listed is None or not all(isinstance(one, Document) for one in listed):
        shape = "Documents and others" if listed else f"a {type(given).__name__}"
        raise ChainError(f"The step {name!r} gave {shape}.", remedy="It must give a list of Documents.")
    return listed


def _reworked(before: Sequence[Document], after: Sequence[Document], detail: dict[str, Any]) -> Piece:
    kept = {id(document) for document in after} | {document.id for document in after if document.id}
    gone = [one for one in before if id(one) not in kept and one.id not in kept]
    detail["dropped"] = [{"id": one.id, "reason": "not in what the step gave"} for one in gone]
    return {"_documents": list(after)}


def publish_step() -> Step:
    """Makes what was found `documents`, before the first word of the answer; not told in the trace.

    A route's own chain may bring documents of its own: they come with its answer.
    """

    def run(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> Iterator[Piece]:
        if getattr(state.get("_route"), "chain", None) is None:
            yield {"documents": state["_documents"]}

    return Step("sources", run, traced=False)
