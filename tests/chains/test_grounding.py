"""Claims against their passages: what is supported, by which, and what is left of an answer."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain_core.documents import Document

from ragweave.chains.citations import MarkFilter
from ragweave.chains.embeddings import open_encoder
from ragweave.chains.grounding import Grounder, ground, ground_step, strict_answer
from ragweave.chains.marks_check import MarksCheck

from .fakes import WordEncoder

LEAVE = Document(
    "Every employee gets 25 days of leave a year. Ask your manager two weeks ahead. "
    "Pets are not allowed in the kitchen.",
    metadata={"title": "Handbook", "heading": "Leave 2024"},
)
PAY = Document(
    "Salaries are paid on the 25th of each month. The office is in Lisbon.", metadata={"title": "Pay"}
)
DOCUMENTS = [LEAVE, PAY]


@pytest.fixture(scope="module")
def grounder() -> Grounder:
    return Grounder(open_encoder())


def grounded(answer: str, grounder: Grounder) -> dict[str, Any]:
    return {"claims": ground(answer, DOCUMENTS, grounder)}


@pytest.mark.parametrize(
    "claim",
    [
        "Every employee gets 25 days of leave a year.",
        "You get twenty-five days of leave each year.",
        "Ask your manager two weeks ahead.",
        "In 2024 employees get 25 days of leave a year.",
        "Pets are prohibited in the kitchen.",
    ],
)
def test_what_the_passage_says_is_supported(claim: str, grounder: Grounder) -> None:
    support = grounder.check(claim, [LEAVE])

    assert (support.supported, support.problems) == (True, [])


@pytest.mark.parametrize(
    "claim",
    [
        "Every employee gets 30 days of leave a year.",
        "Every employee gets 25 weeks of leave a year.",
        "Ask Maria Silva two weeks ahead.",
        "Pets are allowed in the kitchen.",
        "The company was founded by two engineers.",
        "Breakfast is served daily.",
    ],
)
def test_what_it_does_not_say_has_a_problem(claim: str, grounder: Grounder) -> None:
    support = grounder.check(claim, [LEAVE])

    assert not support.supported
    assert len(support.problems) == 1


@pytest.mark.parametrize("passages", [[], [Document("")], [Document(" \n ")]])
def test_without_text_nothing_is_supported(passages: list[Document], grounder: Grounder) -> None:
    assert not grounder.check("You get 25 days.", passages).supported


@pytest.mark.parametrize("claim", ["", "???", "🙂", "x" * 50_000, "of the and"])
def test_odd_claims_are_no_error(claim: str, grounder: Grounder) -> None:
    grounder.check(claim, DOCUMENTS)


def test_a_turns_sentences_are_encoded_once() -> None:
    encoder = WordEncoder()
    grounder = Grounder(encoder)

    for _ in range(3):
        grounder.check("Every employee gets 25 days of leave a year.", DOCUMENTS)

    assert len(encoder.encoded) == len(set(encoder.encoded))


def test_threads_get_what_one_caller_gets(grounder: Grounder) -> None:
    claims = [
        "Every employee gets 25 days of leave.",
        "The office is in Lisbon.",
        "The office is in Porto.",
    ] * 8

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda claim: grounder.check(claim, DOCUMENTS), claims))

    assert found == [grounder.check(claim, DOCUMENTS) for claim in claims]


def test_marks_that_do_not_support_are_removed(grounder: Grounder) -> None:
    (claim,) = ground("Every employee gets 25 days of leave a year [1][2][9].", DOCUMENTS, grounder)

    assert (claim["cited"], claim["kept"], claim["removed"]) == ([1, 2, 9], [1], [2, 9])
    assert claim["supported"]


def test_marks_that_only_together_support_stay(grounder: Grounder) -> None:
    answer = (
        "Every employee gets 25 days of leave a year, and salaries are paid on the 25th in Lisbon [1][2]."
    )

    (claim,) = ground(answer, DOCUMENTS, grounder)

    assert (claim["supported"], claim["kept"]) == (True, [1, 2])


@pytest.mark.parametrize("mark", ["", " [1]"])
def test_the_passage_that_does_support_is_suggested(mark: str, grounder: Grounder) -> None:
    (claim,) = ground(f"The office is in Lisbon{mark}.", DOCUMENTS, grounder)

    assert (claim["supported"], claim["kept"], claim["suggested"]) == (True, [], [2])


def test_what_is_found_is_plain_data(grounder: Grounder) -> None:
    found = ground("You get 30 days [1]. The office is in Lisbon.", DOCUMENTS, grounder)

    assert json.loads(json.dumps(found)) == found


ANSWER = """Hello! Every employee gets 25 days of leave a year [1][2]. It was founded in 1911 [1].

