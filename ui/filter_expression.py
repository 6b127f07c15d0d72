"""`--filter` expressions: from `KEY>=V` to the filter dict of `KnowledgeBase.search`. Knows no store."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, NoReturn

from .errors import UsageError

__all__ = ["parse_filters"]

OPERATORS = {"=": "eq", "!=": "ne", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
EXPRESSION = re.compile(
    r"\s*(?P<key>[^=<>!]*[^=<>!\s])\s*(?P<operator>>=|<=|!=|=|>|<)(?P<value>.*)", re.DOTALL
)


def parse_filters(expressions: Iterable[str]) -> dict[str, Any]:
    """Turn expressions, all of which must hold, into one filter dict; `{}` for none.

    A value is JSON if it parses, else text; `A,B` means any of several.

    >>> parse_filters(["team=a,b", "page>=2", "page<9"])
    {'team': {'in': ['a', 'b']}, 'page': {'gte': 2, 'lt': 9}}
    """
    conditions: dict[str, dict[str, Any]] = {}
    for expression in expressions:
        key, operator, value = _parse(expression)
        _add(conditions.setdefault(key, {}), operator, value, expression)
    return dict(conditions)


def _parse(expression: str) -> tuple[str, str, Any]:
    found = EXPRESSION.fullmatch(expression)
    if not found:
        raise UsageError(
            f"The filter {expression!r} is no comparison.",
            remedy="Write KEY=VALUE, KEY=A,B, KEY!=VALUE, KEY>=VALUE, KEY<=VALUE, KEY>VALUE or KEY<VALUE.",
        )
    operator = OPERATORS[found["operator"]]
    value = _value(found["value"], several=operator in ("eq", "ne"))
    if operator == "eq" and isinstance(value, list):
        operator = "in"
    return found["key"], operator, value


def _value(text: str, *, several: bool) -> Any:
    try:
        return json.loads(text, parse_constant=_not_json)
    except ValueError:
        pass
    if several and "," in text:
        return [_value(part, several=False) for part in text.split(",")]
    return text.strip()


def _not_json(constant: str) -> NoReturn:
    raise ValueError(
        f"{constant} is not JSON"
    )  # NaN and Infinity: Python reads them, JSON has no such values


def _add(conditions: dict[str, Any], operator: str, value: Any, expression: str) -> None:
    """Put one more condition beside those on the same key, so that all hold."""
    if operator == "eq" and "eq" in conditions:
        operator, value = "in", [value]
    if operator == "ne":  # `ne` takes a list: none of these
        value = [*conditions.get("ne", ()), *(value if isinstance(value, list) else [value])]
    elif operator in conditions and conditions[operator] != value:
        raise UsageError(
            f"The filter {expression!r} compares the same key in the same way as an earlier one.",
            remedy="Keep the narrower of the two; for any of several values write KEY=A,B.",
        )
    conditions[operator] = value
