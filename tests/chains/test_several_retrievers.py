"""Several knowledge bases behind one retriever: a fair order, where passages are from, one that fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_tests.integration_tests import RetrieversIntegrationTests

from ragweave.chains import ChainError, FilterError, KnowledgeBase, StoreUnavailable
from ragweave.chains.several_retrievers import SeveralRetrievers
from ragweave.chains.sqlite_store import SqliteStore

from .fakes import WordEncoder

QUERY = "How many days of leave do employees get?"


class Plain(BaseRetriever):
    """Gives what it was made with; takes no filter."""

    texts: list[str] = []

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return [Document(text) for text in self.texts]


class Down(BaseRetriever):
    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, filter: Any = None
    ) -> list[Document]:
        raise ConnectionError("refused")


@pytest.fixture
def bases(tmp_path: Path) -> Iterator[dict[str, KnowledgeBase]]:
    texts = {
        "it": ["Laptops are replaced.", "How to get a password for employees.", "Printers are grey."],
        "people": ["Employees get 25 days of leave.", "Salaries are paid on the 25th."],
        "empty": [],
    }
    made = {name: KnowledgeBase(SqliteStore(tmp_path / name), WordEncoder()) for name in texts}
    for name, kb in made.items():
        kb.ingest([Document(text, metadata={"source": text[:9], name: name}) for text in texts[name]])
    yield made
    for kb in made.values():
        kb.close()


def _texts(found: list[Document]) -> list[str]:
    return [document.page_content for document in found]


def test_the_best_passage_comes_first_whatever_base_it_is_in(bases: dict[str, KnowledgeBase]) -> None:
    found = SeveralRetrievers(bases).invoke(QUERY)

    assert found[0].page_content == "Employees get 25 days of leave."
    assert found[0].metadata["knowledge_base"] == "people"
    assert found[0].metadata["scores"]["fused"] == found[0].metadata["score"] == 1
    assert "degraded" not in found[0].metadata
    assert [one.metadata["score"] for one in found] == sorted(
        (one.metadata["score"] for one in found), reverse=True
    )


async def test_async_callers_get_the_same(bases: dict[str, KnowledgeBase]) -> None:
    several = SeveralRetrievers(bases)

    assert await several.ainvoke(QUERY) == several.invoke(QUERY)


def test_k_is_of_the_whole_and_may_be_given_by_the_call(bases: dict[str, KnowledgeBase]) -> None:
    several = SeveralRetrievers(bases, k=2)

    assert (len(several.invoke(QUERY)), len(several.invoke(QUERY, k=4))) == (2, 4)


def test_bases_whose_scores_mean_different_things_take_turns(bases: dict[str, KnowledgeBase]) -> None:
    several = SeveralRetrievers({"a": Plain(texts=["1", "3", "4"]), "b": Plain(texts=["2"])})

    found = several.invoke(QUERY)

    assert _texts(found) == ["1", "2", "3", "4"]
    assert [one.metadata["knowledge_base"] for one in found] == ["a", "b", "a", "a"]


def test_what_was_found_is_not_changed() -> None:
    plain = Plain(texts=["1"])
    kept = Document("1")

    class Same(Plain):
        def _get_relevant_documents(
            self, query: str, *, run_manager: CallbackManagerForRetrieverRun
        ) -> list[Document]:
            return [kept]

    SeveralRetrievers({"a": Same(), "b": plain}).invoke(QUERY)

    assert kept.metadata == {}


async def test_a_base_that_fails_is_left_out_and_every_passage_says_so(
    bases: dict[str, KnowledgeBase],
) -> None:
    several = SeveralRetrievers({"people": bases["people"], "legal": Down()})

    for found in (several.invoke(QUERY), await several.ainvoke(QUERY)):
        assert found[0].page_content == "Employees get 25 days of leave."
        assert found[0].metadata["degraded"] == "The knowledge base legal did not answer: ConnectionError."


@pytest.mark.parametrize("other", [["empty"], []])
def test_where_one_fails_and_nothing_was_found_the_search_fails(
    bases: dict[str, KnowledgeBase], other: list[str]
) -> None:
    several = SeveralRetrievers({"legal": Down(), **{name: bases[name] for name in other}})

    with pytest.raises(StoreUnavailable, match="The knowledge base legal did not answer: ConnectionError"):
        several.invoke(QUERY)


def test_a_filter_reaches_all_and_a_base_without_the_key_has_nothing_to_give(
    bases: dict[str, KnowledgeBase],
) -> None:
    found = SeveralRetrievers(bases).invoke(QUERY, filter={"people": "people"})

    assert {one.metadata["knowledge_base"] for one in found} == {"people"}
    assert all("degraded" not in one.metadata for one in found)


def test_a_key_that_no_base_has_is_an_error(bases: dict[str, KnowledgeBase]) -> None:
    full = {name: bases[name] for name in ("it", "people")}

    with pytest.raises(FilterError, match="No document has the key 'team'"):
        SeveralRetrievers(full).invoke(QUERY, filter={"team": "x"})


def test_a_filter_that_one_cannot_take_is_an_error_and_never_ignored(bases: dict[str, KnowledgeBase]) -> None:
    several = SeveralRetrievers({"people": bases["people"], "plain": Plain(texts=["1"])})

    with pytest.raises(FilterError, match="'plain' takes no filter"):
        several.invoke(QUERY, filter={"people": "people"})


def test_its_encoder_is_the_one_that_all_share(bases: dict[str, KnowledgeBase], tmp_path: Path) -> None:
    other = KnowledgeBase(SqliteStore(tmp_path / "other"), WordEncoder("others"))

    assert SeveralRetrievers(bases).encoder is bases["it"].encoder
    assert SeveralRetrievers({**bases, "other": other}).encoder is None
    assert SeveralRetrievers({**bases, "plain": Plain()}).encoder is None


@pytest.mark.parametrize(
    ("given", "message"),
    [({}, "has none"), (["kb/"], "has a list. Give a dict"), ({"a": "kb/"}, "'a' is a str")],
)
def test_what_cannot_be_searched_is_refused(given: Any, message: str) -> None:
    with pytest.raises(ChainError, match=message):
        SeveralRetrievers(given)


class TestLangChainsOwnTests(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def _filled(self, tmp_path: Path) -> Iterator[None]:
        texts = (
            "Salaries are paid monthly.",
            "Leave is approved by the manager.",
            "An example query.",
            "Ask early.",
        )
        with KnowledgeBase(SqliteStore(tmp_path / "own"), WordEncoder()) as kb:
            kb.ingest([Document(text, metadata={"source": text}) for text in texts])
            TestLangChainsOwnTests.kb = kb
            yield

    kb: KnowledgeBase

    @property
    def retriever_constructor(self) -> Any:
        return lambda **given: SeveralRetrievers({"one": TestLangChainsOwnTests.kb}, **given)

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {}

    @property
    def retriever_query_example(self) -> str:
        return "example query"
