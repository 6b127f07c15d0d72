"""A trace in words: one plain sentence a step, whatever its detail holds."""

from __future__ import annotations

from typing import Any

import pytest

from ragweave.ui.trace_words import Told, dropped_line, tell


def told(step: str, **detail: Any) -> Told:
    return tell([{"step": step, "ms": 1.5, "detail": detail}])[0]


@pytest.mark.parametrize(
    ("step", "detail", "sentence"),
    [
        ("condense", {"by": "rule", "changed": False}, "The question stands alone."),
        ("condense", {"by": "model", "changed": True}, "Completed from the conversation by the model."),
        ("transform", {"queries": ["leave"]}, "1 query: “leave”."),
        ("transform", {"queries": [{"text": "a", "kind": "part"}, {"text": "b"}]}, "2 queries: “a”, “b”."),
        ("route", {"route": "law", "by": "rule", "why": "near “a”."}, "Route “law” by rule: near “a”."),
        ("route", {}, "No route."),
        ("retrieve", {"queries": ["leave"], "found": []}, "Nothing found with 1 query."),
        ("rerank", {}, "Nothing to work on."),
        ("abstain", {"abstain": False}, "The passages hold an answer."),
        ("abstain", {"abstain": True, "reason": "nothing found"}, "No answer is given: nothing found."),
        ("expand", {"mode": "whole documents", "why": "all fit"}, "Whole documents are given: all fit."),
        ("versions", {"by": "rule", "versions": []}, "No document was found in several versions."),
        (
            "versions",
            {"versions": [], "undecided": [["a.md", "b.md"]]},
            "Several versions of a document, of which none can be told to be the newest.",
        ),
        (
            "versions",
            {"versions": [{"newest": "b.md", "older": ["a.md"], "told_by": "date"}]},
            "“b.md” before 1 older version.",
        ),
        ("transform", {"methods": [{"name": "a", "queries": []}]}, "The question itself is searched."),
        ("transform", {"methods": [{"name": "a", "queries": ["x"]}]}, "1 query more: “x”."),
        ("answer", {"by": "route"}, "The words that the route has for this."),
        ("ground", {"claims": 1, "unsupported": [{}]}, "The one statement is not supported by the passages."),
        ("answer", {"by": "reader", "quotes": 1}, "1 quote from the passages."),
        ("answer", {"by": "abstention"}, "Says that the documents do not answer."),
        ("answer", {"by": "model", "model": "qwen3", "adapter": "a"}, "Written by qwen3 with the adapter a."),
        ("ground", {"supported": 1, "unsupported": 2}, "1 of 3 statements is supported by the passages."),
        ("again", {"why": "The quotes do not answer."}, "Searched once more: The quotes do not answer."),
        ("again", {"why": "?", "queries": []}, "No other words were found to search with: ?."),
        ("mine", {}, "Done."),
        ("mine", {"why": "because."}, "Because."),
    ],
)  # fmt: skip
def test_each_step_is_one_sentence(step: str, detail: dict[str, Any], sentence: str) -> None:
    assert told(step, **detail).sentence == sentence


def test_each_step_tells_how_many_went_in_and_out() -> None:
    trace = [
        {"step": "retrieve", "detail": {"found": [{"id": str(number)} for number in range(5)]}},
        {"step": "filter", "detail": {"dropped": [{"id": "4", "reason": "old"}]}},
        {"step": "rerank", "detail": {"scores": {"0": 1.0}}},
        {"step": "select", "detail": {"kept": ["0", "1"], "dropped": [{"id": "2"}, {"id": "3"}]}},
    ]

    assert [one.sentence for one in tell(trace)] == [
        "Found 5 passages.",
        "4 of 5 passages go on.",
        "4 passages in and out, scored anew.",
        "The first 2 of 4 passages go on.",
    ]


def test_a_step_that_was_left_out_says_by_what() -> None:
    one = told("rerank", left_out="by the call")

    assert (one.sentence, one.left_out) == ("Left out for this question.", True)


def test_what_was_degraded_and_dropped_is_told_by_reason() -> None:
    dropped = [
        {"id": "a", "reason": "old"},
        {"id": "b", "reason": "old"},
        {"id": "c", "reason": "repeats [1]"},
    ]
    trace = [{"step": "rerank", "ms": 1, "detail": {"degraded": "It was too slow.", "dropped": dropped}}]

    one = tell(trace, {"a": "Leave"})[0]

    assert one.cautions == ("It was too slow.",)
    assert one.dropped == (("old", ("Leave", "b")), ("repeats [1]", ("c",)))
    assert dropped_line("old", ["a", "b", "c", "d", "e"]) == "5 dropped, old: a, b, c and 2 more"


def test_queries_that_were_too_many_are_no_step_that_was_left_out() -> None:
    one = told(
        "transform", not_searched=["q7", "q8"], methods=[{"name": "decompose", "why": "it asks twice"}]
    )

    assert not one.left_out
    assert one.facts == (("decompose", "it asks twice"), ("not searched", "q7"), ("not searched", "q8"))


def test_marks_that_were_taken_back_are_told_with_their_claim() -> None:
    one = told("answer", by="model", marks=[{"claim": "It is free.", "written": [1, 2], "shown": [2]}])

    assert one.facts == (("mark taken back", "[1] behind “It is free.”"),)


def test_a_list_of_passages_is_told_by_its_length() -> None:
    [one] = tell(
        [{"step": "freshness", "ms": 1, "detail": {"undated": ["a", "b"]}}], {"a": "Leave", "b": "Tea"}
    )

    assert one.facts == (("undated", "2 passages"),)


def test_what_else_a_step_tells_is_listed_and_bounded() -> None:
    one = told(
        "mine", model="qwen3", tokens={"input": 9, "output": 3}, cosine=0.71234, own="x" * 1000, none=None
    )

    assert dict(one.facts) == {
        "model": "qwen3", "tokens": "9 in, 3 out", "cosine": "0.712", "own": "x" * 240 + "…",
    }  # fmt: skip


@pytest.mark.parametrize(
    "detail", [None, {"dropped": 3, "degraded": None, "scores": "?", "queries": 1, "found": {}}]
)
@pytest.mark.parametrize(
    "step", ["condense", "transform", "route", "retrieve", "select", "answer", "ground", "mine"]
)
def test_a_detail_of_any_shape_is_told(step: str, detail: Any) -> None:
    [one] = tell([{"step": step, "detail": detail}])

    assert one.sentence.endswith(".")
