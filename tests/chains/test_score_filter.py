"""Floors on absolute signals, and the cut at a jump."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.documents import Document
from pydantic import ValidationError

from ragweave.chains.score_filter import ScoreFilter, autocut


def _found(*scores: dict[str, Any]) -> list[Document]:
    return [
        Document(f"passage {n}", id=f"p{n}", metadata={"score": 1 - n / 10, "scores": score})
        for n, score in enumerate(scores)
    ]


def test_a_passage_below_the_floor_goes_and_the_reason_has_the_numbers() -> None:
    documents = _found({"vector": 0.62}, {"vector": 0.21}, {"vector": -0.05})

    reworked = ScoreFilter(floor=0.35).rework(documents, "q")

    assert reworked.documents == documents[:1]
    assert [one.reason for one in reworked.dropped] == ["cosine .21 below .35", "cosine -.05 below .35"]


def test_a_floor_can_drop_everything() -> None:
    assert ScoreFilter(floor=0.9).rework(_found({"vector": 0.5}), "q").documents == []


def test_a_passage_without_the_signal_stays_and_is_counted() -> None:
    documents = _found({"vector": 0.1}, {"keyword": 7.0}, {})

    reworked = ScoreFilter(floor=0.35).rework(documents, "q")

    assert [one.id for one in reworked.documents] == ["p1", "p2"]
    assert reworked.detail == {"unjudged": "2 passages have no such score and stay"}


def test_the_share_of_the_questions_words_counts_title_and_word_forms() -> None:
    documents = [
        Document("You get 25 days.", metadata={"title": "Annual leave"}),
        Document("Salaries are paid monthly."),
    ]

    reworked = ScoreFilter(keywords=0.5).rework(documents, "How many day of annual leaves?")

    assert reworked.documents == documents[:1]
    assert reworked.dropped[0].reason == "words .00 below .50"


def test_with_both_floors_one_signal_above_is_enough() -> None:
    documents = [
        Document("error E4711", metadata={"scores": {"vector": 0.1}}),
        Document("a fault", metadata={"scores": {"vector": 0.5}}),
        Document("lunch", metadata={"scores": {"vector": 0.1}}),
    ]

    reworked = ScoreFilter(floor=0.3, keywords=0.5).rework(documents, "E4711")

    assert reworked.documents == documents[:2]
    assert reworked.dropped[0].reason == "cosine .10 below .30, words .00 below .50"


@pytest.mark.parametrize("name", ["fused", "rerank", "keyword", "score"])
def test_a_floor_on_a_relative_score_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(ValidationError, match=f"`{name}` scores are relative to their own search"):
        ScoreFilter(floor={name: 0.3})


def test_the_cosine_can_be_named() -> None:
    assert ScoreFilter(floor={"vector": 0.3}).floor == 0.3


@pytest.mark.parametrize("wrong", [{"floor": 1.5}, {"keywords": 2}, {"autocut": 0}, {"flor": 0.3}])
def test_settings_out_of_range_or_misspelt_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ScoreFilter(**wrong)


def test_without_settings_nothing_goes() -> None:
    documents = _found({"vector": 0.0}, {})

    reworked = ScoreFilter().rework(documents, "q")

    assert (reworked.documents, list(reworked.dropped), reworked.detail) == (documents, [], {})


@pytest.mark.parametrize("query", ["", "???"])
def test_a_question_without_words_drops_nothing_for_its_words(query: str) -> None:
    assert len(ScoreFilter(keywords=1).rework(_found({}, {}), query).documents) == 2


# -- autocut -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scores", "jumps", "stay"),
    [  # the last numbers by Weaviate's own function, entities/autocut
        ([0.9, 0.88, 0.87, 0.4, 0.39, 0.1], 1, 3),
        ([0.9, 0.88, 0.87, 0.4, 0.39, 0.1], 2, 6),
        ([1.0, 0.2, 0.19, 0.18], 1, 1),
        ([1.0, 0.99, 0.5, 0.49, 0.1, 0.09], 1, 2),
        ([1.0, 0.99, 0.5, 0.49, 0.1, 0.09], 2, 4),
        ([1.0, 0.99, 0.98, 0.1], 1, 3),
    ],
)
def test_the_cut_is_before_the_wanted_jump(scores: list[float], jumps: int, stay: int) -> None:
    assert autocut(scores, jumps) == stay


@pytest.mark.parametrize(
    "scores",
    [
        [],
        [0.5],
        [0.9, 0.1],
        [0.5, 0.5, 0.5],
        [1 - n / 10 for n in range(11)],
        [0.9 - n * 0.03 for n in range(30)],
    ],
)
def test_without_a_jump_all_stay(scores: list[float]) -> None:
    assert autocut(scores, 1) == len(scores)


def test_what_stands_behind_the_jump_goes_with_the_reason() -> None:
    documents = _found({}, {}, {}, {})
    for document, score in zip(documents, (0.9, 0.89, 0.88, 0.1), strict=True):
        document.metadata["score"] = score

    reworked = ScoreFilter(autocut=1).rework(documents, "q")

    assert reworked.documents == documents[:3]
    assert reworked.dropped[0].reason == "behind a jump in the scores, .88 to .10"


def test_autocut_needs_scores_in_order() -> None:
    documents = [Document("a"), Document("b"), Document("c")]

    reworked = ScoreFilter(autocut=1).rework(documents, "q")

    assert reworked.documents == documents
    assert "no scores in their order" in reworked.detail["degraded"]


def test_autocut_looks_at_what_the_floor_left() -> None:
    documents = _found({"vector": 0.9}, {"vector": 0.8}, {"vector": 0.7}, {"vector": 0.1})
    for document, score in zip(documents, (0.9, 0.85, 0.8, 0.0), strict=True):
        document.metadata["score"] = score

    assert len(ScoreFilter(floor=0.3, autocut=1).rework(documents, "q").documents) == 3
