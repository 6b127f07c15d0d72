"""One more search before the chain abstains: when it is made, what it changes, what the trace tells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableLambda

from ragweave.chains import KnowledgeBase, rag_chain
from ragweave.chains.sqlite_store import SqliteStore

from .fakes import WordEncoder

ASKED = "How long may I be off sick with a doctor's note?"
OTHERWISE = "sick leave"


@pytest.fixture
def kb(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with KnowledgeBase(SqliteStore(tmp_path / "kb"), WordEncoder()) as kb:
        kb.ingest(Document("Sick leave lasts six weeks.", metadata={"source": "leave", "title": "Leave"}))
        kb.ingest(Document("Lunch is at noon.", metadata={"source": "lunch", "title": "Lunch"}))
        yield kb


def _chain(kb: KnowledgeBase, **steps: Any) -> Runnable[Any, Any]:
    """Abstains until the better words were searched."""
    model: Runnable[Any, Any] = RunnableLambda(lambda messages: AIMessage("Six weeks. [1]"))
    options: dict[str, Any] = {
        "abstain": lambda state: OTHERWISE not in state["queries"],
        "again": lambda state: [state["standalone"], OTHERWISE],
        "ground": None,
    }
    return rag_chain(model, kb.as_retriever(k=1), **options | steps)


def _names(state: dict[str, Any]) -> list[str]:
    return [entry["step"] for entry in state["trace"]]


async def test_what_the_second_search_finds_takes_the_place_of_the_first(kb: KnowledgeBase) -> None:
    chain = _chain(kb)

    state = chain.invoke(ASKED)
    twin = await chain.ainvoke(ASKED)

    assert state["answer"] == twin["answer"] == "Six weeks. [1]" and not state["abstained"]
    assert state["documents"][0].metadata["source"] == "leave"
    assert state["queries"] == [ASKED]  # what was searched first; the trace has the rest
    again = next(entry["detail"] for entry in state["trace"] if entry["step"] == "again")
    assert again["queries"] == [ASKED, OTHERWISE] and again["why"]
    after = _names(state)[_names(state).index("again") :]
    assert after[:2] == ["again", "retrieve"] and after.count("abstain") == 1
    assert _names(state) == _names(twin)


def test_there_is_one_round_and_no_more(kb: KnowledgeBase) -> None:
    state = _chain(kb, abstain=lambda state: True).invoke(ASKED)

    assert state["abstained"] is True
    assert _names(state).count("again") == 1 and _names(state).count("retrieve") == 2


def test_an_answer_that_was_found_is_not_searched_again(kb: KnowledgeBase) -> None:
    state = _chain(kb, abstain=lambda state: False).invoke(ASKED)

    assert "again" not in _names(state) and _names(state).count("retrieve") == 1


def test_the_same_queries_are_not_searched_again(kb: KnowledgeBase) -> None:
    state = _chain(kb, again=lambda state: [ASKED]).invoke(ASKED)

    assert state["abstained"] is True
    assert _names(state).count("retrieve") == 1
    assert next(entry["detail"]["queries"] for entry in state["trace"] if entry["step"] == "again") == []


def test_by_default_a_model_puts_the_question_otherwise(kb: KnowledgeBase) -> None:
    def reply(messages: Any) -> AIMessage:
        return AIMessage(
            f"1. {OTHERWISE} doctor's note" if "NOT IN" not in str(messages) else "Six weeks. [1]"
        )

    options: dict[str, Any] = {"abstain": lambda state: len(state["queries"]) < 2, "ground": None}

    state = rag_chain(RunnableLambda(reply), kb.as_retriever(), **options).invoke(ASKED)
    left_out = rag_chain(RunnableLambda(reply), kb.as_retriever(), **options).invoke(
        ASKED, {"configurable": {"without": ["again"]}}
    )

    assert "again" in _names(state)
    assert left_out["abstained"] is True and _names(left_out).count("retrieve") == 1
    assert next(entry["detail"] for entry in left_out["trace"] if entry["step"] == "again") == {
        "left_out": "by the call"
    }


def test_without_a_trace_it_works_the_same(kb: KnowledgeBase) -> None:
    state = _chain(kb, trace=False).invoke(ASKED)

    assert state["answer"] == "Six weeks. [1]" and "trace" not in state
