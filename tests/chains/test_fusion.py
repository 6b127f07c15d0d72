"""Fusion against tables computed by hand."""

from __future__ import annotations

import math
import random

import pytest

from ragweave.chains.errors import ChainError
from ragweave.chains.fusion import fuse, relative_scores


def test_scores_become_shares_of_the_span_between_lowest_and_highest() -> None:
    hits = [("a", 12.0), ("b", 9.0), ("c", 6.0)]

    relative = relative_scores(hits)

    assert relative == {"a": 1.0, "b": 0.5, "c": 0.0}


def test_negative_scores_are_normalised_like_others() -> None:
    relative = relative_scores([("a", 0.2), ("b", -0.2), ("c", 0.0)])

    assert relative["a"] == 1.0
    assert relative["b"] == 0.0
    assert math.isclose(relative["c"], 0.5)


@pytest.mark.parametrize("hits", [[("a", 3.0)], [("a", 3.0), ("b", 3.0)]])
def test_one_hit_and_equal_scores_count_in_full(hits: list[tuple[str, float]]) -> None:
    assert set(relative_scores(hits).values()) == {1.0}


def test_both_legs_are_added_by_their_weights() -> None:
    keyword = [("a", 10.0), ("b", 6.0), ("c", 2.0)]
    vector = [("c", 0.9), ("b", 0.6), ("d", 0.5)]

    fused = fuse(keyword, vector, alpha=0.25)

    assert [id_ for id_, _ in fused] == ["a", "b", "c", "d"]
    assert [score for _, score in fused] == pytest.approx([0.75, 0.375 + 0.0625, 0.25, 0.0])


def test_order_does_not_depend_on_the_order_of_hits() -> None:
    keyword = [(f"k{number}", float(number % 7)) for number in range(40)]
    vector = [(f"k{number}", float(number % 5)) for number in range(20, 60)]
    expected = fuse(keyword, vector, alpha=0.5)

    random.Random(1).shuffle(keyword)
    random.Random(2).shuffle(vector)

    assert fuse(keyword, vector, alpha=0.5) == expected


def test_equal_scores_are_in_order_of_the_id() -> None:
    fused = fuse([("b", 1.0), ("a", 1.0)], [("d", 1.0), ("c", 1.0)], alpha=0.5)

    assert [id_ for id_, _ in fused] == ["a", "b", "c", "d"]


def test_an_empty_leg_leaves_the_other_its_own_weight() -> None:
    fused = fuse([], [("a", 0.9), ("b", 0.1)], alpha=0.4)

    assert fused == [("a", 0.4), ("b", 0.0)]


def test_no_hits_at_all_are_no_hits() -> None:
    assert fuse([], [], alpha=0.5) == []


@pytest.mark.parametrize(("alpha", "ids"), [(0.0, ["a", "b"]), (1.0, ["c"])])
def test_a_leg_without_weight_is_left_out(alpha: float, ids: list[str]) -> None:
    fused = fuse([("a", 2.0), ("b", 1.0)], [("c", 0.5)], alpha=alpha)

    assert [id_ for id_, _ in fused] == ids


@pytest.mark.parametrize("alpha", [-0.1, 1.1, math.nan])
def test_alpha_outside_its_range_is_named(alpha: float) -> None:
    with pytest.raises(ChainError, match="alpha is .*Give a number from 0"):
        fuse([("a", 1.0)], [], alpha=alpha)
