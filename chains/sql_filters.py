"""Filters as SQL: from an `Expression` to a condition with bound parameters, over `chunks` and `facets`.

Ragweave's own fields are columns of `chunks`; the caller's keys are rows of `facets`, one per value or list
element. The meaning is that of `filters.matches`. Knows no connection.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from .errors import FilterError
from .filters import Condition, Expression, Operator, Scalar, json_type

__all__ = ["facets", "filter_sql", "sort_key"]

ORDERS: dict[Operator, str] = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
TEXT_COLUMNS = {"heading": "heading", "source": "source", "title": "title", "updated_at": "updated_at"}
NUMBER_COLUMNS = {"chunk": "position", "end": '"end"', "page": "page", "start": "start"}
MOST_VALUES = 10_000  # SQLite binds 32,766 parameters in one statement

Sql = tuple[str, list[Any]]


def filter_sql(expression: Expression, tenant: int) -> Sql:
    """The condition on a row of `chunks` and its parameters; "1" for the empty expression."""
    if sum(len(condition.values) for condition in expression) > MOST_VALUES:
        raise FilterError(
            f"The filter compares with more than {MOST_VALUES} values.",
            remedy="Filter by a key that groups them, or search in several steps.",
        )
    parts = [_condition_sql(condition, tenant) for condition in expression]
    return " AND ".join(sql for sql, _ in parts) or "1", [value for _, values in parts for value in values]


def _condition_sql(condition: Condition, tenant: int) -> Sql:
    field, values = condition.field, condition.values
    if field in TEXT_COLUMNS:
        sql, bound = _text_sql(TEXT_COLUMNS[field], condition.operator, values)
    elif field in NUMBER_COLUMNS:
        sql, bound = _number_sql(NUMBER_COLUMNS[field], condition.operator, values)
    else:
        sql, bound = _facet_sql(field, condition.operator, values, tenant)
    return f"NOT ({sql})" if condition.operator == "ne" else f"({sql})", bound


def _compared(operator: Operator, count: int, mark: str = "?") -> str:
    """The right side of a comparison: one list for any number of values, as SQLite limits chains of ORs."""
    if operator in ORDERS:
        return f"{ORDERS[operator]} {mark}"
    return f"IN ({', '.join([mark] * count)})"


def _text_sql(column: str, operator: Operator, values: Sequence[Scalar]) -> Sql:
    # Bytes, because half a surrogate pair cannot be bound as text; SQLite compares both byte by byte.
    texts = [_bytes(value) for value in values if isinstance(value, str)]
    if not texts:
        return "0", []
    return f"chunks.{column} {_compared(operator, len(texts), 'CAST(? AS TEXT)')}", texts


def _number_sql(column: str, operator: Operator, values: Sequence[Scalar]) -> Sql:
    numbers = [_bindable(value) for value in values if json_type(value) == "number" and value == value]
    if not numbers:
        return "0", []
    # `page` may be NULL, and a comparison with it neither true nor, under NOT, false.
    return f"chunks.{column} IS NOT NULL AND chunks.{column} {_compared(operator, len(numbers))}", numbers


def _bindable(number: Any) -> float:
    """As it is, or beyond every position where SQLite has no such whole number."""
    if isinstance(number, int) and abs(number) >= 2**63:
        return math.copysign(math.inf, number)
    return cast(float, number)


def _facet_sql(field: str, operator: Operator, values: Sequence[Scalar], tenant: int) -> Sql:
    by_kind: dict[str, list[bytes]] = {}
    for kind, value in _distinct(sort_key(value) for value in values):
        by_kind.setdefault(kind, []).append(value)
    bound: list[Any] = []
    parts = ["0"]
    for kind, same in by_kind.items():
        parts.append(
            "chunks.number IN (SELECT facets.chunk FROM facets WHERE facets.tenant = ? AND facets.field = ? "
            f"AND facets.kind = ? AND facets.value {_compared(operator, len(same))})"
        )
        bound += [tenant, _bytes(field), kind, *same]
    return " OR ".join(parts), bound


def facets(metadata: Mapping[str, Any]) -> Iterator[tuple[bytes, str, bytes]]:
    """The rows (field, kind, value) by which a passage with this metadata is found."""
    for field, stored in metadata.items():
        elements: Sequence[Any] = stored if isinstance(stored, (list, tuple)) else (stored,)
        for kind, value in _distinct(sort_key(element) for element in elements):
            yield _bytes(field), kind, value


def _distinct(keys: Iterable[tuple[str, bytes] | None]) -> Iterable[tuple[str, bytes]]:
    return dict.fromkeys(key for key in keys if key is not None)


def sort_key(value: Any) -> tuple[str, bytes] | None:
    """The JSON type of a value, and bytes that sort as values of this type do; None where nothing compares.

    Numbers of any size, whole or not, compare exactly, which neither SQLite's integers nor its floats do.

    >>> keys = [sort_key(number)[1] for number in (-(2**70), -1.5, -1, 0, 0.1, 2**53, 2**53 + 1, 1e300)]
    >>> keys == sorted(keys) and len(set(keys)) == len(keys) and sort_key(1) == sort_key(1.0)
    True
    """
    kind = json_type(value)
    if kind == "text":
        return kind, _bytes(value)
    if kind == "bool":
        return kind, b"\x01" if value else b"\x00"
    if kind == "number" and value == value:
        return kind, _number_key(value)
    return None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # the order of its bytes is the order of its code points


def _number_key(value: int | float) -> bytes:
    """Sign, power of two, digits after the leading one: numbers as they are read, so bytes sort alike."""
    if value == 0:
        return b"\x02"
    if isinstance(value, float) and math.isinf(value):
        return b"\x04" if value > 0 else b"\x00"
    digits, denominator = abs(value).as_integer_ratio()  # the denominator of a float is a power of two
    power = digits.bit_length() - denominator.bit_length()
    digits <<= -digits.bit_length() % 8  # whole bytes, so that the leading one is the first bit
    size = digits.bit_length() // 8
    exponent = (power + 2**31).to_bytes(4, "big")
    mantissa = digits.to_bytes(size, "big").rstrip(b"\x00")
    if value > 0:
        return b"\x03" + exponent + mantissa
    # Of two negative numbers the one with more digits is smaller: all inverted, and an end above any byte.
    return b"\x01" + bytes(255 - byte for byte in exponent + mantissa) + b"\xff"
