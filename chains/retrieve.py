"""The search of one turn: every query is asked, all at once, and what was found becomes one list.

Any LangChain retriever serves; knows no store.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from langchain_core.documents import Document
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import ContextThreadPoolExecutor

from .document_step import as_documents
from .embeddings import encode_queries
from .errors import FilterError
from .filters import both_filters
from .found import fit_for_steps
from .freshness import Freshness
from .fuse_queries import fuse_queries
from .queries import Query
from .retriever import KnowledgeBaseRetriever
from .reworking_retriever import ReworkingRetriever
from .several_retrievers import SeveralRetrievers
from .state import RagState
from .step import WITHOUT, Piece, Step

__all__ = ["retrieve_step", "select_step", "size_of", "unfiltered"]

Retriever = Runnable[str, list[Document]]
TAKING_K = (KnowledgeBaseRetriever, SeveralRetrievers)  # `k` and filters of ours, call by call
POOL, POOL_PER_K = 32, 4  # passages that the steps after the search choose from


def retrieve_step(retriever: Retriever, fuse: Any, *, wide: bool, freshness: Freshness | None = None) -> Step:
    """Sets the documents that the following steps rework; `fuse` is a Runnable, or None for `fuse_queries`.

    `wide` asks a knowledge base for more than its `k`, for `select_step` to cut. `freshness` is given to a
    knowledge base, which counts it over all that its legs found.
    """

    def wanted(state: RagState, config: RunnableConfig) -> _Wanted:
        without = config.get("configurable", {}).get(WITHOUT, ())
        return _Wanted(_source(state, retriever), wide, None if "freshness" in without else freshness)

    def run(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> Iterator[Piece]:
        queries = _queries(state)
        asked = wanted(state, config).asked(state, queries)
        if len(asked) == 1:
            found = [fit_for_steps(asked[0](config))]
        else:
            with ContextThreadPoolExecutor(max_workers=len(asked)) as threads:
                found = list(threads.map(lambda one: fit_for_steps(one(config)), asked))
        if fuse is None:
            documents = _one_list(queries, found)
        else:
            documents = as_documents("fuse", fuse.invoke(found, config))
        yield _found(queries, found, documents, detail)

    async def arun(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> AsyncIterator[Piece]:
        queries = _queries(state)
        asked = await asyncio.to_thread(wanted(state, config).asked, state, queries, asynchronous=True)
        found = [fit_for_steps(one) for one in await asyncio.gather(*(one(config) for one in asked))]
        if fuse is None:
            documents = _one_list(queries, found)
        else:
            documents = as_documents("fuse", await fuse.ainvoke(found, config))
        yield _found(queries, found, documents, detail)

    return Step("retrieve", run, arun, instead=lambda state: {"_documents": []})


def select_step(retriever: Retriever) -> Step:
    """Keeps the first `k`: of the route, else of the knowledge base's retriever; all where neither says."""

    def run(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> Iterator[Piece]:
        source, found = _source(state, retriever), state["_documents"]
        k = getattr(state.get("_route"), "k", None)
        if k is None and isinstance(source, TAKING_K):
            k = source.k
        kept = found if k is None else found[:k]
        detail["kept"] = [one.id for one in kept]
        detail["dropped"] = [{"id": one.id, "reason": f"after place {k}"} for one in found[len(kept) :]]
        yield {"_documents": kept}

    return Step("select", run, instead=lambda state: {})


def unfiltered(retriever: Retriever, state: RagState, config: RunnableConfig) -> list[Document]:
    """What a knowledge base finds without the call's filter; the retriever's and the route's stay.

    Those may be what keeps one user from another's documents. [] where there is nothing to lift.
    """
    source = _source(state, retriever)
    if not state["filter"] or not isinstance(source, KnowledgeBaseRetriever):
        return []
    return source.invoke(state["standalone"], config, **_filter(source, RagState({**state, "filter": {}})))


def size_of(retriever: Retriever, state: RagState) -> int | None:
    """How many passages the knowledge base has that this question is searched in; None where none tells."""
    source = _source(state, retriever)
    return source.kb.count() if isinstance(source, KnowledgeBaseRetriever) else None


def _source(state: RagState, retriever: Retriever) -> Retriever:
    """Where to search: the route's retriever, or the chain's own."""
    return getattr(state.get("_route"), "retriever", None) or retriever


def _queries(state: RagState) -> list[Query]:
    """The queries with what is known of them; plain texts where a step of the caller's gave them."""
    known = {query.text: query for query in state.get("_queries", ())}
    return [known.get(text) or Query(text) for text in state["queries"]]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Where this call searches, and with what."""

    source: Retriever
    wide: bool
    freshness: Freshness | None

    def asked(
        self, state: RagState, queries: Sequence[Query], *, asynchronous: bool = False
    ) -> list[Callable[[RunnableConfig], Any]]:
        """A search for each query, ready to be called with a config."""
        given = _filter(self.source, state)
        call = self.source.ainvoke if asynchronous else self.source.invoke
        if self.wide and isinstance(self.source, TAKING_K):
            k = getattr(state.get("_route"), "k", None) or self.source.k
            given["k"] = max(POOL, POOL_PER_K * k) if k else 0
        if not isinstance(self.source, KnowledgeBaseRetriever):
            return [partial(call, query.text, **given) for query in queries]
        if self.freshness is not None:
            given["freshness"] = self.freshness
        texts = [query.text for query in queries]
        vectors = encode_queries(self.source.kb.encoder, texts) if len(texts) > 1 else [None]
        own: list[dict[str, Any]] = [{"mode": query.mode} if query.mode else {} for query in queries]
        return [
            partial(call, query.text, **given, vector=vector, **mode)
            for query, vector, mode in zip(queries, vectors, own, strict=True)
        ]


def _filter(source: Retriever, state: RagState) -> dict[str, Any]:
    """The filters of the call and of the route; both hold."""
    filters = [one for one in (state["filter"], getattr(state.get("_route"), "filter", None)) if one]
    if not filters:
        return {}
    if isinstance(source, TAKING_K):
        return {"filter": both_filters(*filters)}
    if not _takes_filter(source):
        raise FilterError(
            f"A {type(source).__name__} takes no filter, so {filters[0]!r} cannot be applied.",
            remedy="Use kb.as_retriever(), or filter inside the retriever.",
        )
    joined: dict[str, Any] = {}
    for one in filters:
        if joined.keys() & one.keys():
            raise FilterError(
                f"The route and the call both filter by {sorted(joined.keys() & one.keys())}.",
                remedy="Use kb.as_retriever(), which joins them, or filter by another key.",
            )
        joined |= one
    return {"filter": joined}


def _takes_filter(retriever: Runnable[Any, Any]) -> bool:
    """Whether `filter` can be given per call, by the retriever's own signature."""
    if isinstance(retriever, ReworkingRetriever):
        return True  # it passes a filter on, or says that it cannot
    inner = getattr(retriever, "_get_relevant_documents", None)
    return inner is not None and "filter" in inspect.signature(inner).parameters


def _found(
    queries: Sequence[Query],
    found: Sequence[Sequence[Document]],
    documents: list[Document],
    detail: dict[str, Any],
) -> Piece:
    places: dict[str, list[int]] = {}
    for number, hits in enumerate(found):
        for hit in hits:
            places.setdefault(_key(hit), []).append(number)
    detail |= {
        "queries": [{"text": query.text, "kind": query.kind} for query in queries],
        "found": [_told(one, places.get(_key(one), [])) for one in documents],
    }
    failed = dict.fromkeys(one.metadata["degraded"] for one in documents if "degraded" in one.metadata)
    if failed:
        detail["degraded"] = " ".join(map(str, failed))
    return {"_documents": documents}


def _told(document: Document, queries: Sequence[int]) -> Mapping[str, Any]:
    metadata = document.metadata
    return {
        "id": document.id,
        "source": metadata.get("source", ""),
        "title": metadata.get("title", ""),
        "heading": metadata.get("heading", ""),
        "ranks": metadata.get("ranks", {}),
        "scores": metadata.get("scores", {}),
        "queries": list(queries),
    }


def _key(document: Document) -> str:
    return document.id or document.page_content


def _one_list(queries: Sequence[Query], found: Sequence[Sequence[Document]]) -> list[Document]:
    return fuse_queries(queries, found, limit=max(len(hits) for hits in found))
