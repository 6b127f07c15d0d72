"""`rag_chain` over `ChatLora`: the two parts meet in LangChain's types and a name, and must still agree."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain_core.documents import Document
from langchain_core.runnables import Runnable, RunnableConfig

from ragweave.adapters import UnknownAdapter
from ragweave.chains import KnowledgeBase, rag_chain
from ragweave.chains.sqlite_store import SqliteStore
from tests.adapters.fakes import FakeEngine, chat_over
from tests.chains.fakes import WordEncoder

QUESTION = "How many days of annual leave do employees get?"
HISTORY = [("user", "Is there annual leave?"), ("assistant", "Yes. [1]")]


@pytest.fixture
def kb(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with KnowledgeBase(SqliteStore(tmp_path / "kb"), WordEncoder()) as kb:
        kb.ingest([Document("Employees get 25 days of annual leave.", metadata={"source": "leave"})])
        yield kb


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine({"legal": "1", "support": "2"})


def _config(adapter: str | None) -> RunnableConfig:
    return {} if adapter is None else {"configurable": {"adapter": adapter}}


@pytest.mark.parametrize(
    ("bound", "configured", "routed", "expected"),
    [
        (None, None, None, ""),
        (None, None, "legal", "legal"),
        (None, "support", "legal", "support"),
        (None, "base", "legal", ""),
        ("legal", "support", None, "legal"),
        ("base", "support", "legal", ""),
        ("support@2", None, "legal", "support"),
    ],
)
def test_a_binding_beats_the_config_beats_the_route(
    kb: KnowledgeBase,
    engine: FakeEngine,
    bound: str | None,
    configured: str | None,
    routed: str | None,
    expected: str,
) -> None:
    model = chat_over(engine)
    chain = rag_chain(
        model if bound is None else model.bind(model=bound),
        kb.as_retriever(),
        abstain=None,
        route=None if routed is None else lambda state: {"adapter": routed},
    )

    state = chain.invoke(QUESTION, _config(configured))

    assert state["adapter"] == expected
    assert state["answer"].startswith(f"{expected}@" if expected else "base heard")
    assert state["adapter_version"] == {"legal": "1", "support": "2", "": ""}[expected]


async def test_each_input_of_a_batch_gets_its_own(kb: KnowledgeBase, engine: FakeEngine) -> None:
    chain = rag_chain(chat_over(engine), kb.as_retriever(), abstain=None)
    names = ["legal", "", "support", "legal", "base"]

    states = await chain.abatch([QUESTION] * 5, [_config(name) for name in names])

    assert [state["adapter"] for state in states] == ["legal", "", "support", "legal", ""]


def test_a_stream_names_the_adapter_once(kb: KnowledgeBase, engine: FakeEngine) -> None:
    chain = rag_chain(chat_over(engine), kb.as_retriever(), abstain=None)

    pieces = list(chain.stream(QUESTION, _config("support")))

    assert [piece["adapter"] for piece in pieces if "adapter" in piece] == ["support"]
    assert [piece["adapter_version"] for piece in pieces if "adapter_version" in piece] == ["2"]


def test_a_follow_up_is_rewritten_by_the_base(kb: KnowledgeBase, engine: FakeEngine) -> None:
    chain = rag_chain(chat_over(engine), kb.as_retriever(), abstain=None)

    chain.invoke({"question": "Who approves it?", "history": HISTORY}, _config("support"))

    assert [request.adapter for request in engine.requests] == ["", "support"]


def test_an_unknown_adapter_is_an_error_that_lists_the_known(kb: KnowledgeBase, engine: FakeEngine) -> None:
    chain: Runnable[object, object] = rag_chain(chat_over(engine), kb.as_retriever(), abstain=None)

    with pytest.raises(UnknownAdapter, match="Known adapters: legal, support"):
        chain.with_config(configurable={"adapter": "suport"}).invoke(QUESTION)

    assert engine.requests == []


def test_leaving_a_stream_of_the_chain_ends_the_request(kb: KnowledgeBase, engine: FakeEngine) -> None:
    chain = rag_chain(chat_over(engine), kb.as_retriever(), abstain=None)
    stream = chain.stream(QUESTION, _config("legal"))

    for piece in stream:
        if "answer" in piece:
            break
    stream.close()  # type: ignore[attr-defined]  # a generator, as every stream of LangChain's

    assert engine.left_early == 1


def test_leaving_before_the_answer_asks_no_model(kb: KnowledgeBase, engine: FakeEngine) -> None:
    stream = rag_chain(chat_over(engine), kb.as_retriever(), abstain=None).stream(QUESTION)

    for piece in stream:
        if "documents" in piece:
            break
    stream.close()  # type: ignore[attr-defined]  # as above

    assert engine.requests == []


async def test_leaving_an_async_stream_ends_the_request(kb: KnowledgeBase, engine: FakeEngine) -> None:
    chain = rag_chain(chat_over(engine), kb.as_retriever(), abstain=None)
    stream = chain.astream(QUESTION, _config("legal"))

    async for piece in stream:
        if "answer" in piece:
            break
    await stream.aclose()  # type: ignore[attr-defined]  # an async generator
    await asyncio.sleep(0.05)  # the event loop closes what LangChain leaves open

    assert engine.left_early == 1
