"""Freshness: newer passages rise, by the formula of Weaviate's time decay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from langchain_core.documents import Document

from ragweave.chains import ChainError
from ragweave.chains.freshness import Freshness, blended, freshness_choice

NOW = "2026-06-01"


def passage(name: str, score: float | None, updated_at: Any = None, **more: Any) -> Document:
    metadata = {"source": name, **more}
    if score is not None:
        metadata |= {"score": score, "scores": {"fused": score}}
    if updated_at is not None:
        metadata["updated_at"] = updated_at
    return Document(id=name, page_content=name, metadata=metadata)


def names(documents: Any) -> list[str]:
    return [one.id for one in documents]


def test_scores_are_those_of_weaviates_formula() -> None:
    hits, decays = [("a", 0.9), ("b", 0.5), ("c", 0.1)], {"a": 0.0, "b": 1.0, "c": 0.5}

    # by hand: relative 1, .5, 0; blended at .4: .6, .7, .2; normalised over .2 .. .7
    assert blended(hits, decays, 0.4) == [("b", 1.0), ("a", pytest.approx(0.8)), ("c", 0.0)]


def test_a_newer_passage_rises_over_a_slightly_better_one() -> None:
    found = [
        passage("old", 1.0, "2020-01-01"),
        passage("new", 0.9, "2026-05-01"),
        passage("off", 0.0, "2020-01-01"),
    ]

    reworked = Freshness(now=NOW).rework(found, "")

    assert names(reworked.documents) == ["new", "old", "off"]
    assert found[0].metadata["scores"] == {"fused": 1.0}  # what came in is as it was


def test_the_trace_tells_settings_and_the_decay_of_each_passage() -> None:
    found = [passage("a", 1.0, "2026-06-01"), passage("b", 0.5, "2025-12-03")]

    detail = Freshness(half_life=180, weight=0.2, now=NOW).rework(found, "").detail

    assert detail == {
        "by": "rule",
        "field": "updated_at",
        "half_life": 180.0,
        "weight": 0.2,
        "now": "2026-06-01T00:00:00+00:00",
        "scores": {"a": 1.0, "b": 0.5},
        "dates_from": {"updated_at": 2},
        "undated": [],
    }


def test_an_undated_passage_gets_the_mean_and_is_told() -> None:
    found = [
        passage("new", 0.5, "2026-06-01"),
        passage("none", 0.5),
        passage("odd", 0.5, "soon"),
        passage("old", 0.5, "2000-01-01"),
    ]

    reworked = Freshness(now=NOW).rework(found, "")

    assert names(reworked.documents) == ["new", "none", "odd", "old"]
    assert reworked.detail["undated"] == ["none", "odd"]
    assert reworked.detail["scores"]["none"] == pytest.approx(0.5, abs=1e-4)


def test_a_date_in_the_future_counts_as_now() -> None:
    found = [passage("future", 0.5, "2031-01-01"), passage("now", 0.5, "2026-06-01")]

    reworked = Freshness(now=NOW).rework(found, "")

    assert reworked.detail["scores"] == {"future": 1.0, "now": 1.0}
    assert names(reworked.documents) == ["future", "now"]


def test_without_any_date_the_order_stays_and_the_trace_says_so() -> None:
    found = [passage("a", 1.0), passage("b", 0.5)]

    reworked = Freshness("reviewed", now=NOW).rework(found, "")

    assert reworked.documents == found
    assert "'reviewed'" in reworked.detail["degraded"]


def test_weight_zero_changes_nothing() -> None:
    found = [passage("old", 0.6, "2020-01-01"), passage("new", 0.5, "2026-05-01")]

    assert Freshness(weight=0, now=NOW).rework(found, "").documents == found


def test_passages_that_the_search_has_aged_are_not_aged_twice() -> None:
    found = [passage("a", 1.0, "2020-01-01", freshness_by="server"), passage("b", 0.9, "2026-05-01")]
    for one in found:
        one.metadata["scores"]["freshness"] = 0.5

    reworked = Freshness(now=NOW).rework(found, "")

    assert reworked.documents == found
    assert reworked.detail["by"] == "server"
    assert reworked.detail["scores"] == {"a": 0.5, "b": 0.5}


def test_passages_without_scores_count_by_their_order() -> None:
    found = [
        passage("first", None, "2020-01-01"),
        passage("second", None, "2020-01-01"),
        passage("third", None, "2026-05-01"),
    ]

    assert names(Freshness(weight=0.8, now=NOW).rework(found, "").documents) == ["third", "first", "second"]
    assert names(Freshness(weight=0.1, now=NOW).rework(found, "").documents) == ["first", "second", "third"]


def test_auto_goes_by_the_dates_that_documents_state() -> None:
    found = [
        passage("copied", 0.5, "2026-06-01", title="Leave Rules May 2020"),
        passage("stated", 0.5, "2026-06-01", updated="2026-01-01"),
    ]

    reworked = Freshness("auto", now=NOW).rework(found, "")

    assert names(reworked.documents) == ["stated", "copied"]
    assert reworked.detail["dates_from"] == {"title": 1, "updated": 1}


def test_ages_count_from_the_time_of_the_call() -> None:
    today = datetime.now(UTC).isoformat()

    detail = Freshness().rework([passage("a", 1.0, today)], "").detail

    assert detail["scores"]["a"] == pytest.approx(1.0, abs=1e-3)


def test_a_half_life_may_be_a_timedelta() -> None:
    assert Freshness(half_life=timedelta(hours=12)).half_life == Freshness(half_life=0.5).half_life


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"weight": 1.5}, "weight of freshness is 1.5.*from 0"),
        ({"weight": "much"}, "weight of freshness is 'much'"),
        ({"half_life": 0}, "half-life is 0.*more than 0"),
        ({"half_life": "long"}, "half-life is 'long'"),
        ({"half_life": float("nan")}, "half-life is nan"),
        ({"field": ""}, "field ''.*auto"),
        ({"now": "soon"}, "now='soon' is no date"),
    ],
)
def test_settings_that_cannot_be_are_refused_with_the_remedy(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ChainError, match=message):
        Freshness(**wrong)


def test_a_choice_is_a_tuple_auto_or_a_freshness() -> None:
    fresh = Freshness()

    assert freshness_choice(None) is None
    assert freshness_choice(fresh) is fresh
    assert freshness_choice(("updated", 90, 0.2)) == Freshness("updated", 90, 0.2)
    assert freshness_choice("auto") == Freshness("auto")
    with pytest.raises(TypeError, match="freshness=True is no step"):
        freshness_choice(True)
