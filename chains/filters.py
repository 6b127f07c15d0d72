"""Filters: from the caller's dict to one expression type, which each store compiles to its own query.

Knows no store. `matches` is the reference of what a filter means.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, get_args

from .errors import FilterError

__all__ = [
    "Condition",
    "Expression",
    "Operator",
    "Scalar",
    "both_filters",
    "check_fields",
    "matches",
    "parse_filter",
]

Operator = Literal["eq", "ne", "in", "gt", "gte", "lt", "lte"]
Scalar = str | int | float | bool
OPERATORS: tuple[str, ...] = get_args(Operator)
OWN_FIELDS = frozenset({"chunk", "end", "heading", "page", "source", "start", "title", "updated_at"})


@dataclass(frozen=True, slots=True)
class Condition:
    """`values` holds one value; with the operator `in` any number of them."""

    field: str
    operator: Operator
    values: tuple[Scalar, ...]


Expression = tuple[Condition, ...]  # all of them hold


def both_filters(*filters: Mapping[str, Any] | Expression | None) -> Expression:
    """One expression that holds where all of the filters do, equal keys and operators included.

    A retriever narrowed to a department must not be widened by whoever calls it.

    >>> len(both_filters({"team": "people"}, {"team": "money"}))
    2
    """
    return tuple(condition for one in filters for condition in parse_filter(one))


def parse_filter(given: Mapping[str, Any] | Expression | None) -> Expression:
    """Turn a filter as users write it into an expression; an expression is given back.

    >>> parse_filter({"page": {"gte": 2}})
    (Condition(field='page', operator='gte', values=(2,)),)
    >>> len(parse_filter({"team": {"ne": ["a", "b"]}}))
    2
    """
    if isinstance(given, tuple):
        return given
    conditions: list[Condition] = []
    for field, wanted in _checked(given or {}).items():
        if isinstance(wanted, Mapping):
            for operator, value in wanted.items():
                several = value if operator == "ne" and isinstance(value, (list, tuple)) else [value]
                conditions.extend(_condition(field, operator, one) for one in several)  # none of these
        elif isinstance(wanted, (list, tuple, set, frozenset)):
            conditions.append(_condition(field, "in", wanted))
        else:
            conditions.append(_condition(field, "eq", wanted))
    return tuple(conditions)


def _checked(given: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise FilterError(
            f"A filter is a dict, not {given!r}, a {type(given).__name__}.",
            remedy='Write for example {"source": "a.md"}.',
        )
    for field, wanted in given.items():
        if not isinstance(field, str):
            raise FilterError(
                f"The filter names the key {field!r}, a {type(field).__name__}.", remedy="Keys are texts."
            )
        if isinstance(wanted, Mapping) and not wanted:
            raise FilterError(
                f"The filter on {field!r} is an empty dict.",
                remedy=f"Give an operator and a value. Operators are: {', '.join(OPERATORS)}.",
            )
    return given


def _condition(field: str, operator: str, value: Any) -> Condition:
    if operator not in OPERATORS:
        raise FilterError(
            f"Unknown operator {operator!r} in the filter on {field!r}.",
            remedy=f"{_nearest(operator, OPERATORS)}Operators are: {', '.join(OPERATORS)}.",
        )
    values = tuple(value) if isinstance(value, (list, tuple, set, frozenset)) else (value,)
    if operator != "in" and len(values) != 1:
        raise FilterError(
            f"The operator {operator!r} on {field!r} takes one value, not {len(values)}.",
            remedy="Use 'in' for any of several values.",
        )
    for one in values:
        if not isinstance(one, (str, int, float, bool)):
            raise FilterError(
                f"The filter on {field!r} compares with {one!r}, a {type(one).__name__}.",
                remedy='Compare with a text, a number, true or false; with a date as text, "2026-01-31".',
            )
    return Condition(field, operator, values)  # type: ignore[arg-type]  # checked against OPERATORS above


def check_fields(expression: Expression, known: Collection[str]) -> None:
    """Raise `FilterError` for a field that is neither Ragweave's own nor in `known`."""
    for condition in expression:
        if condition.field not in OWN_FIELDS and condition.field not in known:
            names = sorted(OWN_FIELDS | set(known))
            raise FilterError(
                f"No document has the key {condition.field!r}.",
                remedy=f"{_nearest(condition.field, names)}Known keys: {', '.join(names)}.",
            )


def _nearest(name: str, names: Collection[str]) -> str:
    close = get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f"Did you mean {close[0]!r}? " if close else ""


def matches(expression: Expression, metadata: Mapping[str, Any]) -> bool:
    """Whether a passage with this metadata passes: the meaning that every store must reproduce.

    A list matches if any element does; `ne` is the opposite of `eq`, so it holds where the key is absent;
    values of another JSON type do not match; text compares whole, by code points.

    >>> matches(parse_filter({"tags": "a"}), {"tags": ["a", "b"]})
    True
    >>> matches(parse_filter({"year": {"gt": 2000}}), {"year": "2024"})
    False
    """
    return all(_holds(condition, metadata.get(condition.field)) for condition in expression)


def _holds(condition: Condition, stored: Any) -> bool:
    elements = stored if isinstance(stored, (list, tuple)) else (stored,)
    if condition.operator == "ne":
        return not any(_compares("eq", element, condition.values[0]) for element in elements)
    operator = "eq" if condition.operator == "in" else condition.operator
    return any(_compares(operator, element, value) for element in elements for value in condition.values)


def json_type(value: Any) -> str:
    """`text`, `number`, `bool` or `other`: only values of one type are compared."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    return "text" if isinstance(value, str) else "other"


def _compares(operator: str, stored: Any, value: Scalar) -> bool:
    if json_type(stored) != json_type(value) or json_type(value) == "other":
        return False
    if operator == "eq":
        return bool(stored == value)
    if operator in ("gt", "gte"):
        return bool(stored > value or (operator == "gte" and stored == value))
    return bool(stored < value or (operator == "lte" and stored == value))
