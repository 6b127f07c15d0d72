"""What a filter means, and what is told of one that means nothing."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ragweave.chains.errors import FilterError
from ragweave.chains.filters import Condition, check_fields, json_type, matches, parse_filter


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, ()),
        ({}, ()),
        ({"source": "a.md"}, (Condition("source", "eq", ("a.md",)),)),
        ({"team": ["a", "b"]}, (Condition("team", "in", ("a", "b")),)),
        ({"team": ("a",)}, (Condition("team", "in", ("a",)),)),
        ({"team": []}, (Condition("team", "in", ()),)),
        ({"team": {"in": ["a", 1]}}, (Condition("team", "in", ("a", 1)),)),
        ({"team": {"ne": ["a", "b"]}}, (Condition("team", "ne", ("a",)), Condition("team", "ne", ("b",)))),
        ({"n": {"gte": 1, "lt": 2}}, (Condition("n", "gte", (1,)), Condition("n", "lt", (2,)))),
        ({"a": True, "b": 0.5}, (Condition("a", "eq", (True,)), Condition("b", "eq", (0.5,)))),
    ],
)
def test_a_dict_becomes_conditions_that_all_hold(given: Any, expected: Any) -> None:
    assert parse_filter(given) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"n": {"gtee": 1}},
            r"Unknown operator 'gtee' in the filter on 'n'. Did you mean 'gte'\? Operators are: eq,",
        ),
        ({"n": {"$gt": 1}}, r"Unknown operator '\$gt'.*Did you mean 'gt'\?"),
        ({"n": {"eq": [1, 2]}}, "'eq' on 'n' takes one value, not 2. Use 'in'"),
        ({"n": None}, "filter on 'n' compares with None, a NoneType. Compare with a text"),
        ({"n": {"gt": date(2026, 1, 1)}}, "a date. Compare with .* a date as text"),
        ({"n": [["a"]]}, r"compares with \['a'\], a list"),
        ({"n": {}}, "filter on 'n' is an empty dict. Give an operator"),
        ({1: "a"}, "names the key 1, a int. Keys are texts"),
        ("team=a", "A filter is a dict, not 'team=a', a str. Write for example"),
    ],
)
def test_a_filter_that_means_nothing_says_what_to_write(given: Any, message: str) -> None:
    with pytest.raises(FilterError, match=message):
        parse_filter(given)


def test_an_unknown_key_names_the_nearest_known_one() -> None:
    with pytest.raises(
        FilterError, match="No document has the key 'taem'. Did you mean 'team'?.*Known keys: .*team"
    ):
        check_fields(parse_filter({"taem": "a"}), {"team", "year"})


def test_a_key_unlike_any_other_lists_the_known_ones() -> None:
    with pytest.raises(FilterError, match="No document has the key 'zzz'. Known keys: chunk, end, heading"):
        check_fields(parse_filter({"zzz": 1}), {"team"})


def test_known_and_own_keys_pass_the_check() -> None:
    check_fields(parse_filter({"team": "a", "source": "a.md", "updated_at": {"gt": "2026"}}), {"team"})


@pytest.mark.parametrize(
    ("given", "metadata", "expected"),
    [
        ({}, {}, True),
        ({"k": "a"}, {"k": "a"}, True),
        ({"k": "a"}, {"k": "A"}, False),
        ({"k": "a"}, {"k": "a "}, False),
        ({"k": "a"}, {}, False),
        ({"k": "a"}, {"k": ["b", "a"]}, True),
        ({"k": "a"}, {"k": [["a"]]}, False),
        ({"k": 1}, {"k": 1.0}, True),
        ({"k": 1}, {"k": True}, False),
        ({"k": True}, {"k": 1}, False),
        ({"k": "1"}, {"k": 1}, False),
        ({"k": 2**53 + 1}, {"k": float(2**53)}, False),
        ({"k": ["a", 1]}, {"k": 1}, True),
        ({"k": []}, {"k": "a"}, False),
        ({"k": {"ne": "a"}}, {"k": "b"}, True),
        ({"k": {"ne": "a"}}, {}, True),
        ({"k": {"ne": "a"}}, {"k": None}, True),
        ({"k": {"ne": 1}}, {"k": True}, True),
        ({"k": {"ne": "a"}}, {"k": ["a", "b"]}, False),
        ({"k": {"ne": ["a", "b"]}}, {"k": "b"}, False),
        ({"k": {"gt": 1}}, {"k": 1}, False),
        ({"k": {"gte": 1}}, {"k": 1}, True),
        ({"k": {"lt": 1}}, {"k": 1}, False),
        ({"k": {"lte": 1}}, {"k": 1}, True),
        ({"k": {"gt": 1}}, {"k": [0, 2]}, True),
        ({"k": {"gt": 1, "lt": 2}}, {"k": [0, 3]}, True),
        ({"k": {"gt": "Z"}}, {"k": "a"}, True),
        ({"k": {"gt": "\uffff"}}, {"k": "🎉"}, True),
        ({"k": {"gt": False}}, {"k": True}, True),
        ({"k": {"gt": 0}}, {}, False),
        ({"k": {"gte": float("nan")}}, {"k": 1}, False),
        ({"k": {"gt": "2026-01-01"}}, {"k": "2026-01-01T10:00:00+00:00"}, True),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, False),
        ({"k": "a"}, {"k": {"k": "a"}}, False),
    ],
)
def test_matches_is_the_meaning_of_a_filter(given: Any, metadata: dict[str, Any], expected: bool) -> None:
    assert matches(parse_filter(given), metadata) is expected


def test_values_are_of_four_types() -> None:
    values: list[Any] = ["a", 1, 1.5, True, None, [], {}]

    types = [json_type(value) for value in values]

    assert types == ["text", "number", "number", "bool", "other", "other", "other"]
