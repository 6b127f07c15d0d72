"""When the reader's quotes are no answer."""

from __future__ import annotations

import pytest
from langchain_core.documents import Document

from ragweave.chains.abstention import DOES_NOT_SAY, NOTHING_FOUND, SIGNALS, judge
from ragweave.chains.embeddings import open_encoder
from ragweave.chains.extractive import select_quotes

from .fakes import WordEncoder

TEXT = (
    "Every employee gets 25 days of leave a year. Unused days are carried over until March. "
    "Pets are not allowed in the kitchen."
)
HANDBOOK = [Document(TEXT, metadata={"title": "Handbook", "heading": "Leave"})]


@pytest.mark.parametrize("documents", [[], [Document("")]])
def test_no_text_is_nothing_found(documents: list[Document]) -> None:
    verdict = judge("How much leave do I get?", documents, WordEncoder())

    assert (verdict.abstain, verdict.reason) == (True, NOTHING_FOUND)


@pytest.mark.parametrize("question", ["", "  ", "Hello!", "Hi there, how are you?", "Thank you very much"])
def test_small_talk_asks_for_nothing(question: str) -> None:
    greeting = [Document("Hello, how are you? Thank you very much.", metadata={"scores": {"vector": 0.9}})]

    assert judge(question, greeting, WordEncoder()).reason == NOTHING_FOUND


def test_small_talk_before_a_question_does_not_hide_it() -> None:
    verdict = judge("Hello, how many days of leave does every employee get?", HANDBOOK, open_encoder())

    assert not verdict.abstain


@pytest.mark.parametrize(
    "question",
    ["How many days of leave do I get?", "What happens to unused days?", "Are pets allowed in the kitchen?"],
)
def test_what_the_documents_say_is_answered(question: str) -> None:
    verdict = judge(question, HANDBOOK, open_encoder())

    assert (verdict.abstain, verdict.reason) == (False, "")
    assert {*SIGNALS, "passage", "probability"} <= verdict.signals.keys()


@pytest.mark.parametrize("question", ["What is the capital of France?", "Who won the 2018 world cup?"])
def test_what_is_far_from_the_documents_is_nothing_found(question: str) -> None:
    verdict = judge(question, HANDBOOK, open_encoder())

    assert (verdict.abstain, verdict.reason) == (True, NOTHING_FOUND)


def test_what_is_near_but_not_said_is_told_apart() -> None:
    verdict = judge("How long is maternity absence?", HANDBOOK, open_encoder())
    near = judge(
        "How long is maternity absence?",
        [Document(TEXT, metadata={"title": "Handbook", "scores": {"vector": 0.5}})],
        open_encoder(),
    )

    assert verdict.abstain
    assert (near.abstain, near.reason) == (True, DOES_NOT_SAY)


def test_the_relative_score_of_a_search_changes_nothing() -> None:
    def judged(fused: float) -> float:
        metadata = {"title": "Handbook", "scores": {"fused": fused, "vector": 0.4}}
        return judge("How many days of leave?", [Document(TEXT, metadata=metadata)], WordEncoder()).signals[
            "probability"
        ]

    assert judged(1.0) == judged(0.1)


def test_known_quotes_spare_a_second_reading() -> None:
    question = "How many days of leave?"
    documents = [Document(TEXT, metadata={"title": "Handbook", "scores": {"vector": 0.4}})]
    quotes = select_quotes(question, documents, WordEncoder())
    encoder = WordEncoder()

    verdict = judge(question, documents, encoder, quotes=quotes)

    assert encoder.encoded == []
    assert verdict == judge(question, documents, WordEncoder())
