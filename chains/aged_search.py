"""A search's hits with their age counted in: by the store's server where it can, by rule elsewhere.

Knows the store's interface only; the formula is in `freshness`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.documents import Document

from .freshness import Freshness, Hit
from .rework import rescored
from .store import TimeDecay

__all__ = ["AgedHits", "ServerDecay", "age"]

SERVED = "updated_at"  # what a server can count: the one field that every passage has, as a date
ServerDecay = Callable[..., Sequence[Hit] | None]  # takes `decay`; None where it cannot
MetadataOf = Callable[[Sequence[str]], Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class AgedHits:
    """The best hits; `decays` is empty where none has a date, and relevance alone counts."""

    best: Sequence[Hit]
    decays: Mapping[str, float]
    by: str

    def marked(self, documents: Sequence[Document]) -> list[Document]:
        """The hits' documents with what their age counted, and who counted it."""
        if not self.decays:
            return list(documents)
        marked = []
        for document in documents:
            aged = rescored(document, freshness=self.decays[str(document.id)])
            aged.metadata |= {"score": document.metadata["score"], "freshness_by": self.by}  # the copy's
            marked.append(aged)
        return marked


def age(
    freshness: Freshness, hits: Sequence[Hit], k: int, *, metadata_of: MetadataOf, server: ServerDecay | None
) -> AgedHits:
    """The best `k` of the hits, which come by relevance and are all that was found."""
    now = freshness.moment()
    if server is not None and freshness.field == SERVED:
        best = server(decay=TimeDecay(now, freshness.half_life, freshness.weight))
        if best is not None:
            read = freshness.aged(best, metadata_of([hit for hit, _ in best]), now)
            return AgedHits(best, {} if read is None else read.decays, "server")
    aged = freshness.aged(hits, metadata_of([hit for hit, _ in hits]), now)
    if aged is None:
        return AgedHits(hits[:k], {}, "rule")
    return AgedHits(aged.hits[:k], aged.decays, "rule")
