"""Filters as SQL: from an `Expression` to a condition with bound parameters, over `chunks` and `facets`.

Ragweave's own fields are columns of `chunks`; the caller's keys are rows of `facets`, one per value or list
element. The meaning is that of `filters.matches`. Knows no connection.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .errors import FilterError
from .filters import Condition, Expression, Scalar, json_type

__all__ = ["facets", "filter_sql", "sort_key"]

COMPARISONS = {"eq": "=", "in": "=", "ne": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
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
    field, comparison = condition.field, COMPARISONS[condition.operator]
    if field in TEXT_COLUMNS:
        parts = [_text_sql(TEXT_COLUMNS[field], comparison, value) for value in condition.values]
    elif field in NUMBER_COLUMNS:
        parts = [_number_sql(NUMBER_COLUMNS[field], comparison, value) for value in condition.values]
    else:
        parts = [_facet_sql(field, comparison, value, tenant) for value in condition.values]
    sql = f"({' OR '.join(sql for sql, _ in parts) or '0'})"
    return f"NOT {sql}" if condition.operator == "ne" else sql, [one for _, ones in parts for one in ones]


def _text_sql(column: str, comparison: str, value: Scalar) -> Sql:
    if not isinstance(value, str):
        return "0", []
    # Bytes, because half a surrogate pair cannot be bound as text; SQLite compares both byte by byte.
    return f"chunks.{column} {comparison} CAST(? AS TEXT)", [_bytes(value)]


def _number_sql(column: str, comparison: str, value: Scalar) -> Sql:
    if json_type(value) != "number" or value != value:
        return "0", []
    if isinstance(value, int) and abs(value) >= 2**63:  # beyond every position, and not to be bound
        value = math.copysign(math.inf, value)
    # `page` may be NULL, which compares as NULL: neither true nor, under NOT, false.
    return f"(chunks.{column} IS NOT NULL AND chunks.{column} {comparison} ?)", [value]


def _facet_sql(field: str, comparison: str, value: Scalar, tenant: int) -> Sql:
    key = sort_key(value)
    if key is None:
        return "0", []
    sql = (
        "chunks.number IN (SELECT facets.chunk FROM facets WHERE facets.tenant = ? AND facets.field = ? "
        f"AND facets.kind = ? AND facets.value {comparison} ?)"
    )
    return sql, [tenant, _bytes(field), *key]


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
