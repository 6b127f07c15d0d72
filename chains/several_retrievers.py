"""One retriever over several: a front for knowledge bases that stay apart.

Knows no store. Each base keeps its own order; between bases only cosines of one embedder can be compared.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any, cast

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ContextThreadPoolExecutor
from pydantic import Field, InstanceOf

from .embeddings import Encoder
from .errors import ChainError, FilterError, StoreUnavailable
from .retriever import KnowledgeBaseRetriever
from .rework import rescored
from .reworking_retriever import ReworkingRetriever

__all__ = ["SeveralRetrievers"]

log = logging.getLogger(__name__)

Named = tuple[str, Document]


class SeveralRetrievers(BaseRetriever):
    """Searches several knowledge bases, all at once, and gives one list; each passage says where it is from.

    `metadata["knowledge_base"]` is the name given here. Where all bases have the same embedder, a passage
    counts by its score within its base times how near that base comes to the query; else they take turns.
    A base that fails is left out: the passages of the others say so in `metadata["degraded"]`. Where one
    failed and the others found nothing, the search fails, for nobody knows whether there was an answer.

    Args:
        retrievers: knowledge bases or LangChain retrievers, by name.
        k: how many passages.

    Example:
        >>> import tempfile
        >>> from ragweave.chains import KnowledgeBase
        >>> with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
        ...     with KnowledgeBase.open(a) as people, KnowledgeBase.open(b) as money:
        ...         both = SeveralRetrievers({"people": people, "money": money.as_retriever(k=4)})
        ...         both.invoke("How many days of leave do I get?")
        []
    """

    retrievers: dict[str, InstanceOf[BaseRetriever]] = Field(exclude=True, repr=False)
    k: int = Field(default=8, ge=1)

    def __init__(self, retrievers: Mapping[str, Any], *, k: int = 8, **kwargs: Any) -> None:
        if not retrievers or not isinstance(retrievers, Mapping):
            given = "none" if not retrievers else f"a {type(retrievers).__name__}"
            raise ChainError(
                f"SeveralRetrievers has {given}.",
                remedy='Give a dict of knowledge bases by name, such as {"people": people_kb}.',
            )
        opened = {name: _as_retriever(name, one) for name, one in retrievers.items()}
        super().__init__(retrievers=opened, k=k, **kwargs)  # type: ignore[call-arg]  # pydantic's own arguments

    @property
    def encoder(self) -> Encoder | None:
        """The encoder that all of them share; None where they have several, or none is known."""
        found = [
            one.kb.encoder for one in self.retrievers.values() if isinstance(one, KnowledgeBaseRetriever)
        ]
        if len(found) < len(self.retrievers):
            return None
        first = found[0]
        alike = all(one is first or one.identity() == first.identity() for one in found)
        return first if alike else None

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        filter: Any = None,
        k: int | None = None,
    ) -> list[Document]:
        asked = self._asked(filter, k)
        config = RunnableConfig(callbacks=run_manager.get_child())

        def ask(name: str) -> _Answer:
            try:
                return _Answer(name, self.retrievers[name].invoke(query, config, **asked[name]))
            except Exception as error:  # any retriever, any failure: the others still answer
                return _Answer(name, error=error)

        with ContextThreadPoolExecutor(max_workers=len(asked)) as threads:
            return self._one_list(list(threads.map(ask, asked)), k or self.k)

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,
        filter: Any = None,
        k: int | None = None,
    ) -> list[Document]:
        asked = self._asked(filter, k)
        config = RunnableConfig(callbacks=run_manager.get_child())

        async def ask(name: str) -> _Answer:
            try:
                return _Answer(name, await self.retrievers[name].ainvoke(query, config, **asked[name]))
            except Exception as error:  # any retriever, any failure: the others still answer
                return _Answer(name, error=error)

        answers = list(await asyncio.gather(*(ask(name) for name in asked)))
        return await asyncio.to_thread(self._one_list, answers, k or self.k)

    def _asked(self, filter: Any, k: int | None) -> dict[str, dict[str, Any]]:
        """What each retriever is given beside the query."""
        given = {"filter": filter} if filter else {}
        deaf = [name for name, one in self.retrievers.items() if given and not _takes(one, "filter")]
        if deaf:
            raise FilterError(
                f"{deaf[0]!r} takes no filter, so {filter!r} cannot be applied.",
                remedy="Use knowledge bases, or filter inside the retriever.",
            )
        wide = {"k": k} if k else {}
        return {name: given | (wide if _takes(one, "k") else {}) for name, one in self.retrievers.items()}

    def _one_list(self, answers: Sequence[_Answer], k: int) -> list[Document]:
        failed = [one for one in answers if one.error and not isinstance(one.error, FilterError)]
        found = [one for one in answers if one.documents]
        told = " ".join(
            f"The knowledge base {one.name} did not answer: {type(one.error).__name__}." for one in failed
        )
        for one in failed:
            log.warning("The knowledge base %s failed.", one.name, exc_info=one.error)
        if failed and not found:
            others = " No other found anything." if len(failed) < len(answers) else ""
            raise StoreUnavailable(told + others, remedy="Try again later.") from failed[0].error
        if all(isinstance(one.error, FilterError) for one in answers):  # no base has such a key
            raise cast(Exception, answers[0].error)
        merged = _weighed(found) if self.encoder is not None else None
        return [
            _signed(document, name, told)
            for name, document in (_in_turns(found) if merged is None else merged)
        ][:k]


@dataclass(frozen=True, slots=True)
class _Answer:
    name: str
    documents: Sequence[Document] = ()
    error: Exception | None = None


def _weighed(answers: Sequence[_Answer]) -> list[Named] | None:
    """One list by the scores within each base, times how near its best passage is; None where none says.

    benchmarks/chain_routing.py tells how near this comes to one base with everything in it.
    """
    rows: list[tuple[float, str, Document]] = []
    for answer in answers:
        scores = [document.metadata.get("scores", {}) for document in answer.documents]
        nearest = max((one["vector"] for one in scores if "vector" in one), default=None)
        if nearest is None:
            return None
        for document, one in zip(answer.documents, scores, strict=True):
            fused = one["fused"] * max(nearest, 0.0) if "fused" in one else one.get("vector", 0.0)
            rows.append((fused, answer.name, document))
    highest = max((fused for fused, _, _ in rows), default=0.0) or 1.0
    rows.sort(key=lambda row: -row[0])  # stable: equal ones stay in the order of their bases
    return [(name, rescored(document, fused=fused / highest)) for fused, name, document in rows]


def _in_turns(answers: Sequence[_Answer]) -> list[Named]:
    """The first of each, then the second of each, and so on."""
    lists = ([(answer.name, document) for document in answer.documents] for answer in answers)
    return [pair for pair in chain.from_iterable(zip_longest(*lists)) if pair is not None]


def _signed(document: Document, name: str, degraded: str) -> Document:
    own = {"knowledge_base": name} | ({"degraded": degraded} if degraded else {})
    return document.model_copy(update={"metadata": {**document.metadata, **own}})


def _as_retriever(name: str, given: Any) -> BaseRetriever:
    if isinstance(given, BaseRetriever):
        return given
    made = given.as_retriever() if callable(getattr(given, "as_retriever", None)) else None
    if isinstance(made, BaseRetriever):
        return made
    raise ChainError(
        f"The retriever {name!r} is a {type(given).__name__}.",
        remedy="Give a KnowledgeBase or a LangChain retriever.",
    )


def _takes(retriever: BaseRetriever, argument: str) -> bool:
    """Whether a call can bring it, by the retriever's own signature."""
    if isinstance(retriever, (KnowledgeBaseRetriever, ReworkingRetriever)):
        return True
    return argument in inspect.signature(retriever._get_relevant_documents).parameters
