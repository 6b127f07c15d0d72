"""The search of one turn: every query is asked, all at once, and what was found becomes one list.

Any LangChain retriever serves; knows no store.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from langchain_core.documents import Document
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import ContextThreadPoolExecutor

from .embeddings import encode_queries
from .errors import FilterError
from .filters import both_filters
from .queries import Query
from .retriever import KnowledgeBaseRetriever
from .state import RagState
from .step import Piece, Step

__all__ = ["one_list", "retrieve_step", "select_step"]

Retriever = Runnable[str, list[Document]]
POOL, POOL_PER_K = 32, 4  # passages that the steps after the search choose from


def retrieve_step(retriever: Retriever, fuse: Any, *, wide: bool) -> Step:
    """Sets the documents that the following steps rework; `fuse` is a Runnable, or None for `one_list`.

    `wide` asks a knowledge base for more than its `k`, for `select_step` to cut.
    """

    def run(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> Iterator[Piece]:
        queries = _queries(state)
        asked = _asked(_source(state, retriever), state, queries, wide=wide)
        if len(asked) == 1:
            found = [asked[0](config)]
        else:
            with ContextThreadPoolExecutor(max_workers=len(asked)) as threads:
                found = list(threads.map(lambda one: one(config), asked))
        documents = one_list(found) if fuse is None else fuse.invoke(found, config)
        yield _found(queries, found, documents, detail)

    async def arun(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> AsyncIterator[Piece]:
        queries = _queries(state)
        source = _source(state, retriever)
        asked = await asyncio.to_thread(_asked, source, state, queries, wide=wide, asynchronous=True)
        found = list(await asyncio.gather(*(one(config) for one in asked)))
        documents = one_list(found) if fuse is None else await fuse.ainvoke(found, config)
        yield _found(queries, found, documents, detail)

    return Step("retrieve", run, arun, instead=lambda state: {"_documents": []})


def select_step(retriever: Retriever) -> Step:
    """Keeps the first `k`: of the route, else of the knowledge base's retriever; all where neither says."""

    def run(state: RagState, config: RunnableConfig, detail: dict[str, Any]) -> Iterator[Piece]:
        source, found = _source(state, retriever), state["_documents"]
        k = getattr(state.get("_route"), "k", None)
        if k is None and isinstance(source, KnowledgeBaseRetriever):
            k = source.k
        kept = found if k is None else found[:k]
        detail["kept"] = [one.id for one in kept]
        detail["dropped"] = [{"id": one.id, "reason": f"after place {k}"} for one in found[len(kept) :]]
        yield {"_documents": kept}

    return Step("select", run, instead=lambda state: {})


def _source(state: RagState, retriever: Retriever) -> Retriever:
    """Where to search: the route's retriever, or the chain's own."""
    return getattr(state.get("_route"), "retriever", None) or retriever


def _queries(state: RagState) -> list[Query]:
    """The queries with what is known of them; plain texts where a step of the caller's gave them."""
    known = {query.text: query for query in state.get("_queries", ())}
    return [known.get(text) or Query(text) for text in state["queries"]]


def _asked(
    source: Retriever, state: RagState, queries: Sequence[Query], *, wide: bool, asynchronous: bool = False
) -> list[Callable[[RunnableConfig], Any]]:
    """A search for each query, ready to be called with a config."""
    given = _filter(source, state)
    call = source.ainvoke if asynchronous else source.invoke
    if not isinstance(source, KnowledgeBaseRetriever):
        return [partial(call, query.text, **given) for query in queries]
    if wide:
        k = getattr(state.get("_route"), "k", None) or source.k
        given |= {"k": max(POOL, POOL_PER_K * k) if k else 0}
    texts = [query.text for query in queries]
    vectors = encode_queries(source.kb.encoder, texts) if len(texts) > 1 else [None]
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
    if isinstance(source, KnowledgeBaseRetriever):
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


def one_list(found: Sequence[Sequence[Document]]) -> list[Document]:
    """The hits of several queries as one list: by their place in each, every passage once."""
    if len(found) == 1:
        return list(found[0])
    best: dict[str, tuple[int, int, Document]] = {}
    for number, hits in enumerate(found):
        for rank, document in enumerate(hits):
            key = _key(document)
            best[key] = min(best.get(key, (rank, number, document)), (rank, number, document), key=_place)
    return [document for _, _, document in sorted(best.values(), key=_place)]


def _place(hit: tuple[int, int, Document]) -> tuple[int, int]:
    return hit[0], hit[1]
