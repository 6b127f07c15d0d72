"""Passages that are too far from the question go: by signals that mean the same in every search.

A cosine, or the share of the question's words, can be compared with a number. A fused or reranked score
cannot: it says which passage of this search is better, and its best one has about 1 even where none is good.
Knows no store and no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.documents import Document
from pydantic import ConfigDict, Field, field_validator

from .analyser import document_tokens, query_tokens
from .evidence import language_of, shares_found
from .passage_text import passage_text
from .rework import Dropped, Reworked, Reworker

__all__ = ["ScoreFilter", "autocut"]

ROUNDING = 1e-9  # no jump
WHY_NOT = (
    "`{name}` scores are relative to their own search: the best passage has a high one even where none is "
    "good, so a floor would drop everything or nothing. Give a floor for the cosine ({{'vector': 0.3}}) or "
    "for `keywords`, or use `autocut`, which cuts where the scores jump."
)


class ScoreFilter(Reworker):
    """Drops passages below a floor, or behind a jump in the scores. With no argument it drops nothing.

    A passage with both signals goes only where both are below their floor: a number that is found word for
    word may be far in meaning. A passage without a signal stays, and the trace counts those.

    Args:
        floor: least cosine of question and passage, `scores["vector"]`. With the packaged encoder the right
            passage has .3 or more for 19 of 20 questions (SQuAD, FastAPI's documentation, a FAQ); where the
            documents are about something else, the best one has .15 to .3 on the median.
        keywords: least share of the question's words in the passage, its title and headings, 0 to 1.
        autocut: cut after so many jumps in the scores, as Weaviate does; at least one passage stays.
    """

    model_config = ConfigDict(extra="forbid")

    floor: float | dict[str, float] | None = None
    keywords: float | None = Field(default=None, ge=0, le=1)
    autocut: int | None = Field(default=None, ge=1)

    @field_validator("floor")
    @classmethod
    def _absolute(cls, floor: float | dict[str, float] | None) -> float | None:
        if isinstance(floor, Mapping):
            for name in floor:
                if name != "vector":
                    raise ValueError(WHY_NOT.format(name=name))
            floor = floor.get("vector")
        if floor is not None and not -1 <= floor <= 1:
            raise ValueError(f"floor is {floor}; a cosine is between -1 and 1.")
        return floor

    def rework(self, documents: Sequence[Document], query: str) -> Reworked:
        """The passages that are near enough, in the order they came in."""
        floor = None if isinstance(self.floor, dict) else self.floor  # a dict became a number
        cosines = [_cosine(document) for document in documents] if floor is not None else []
        shares = _shares(documents, query) if self.keywords is not None and documents else []
        kept: list[Document] = []
        dropped: list[Dropped] = []
        unjudged = 0
        floors = (("cosine", cosines, floor), ("words", shares, self.keywords))
        for place, document in enumerate(documents):
            signals = [
                (name, value, least)
                for name, values, least in floors
                if values and least is not None and (value := values[place]) is not None
            ]
            below = [
                f"{name} {_short(value)} below {_short(least)}"
                for name, value, least in signals
                if value < least
            ]
            unjudged += not signals
            if signals and len(below) == len(signals):
                dropped.append(Dropped(document, ", ".join(below)))
            else:
                kept.append(document)
        detail: dict[str, Any] = {}
        if unjudged and (cosines or shares):
            detail["unjudged"] = f"{unjudged} passages have no such score and stay"
        if self.autocut is not None and len(kept) > 1:
            kept = self._cut(kept, dropped, detail)
        return Reworked(kept, dropped, detail)

    def _cut(self, kept: list[Document], dropped: list[Dropped], detail: dict[str, Any]) -> list[Document]:
        scores = [document.metadata.get("score") for document in kept]
        numbers = [float(score) for score in scores if isinstance(score, (int, float))]
        if len(numbers) < len(scores) or numbers != sorted(numbers, reverse=True):
            detail["degraded"] = "The passages have no scores in their order, so autocut dropped none."
            return kept
        stay = autocut(numbers, self.autocut or 1)
        if stay < len(kept):
            reason = f"behind a jump in the scores, {_short(numbers[stay - 1])} to {_short(numbers[stay])}"
            dropped += [Dropped(document, reason) for document in kept[stay:]]
        return kept[:stay]


def autocut(scores: Sequence[float], jumps: int) -> int:
    """How many of the scores, best first, stand before the given number of jumps; all where there are fewer.

    As in Weaviate: scores are compared with a straight line from the first to the last; a jump is where they
    have fallen furthest below it, which is a peak of the difference.

    >>> autocut([0.9, 0.88, 0.87, 0.4, 0.39, 0.1], 1)
    3
    """
    last = len(scores) - 1
    if last < 2 or scores[0] == scores[last]:
        return len(scores)
    span = scores[last] - scores[0]
    fallen = [(score - scores[0]) / span - place / last for place, score in enumerate(scores)]
    for place in range(1, last + 1):
        other = fallen[place + 1] if place < last else fallen[place - 2]
        if fallen[place] > max(fallen[place - 1], other) + ROUNDING:
            jumps -= 1
            if not jumps:
                return place
    return len(scores)


def _cosine(document: Document) -> float | None:
    value = document.metadata.get("scores", {}).get("vector")
    return float(value) if isinstance(value, (int, float)) else None


def _shares(documents: Sequence[Document], query: str) -> list[float | None]:
    """The share of the question's words that each passage holds; None for a question without words."""
    language = language_of(documents)
    asked = query_tokens(query, [language])
    if not asked:
        return [None] * len(documents)
    found = [set(document_tokens(passage_text(one), language)) for one in documents]
    return list(shares_found(asked, found))


def _short(value: float) -> str:
    return f"{value:.2f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.2f}"
