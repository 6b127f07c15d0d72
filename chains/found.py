"""What a retriever found, made fit for the steps: keys that they read hold what they expect.

Other people's retrievers, and other people's metadata, put anything into a Document.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from langchain_core.documents import Document

from .document_step import as_documents

__all__ = ["fit_for_steps"]


HALF = re.compile("[\ud800-\udfff]")  # of a character: no file, page or model takes it


def fit_for_steps(documents: Iterable[Document]) -> list[Document]:
    """The Documents; a copy of one whose metadata is not fit, with the whole of it under `original`.

    Halves of characters (lone surrogates) in a text become the sign for an unknown one, which is as long.

    >>> fit_for_steps([Document("", metadata={"score": "high", "title": None})])[0].metadata
    {'original': {'score': 'high', 'title': None}}
    """
    return [_readable(_fit(document)) for document in as_documents("retrieve", documents)]


def _readable(document: Document) -> Document:
    text = document.page_content
    if text.isascii() or not HALF.search(text):
        return document
    return document.model_copy(update={"page_content": HALF.sub("\ufffd", text)})


def _fit(document: Document) -> Document:
    old = document.metadata
    fit = {key: read(old[key]) for key, read in KINDS.items() if key in old}
    if all([value is old[key] and value is not None for key, value in fit.items()]):
        return document
    new = {key: fit.get(key, value) for key, value in old.items()}
    new = {key: value for key, value in new.items() if value is not None or key not in fit}
    lost = {"original": old} if len(new) < len(old) and "original" not in old else {}
    return document.model_copy(update={"metadata": {**new, **lost}})


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None if value is None else str(value)


def _whole(value: Any) -> int | None:
    if type(value) is int:
        return value
    return int(value) if isinstance(value, Integral) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    if type(value) is float:  # as nearly all are
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        return None
    return value if isinstance(value, (int, float)) else float(value)


def _numbers(value: Any) -> dict[str, float] | None:
    if not isinstance(value, Mapping):
        return None
    fit = {str(name): number for name, one in value.items() if (number := _number(one)) is not None}
    same = len(fit) == len(value) and all(fit.get(name) is one for name, one in value.items())
    return value if same and isinstance(value, dict) else fit


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _names(value: Any) -> Any:
    """A name, or a list of names."""
    is_list = isinstance(value, Sequence) and all(isinstance(one, str) for one in value)
    return value if is_list else None


KINDS: Mapping[str, Callable[[Any], Any]] = {
    "source": _text, "title": _text, "heading": _text,
    "start": _whole, "end": _whole, "chunk": _whole,
    "score": _number, "scores": _numbers,
    "superseded_by": _name, "supersedes": _names, "stands_behind": _name,
}  # fmt: skip
