from __future__ import annotations

import itertools
import math
import random
from typing import Any

from ragweave.chains.filters import parse_filter
from ragweave.chains.weaviate_filters import (
    NOTHING,
    compile_filter,
    index_properties,
    index_property,
    order_key,
)

NUMBERS: list[int | float] = [
    0, -0.0, 1, -1, 1.0, 0.1, -0.1, 9.5, 5e-324, -5e-324, 1e308, -1e308, 2**53, 2**53 + 1, float(2**53),
    -(2**53) - 1, 2**60, float(2**60), 2**60 - 1, 2**1024, -(2**1024), 2**1024 - 2**970, 10**400, 10**400 + 1,
]  # fmt: skip
TEXTS = ["", " ", "a", "a ", "A", "ab", "b", "\x00", "a\x00", "é", "z", "\uffff", "🎉", "日本", "\ud800"]


def test_keys_of_numbers_are_in_the_order_of_the_numbers() -> None:
    for one, other in itertools.product(NUMBERS, NUMBERS):
        assert (order_key(one) < order_key(other)) == (one < other), (one, other)
        assert (order_key(one) == order_key(other)) == (one == other), (one, other)


def test_keys_of_many_numbers_are_in_order() -> None:
    numbers = random.Random(0)
    some: list[int | float] = [numbers.randint(-(10**20), 10**20) for _ in range(500)]
    some += [numbers.uniform(-1e3, 1e3) for _ in range(500)]

    assert sorted(some, key=order_key) == sorted(some)


def test_keys_of_texts_are_in_the_order_of_code_points() -> None:
    for one, other in itertools.product(TEXTS, TEXTS):
        assert (order_key(one) < order_key(other)) == (one < other), (one, other)
        assert (order_key(one) == order_key(other)) == (one == other), (one, other)


def test_each_type_of_a_key_has_its_own_property() -> None:
    found = index_properties({"v": ["1", 1, True, None, {"x": 1}, "1"], "page": 3, "nan": math.nan})

    assert found == {
        index_property("v", "text"): [order_key("1")],
        index_property("v", "number"): [order_key(1)],
        index_property("v", "bool"): [order_key(True)],
        "f_page_n": [order_key(3)],
    }


def test_keys_that_look_alike_have_different_properties() -> None:
    names = {
        index_property(key, "text") for key in ("a b", "a_b", "A b", "a.b", "", "日本", "日 本", "x" * 300)
    }

    assert len(names) == 8
    assert all(name.isascii() and name.replace("_", "").isalnum() and len(name) < 80 for name in names)


def test_a_filter_on_what_no_passage_has_matches_nothing_without_asking_the_server() -> None:
    filters: list[dict[str, Any]] = [{"v": 1}, {"v": [1, "a"]}, {"v": []}, {"v": {"gt": 1}}]
    for given in filters:
        assert compile_filter(parse_filter(given), frozenset()) == NOTHING


def test_not_equal_to_what_no_passage_has_matches_all() -> None:
    assert compile_filter(parse_filter({"v": {"ne": 1}}), frozenset()) is None
    assert compile_filter((), frozenset()) is None
