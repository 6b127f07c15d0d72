"""A knowledge base as a LangChain retriever."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field, InstanceOf

from .filters import both_filters
from .hits import Fusion, SearchMode
from .knowledge_base import KnowledgeBase

__all__ = ["KnowledgeBaseRetriever"]


class KnowledgeBaseRetriever(BaseRetriever):
    """Finds passages of a knowledge base; made by `KnowledgeBase.as_retriever`.

    `k`, `alpha`, `mode`, `fusion`, `filter` and `freshness` are defaults; `retriever.invoke(query, k=3)` is
    for one call. A call may also bring `vector`, the query's embedding.
    """

    kb: InstanceOf[KnowledgeBase] = Field(exclude=True, repr=False)
    k: int = 8
    alpha: float | None = None
    mode: SearchMode = "hybrid"
    fusion: Fusion = "relative"
    filter: dict[str, Any] = Field(default_factory=dict)
    freshness: Any = None

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **given: Any
    ) -> list[Document]:
        return self.kb.search(query, **self._settings(given))

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **given: Any
    ) -> list[Document]:
        return await self.kb.asearch(query, **self._settings(given))

    def _settings(self, given: dict[str, Any]) -> dict[str, Any]:
        """This call's settings; filters of the retriever and of the call both hold."""
        known: dict[str, Any] = {
            "k": self.k,
            "alpha": self.alpha,
            "mode": self.mode,
            "fusion": self.fusion,
            "vector": None,
            "freshness": self.freshness,
        }
        unknown = given.keys() - known.keys() - {"filter"}
        if unknown:
            names = ", ".join([*known, "filter"])
            raise TypeError(f"Unknown search settings {sorted(unknown)}: there are {names}.")
        both = both_filters(self.filter, given.get("filter"))
        return known | {name: given[name] for name in known.keys() & given.keys()} | {"filter": both}
