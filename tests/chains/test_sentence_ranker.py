"""Passages ordered by their best sentence."""

from __future__ import annotations

import pytest
from langchain_core.documents import Document

from ragweave.chains.rerank import Rerank
from ragweave.chains.sentence_ranker import SentenceRanker

from .fakes import WordEncoder

LONG = (
    "The canteen opens at eleven. Bicycles stand behind the house. Employees get 25 days of annual leave. "
    "The post leaves at four. Visitors wear a badge. Windows are closed at night."
)
SHORT = "Annual leave is asked for in the calendar, days ahead, by all who want to go away for long."


def test_one_sentence_that_answers_lifts_a_long_passage() -> None:
    documents = [Document(SHORT, id="short"), Document(LONG, id="long"), Document("Lunch.", id="lunch")]

    reworked = SentenceRanker(WordEncoder()).rework(
        documents, "How many days of annual leave do employees get?"
    )

    assert [one.id for one in reworked.documents] == ["long", "short", "lunch"]
    scores = [one.metadata["scores"]["rerank"] for one in reworked.documents]
    assert scores == sorted(scores, reverse=True)
    assert reworked.detail == {"by": "encoder"}


def test_at_most_two_sentences_of_a_passage_are_encoded() -> None:
    encoder = WordEncoder()

    SentenceRanker(encoder).rework([Document(LONG), Document(SHORT)], "annual leave")

    assert len(encoder.encoded) == 3


def test_passages_after_the_first_ones_are_not_read_and_stay_behind() -> None:
    documents = [Document("Nothing here.", id="a"), Document(SHORT, id="b"), Document(LONG, id="c")]

    reworked = SentenceRanker(WordEncoder(), top=2).rework(documents, "annual leave days")

    assert [one.id for one in reworked.documents] == ["b", "a", "c"]
    assert "scores" not in reworked.documents[2].metadata


@pytest.mark.parametrize("query", ["", "???", "why " * 20_000])
def test_any_question_gives_an_order(query: str) -> None:
    documents = [Document(SHORT), Document("")]

    assert len(SentenceRanker(WordEncoder()).rework(documents, query).documents) == 2


def test_nothing_found_opens_no_encoder() -> None:
    def fail() -> WordEncoder:
        raise AssertionError

    assert SentenceRanker(fail).rework([], "q").documents == []


def test_blended_it_scores_by_the_encoder() -> None:
    documents = [Document(SHORT, id="short"), Document(LONG, id="long")]

    reworked = Rerank(SentenceRanker(WordEncoder())).rework(documents, "days of annual leave employees get")

    assert reworked.detail["scored_by"] == "scores.rerank"
    assert reworked.detail["by"] == "encoder"
