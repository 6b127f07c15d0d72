"""JSON and JSON Lines as lines of `path: value`, in the order of the file; a short record is one line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .composing import Part, compose
from .decoding import decode
from .errors import IngestError
from .extraction import Extraction

__all__ = ["read_json"]

LONG_VALUE = 300  # characters; a longer value is a paragraph of its own
LONG_RECORD = 600  # characters; a longer record is a line per value
TITLE_KEYS = ("title", "name")


class _Object(list[tuple[str, Any]]):
    """A JSON object with its keys in order, repeated ones too."""


def read_json(data: bytes, name: str) -> Extraction:
    """The values of a JSON file, or of one JSON value a line, each with the path of keys that leads to it.

    Numbers stand as they are written; nulls and empty values are left out. Raises IngestError where the
    file is no text or no JSON.
    """
    text = decode(data, name)
    try:
        values = _values(text, name)
        parts = list(_parts(values[0])) if len(values) == 1 else list(_records(values))
    except RecursionError as error:
        raise IngestError(
            f"{name} cannot be read as JSON: it is nested too deeply.", remedy="Ingest the inner parts alone."
        ) from error
    return compose(parts, title=_title(values), reader="json")


def _values(text: str, name: str) -> list[Any]:
    """The value of the file, or those of its lines."""
    try:
        return [_loads(text)]
    except json.JSONDecodeError as whole:
        values = []
        for number, line in enumerate(text.split("\n"), 1):
            if not line.strip():
                continue
            try:
                values.append(_loads(line))
            except json.JSONDecodeError as error:
                where = f"line {whole.lineno}: {whole.msg}" if number == 1 else f"line {number}: {error.msg}"
                raise IngestError(
                    f"{name} cannot be read as JSON ({where}).",
                    remedy="Correct that line, or name the file .txt to ingest it as plain text.",
                ) from error
        return values


def _loads(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_Object, parse_float=str, parse_int=str)


def _parts(value: Any) -> Iterator[Part]:
    """The parts of a whole file: a list is one of records, an object may hold such lists."""
    if not isinstance(value, _Object):
        yield from _records(value if isinstance(value, list) else [value])
        return
    leaves: list[tuple[str, str]] = []
    for key, inner in value:
        if not _are_records(inner):
            leaves.extend(_leaves(key, inner))
            continue
        yield from _lines(leaves)
        leaves = []
        for number, item in enumerate(inner):
            yield from _record(f"{key}[{number}]", item)
    yield from _lines(leaves)


def _records(values: list[Any]) -> Iterator[Part]:
    for value in values:
        yield from _record("", value)


def _are_records(value: Any) -> bool:
    plain = isinstance(value, list) and not isinstance(value, _Object)
    return plain and any(isinstance(item, _Object) for item in value)


def _record(name: str, value: Any) -> Iterator[Part]:
    """One line where it fits one, else a line per value."""
    leaves = list(_leaves("", value))
    line = "; ".join(_line(path, text) for path, text in leaves)
    if len(line) <= LONG_RECORD and not any(_is_long(text) for _, text in leaves):
        yield Part("list", f"- {_line(name, line)}" if line else "")
    else:
        yield from _lines(
            [(f"{name}.{path}" if name and path else name or path, text) for path, text in leaves]
        )


def _lines(leaves: list[tuple[str, str]]) -> Iterator[Part]:
    lines: list[str] = []
    for path, text in leaves:
        if not _is_long(text):
            lines.append(f"- {_line(path, text)}")
            continue
        yield Part("list", "\n".join(lines))
        lines = []
        yield Part("paragraph", _line(path, text))
    yield Part("list", "\n".join(lines))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Paths and values; a list of plain values is one value."""
    if isinstance(value, _Object):
        for key, inner in value:
            yield from _leaves(f"{path}.{key}" if path else key, inner)
    elif isinstance(value, list):
        if any(isinstance(item, list) for item in value):
            for number, item in enumerate(value):
                yield from _leaves(f"{path}[{number}]", item)
        else:
            yield from _leaves(path, ", ".join(text for text in map(_scalar, value) if text))
    elif text := _scalar(value).strip():
        yield path, text


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _line(path: str, text: str) -> str:
    return f"{path}: {text}" if path and text else text


def _is_long(text: str) -> bool:
    return len(text) > LONG_VALUE or "\n" in text


def _title(values: list[Any]) -> str:
    if len(values) != 1 or not isinstance(values[0], _Object):
        return ""
    texts = {key.lower(): value for key, value in values[0] if isinstance(value, str)}
    return next((texts[key] for key in TITLE_KEYS if key in texts and len(texts[key]) <= 200), "")
