"""Filters on Weaviate: how values are indexed, and an expression as a Weaviate filter.

A value is indexed as text whose byte order is the order of the values, one property for each key and type,
so that equality, ranges and lists mean what `filters.matches` says: Weaviate's own text index trims
blanks and does not find the empty text, and its numbers are floats. Knows no connection.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .filters import OWN_FIELDS, Condition, Expression, Scalar, json_type
from .sort_keys import sort_key

if TYPE_CHECKING:
    from weaviate.collections.classes.filters import FilterReturn

__all__ = [
    "NOTHING",
    "compile_filter",
    "filter_properties",
    "index_properties",
    "index_property",
    "order_key",
]

NOTHING = "nothing"  # what `compile_filter` gives where no passage can match
SUFFIXES = {"text": "t", "number": "n", "bool": "b"}


def index_property(field: str, kind: str) -> str:
    """The name of the property that indexes a field's values of one JSON type.

    Any text is a key, but few are property names: the readable part is for people, the hash tells keys apart.

    >>> index_property("page", "number"), index_property("Größe", "text")
    ('f_page_n', 'm_gr_e_aedc3f80989a_t')
    """
    if field in OWN_FIELDS:
        return f"f_{field}_{SUFFIXES[kind]}"
    slug = re.sub(r"[^a-z0-9]+", "_", field.lower())[:40].strip("_")
    digest = hashlib.sha256(field.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"m_{slug}_{digest}_{SUFFIXES[kind]}"


def order_key(value: Scalar) -> str:
    """A text of hexadecimal digits in the order of the values of one type, equal only for equal values.

    >>> sorted([10, 9.5, -3, 2**53 + 1, float(2**53)], key=order_key)
    [-3, 9.5, 10, 9007199254740992.0, 9007199254740993]
    """
    found = sort_key(value)
    if found is None:
        raise ValueError(f"{value!r} is in no order.")
    return _text(found[1])


def _text(key: bytes) -> str:
    return f"={key.hex()}"  # never empty: Weaviate does not find the empty text


def index_properties(metadata: Mapping[str, Any]) -> dict[str, list[str]]:
    """What to index of a passage's fields: property name to order keys."""
    properties: dict[str, list[str]] = {}
    for field, stored in metadata.items():
        for element in stored if isinstance(stored, (list, tuple)) else (stored,):
            found = sort_key(element)
            if found is not None:
                keys = properties.setdefault(index_property(field, found[0]), [])
                key = _text(found[1])
                if key not in keys:
                    keys.append(key)
    return properties


def filter_properties(expression: Expression) -> set[str]:
    """Names of the index properties that a filter may need."""
    return {
        index_property(condition.field, json_type(value))
        for condition in expression
        for value in condition.values
    }


def compile_filter(expression: Expression, known: Collection[str]) -> FilterReturn | str | None:
    """The Weaviate filter; None where every passage matches, `NOTHING` where none can.

    `known`: names of the schema's properties. One that is missing was never stored with any passage,
    and Weaviate refuses a filter on it.
    """
    from weaviate.classes.query import Filter

    parts: list[FilterReturn] = []
    for condition in expression:
        compiled = _compile(condition, known)
        if compiled == NOTHING:
            return NOTHING
        if compiled is not None and not isinstance(compiled, str):
            parts.append(compiled)
    return Filter.all_of(parts) if len(parts) > 1 else (parts[0] if parts else None)


def _compile(condition: Condition, known: Collection[str]) -> FilterReturn | str | None:
    from weaviate.classes.query import Filter

    if condition.operator == "in":
        return _any_of(condition.field, condition.values, known)
    value = condition.values[0]
    name = index_property(condition.field, json_type(value))
    if condition.operator == "ne":
        # Weaviate's not_equal is the complement of equal: it holds where the key is absent, too.
        return (
            Filter.by_property(name).not_equal(order_key(value)) if name in known and value == value else None
        )
    if name not in known or value != value:
        return NOTHING
    target, key = Filter.by_property(name), order_key(value)
    return {
        "eq": target.equal,
        "gt": target.greater_than,
        "gte": target.greater_or_equal,
        "lt": target.less_than,
        "lte": target.less_or_equal,
    }[condition.operator](key)


def _any_of(field: str, values: Iterable[Scalar], known: Collection[str]) -> FilterReturn | str:
    from weaviate.classes.query import Filter

    keys: dict[str, list[str]] = {}
    for value in values:
        name = index_property(field, json_type(value))
        if name in known and value == value:
            keys.setdefault(name, []).append(order_key(value))
    parts = [Filter.by_property(name).contains_any(wanted) for name, wanted in keys.items()]
    if not parts:
        return NOTHING
    return Filter.any_of(parts) if len(parts) > 1 else parts[0]
