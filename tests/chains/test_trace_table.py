"""The table of candidates, from traces written by hand."""

from __future__ import annotations

from typing import Any

from ragweave.chains.trace_table import candidate_table


def entry(step: str, **detail: Any) -> dict[str, Any]:
    return {"step": step, "ms": 1.0, "detail": detail}


def found(*ids: str) -> dict[str, Any]:
    hits = [{"id": id_, "scores": {"fused": 1 - place / 10}} for place, id_ in enumerate(ids)]
    return entry("retrieve", found=hits)


def ends(trace: list[dict[str, Any]]) -> list[tuple[str, int | None, str | None]]:
    return [(row["id"], row["place"], row["dropped_by"]) for row in candidate_table(trace)]


def test_a_row_tells_where_a_passage_stood_in_every_stage() -> None:
    hit = {
        "id": "a", "source": "leave.md", "title": "Leave", "heading": "Days",
        "ranks": {"keyword": 3, "vector": 1}, "scores": {"keyword": 7.2, "vector": 0.61, "fused": 0.9},
    }  # fmt: skip
    trace = [
        entry("retrieve", found=[hit]),
        entry("freshness", scores={"a": 0.8}),
        entry("rerank", scores={"a": 0.97}),
        entry("select", kept=["a"]),
    ]

    assert candidate_table(trace) == [
        {
            "id": "a", "source": "leave.md", "title": "Leave", "heading": "Days",
            "keyword_rank": 3, "keyword": 7.2, "vector_rank": 1, "vector": 0.61, "fused": 0.9,
            "freshness": 0.8, "rerank": 0.97, "place": 1, "dropped_by": None, "reason": None,
        }
    ]  # fmt: skip


def test_what_is_kept_comes_by_its_place_and_what_is_dropped_after_it() -> None:
    trace = [
        found("a", "b", "c", "d"),
        entry("filter", dropped=[{"id": "a", "reason": "team is legal"}]),
        entry("select", kept=["d", "b"], dropped=[{"id": "c", "reason": "beyond the first 2"}]),
    ]

    assert ends(trace) == [("d", 1, None), ("b", 2, None), ("a", None, "filter"), ("c", None, "select")]
    assert candidate_table(trace)[2]["reason"] == "team is legal"


def test_a_passage_that_no_longer_fits_the_budget_loses_its_place() -> None:
    trace = [
        found("a", "b"),
        entry("select", kept=["a", "b"]),
        entry("expand", dropped=[{"id": "b", "reason": "no room left"}]),
    ]

    assert ends(trace) == [("a", 1, None), ("b", None, "expand")]


def test_the_second_round_decides_and_what_it_did_not_find_is_told() -> None:
    trace = [
        found("a", "b"),
        entry("filter", dropped=[{"id": "b", "reason": "too old"}]),
        entry("select", kept=["a"]),
        entry("again", why="The quotes do not answer."),
        found("b", "c"),
        entry("select", kept=["c", "b"]),
    ]

    rows = candidate_table(trace)

    assert ends(trace) == [("c", 1, None), ("b", 2, None), ("a", None, "retrieve")]
    assert rows[2]["reason"] == "not found by the second search"


def test_a_second_search_in_vain_leaves_the_first_as_it_was() -> None:
    trace = [
        found("a", "b"),
        entry("select", kept=["a", "b"]),
        entry("abstain", abstain=True),
        entry("again", why="found but it does not say"),
        found("c", "a"),
        entry("select", kept=["c", "a"]),
        entry("abstain", abstain=True),
    ]

    assert ends(trace) == [("a", 1, None), ("b", 2, None), ("c", None, "again")]


def test_without_a_selection_the_last_scores_give_the_places() -> None:
    trace = [found("a", "b", "c"), entry("rerank", scores={"a": 0.1, "b": 0.2, "c": 0.9})]

    assert ends(trace) == [("c", 1, None), ("b", 2, None), ("a", 3, None)]


def test_steps_of_callers_may_leave_any_detail() -> None:
    trace: list[dict[str, Any]] = [
        {"step": "retrieve", "ms": 1.0, "detail": None},
        entry("mine", dropped="all", scores=[1, 2]),
        entry("rerank", scores=None, dropped=[{"reason": "who knows"}, 3]),
    ]

    assert ends(trace) == []


def test_a_trace_without_retrieval_has_no_candidates() -> None:
    assert candidate_table([]) == []
    assert candidate_table([entry("answer", by="model")]) == []
