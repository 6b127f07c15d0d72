"""The caller's metadata: as it goes into a store, and as it comes back, equal.

A store keeps JSON. Dates, times and tuples become plain JSON too, so that filters can compare them, and a
table of types under one reserved key turns them back. What JSON cannot hold faithfully is refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from .errors import IngestError

__all__ = ["RESERVED", "decode_metadata", "encode_metadata", "filter_fields", "flat_metadata"]

TYPES_KEY = "\x1ftypes"
# Ragweave's own keys of a Document's metadata.
RESERVED = frozenset(
    {
        "chunk",
        "end",
        "heading",
        "original",
        "page",
        "score",
        "scores",
        "source",
        "start",
        "title",
        "updated_at",
    }
)
_FROM_ISO = {"datetime": datetime.fromisoformat, "date": date.fromisoformat, "time": time.fromisoformat}


def encode_metadata(metadata: Mapping[Any, Any]) -> dict[str, Any]:
    """JSON-able metadata; raises `IngestError` for what cannot be kept faithfully.

    >>> encode_metadata({"day": date(2026, 1, 2)})["day"]
    '2026-01-02'
    """
    types: dict[str, str] = {}
    encoded = {_key(key, ""): _encode(value, _below("", key), types) for key, value in metadata.items()}
    if types:
        encoded[TYPES_KEY] = types
    return encoded


def _below(path: str, key: object) -> str:
    """The path of an entry, as JSON pointers write it."""
    return f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"


def _key(key: Any, path: str) -> str:
    if not isinstance(key, str) or key == TYPES_KEY:
        raise IngestError(
            f"The metadata key {key!r} under {path or '/'} is no text.", remedy="Use texts as keys."
        )
    return _text(key, path)


def _text(value: str, path: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise IngestError(
            f"The metadata under {path or '/'} holds half a character (a lone surrogate).",
            remedy="Decode the text with errors='replace'.",
        )
    return value


def _encode(value: Any, path: str, types: dict[str, str]) -> Any:
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return _text(str(value), path)
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, Mapping):
        return {_key(key, path): _encode(one, _below(path, key), types) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        if isinstance(value, tuple):
            types[path] = "tuple"
        return [_encode(one, f"{path}/{index}", types) for index, one in enumerate(value)]
    for name, kind in (("datetime", datetime), ("date", date), ("time", time)):
        if isinstance(value, kind):
            types[path] = name
            return value.isoformat()
    raise IngestError(
        f"The metadata {value!r} under {path} is a {type(value).__name__}: it would not come back equal.",
        remedy="Use text, finite numbers, true or false, None, dates, lists and dicts.",
    )


def decode_metadata(encoded: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata as the caller gave it.

    >>> decode_metadata(encode_metadata({"at": (1, time(9))}))
    {'at': (1, datetime.time(9, 0))}
    """
    types = encoded.get(TYPES_KEY, {})
    plain = {key: value for key, value in encoded.items() if key != TYPES_KEY}
    return {key: _decode(value, _below("", key), types) for key, value in plain.items()} if types else plain


def _decode(value: Any, path: str, types: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _decode(one, _below(path, key), types) for key, one in value.items()}
    kind = types.get(path)
    if isinstance(value, list):
        items = [_decode(one, f"{path}/{index}", types) for index, one in enumerate(value)]
        return tuple(items) if kind == "tuple" else items
    return _FROM_ISO[kind](value) if kind in _FROM_ISO else value


def filter_fields(encoded: Mapping[str, Any]) -> set[str]:
    """The caller's keys that a filter can name: those that hold a text, a number, a truth value or a list."""
    return {
        key
        for key, value in encoded.items()
        if key not in RESERVED and isinstance(value, (str, int, float, list))
    }


def flat_metadata(own: Mapping[str, Any], encoded: Mapping[str, Any]) -> dict[str, Any]:
    """Both kinds of keys in one dict; where they clash, the caller's whole dict is there as `original`."""
    caller = decode_metadata(encoded)
    flat = {**caller, **own}
    if any(key in RESERVED and own.get(key) != value for key, value in caller.items()):
        for key in RESERVED & caller.keys() - own.keys():
            del flat[key]
        flat["original"] = caller
    return flat
