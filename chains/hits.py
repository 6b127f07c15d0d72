"""From the hits of a search to Documents: their order, the score of every stage, their place in each leg.

Pure functions; knows no store and no encoder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

from .errors import ChainError
from .fusion import fuse
from .metadata import flat_metadata
from .records import Chunk
from .store import Legs

if TYPE_CHECKING:
    from langchain_core.documents import Document

__all__ = ["Fusion", "SearchMode", "check_search", "chunk_document", "leg_ranks", "ranked", "stage_scores"]

SearchMode = Literal["hybrid", "keyword", "vector"]
Fusion = Literal["relative", "native"]


def check_search(k: int, alpha: float | None, mode: str, fusion: str) -> None:
    """Raise `ChainError` for settings that no search can have."""
    if isinstance(k, bool) or not isinstance(k, int) or k < 0:
        raise ChainError(f"k is {k!r}.", remedy="Give the number of passages wanted, 0 or more.")
    if alpha is not None and not 0 <= alpha <= 1:
        raise ChainError(f"alpha is {alpha!r}.", remedy="Give a weight from 0 (keywords) to 1 (vectors).")
    if mode not in get_args(SearchMode):
        raise ChainError(f"Unknown mode {mode!r}.", remedy=f"Modes are: {', '.join(get_args(SearchMode))}.")
    if fusion not in get_args(Fusion):
        raise ChainError(f"Unknown fusion {fusion!r}.", remedy=f"There are: {', '.join(get_args(Fusion))}.")


def ranked(legs: Legs, mode: SearchMode, alpha: float) -> Sequence[tuple[str, float]]:
    """The hits of both legs fused, or of the one that was asked for, best first."""
    if mode == "hybrid":
        return fuse(legs.keyword, legs.vector, alpha=alpha)
    return legs.keyword if mode == "keyword" else legs.vector


def stage_scores(
    legs: Legs, mode: SearchMode, best: Sequence[tuple[str, float]], fused: Sequence[tuple[str, float]]
) -> dict[str, dict[str, float]]:
    """For each hit the score of every stage that found it."""
    stages: dict[str, dict[str, float]] = {hit: {} for hit, _ in best}
    named = [("keyword", legs.keyword), ("vector", legs.vector)]
    for name, hits in [*named, ("fused", fused)] if mode == "hybrid" else named:
        for hit, score in hits:
            if hit in stages:
                stages[hit][name] = score
    return stages


def leg_ranks(legs: Legs, best: Sequence[tuple[str, float]]) -> dict[str, dict[str, int]]:
    """For each hit its place in each leg that found it, from 1."""
    ranks: dict[str, dict[str, int]] = {hit: {} for hit, _ in best}
    for name, hits in (("keyword", legs.keyword), ("vector", legs.vector)):
        for rank, (hit, _) in enumerate(hits, start=1):
            if hit in ranks:
                ranks[hit][name] = rank
    return ranks


def chunk_document(
    chunk: Chunk,
    score: float | None = None,
    scores: Mapping[str, float] | None = None,
    ranks: Mapping[str, int] | None = None,
) -> Document:
    """A stored passage as LangChain sees it, with what the search says of it."""
    from langchain_core.documents import Document

    own: dict[str, Any] = {
        "source": chunk.source,
        "title": chunk.title,
        "chunk": chunk.position,
        "start": chunk.start,
        "end": chunk.end,
        "updated_at": chunk.updated_at,
    }
    if score is not None:
        own |= {"score": score, "scores": dict(scores or {}), "ranks": dict(ranks or {})}
    if chunk.page is not None:
        own["page"] = chunk.page
    if chunk.heading:
        own["heading"] = chunk.heading
    return Document(id=chunk.id, page_content=chunk.text, metadata=flat_metadata(own, chunk.metadata))
