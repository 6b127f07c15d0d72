"""Values as bytes that sort as the values do: what both stores index and compare for filters.

Knows no store.
"""

from __future__ import annotations

import math
from typing import Any

from .filters import json_type

__all__ = ["sort_key", "text_key"]


def sort_key(value: Any) -> tuple[str, bytes] | None:
    """The JSON type of a value, and bytes that sort as values of this type do; None where nothing compares.

    Numbers of any size, whole or not, compare exactly, which neither SQLite's integers nor its floats do.

    >>> keys = [sort_key(number)[1] for number in (-(2**70), -1.5, -1, 0, 0.1, 2**53, 2**53 + 1, 1e300)]
    >>> keys == sorted(keys) and len(set(keys)) == len(keys) and sort_key(1) == sort_key(1.0)
    True
    """
    kind = json_type(value)
    if kind == "text":
        return kind, text_key(value)
    if kind == "bool":
        return kind, b"\x01" if value else b"\x00"
    if kind == "number" and value == value:
        return kind, _number_key(value)
    return None


def text_key(text: str) -> bytes:
    """Bytes that sort as the text does."""
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
    # Of two negative numbers the one with more digits is smaller: all inverted, half a byte each, and an end
    # that is above any of them.
    inverted = bytes(15 - int(digit, 16) for digit in (exponent + mantissa).hex())
    return b"\x01" + inverted + b"\x10"
