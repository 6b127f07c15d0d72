"""Any retriever with steps behind it: reranking, filtering and diversifying in chains that are not ours.

Knows no step and no store.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
    Callbacks,
)
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable
from pydantic import ConfigDict, Field

from .errors import FilterError

__all__ = ["ReworkingRetriever"]

FETCH = 32
USUAL_K = 8  # where a retriever takes `k` and nobody says it


class ReworkingRetriever(BaseRetriever):
    """Asks a retriever for more passages than are wanted, passes them through the steps, gives the best `k`.

    >>> from langchain_core.runnables import RunnableLambda
    >>> from ragweave.chains.diversify import Diversify
    >>> found = RunnableLambda(lambda query: [Document("Ask early."), Document("ask  early")])
    >>> ReworkingRetriever(found, [Diversify()]).invoke("when?")
    [Document(metadata={}, page_content='Ask early.')]

    Args:
        retriever: any LangChain retriever, or Runnable from a text to Documents.
        steps: document compressors, Ragweave's or others, in this order.
        k: passages to give back; also per call. The retriever's own `k` where it has one, else 8 from one
            that takes a `k`, and all from one that takes none.
        fetch: passages to ask for, where the retriever takes a `k`.
    """

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    retriever: Runnable[str, list[Document]]
    steps: list[BaseDocumentCompressor]
    k: int | None = Field(default=None, ge=1)
    fetch: int = Field(default=FETCH, ge=1)

    def __init__(
        self,
        retriever: Runnable[str, list[Document]],
        steps: Sequence[BaseDocumentCompressor],
        *,
        k: int | None = None,
        fetch: int = FETCH,
        **named: Any,
    ) -> None:
        # Pydantic's own __init__ takes keywords only; `named` are LangChain's `name`, `tags` and `metadata`.
        super().__init__(**{"retriever": retriever, "steps": list(steps), "k": k, "fetch": fetch, **named})

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **given: Any
    ) -> list[Document]:
        k, passed = self._settings(given)
        callbacks: Callbacks = run_manager.get_child()
        found: Sequence[Document] = self.retriever.invoke(query, {"callbacks": callbacks}, **passed)
        for step in self.steps:
            if found:
                found = step.compress_documents(found, query, callbacks)
        return list(found)[:k]

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **given: Any
    ) -> list[Document]:
        k, passed = self._settings(given)
        callbacks: Callbacks = run_manager.get_child()
        found: Sequence[Document] = await self.retriever.ainvoke(query, {"callbacks": callbacks}, **passed)
        for step in self.steps:
            if found:
                found = await step.acompress_documents(found, query, callbacks)
        return list(found)[:k]

    def _settings(self, given: dict[str, Any]) -> tuple[int | None, dict[str, Any]]:
        """How many to give back, and what to pass on.

        LangChain drops in silence what a retriever does not take; here that is an error.
        """
        takes = _taken(self.retriever)
        k = given.get("k") or self.k or _own_k(self.retriever)
        passed = {name: value for name, value in given.items() if name != "k"}
        if takes("k"):
            k = k or USUAL_K
            passed["k"] = max(self.fetch, k)
        name = type(self.retriever).__name__
        if "filter" in passed and not takes("filter"):
            raise FilterError(
                f"A {name} takes no filter, so {passed['filter']!r} cannot be applied.",
                remedy="Wrap a retriever that does, such as kb.as_retriever().",
            )
        if unknown := sorted(one for one in passed if not takes(one)):
            raise TypeError(f"A {name} takes no {', '.join(unknown)}.")
        return k, passed


def _taken(retriever: Runnable[Any, Any]) -> Any:
    """Whether a retriever takes a named argument per call, by its own signature."""
    inner = getattr(retriever, "_get_relevant_documents", None)
    if not isinstance(retriever, BaseRetriever) or inner is None:
        return lambda name: False
    parameters = inspect.signature(inner).parameters
    anything = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values())
    return lambda name: anything or name in parameters


def _own_k(retriever: Runnable[Any, Any]) -> int | None:
    """The `k` that a retriever was made with, its own or that of its vector store's search."""
    for k in (getattr(retriever, "k", None), (getattr(retriever, "search_kwargs", None) or {}).get("k")):
        if isinstance(k, int) and k > 0:
            return k
    return None
