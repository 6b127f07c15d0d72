"""Routes that answer without a search: a text, the model by itself, a chain, a person."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable, RunnableGenerator, RunnableLambda

from ragweave.chains import KnowledgeBase, Route, RuleRouter, rag_chain
from ragweave.chains.sqlite_store import SqliteStore

from .fakes import WordEncoder


@pytest.fixture
def kb(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with KnowledgeBase(SqliteStore(tmp_path / "kb"), WordEncoder()) as kb:
        kb.ingest(Document("Lunch is at noon.", metadata={"source": "lunch", "title": "Lunch"}))
        yield kb


def _routed(kb: KnowledgeBase, route: Route, model: Any = None) -> Any:
    return rag_chain(model, kb.as_retriever(), route=RuleRouter({route.name: bool}, [route]))


async def test_a_fixed_text_is_the_answer_and_nothing_is_searched(kb: KnowledgeBase) -> None:
    chain = _routed(kb, Route("hours", direct="We are open from 9 to 5."))

    state = chain.invoke("When are you open?")
    twin = await chain.ainvoke("When are you open?")

    assert state["answer"] == twin["answer"] == "We are open from 9 to 5."
    assert state["documents"] == [] and state["citations"] == [] and state["abstained"] is False
    assert state["route"]["name"] == "hours"
    left_out = {one["step"] for one in state["trace"] if one["detail"].get("left_out")}
    assert left_out >= {"retrieve", "abstain"}


async def test_a_model_answers_by_itself_from_the_conversation(kb: KnowledgeBase) -> None:
    seen: list[list[BaseMessage]] = []

    def reply(messages: Any) -> AIMessage:
        seen.append(messages)
        return AIMessage("Glad to help [1].")

    chain = _routed(kb, Route("chat", direct=True), RunnableLambda(reply))
    asked = {"question": "Nice work", "history": [("user", "Hi"), ("assistant", "Hello")]}

    state = chain.invoke(asked)
    twin = await chain.ainvoke(asked)

    assert state["answer"] == twin["answer"] == "Glad to help."  # there is no passage for a mark to name
    assert [one.type for one in seen[-1]] == ["system", "human", "ai", "human"]
    assert "Lunch" not in str(seen)


def test_without_a_model_it_says_what_it_can_do(kb: KnowledgeBase) -> None:
    state = _routed(kb, Route("chat", direct=True)).invoke("Tell me a joke")

    assert "from the documents" in state["answer"] and state["abstained"] is False


@pytest.mark.parametrize(("handoff", "said"), [(True, "person"), ("Anna takes over.", "Anna takes over.")])
def test_a_handoff_says_that_a_person_takes_over(kb: KnowledgeBase, handoff: Any, said: str) -> None:
    state = _routed(kb, Route("complaint", handoff=handoff)).invoke("I want to complain")

    assert said in state["answer"]
    assert state["route"]["handoff"]


async def test_a_chain_of_the_route_streams_its_own_answer(kb: KnowledgeBase) -> None:
    def words(pieces: Iterator[Any]) -> Iterator[str]:
        for given in pieces:
            yield from ("You asked: ", given["question"])

    async def awords(pieces: AsyncIterator[Any]) -> AsyncIterator[str]:
        async for given in pieces:
            for word in ("You asked: ", given["question"]):
                yield word

    chain = _routed(kb, Route("echo", chain=RunnableGenerator(words, awords)))

    pieces = [piece["answer"] for piece in chain.stream("When?") if "answer" in piece]
    twin = await chain.ainvoke("When?")

    assert pieces == ["You asked: ", "When?"]
    assert twin["answer"] == "You asked: When?" and twin["citations"] == []


def test_a_chain_of_the_route_may_set_what_an_answer_sets(kb: KnowledgeBase) -> None:
    own: Runnable[Any, Any] = RunnableLambda(
        lambda state: {"answer": "From the ERP.", "usage": {"calls": 1}, "question": "x"}
    )

    state = _routed(kb, Route("orders", chain=own)).invoke("Where is my order?")

    assert state["answer"] == "From the ERP." and state["usage"] == {"calls": 1}
    assert state["question"] == "Where is my order?" and state["citations"] == []


def test_every_key_comes_once_in_a_stream_of_a_direct_answer(kb: KnowledgeBase) -> None:
    model = GenericFakeChatModel(messages=iter([AIMessage("Hello to you")]))

    pieces = list(_routed(kb, Route("chat", direct=True), model).stream("Hi, bot"))

    keys = [key for piece in pieces for key in piece if key not in ("answer", "trace")]
    assert len(keys) == len(set(keys))
    assert {"documents", "citations", "abstained", "grounding", "usage"} <= set(keys)
