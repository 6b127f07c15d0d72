"""Retrieval steps: every query is searched, what was found becomes one list, and others may rework it.

Any LangChain retriever serves; knows no store.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.runnables import Runnable, RunnableConfig

from .errors import FilterError
from .rework import Reworked, Reworker
from .state import RagState
from .step import Piece, Step

__all__ = ["document_step", "one_list", "retrieve_step"]

OneList = Callable[[Sequence[Sequence[Document]]], list[Document]]


def retrieve_step(retriever: Runnable[str, list[Document]], fuse: Any) -> Step:
    """Sets the documents that the following steps rework; `fuse` is a Runnable, or None for `one_list`."""
    takes_filter = _takes_filter(retriever)

    def run(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> Iterator[Piece]:
        given = _filter(state, retriever, takes_filter)
        found = [retriever.invoke(query, config, **given) for query in state["queries"]]
        documents = one_list(found) if fuse is None else fuse.invoke(found, config)
        yield _found(state, documents, detail)

    async def arun(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> AsyncIterator[Piece]:
        given = _filter(state, retriever, takes_filter)
        found = [await retriever.ainvoke(query, config, **given) for query in state["queries"]]
        documents = one_list(found) if fuse is None else await fuse.ainvoke(found, config)
        yield _found(state, documents, detail)

    return Step("retrieve", run, arun)


def _found(state: RagState, documents: list[Document], detail: dict[str, Any]) -> Piece:
    detail |= {
        "queries": state["queries"],
        "found": [{"id": one.id, "scores": one.metadata.get("scores", {})} for one in documents],
    }
    return {"_documents": documents}


def _takes_filter(retriever: Runnable[Any, Any]) -> bool:
    """Whether `filter` can be given per call, by the retriever's own signature."""
    from .retriever import KnowledgeBaseRetriever

    if isinstance(retriever, KnowledgeBaseRetriever):
        return True
    inner = getattr(retriever, "_get_relevant_documents", None)
    return inner is not None and "filter" in inspect.signature(inner).parameters


def _filter(state: RagState, retriever: Runnable[Any, Any], takes_filter: bool) -> dict[str, Any]:
    if not state["filter"]:
        return {}
    if not takes_filter:
        raise FilterError(
            f"A {type(retriever).__name__} takes no filter, so {state['filter']!r} cannot be applied.",
            remedy="Use kb.as_retriever(), or filter inside the retriever.",
        )
    return {"filter": state["filter"]}


def one_list(found: Sequence[Sequence[Document]]) -> list[Document]:
    """The hits of several queries as one list: by their place in each, every passage once."""
    if len(found) == 1:
        return list(found[0])
    best: dict[str, tuple[int, int, Document]] = {}
    for number, hits in enumerate(found):
        for rank, document in enumerate(hits):
            key = document.id or document.page_content
            best[key] = min(best.get(key, (rank, number, document)), (rank, number, document), key=_place)
    return [document for _, _, document in sorted(best.values(), key=_place)]


def _place(hit: tuple[int, int, Document]) -> tuple[int, int]:
    return hit[0], hit[1]


def document_step(name: str, worker: Any) -> Step:
    """A `Reworker`, a compressor, or a Runnable from the state to Documents, on what was found."""

    def run(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> Iterator[Piece]:
        before, query = state["_documents"], state["standalone"]
        if isinstance(worker, Reworker):
            yield _told(worker.rework(before, query), detail)
        elif isinstance(worker, BaseDocumentCompressor):
            yield _reworked(before, worker.compress_documents(before, query), detail)
        else:
            yield _reworked(before, worker.invoke(_shown(state), config), detail)

    async def arun(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> AsyncIterator[Piece]:
        before, query = state["_documents"], state["standalone"]
        if isinstance(worker, Reworker):
            yield _told(await asyncio.to_thread(worker.rework, before, query), detail)
        elif isinstance(worker, BaseDocumentCompressor):
            yield _reworked(before, await worker.acompress_documents(before, query), detail)
        else:
            yield _reworked(before, await worker.ainvoke(_shown(state), config), detail)

    return Step(name, run, arun)


def _told(reworked: Reworked, detail: dict[str, Any]) -> Piece:
    detail |= reworked.detail
    detail["dropped"] = [{"id": one.document.id, "reason": one.reason} for one in reworked.dropped]
    return {"_documents": list(reworked.documents)}


def _shown(state: RagState) -> RagState:
    """The state as a caller's own Runnable sees it."""
    return RagState({**state, "documents": state["_documents"]})


def _reworked(before: Sequence[Document], after: Sequence[Document], detail: dict[str, Any]) -> Piece:
    kept = {id(document) for document in after} | {document.id for document in after if document.id}
    gone = [one for one in before if id(one) not in kept and one.id not in kept]
    detail["dropped"] = [{"id": one.id, "reason": "not in what the step gave"} for one in gone]
    return {"_documents": list(after)}
