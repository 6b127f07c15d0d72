"""An adapter asked for reaches the model that writes the answer, or the call fails: never the base alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import ConfigurableField, Runnable, RunnableLambda

from ragweave.chains import ChainError, KnowledgeBase, rag_chain
from ragweave.chains.adapter_choice import check_model
from ragweave.chains.prompts import NOT_IN_DOCUMENTS
from ragweave.chains.sqlite_store import SqliteStore

from .fakes import WordEncoder

QUESTION = "How many days of annual leave do employees get?"
FOLLOW_UP = {
    "question": "How many days of it do employees get?",
    "history": [("user", "Is there annual leave?"), ("assistant", "Yes. [1]")],
}
Asked = list[tuple[str, Any]]


@pytest.fixture
def kb(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with KnowledgeBase(SqliteStore(tmp_path / "kb"), WordEncoder()) as kb:
        kb.ingest([Document("Employees get 25 days of annual leave.", metadata={"source": "leave"})])
        yield kb


def _recording(asked: Asked, said: str = "25 [1].") -> Runnable[Any, Any]:
    """A model that keeps what each call asked for: ("rewrite" or "answer", the adapter or None)."""

    def reply(messages: list[BaseMessage], config: Any) -> AIMessage:
        adapter = config["configurable"].get("adapter")
        asked.append(("rewrite" if len(messages) == 1 else "answer", adapter))
        written = {"adapter": adapter or "", "adapter_version": "2" if adapter else ""}
        return AIMessage(said, response_metadata=written)

    return RunnableLambda(reply)


def _plain() -> GenericFakeChatModel:
    return GenericFakeChatModel(messages=iter([AIMessage("25 [1].")] * 9))


class Adapted(GenericFakeChatModel):
    def list_adapters(self) -> list[str]:
        return ["support"]


def test_the_state_says_which_adapter_and_version_wrote_the_answer(kb: KnowledgeBase) -> None:
    chain = rag_chain(_recording([]), kb.as_retriever(), abstain=None)

    support = chain.invoke(QUESTION, {"configurable": {"adapter": "support"}})
    base = chain.invoke(QUESTION)

    assert (support["adapter"], support["adapter_version"]) == ("support", "2")
    assert (base["adapter"], base["adapter_version"]) == ("", "")


async def test_async_callers_get_the_same(kb: KnowledgeBase) -> None:
    asked: Asked = []
    chain = rag_chain(
        _recording(asked), kb.as_retriever(), abstain=None, route=lambda state: {"adapter": "legal"}
    )

    state = await chain.ainvoke(FOLLOW_UP)

    assert (state["adapter"], asked) == ("legal", [("rewrite", None), ("answer", "legal")])


def test_each_input_of_a_batch_has_its_own_adapter(kb: KnowledgeBase) -> None:
    chain = rag_chain(_recording([]), kb.as_retriever(), abstain=None)
    names = ["support", "", "legal", "support"]

    states = chain.batch([QUESTION] * 4, [{"configurable": {"adapter": name}} for name in names])

    assert [state["adapter"] for state in states] == names


def test_a_question_is_rewritten_by_the_base_model(kb: KnowledgeBase) -> None:
    asked: Asked = []
    chain = rag_chain(_recording(asked), kb.as_retriever(), abstain=None)

    chain.with_config(configurable={"adapter": "support"}).invoke(FOLLOW_UP)

    assert asked == [("rewrite", ""), ("answer", "support")]


@pytest.mark.parametrize(
    ("configurable", "expected"),
    [
        ({}, "legal"),
        ({"adapter": "support"}, "support"),
        ({"adapter": ""}, ""),
        ({"adapter": "base"}, "base"),
    ],
)
def test_the_call_beats_the_route(kb: KnowledgeBase, configurable: dict[str, str], expected: str) -> None:
    asked: Asked = []
    chain = rag_chain(
        _recording(asked), kb.as_retriever(), abstain=None, route=lambda state: {"adapter": "legal"}
    )

    state = chain.invoke(QUESTION, {"configurable": dict(configurable)})

    assert asked == [("answer", expected)]
    assert state["route"] == {"adapter": "legal"}


def test_a_route_that_names_no_adapter_leaves_the_base(kb: KnowledgeBase) -> None:
    asked: Asked = []
    for route in ({"collection": "hr"}, "hr", None):
        chain = rag_chain(
            _recording(asked), kb.as_retriever(), abstain=None, route=lambda state, route=route: route
        )
        chain.invoke(QUESTION)

    assert asked == [("answer", None)] * 3


@pytest.mark.parametrize("route", ["auto", lambda state: {"adapter": "support"}])
def test_quotes_have_no_adapter(kb: KnowledgeBase, route: Any) -> None:
    chain = rag_chain(None, kb.as_retriever(), route=route)
    asked = {} if callable(route) else {"adapter": "support"}

    with pytest.raises(ChainError, match="'support' was asked for, but no model writes the answers"):
        chain.invoke(QUESTION, {"configurable": asked})

    assert rag_chain(None, kb.as_retriever()).invoke(QUESTION, {"configurable": {"adapter": ""}})["answer"]


@pytest.mark.parametrize(
    "model",
    [
        _plain(),
        _plain().bind(stop=["x"]).with_config(tags=["mine"]),
        _plain().with_retry(),
        RunnableLambda(lambda messages: messages) | _plain(),
        Adapted(messages=iter([])).with_fallbacks([_plain()]),
    ],
    ids=["bare", "bound", "retried", "behind another step", "a fallback"],
)
def test_a_model_without_adapters_never_answers_in_place_of_one(
    kb: KnowledgeBase, model: Runnable[Any, Any]
) -> None:
    chain = rag_chain(model, kb.as_retriever(), abstain=None)

    with pytest.raises(ChainError, match="GenericFakeChatModel takes no adapters") as raised:
        chain.invoke(QUESTION, {"configurable": {"adapter": "support"}})

    assert "ChatLora" in raised.value.remedy


async def test_the_same_for_async_callers(kb: KnowledgeBase) -> None:
    chain = rag_chain(_plain(), kb.as_retriever(), abstain=None)

    with pytest.raises(ChainError, match="takes no adapters"):
        await chain.ainvoke(QUESTION, {"configurable": {"adapter": "support"}})


def test_a_reply_that_does_not_say_its_adapter_is_no_answer(kb: KnowledgeBase) -> None:
    chain = rag_chain(RunnableLambda(lambda messages: AIMessage("25 [1].")), kb.as_retriever(), abstain=None)

    with pytest.raises(ChainError, match="does not say which adapter wrote it"):
        chain.invoke(QUESTION, {"configurable": {"adapter": "support"}})


def test_an_adapter_that_finds_nothing_in_the_documents_is_named_too(kb: KnowledgeBase) -> None:
    chain = rag_chain(_recording([], NOT_IN_DOCUMENTS), kb.as_retriever(), abstain=None)

    state = chain.invoke(QUESTION, {"configurable": {"adapter": "support"}})

    assert state["abstained"]
    assert state["adapter"] == "support"


@pytest.mark.parametrize(
    "model",
    [
        Adapted(messages=iter([])).bind(model="support"),
        _plain().configurable_fields(messages=ConfigurableField(id="adapter")),
        RunnableLambda(lambda messages: messages),
    ],
)
def test_a_model_that_takes_adapters_or_shows_nothing_is_asked(model: Runnable[Any, Any]) -> None:
    check_model(model, {"configurable": {"adapter": "support"}})
