"""Filters as SQL: from an `Expression` to queries with bound parameters, over `chunks` and `facets`.

Ragweave's own fields are columns of `chunks`; the caller's keys are rows of `facets`, one per value or list
element. The meaning is that of `filters.matches`. Knows no connection.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from .errors import FilterError
from .filters import Condition, Expression, Operator, Scalar, json_type
from .sort_keys import sort_key, text_key

__all__ = ["RowSet", "facets", "filter_sql"]

ORDERS: dict[Operator, str] = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
TEXT_COLUMNS = {"heading": "heading", "source": "source", "title": "title", "updated_at": "updated_at"}
NUMBER_COLUMNS = {"chunk": "position", "end": '"end"', "page": "page", "start": "start"}
MOST_VALUES = 10_000  # SQLite binds 32,766 parameters in one statement


@dataclass(frozen=True, slots=True)
class RowSet:
    """A query for the row numbers of passages, and whether these pass or all others do."""

    sql: str
    values: tuple[Any, ...]
    inverted: bool


def filter_sql(expression: Expression, tenant: int) -> list[RowSet]:
    """One set of rows for each condition; a passage passes that is in all of them."""
    if sum(len(condition.values) for condition in expression) > MOST_VALUES:
        raise FilterError(
            f"The filter compares with more than {MOST_VALUES} values.",
            remedy="Filter by a key that groups them, or search in several steps.",
        )
    return [_row_set(condition, tenant) for condition in expression]


def _row_set(condition: Condition, tenant: int) -> RowSet:
    field, values = condition.field, condition.values
    bound: Sequence[Any]
    if field in TEXT_COLUMNS:
        sql, bound = _text_sql(TEXT_COLUMNS[field], condition.operator, values)
    elif field in NUMBER_COLUMNS:
        sql, bound = _number_sql(NUMBER_COLUMNS[field], condition.operator, values)
    else:
        return _facet_set(condition, tenant)
    sql = f"SELECT number FROM chunks WHERE tenant = ? AND {sql}"
    return RowSet(sql, (tenant, *bound), condition.operator == "ne")


def _compared(operator: Operator, count: int, mark: str = "?") -> str:
    """The right side of a comparison: one list for any number of values, as SQLite limits chains of ORs."""
    if operator in ORDERS:
        return f"{ORDERS[operator]} {mark}"
    return f"IN ({', '.join([mark] * count)})"


def _text_sql(column: str, operator: Operator, values: Sequence[Scalar]) -> tuple[str, list[bytes]]:
    # Bytes, because half a surrogate pair cannot be bound as text; SQLite compares both byte by byte.
    texts = [text_key(value) for value in values if isinstance(value, str)]
    if not texts:
        return "0", []
    return f"{column} {_compared(operator, len(texts), 'CAST(? AS TEXT)')}", texts


def _number_sql(column: str, operator: Operator, values: Sequence[Scalar]) -> tuple[str, list[float]]:
    numbers = [_bindable(value) for value in values if json_type(value) == "number" and value == value]
    return (f"{column} {_compared(operator, len(numbers))}", numbers) if numbers else ("0", [])


def _bindable(number: Any) -> float:
    """As it is, or beyond every position where SQLite has no such whole number."""
    if isinstance(number, int) and abs(number) >= 2**63:
        return math.copysign(math.inf, number)
    return cast(float, number)


def _facet_set(condition: Condition, tenant: int) -> RowSet:
    by_kind: dict[str, list[bytes]] = {}
    for kind, value in _distinct(sort_key(value) for value in condition.values):
        by_kind.setdefault(kind, []).append(value)
    parts, bound = [], []
    for kind, same in by_kind.items():
        parts.append(
            "SELECT chunk FROM facets WHERE tenant = ? AND field = ? AND kind = ? "
            f"AND value {_compared(condition.operator, len(same))}"
        )
        bound += [tenant, text_key(condition.field), kind, *same]
    return RowSet(" UNION ALL ".join(parts) or "SELECT 0 WHERE 0", tuple(bound), condition.operator == "ne")


def facets(metadata: Mapping[str, Any]) -> Iterator[tuple[bytes, str, bytes]]:
    """The rows (field, kind, value) by which a passage with this metadata is found."""
    for field, stored in metadata.items():
        elements: Sequence[Any] = stored if isinstance(stored, (list, tuple)) else (stored,)
        for kind, value in _distinct(sort_key(element) for element in elements):
            yield text_key(field), kind, value


def _distinct(keys: Iterable[tuple[str, bytes] | None]) -> Iterable[tuple[str, bytes]]:
    return dict.fromkeys(key for key in keys if key is not None)
