"""The texts that one question is searched by. Plain values; knows no store and no model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Query", "QueryKind"]

QueryKind = Literal[
    "question", "spelling", "keywords", "acronym", "rewrite", "variant", "part", "step back", "hyde"
]


@dataclass(frozen=True, slots=True)
class Query:
    """`weight` counts where hits of several queries become one list; `mode` None is the retriever's own.

    Hits of a `part` (of a question that asks for two things) are kept apart until then.
    """

    text: str
    kind: QueryKind = "question"
    weight: float = 1.0
    mode: Literal["hybrid", "keyword", "vector"] | None = None
