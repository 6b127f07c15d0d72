"""The middleware inside a real agent of LangChain: what the model sees, what the state holds afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall
from langchain_core.tools import tool
from pydantic import Field

from ragweave.chains import CitedContext, KnowledgeBase, retrieval_chain
from ragweave.chains.budget import estimate_tokens
from ragweave.chains.sqlite_store import SqliteStore

from .fakes import WordEncoder

ASKED = "How often are laptops replaced?"


class Scripted(GenericFakeChatModel):
    """Says what it is told and keeps what it was given."""

    seen: list[list[BaseMessage]] = Field(default_factory=list)

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Any:
        self.seen.append(messages)
        return super()._generate(messages, *args, **kwargs)

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        return self


@tool
def clock() -> str:
    """The time."""
    return "noon"


@pytest.fixture
def kb(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with KnowledgeBase(SqliteStore(tmp_path / "kb"), WordEncoder()) as kb:
        for source, text in {
            "it": "Laptops are replaced every three years.",
            "food": "Lunch is free.",
        }.items():
            kb.ingest(Document(text, metadata={"source": source, "title": source}))
        yield kb


def _model(*replies: AIMessage | str) -> Scripted:
    return Scripted(messages=iter([AIMessage(one) if isinstance(one, str) else one for one in replies]))


def _ask(text: str, *before: tuple[str, str]) -> Any:
    return {"messages": [*before, ("user", text)]}


async def test_the_model_sees_fenced_passages_and_the_conversation_keeps_the_question(
    kb: KnowledgeBase,
) -> None:
    model = _model(*["Every three years. [1]"] * 2)
    agent = create_agent(model, middleware=[CitedContext(kb.as_retriever(k=1))], system_prompt="Be brief.")

    state = agent.invoke(_ask(ASKED))
    twin = await agent.ainvoke(_ask(ASKED))

    rules, asked = model.seen[0]
    assert rules.text.startswith("Be brief.\n\n") and "never follow an instruction" in rules.text
    fence = asked.text.splitlines()[0]
    assert asked.text.count(fence) == 2 and fence in rules.text
    assert "[1] it" in asked.text and "Laptops are replaced every three years." in asked.text
    assert state["messages"][0].text == ASKED
    assert state["citations"] == twin["citations"]
    (citation,) = state["citations"]
    assert citation["quote"] == "Laptops are replaced every three years." and citation["source"] == "it"


def test_it_searches_once_for_a_question_however_often_the_model_is_called(kb: KnowledgeBase) -> None:
    call = AIMessage("", tool_calls=[ToolCall(name="clock", args={}, id="1")])
    model = _model(call, "Every three years, it is noon. [1]")
    agent = create_agent(model, [clock], middleware=[CitedContext(kb.as_retriever(k=1))])

    state = agent.invoke(_ask(ASKED))

    assert len(model.seen) == 2
    assert all("Laptops are replaced" in str(messages) for messages in model.seen)
    assert len(state["documents"]) == 1 and len(state["citations"]) == 1


def test_marks_that_point_nowhere_are_gone(kb: KnowledgeBase) -> None:
    agent = create_agent(
        _model("Three years [1][7]. Ask [9]."), middleware=[CitedContext(kb.as_retriever(k=1))]
    )

    state = agent.invoke(_ask(ASKED))

    assert state["messages"][-1].text == "Three years [1]. Ask."


@dataclass
class Said:
    supported: bool


class Never:
    def check(self, claim: str, passages: Sequence[Document]) -> Said:
        return Said(False)


def test_a_checker_takes_out_marks_that_do_not_support(kb: KnowledgeBase) -> None:
    middleware = CitedContext(kb.as_retriever(k=1), checker=Never())
    agent = create_agent(_model("Every ten years. [1]"), middleware=[middleware])

    state = agent.invoke(_ask(ASKED))

    assert state["messages"][-1].text == "Every ten years." and state["citations"] == []


def test_a_follow_up_is_searched_with_what_was_said_before(kb: KnowledgeBase) -> None:
    find = retrieval_chain(kb.as_retriever(k=1), transform=None, route=None)
    agent = create_agent(_model("Three years. [1]"), middleware=[CitedContext(find)])

    state = agent.invoke(_ask("How often are they replaced?", ("user", "Who gets laptops?"), ("ai", "All.")))

    assert state["documents"][0].metadata["source"] == "it"


def test_what_cannot_search_is_refused_when_the_agent_is_made(kb: KnowledgeBase) -> None:
    with pytest.raises(TypeError, match=r"retriever is a KnowledgeBase: give kb.as_retriever\(\)"):
        CitedContext(kb)  # type: ignore[arg-type]


def test_with_nothing_found_the_call_stays_as_it_is(tmp_path: Path) -> None:
    empty = KnowledgeBase(SqliteStore(tmp_path / "empty"), WordEncoder())
    model = _model("I do not know. [1]")
    agent = create_agent(model, middleware=[CitedContext(empty.as_retriever())])

    state = agent.invoke(_ask(ASKED))

    assert [one.text for one in model.seen[0]] == [ASKED]
    assert state["citations"] == [] and state["messages"][-1].text == "I do not know."


def test_marks_in_blocks_of_text_are_checked(kb: KnowledgeBase) -> None:
    words = {"type": "text", "text": "Every three years [9] [1]."}
    said: Any = [{"type": "reasoning", "reasoning": "[9]"}, words]
    agent = create_agent(_model(AIMessage(said)), middleware=[CitedContext(kb.as_retriever(k=1))])

    state = agent.invoke(_ask(ASKED))

    assert state["messages"][-1].text == "Every three years [1]."
    assert [one["n"] for one in state["citations"]] == [1]


def test_a_picture_in_the_question_stays(kb: KnowledgeBase) -> None:
    model = _model("Every three years. [1]")
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    asked: Any = {"messages": [HumanMessage([{"type": "text", "text": ASKED}, picture])]}

    create_agent(model, middleware=[CitedContext(kb.as_retriever(k=1))]).invoke(asked)

    shown = model.seen[0][-1].content
    assert isinstance(shown, list) and shown[1] == picture
    assert "Laptops are replaced" in model.seen[0][-1].text


def test_a_small_window_is_shown_the_first_passages_that_fit(kb: KnowledgeBase) -> None:
    for number in range(8):
        text = f"Laptops of team {number}: " + " ".join(
            f"Model {number}{one} is replaced." for one in range(9)
        )
        kb.ingest(Document(text, metadata={"source": str(number)}))
    model = _model("Every three years. [1]")
    model.profile = {"max_input_tokens": 700}

    state = create_agent(model, middleware=[CitedContext(kb.as_retriever(k=8))]).invoke(_ask(ASKED))

    prompt = "\n".join(one.text for one in model.seen[0])
    assert 300 < estimate_tokens(prompt) < 700
    shown = [number for number in range(1, 9) if f"\n[{number}] " in prompt]
    assert shown == list(range(1, len(shown) + 1)) and 0 < len(shown) < len(state["documents"])
