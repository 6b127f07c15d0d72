"""Routes by examples: the right one, none where none fits, and a fit that is made once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

import numpy as np
import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding
from numpy.typing import NDArray

from ragweave.chains import ChainError
from ragweave.chains.example_router import EVERYDAY, MOST, ExampleRouter
from ragweave.chains.route_fit import RouteFit
from ragweave.chains.routes import Route

from .fakes import WordEncoder

LEAVE = Route(
    "leave",
    "days off, holidays, sick leave",
    [
        "How many days of leave do I get?",
        "Can I take unpaid leave?",
        "Who approves my holidays?",
        "Do I get sick pay?",
        "Can I carry days of leave over to next year?",
    ],
)
IT = Route(
    "it",
    "computers, passwords, printers",
    [
        "My laptop is broken",
        "I forgot my password",
        "How do I connect to the printer?",
        "The screen stays black",
        "How do I get access to the shared drive?",
    ],
)


def test_the_route_with_the_examples_most_like_the_question_is_taken() -> None:
    decision = ExampleRouter([LEAVE, IT]).invoke("May I take a day off on Friday?")

    assert (decision.name, decision.route, decision.by) == ("leave", LEAVE, "examples")
    assert decision.reason.startswith("like “")
    assert decision.score == max(decision.scores.values()) > 0.5
    assert sum(decision.scores.values()) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    "question", ["How high is Mount Everest?", "Who won the world cup in 1998?", "asdf qwer", "   "]
)
def test_a_question_that_no_route_fits_has_none(question: str) -> None:
    decision = ExampleRouter([LEAVE, IT]).invoke(question)

    assert (decision.name, decision.route) == (None, None)
    assert decision.reason


def test_one_route_alone_is_enough() -> None:
    router = ExampleRouter([IT])

    assert router.invoke("My password does not work").name == "it"
    assert router.invoke("Which birds live in Iceland?").name is None


def test_a_description_alone_is_enough() -> None:
    router = ExampleRouter(
        [Route("leave", "days of leave and holidays"), Route("it", "laptops and printers")]
    )

    assert router.invoke("How many days of leave do I have?").name == "leave"
    assert router.invoke("The printer is out of paper").name == "it"


def test_known_negatives_are_refused() -> None:
    question = "How many days of leave does a soldier get?"

    taken = ExampleRouter([LEAVE, IT]).invoke(question)
    refused = ExampleRouter([LEAVE, IT], negatives=[question] * 5).invoke(question)

    assert (taken.name, refused.name) == ("leave", None)


def test_a_threshold_of_the_callers_replaces_the_fitted_one() -> None:
    all_taken = ExampleRouter([LEAVE, IT], threshold=-1)
    none_taken = ExampleRouter([LEAVE, IT], threshold=2.1)

    assert all_taken.invoke("How high is Mount Everest?").name in ("leave", "it")
    assert none_taken.invoke("I forgot my password").name is None


def test_the_encoder_is_opened_at_the_first_question_and_fitted_once_by_many_threads() -> None:
    opened: list[WordEncoder] = []

    def open_encoder() -> WordEncoder:
        opened.append(WordEncoder())
        return opened[0]

    router = ExampleRouter([LEAVE, IT], open_encoder)
    assert opened == []
    together = threading.Barrier(8)
    found: list[str | None] = []

    def ask() -> None:
        together.wait()
        found.append(router.invoke("My laptop is broken").name)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == ["it"] * 8
    assert len(opened) == 1
    assert len(opened[0].encoded) == len(LEAVE.texts() + IT.texts()) + len(EVERYDAY)


def test_any_langchain_embeddings_serve() -> None:
    router = ExampleRouter([LEAVE, IT], DeterministicFakeEmbedding(size=64))

    assert router.invoke("I forgot my password").name == "it"


def test_an_encoder_that_treats_questions_otherwise_is_asked_as_for_examples() -> None:
    class Asymmetric(WordEncoder):
        def encode_query(self, text: str) -> NDArray[np.float32]:
            vector: NDArray[np.float32] = -super().encode_query(text)
            return vector

    assert ExampleRouter([LEAVE, IT], Asymmetric()).invoke("I forgot my password").name == "it"


def test_a_route_with_nothing_to_go_by_is_an_error() -> None:
    with pytest.raises(ChainError, match="'legal' has neither examples nor a description.*RuleRouter"):
        ExampleRouter([LEAVE, Route("legal", adapter="legal")])


def test_no_routes_are_an_error() -> None:
    with pytest.raises(ChainError, match="has no routes"):
        ExampleRouter([])


def test_examples_that_repeat_each_other_do_not_ask_for_another_repetition() -> None:
    leave = Route(
        "leave", examples=[f"How many days of leave do I get in 20{year}?" for year in range(10, 30)]
    )

    assert ExampleRouter([leave, IT]).invoke("How much leave is there for a year?").name == "leave"


def test_more_examples_than_are_fitted_are_taken_from_all_routes_alike_and_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    many = Route("many", examples=[f"words number {number}" for number in range(MOST + 5)])

    with caplog.at_level(logging.WARNING):
        decision = ExampleRouter([many, IT], WordEncoder()).invoke("The screen stays black")

    assert decision.name == "it"
    assert f"{MOST + 5 + 6} examples of routes were given; {MOST} of them are fitted." in caplog.text


# -- the fit itself ----------------------------------------------------------------------------------------


def _clusters(centres: NDArray[np.float64], each: int, spread: float, seed: int) -> NDArray[np.float64]:
    noise = np.random.default_rng(seed).normal(size=(len(centres), each, centres.shape[1]))
    points = centres[:, None] + spread * noise
    unit: NDArray[np.float64] = points / np.linalg.norm(points, axis=2, keepdims=True)
    return unit.reshape(-1, centres.shape[1])


def _fitted(spread: float) -> tuple[RouteFit, NDArray[np.float64], NDArray[np.int64]]:
    centres = np.linalg.qr(np.random.default_rng(1).normal(size=(32, 32)))[0]
    numbers = np.repeat(np.arange(4), 10)
    others = _clusters(centres[4:], 3, 0.05, seed=2)
    fit = RouteFit(_clusters(centres[:4], 10, spread, seed=3), numbers, others)
    return fit, _clusters(centres[:4], 50, spread, seed=4), np.repeat(np.arange(4), 50)


def _of(fit: RouteFit, vectors: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    return [fit(vector).probabilities for vector in vectors]


def test_probabilities_are_as_sure_as_they_are_right() -> None:
    fit, questions, numbers = _fitted(spread=0.35)

    found = np.array(_of(fit, list(questions)))

    right = (found.argmax(axis=1) == numbers).mean()
    assert 0.7 < right < 0.99
    assert found.max(axis=1).mean() == pytest.approx(right, abs=0.1)


def test_nearly_all_questions_of_the_routes_reach_the_threshold() -> None:
    fit, questions, _ = _fitted(spread=0.1)

    reached = np.mean([fit(question).fit >= fit.threshold for question in questions])

    assert reached > 0.9
