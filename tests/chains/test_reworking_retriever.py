"""A retriever with steps behind it, which passes LangChain's own suite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import CallbackManagerForRetrieverRun, Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_tests.integration_tests import RetrieversIntegrationTests

from ragweave.chains import FilterError, KnowledgeBase
from ragweave.chains.diversify import Diversify
from ragweave.chains.rerank import Rerank
from ragweave.chains.reworking_retriever import ReworkingRetriever
from ragweave.chains.score_filter import ScoreFilter
from ragweave.chains.sqlite_store import SqliteStore

from .fakes import WordEncoder


class Reverse(BaseDocumentCompressor):
    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        return list(documents)[::-1]


class Plain(BaseRetriever):
    """Takes nothing but the question."""

    found: int = 5

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return [Document(f"passage {n}") for n in range(self.found)]


@pytest.fixture
def kb(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with KnowledgeBase(SqliteStore(tmp_path / "kb"), WordEncoder()) as kb:
        kb.ingest(
            Document(f"Example text number {n}.", metadata={"source": str(n), "odd": n % 2})
            for n in range(20)
        )
        yield kb


class TestReworkingRetriever(RetrieversIntegrationTests):
    kb: KnowledgeBase

    @pytest.fixture(autouse=True)
    def _base(self, kb: KnowledgeBase) -> None:
        type(self).kb = kb

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return ReworkingRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        steps = [ScoreFilter(), Rerank(Reverse()), Diversify()]
        return {"retriever": self.kb.as_retriever(), "steps": steps}

    @property
    def retriever_query_example(self) -> str:
        return "example text"


def test_more_is_fetched_than_given_back_so_that_a_step_can_bring_it_up(kb: KnowledgeBase) -> None:
    last = kb.search("example text", k=20)[-1]

    found = ReworkingRetriever(kb.as_retriever(k=3), [Rerank(Reverse(), weight=1)]).invoke("example text")

    assert len(found) == 3
    assert found[0].id == last.id


def test_a_filter_reaches_the_knowledge_base(kb: KnowledgeBase) -> None:
    found = ReworkingRetriever(kb.as_retriever(), [Reverse()]).invoke("example text", filter={"odd": 1}, k=20)

    assert [one.metadata["odd"] for one in found] == [1] * 10


def test_a_filter_that_the_retriever_would_ignore_is_an_error() -> None:
    with pytest.raises(FilterError, match="A Plain takes no filter"):
        ReworkingRetriever(Plain(), [Reverse()]).invoke("q", filter={"team": "a"})


def test_a_setting_that_the_retriever_would_ignore_is_an_error() -> None:
    with pytest.raises(TypeError, match="A Plain takes no alpha"):
        ReworkingRetriever(Plain(), [Reverse()]).invoke("q", alpha=0.5)


def test_one_that_takes_no_number_is_cut_only_on_request() -> None:
    retriever = ReworkingRetriever(Plain(), [Reverse()])

    assert len(retriever.invoke("q")) == 5
    assert [one.page_content for one in retriever.invoke("q", k=2)] == ["passage 4", "passage 3"]


def test_a_vector_stores_retriever_is_asked_for_more() -> None:
    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=16))
    store.add_documents([Document(f"text {n}") for n in range(10)])
    retriever = ReworkingRetriever(store.as_retriever(search_kwargs={"k": 2}), [Rerank(Reverse(), weight=1)])

    found = retriever.invoke("text 0")

    assert len(found) == 2
    assert found[0].page_content != store.similarity_search("text 0", k=1)[0].page_content


async def test_its_async_twin_gives_the_same() -> None:
    retriever = ReworkingRetriever(Plain(), [Reverse()], k=2)

    assert await retriever.ainvoke("q") == retriever.invoke("q")


def test_any_runnable_that_finds_documents_will_do() -> None:
    found: RunnableLambda[str, list[Document]] = RunnableLambda(lambda query: [Document(f"about {query}")])

    assert ReworkingRetriever(found, [Reverse()]).invoke("tea")[0].page_content == "about tea"


def test_where_nothing_is_found_no_step_runs() -> None:
    class Fails(Reverse):
        def compress_documents(self, *given: Any) -> list[Document]:
            raise AssertionError

    assert ReworkingRetriever(Plain(found=0), [Fails()]).invoke("q") == []
