"""Steps that can be left out, by their names."""

from __future__ import annotations

from typing import Any

from langchain_core.documents import Document
from langchain_core.language_models import FakeListChatModel
from langchain_core.runnables import Runnable, RunnableLambda

from ragweave.chains import Rerank, ScoreFilter, SentenceRanker, rag_chain
from ragweave.chains.rag import OPTIONAL
from ragweave.ui.steps import NEEDS, OFF, STEPS, left_out, steps_of

NOTHING: Runnable[str, list[Document]] = RunnableLambda(lambda query: [])


def chain(model: Any = None, **given: Any) -> Runnable[Any, Any]:
    return rag_chain(model, NOTHING, **given).with_config(configurable={"without": ["freshness"]})


ALL: dict[str, Any] = {  # as the page's chain has them
    "filter": ScoreFilter(floor=0.25),
    "freshness": "auto",
    "rerank": Rerank(SentenceRanker()),
}


def test_the_steps_are_those_that_the_chain_lets_a_call_leave_out() -> None:
    assert list(STEPS) == list(OPTIONAL)
    assert OFF <= set(STEPS)


def test_what_is_off_at_first_stays_off_until_it_is_taken_in() -> None:
    assert left_out([], []) == ["filter", "freshness", "rerank"]
    assert left_out(["rerank", "condense"], ["freshness"]) == ["condense", "filter", "rerank"]


def test_a_step_both_left_out_and_taken_in_is_left_out() -> None:
    assert left_out(["freshness"], ["freshness", "filter", "rerank"]) == ["freshness"]


def test_what_a_chain_lacks_is_what_it_needs_something_for() -> None:
    quoting = steps_of(chain(**ALL), model=False)
    writing = steps_of(chain(FakeListChatModel(responses=["a"]), **ALL), model=True)

    assert set(STEPS) - set(quoting) == set(NEEDS)
    assert set(writing) == set(STEPS)


def test_another_chain_is_taken_to_have_every_step() -> None:
    assert steps_of(RunnableLambda(str), model=False) == list(STEPS)
