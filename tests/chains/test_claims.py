"""From an answer to what it asserts."""

from __future__ import annotations

import time

import pytest

from ragweave.chains.claims import claims, without_marks


def found(answer: str) -> list[tuple[str, tuple[int, ...]]]:
    return [(one.text, one.cited) for one in claims(answer)]


@pytest.mark.parametrize(
    "answer", ["You get 25 days [1]. Ask early [2][3].", "You get 25 days. [1] Ask early. [2][3]"]
)
def test_marks_belong_to_the_sentence_before_them(answer: str) -> None:
    assert found(answer) == [("You get 25 days.", (1,)), ("Ask early.", (2, 3))]


def test_a_mark_inside_a_sentence_is_its_own() -> None:
    assert found("25 days [1], and 10 sick days [2]. More. [1, 3]") == [
        ("25 days, and 10 sick days.", (1, 2)),
        ("More.", (1, 3)),
    ]


def test_a_mark_at_the_beginning_belongs_to_what_follows() -> None:
    assert found("[2] Rome is old.") == [("Rome is old.", (2,))]


def test_list_items_are_claims_of_their_own() -> None:
    answer = "You need:\n\n- a passport [1]\n- two photos [2]\n1. a form"

    assert found(answer) == [("a passport", (1,)), ("two photos", (2,)), ("a form", ())]


@pytest.mark.parametrize(
    "answer",
    [
        "Hello! You get 25 days [1]. Let me know if you need more.",
        "According to the handbook, you get 25 days. [1]",
        "The documents state that you get 25 days [1].",
        "Yes, you get 25 days [1].",
        "## Leave\n\nYou get 25 days [1].\n\nIs there anything else?",
        "You get 25 days [1]. The documents do not say how many hours that is.",
        "You get 25 days [1]. I could not find anything about hours.",
    ],
)
def test_what_asserts_nothing_is_no_claim(answer: str) -> None:
    assert [text.lower() for text, _ in found(answer)] == ["you get 25 days."]


@pytest.mark.parametrize("answer", ["The policy does not allow pets [1].", "Dental care is not covered [1]."])
def test_what_the_documents_deny_is_a_claim(answer: str) -> None:
    assert len(found(answer)) == 1


def test_a_claim_points_at_its_sentence_with_the_marks_inside() -> None:
    answer = "Hello! You get 25 days [1]. Ask early. [2]"

    assert [answer[one.start : one.end] for one in claims(answer)] == ["You get 25 days [1].", "Ask early."]


@pytest.mark.parametrize("answer", ["", "   ", "[1]", "[1][2]\n", "...", "🙂 [1]", "- [1]"])
def test_odd_answers_have_no_claims(answer: str) -> None:
    assert claims(answer) == []


def test_marks_can_be_taken_out() -> None:
    assert (
        without_marks("You get 25 days [1] a year. [2][3]\n\nAsk [x].")
        == "You get 25 days a year.\n\nAsk [x]."
    )


def test_thousands_of_marks_take_no_time() -> None:
    answer = "- You get 25 days. [1]\n" * 5000

    started = time.perf_counter()
    found = claims(answer)

    assert time.perf_counter() - started < 5  # each with each takes longer
    assert {answer[one.start : one.end] for one in found} == {"- You get 25 days."}
    assert {one.cited for one in found} == {(1,)}