You also get:

- free breakfast [1]

We pay salaries:

- on the 25th of each month [2]
- in gold [2]"""


def test_unsupported_marks_are_not_shown(grounder: Grounder) -> None:
    marks = MarkFilter(len(DOCUMENTS), MarksCheck(grounder, DOCUMENTS).keep)

    shown = marks.feed(ANSWER) + marks.finish()

    assert "leave a year [1]. It was founded in 1911.\n" in shown
    assert "- free breakfast\n" in shown


def test_strict_drops_claims_with_their_marks_and_empty_lists(grounder: Grounder) -> None:
    strict = strict_answer(ANSWER, grounded(ANSWER, grounder))

    assert strict == (
        "Hello! Every employee gets 25 days of leave a year [1].\n\n"
        "We pay salaries:\n\n- on the 25th of each month [2]"
    )


@pytest.mark.parametrize("answer", ["It was founded in 1911 [1].", "Hello! Breakfast is free.", "", "Hello!"])
def test_strict_leaves_nothing_where_nothing_is_supported(answer: str, grounder: Grounder) -> None:
    assert strict_answer(answer, grounded(answer, grounder)) == ""


def test_the_step_counts_and_says_who_checked(grounder: Grounder) -> None:
    state = {
        "question": "How much leave?",
        "answer": "Every employee gets 25 days of leave a year [1]. It was founded in 1911.",
        "documents": DOCUMENTS,
    }

    grounding = ground_step(grounder).invoke(state)

    assert (grounding["supported"], grounding["unsupported"], grounding["checked_by"]) == (1, 1, "encoder")


def test_an_abstention_has_no_claims(grounder: Grounder) -> None:
    state = {"question": "?", "answer": "I searched for 7 things.", "abstained": True, "documents": DOCUMENTS}

    assert ground_step(grounder).invoke(state)["claims"] == []


class Entails:
    """Stands in for a cross-encoder: entails what has the word "leave"."""

    class config:
        id2label = {0: "contradiction", 1: "entailment", 2: "neutral"}

    def predict(self, pairs: list[tuple[str, str]]) -> list[list[float]]:
        return [[-3.0, 4.0, 0.0] if "leave" in claim else [4.0, -3.0, 0.0] for _, claim in pairs]


def test_an_inference_model_judges_in_place_of_the_encoder() -> None:
    grounder = Grounder(WordEncoder(), model=Entails())

    assert grounder.check("Holidays are called leave.", [LEAVE]).supported
    assert grounder.check("Ask your manager.", [LEAVE]).problems == ["the passage contradicts it"]
    assert grounder.name == "Entails"


def test_exact_checks_stand_beside_an_inference_model() -> None:
    support = Grounder(WordEncoder(), model=Entails()).check("You get 30 days of leave.", [LEAVE])

    assert support.problems == ["the number “30” is not in the passage"]


def test_a_page_without_a_full_stop_is_no_claim(grounder: Grounder) -> None:
    support = grounder.check("25 days of leave and " * 200, [LEAVE])

    assert support.problems == ["it is too long to be checked as one claim"]


@pytest.mark.parametrize("answer", [" " * 100_000, "[1] " * 5_000, "not A " * 5_000 + "[1]", "- a\n" * 3_000])
def test_long_odd_answers_take_no_long_time(answer: str) -> None:
    grounder = Grounder(WordEncoder())

    assert strict_answer(answer, {"claims": ground(answer, [], grounder)}) == ""
