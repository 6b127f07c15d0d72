"""`--filter` expressions become the chain's filter dict."""

from __future__ import annotations

from typing import Any

import pytest

from ragweave.chains.filters import matches, parse_filter
from ragweave.ui.errors import UsageError
from ragweave.ui.filter_expression import parse_filters


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("team=sales", {"team": {"eq": "sales"}}),
        ("team=a,b", {"team": {"in": ["a", "b"]}}),
        ('team=["a", "b,c"]', {"team": {"in": ["a", "b,c"]}}),
        ('team="a,b"', {"team": {"eq": "a,b"}}),
        ("year=2026", {"year": {"eq": 2026}}),
        ('year="2026"', {"year": {"eq": "2026"}}),
        ("year=2024,2025", {"year": {"in": [2024, 2025]}}),
        ("draft=true", {"draft": {"eq": True}}),
        ("page>=3", {"page": {"gte": 3}}),
        ("page<=3", {"page": {"lte": 3}}),
        ("page>3", {"page": {"gt": 3}}),
        ("page<3", {"page": {"lt": 3}}),
        ("updated_at>=2026-01-31", {"updated_at": {"gte": "2026-01-31"}}),
        ("team!=sales", {"team": {"ne": ["sales"]}}),
        ("team!=a,b", {"team": {"ne": ["a", "b"]}}),
        ("formula=a=b", {"formula": {"eq": "a=b"}}),
        ("score=NaN", {"score": {"eq": "NaN"}}),
        ("  two words =  x ", {"two words": {"eq": "x"}}),
        ("team=", {"team": {"eq": ""}}),
        ("größe=1.5", {"größe": {"eq": 1.5}}),
    ],
)
def test_one_expression_is_one_condition(expression: str, expected: dict[str, Any]) -> None:
    found = parse_filters([expression])

    assert found == expected


@pytest.mark.parametrize(
    ("expressions", "passes", "fails"),
    [
        (["page>=2", "page<4"], {"page": 3}, {"page": 4}),
        (["tags=a", "tags=b"], {"tags": ["a", "b"]}, {"tags": ["a"]}),
        (["tags=a", "tags=b,c"], {"tags": ["a", "c"]}, {"tags": ["b", "c"]}),
        (["team!=a", "team!=b"], {"team": "c"}, {"team": "b"}),
        (["team!=a,b"], {}, {"team": "a"}),
        (["team=a", "page=1"], {"team": "a", "page": 1}, {"team": "a", "page": 2}),
    ],
)
def test_all_expressions_must_hold(
    expressions: list[str], passes: dict[str, Any], fails: dict[str, Any]
) -> None:
    expression = parse_filter(parse_filters(expressions))

    assert matches(expression, passes)
    assert not matches(expression, fails)


@pytest.mark.parametrize("expression", ["team", "=a", ">3", ""])
def test_what_is_no_comparison_is_wrong_use(expression: str) -> None:
    with pytest.raises(UsageError, match="is no comparison. Write KEY=VALUE"):
        parse_filters([expression])


def test_the_same_comparison_twice_is_an_error_rather_than_a_guess() -> None:
    with pytest.raises(UsageError, match="'page>=4' compares the same key in the same way"):
        parse_filters(["page>=2", "page>=4"])
