"""Steps that can be left out, by their names."""

from __future__ import annotations

from ragweave.chains.rag import OPTIONAL
from ragweave.ui.steps import OFF, STEPS, left_out


def test_the_steps_are_those_that_the_chain_lets_a_call_leave_out() -> None:
    assert list(STEPS) == list(OPTIONAL)
    assert OFF <= set(STEPS)


def test_what_is_off_at_first_stays_off_until_it_is_taken_in() -> None:
    assert left_out([], []) == ["freshness"]
    assert left_out(["rerank", "condense"], ["freshness"]) == ["condense", "rerank"]


def test_a_step_both_left_out_and_taken_in_is_left_out() -> None:
    assert left_out(["freshness"], ["freshness"]) == ["freshness"]
