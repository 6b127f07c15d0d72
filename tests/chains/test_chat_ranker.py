"""A chat model that puts passages in order: what it is shown, and which replies count."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import RunnableLambda

from ragweave.chains.chat_ranker import ChatRanker, UnreadableRanking, parse_ranking
from ragweave.chains.rerank import Rerank

DOCUMENTS = [
    Document(f"text {number}", id=f"p{number}", metadata={"title": f"Title {number}"}) for number in (1, 2, 3)
]


def _replying(reply: str, seen: list[str] | None = None) -> RunnableLambda[Any, BaseMessage]:
    def answer(messages: Sequence[BaseMessage]) -> BaseMessage:
        if seen is not None:
            seen.append(str(messages[-1].content))
        return AIMessage(
            reply,
            response_metadata={"model_name": "small"},
            usage_metadata={"input_tokens": 90, "output_tokens": 5, "total_tokens": 95},
        )

    return RunnableLambda(answer)


@pytest.mark.parametrize("reply", ["3, 1, 2", "[3] > [1] > [2]", "[3, 1, 2]", " 3 1 2 ", "3,1,2.", "3\n1\n2"])
def test_lists_in_the_usual_spellings_are_read(reply: str) -> None:
    assert parse_ranking(reply, 3) == [2, 0, 1]


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "[]",
        "Passage 3 is best.",
        "3, 3, 1",
        "0, 1, 2",
        "4, 1",
        "3 1 2 because",
        "2. text\n1. text",
        "1-3",
    ],
)
def test_anything_else_is_no_ranking(reply: str) -> None:
    with pytest.raises(UnreadableRanking, match="The ranking"):
        parse_ranking(reply, 3)


def test_passages_that_the_model_leaves_out_follow_in_their_order() -> None:
    reworked = ChatRanker(_replying("3")).rework(DOCUMENTS, "q")

    assert [one.id for one in reworked.documents] == ["p3", "p1", "p2"]
    assert [one.metadata["scores"]["rerank"] for one in reworked.documents] == pytest.approx(
        [1, 2 / 3, 1 / 3]
    )
    assert reworked.detail == {
        "by": "model", "named": 1, "model": "small", "tokens": {"input": 90, "output": 5},
    }  # fmt: skip


def test_the_model_sees_numbered_passages_between_fences_that_differ_each_time() -> None:
    seen: list[str] = []
    ranker = ChatRanker(_replying("1", seen), top=2)

    ranker.rework(DOCUMENTS, "which title?")
    ranker.rework(DOCUMENTS, "which title?")

    fences = [re.findall(r"^===== (\w{16}) =====$", prompt, re.MULTILINE) for prompt in seen]
    assert "[1] Title 1\n\ntext 1\n\n[2] Title 2\n\ntext 2\n=====" in seen[0]
    assert "text 3" not in seen[0]
    assert [len(found) for found in fences] == [2, 2] and fences[0] != fences[1]


def test_the_prompt_is_bounded_whatever_is_found_and_asked() -> None:
    seen: list[str] = []
    documents = [Document("long " * 10_000) for _ in range(50)]

    reworked = ChatRanker(_replying("1", seen)).rework(documents, "why " * 25_000)

    assert len(seen[0]) < 20 * 620 + 2000 + 600
    assert len(reworked.documents) == 50


def test_a_malformed_reply_costs_only_the_reranking() -> None:
    reworked = Rerank(ChatRanker(_replying("I think 2."))).rework(DOCUMENTS, "q")

    assert reworked.documents == DOCUMENTS
    assert "UnreadableRanking: The ranking 'I think 2.' is no list" in reworked.detail["degraded"]


def test_blended_it_tells_the_model_and_its_tokens() -> None:
    reworked = Rerank(ChatRanker(_replying("3, 2, 1")), weight=0.6).rework(DOCUMENTS, "q")

    assert [one.id for one in reworked.documents] == ["p3", "p2", "p1"]
    assert reworked.detail["tokens"] == {"input": 90, "output": 5}
    assert reworked.detail["scores"]["p3"] == 1.0


def test_one_passage_needs_no_call() -> None:
    ranker = ChatRanker(GenericFakeChatModel(messages=iter([])))

    assert ranker.rework(DOCUMENTS[:1], "q").documents == DOCUMENTS[:1]


def test_the_model_is_called_in_the_callers_thread_unless_there_is_a_deadline() -> None:
    threads: list[str] = []

    def answer(messages: Sequence[BaseMessage]) -> BaseMessage:
        threads.append(threading.current_thread().name)
        return AIMessage("1")

    model = RunnableLambda(answer)

    Rerank(ChatRanker(model), deadline=None).rework(DOCUMENTS, "q")
    Rerank(ChatRanker(model)).rework(DOCUMENTS, "q")

    assert threads == [threading.current_thread().name, "ragweave-deadline"]


def test_something_that_is_no_model_is_refused() -> None:
    with pytest.raises(TypeError, match="model is a str"):
        ChatRanker("gpt")  # type: ignore[arg-type]
