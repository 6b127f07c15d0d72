"""What became of every passage of a turn, from its trace: a row for each, from its ranks to its end.

Plain values in, plain values out; knows no step beyond the words that all traces share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["candidate_table"]

Row = dict[str, Any]
FOUND = ("source", "title", "heading")
LEGS = ("keyword", "vector")
STAGES = ("keyword", "vector", "fused", "freshness", "rerank")
LEFT_BEHIND = "not found by the second search"
IN_VAIN = "the second search brought no answer"


def candidate_table(trace: Iterable[Mapping[str, Any]]) -> list[Row]:
    """One row for each passage that a turn looked at: those kept by their place, then the dropped ones.

    A row has `id, source, title, heading`; `keyword_rank, vector_rank` (from 1); the scores `keyword,
    vector, fused, freshness, rerank`; `place` (from 1), or `dropped_by` (the step) and `reason`. What the
    trace does not tell is None. A passage of two rounds has the scores of the later one.

    >>> found = [{"id": "a", "scores": {"fused": 0.9}}, {"id": "b", "scores": {"fused": 0.4}}]
    >>> dropped = [{"id": "b", "reason": "repeats [1]"}]
    >>> rows = candidate_table([{"step": "retrieve", "ms": 2.1, "detail": {"found": found}},
    ...                         {"step": "diversify", "ms": 0.3, "detail": {"dropped": dropped}}])
    >>> [(row["id"], row["place"], row["dropped_by"], row["reason"]) for row in rows]
    [('a', 1, None, None), ('b', None, 'diversify', 'repeats [1]')]
    """
    rows: dict[str, Row] = {}
    order: list[str] = []  # of those that may still be kept, best first
    selected = False
    first: dict[str, Row] = {}  # as they were before a second search
    for entry in trace:
        step, detail = str(entry.get("step", "")), entry.get("detail") or {}
        if step == "again":
            first = {key: dict(row) for key, row in rows.items()}
        if step == "retrieve":
            order = _found(rows, order, detail)
        elif "scores" in detail:
            order = _scored(rows, order, step, detail["scores"])
        if "kept" in detail:
            order, selected = [str(one) for one in detail["kept"]], True
            _kept(rows, order)
        for one in _mappings(detail.get("dropped")):
            _drop(_row(rows, str(one["id"])), step, str(one.get("reason") or ""))
        if step == "abstain" and detail.get("abstain") and first:
            rows = _in_vain(rows, first)
    if not selected:
        _place(rows, order)
    return sorted(rows.values(), key=lambda row: (row["place"] is None, row["place"] or 0))


def _found(rows: dict[str, Row], before: Sequence[str], detail: Mapping[str, Any]) -> list[str]:
    """What a search found, and how it stood in each leg; what an earlier one found gives way to it."""
    found = list(_mappings(detail.get("found")))
    for one in found:
        row = _row(rows, str(one["id"]))
        row |= {key: one[key] for key in FOUND if one.get(key)}
        ranks, scores = one.get("ranks") or {}, one.get("scores") or {}
        row |= {f"{leg}_rank": ranks.get(leg) for leg in LEGS}
        row |= {stage: scores.get(stage) for stage in STAGES}
        row |= {"place": None, "dropped_by": None, "reason": None}
    order = [str(one["id"]) for one in found]
    for gone in set(before) - set(order):
        if rows[gone]["dropped_by"] is None:
            _drop(rows[gone], "retrieve", LEFT_BEHIND)
    return order


def _scored(rows: dict[str, Row], order: list[str], step: str, scores: object) -> list[str]:
    """What a later stage thought of them; its order is theirs until the selection says another."""
    if not isinstance(scores, Mapping):
        return order
    for key, score in scores.items():
        if step in STAGES:
            _row(rows, str(key))[step] = score
    return sorted(order, key=lambda key: -(scores.get(key) or 0.0))


def _in_vain(rows: Mapping[str, Row], first: Mapping[str, Row]) -> dict[str, Row]:
    """A second search that brought no answer leaves the first as it was."""
    for key, row in rows.items():
        if key not in first and row["dropped_by"] is None:
            _drop(row, "again", IN_VAIN)
    return {**rows, **first}


def _kept(rows: dict[str, Row], kept: Sequence[str]) -> None:
    for row in rows.values():
        row["place"] = None
    for place, key in enumerate(kept, start=1):
        _row(rows, key).update(place=place, dropped_by=None, reason=None)


def _place(rows: dict[str, Row], order: Iterable[str]) -> None:
    left = [rows[key] for key in order if rows[key]["dropped_by"] is None]
    for place, row in enumerate(left, start=1):
        row["place"] = place


def _drop(row: Row, step: str, reason: str) -> None:
    row.update(place=None, dropped_by=step, reason=reason)


def _row(rows: dict[str, Row], key: str) -> Row:
    if key not in rows:
        empty = ("source", "title", "heading", "keyword_rank", "vector_rank", *STAGES, "place", "dropped_by")
        rows[key] = {"id": key} | dict.fromkeys((*empty, "reason"))
    return rows[key]


def _mappings(value: object) -> Iterable[Mapping[str, Any]]:
    """The entries of a list that may hold anything: steps of callers' own write what they like."""
    entries = value if isinstance(value, (list, tuple)) else ()
    return [one for one in entries if isinstance(one, Mapping) and one.get("id") is not None]
