"""Passages that only repeat a better ranked one go; on request, those that resemble one another spread out.

Knows no store. Without an encoder, words alone decide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.documents import Document
from pydantic import ConfigDict, Field, PrivateAttr

from .embeddings import Encoder, open_encoder
from .near_duplicates import fingerprint, likeness, rule_out_repeats, same_facts
from .passage_text import passage_text
from .rerank import standing
from .rework import Dropped, Reworked, Reworker, rescored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Diversify"]

DUPLICATES = 0.97
MOST = 300  # passages that are compared, each with each; those behind them are far from any answer
SHARED = 0.8  # of the words, for two passages to be repeats by their vectors: the same, told in another order


class Diversify(Reworker):
    """Drops a passage that repeats a better ranked one, and says which; the rest keep their order.

    A repeat has the same words in the same order (`duplicates` of them; punctuation, case and white space
    do not count), or stands whole inside the other. Passages that differ in a number, a date, a name or a
    negation are both kept: they are versions of a rule, or two rules. So are those below different headings,
    unless they are the same word for word, twelve words or more, and the question asks for neither heading.

    With `mmr` passages are then chosen one by one by maximal marginal relevance (Carbonell and Goldstein,
    1998): `mmr * relevance - (1 - mmr) * likeness to the most alike of those chosen`, where the relevance is
    the score brought to 0..1, and the likeness the cosine of the vectors.

    The first 300 passages are compared; those behind them stay as they are.

    Args:
        encoder: for `mmr`, and to find repeats whose words stand in another order; a function that opens
            one, a LangChain `Embeddings`, a folder or hub id will do.
        duplicates: least share of words, or cosine, of a repeat; 1 for the same words only, None drops none.
        mmr: 1 goes by relevance alone, 0 by difference alone.
    """

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    encoder: Any = Field(None, exclude=True, repr=False)
    duplicates: float | None = Field(DUPLICATES, gt=0.5, le=1)
    mmr: float | None = Field(None, ge=0, le=1)
    _opened: Encoder | None = PrivateAttr(None)

    def __init__(
        self,
        encoder: Encoder | Callable[[], Encoder] | Any = None,
        *,
        duplicates: float | None = DUPLICATES,
        mmr: float | None = None,
    ) -> None:
        if mmr is not None and encoder is None:
            raise ValueError(f"mmr={mmr} compares passages by their vectors: give an encoder as well.")
        # Pydantic's own __init__ takes keywords only.
        super().__init__(**{"encoder": encoder, "duplicates": duplicates, "mmr": mmr})

    def rework(self, documents: Sequence[Document], query: str) -> Reworked:
        """The passages without repeats; spread out where `mmr` is given."""
        documents, behind = documents[:MOST], documents[MOST:]
        vectors = self._vectors(documents)
        kept, repeats = self._told_apart(documents, vectors, query)
        order = kept
        values: dict[int, float] = {}
        if self.mmr is not None and vectors is not None and len(kept) > 1:
            relevance = standing([documents[place] for place in kept], len(kept))
            chosen = marginal_relevance(relevance, vectors[kept] @ vectors[kept].T, weight=self.mmr)
            order = [kept[number] for number, _ in chosen]
            values = {kept[number]: value for number, value in chosen}
        numbers = {place: number for number, place in enumerate(order, start=1)}
        dropped = [
            Dropped(documents[place], f"repeats [{numbers[first]}] {_named(documents[first])}, {how}")
            for place, first, how in repeats
        ]
        detail = (
            {"scores": {str(documents[place].id): value for place, value in values.items()}} if values else {}
        )
        compared = [_valued(documents[place], values.get(place)) for place in order]
        return Reworked([*compared, *behind], dropped, detail)

    def _vectors(self, documents: Sequence[Document]) -> NDArray[np.float32] | None:
        if self.encoder is None or len(documents) < 2:
            return None
        if self._opened is None:
            self._opened = self.encoder() if callable(self.encoder) else open_encoder(self.encoder)
        return self._opened.encode([passage_text(document) for document in documents])

    def _told_apart(
        self, documents: Sequence[Document], vectors: NDArray[np.float32] | None, query: str
    ) -> tuple[list[int], list[tuple[int, int, str]]]:
        """Places of those kept, and for each repeat its place, that of the one it repeats, and how alike."""
        if self.duplicates is None:
            return list(range(len(documents))), []
        kept: list[int] = []
        repeats: list[tuple[int, int, str]] = []
        ruled_out = rule_out_repeats(documents)
        for place, later in enumerate(documents):
            for first in kept:
                if ruled_out(place, first):  # nearly all pairs; spares what is slow
                    continue
                cosine = None if vectors is None else float(vectors[place] @ vectors[first])
                if how := self._repeats(later, documents[first], query, cosine):
                    repeats.append((place, first, how))
                    break
            else:
                kept.append(place)
        return kept, repeats

    def _repeats(self, repeat: Document, original: Document, query: str, cosine: float | None) -> str:
        least = self.duplicates or 1.0
        later, first = fingerprint(repeat), fingerprint(original)
        share, how = likeness(later, first, query)
        if share >= least:
            return how
        if cosine is not None and cosine >= least and same_facts(later, first):
            common = len(later.distinct & first.distinct) / max(1, len(later.distinct | first.distinct))
            return f"cosine {cosine:.2f}" if common >= SHARED else ""
        return ""


def marginal_relevance(
    relevance: Sequence[float], similarity: NDArray[np.float32], *, weight: float
) -> list[tuple[int, float]]:
    """All rows, each time the one with the most of `weight * relevance - (1 - weight) * greatest similarity`.

    Args:
        relevance: of each row, 0 to 1.
        similarity: of each row with each, shape (rows, rows).
        weight: lambda of Carbonell and Goldstein.
    """
    left = list(range(len(relevance)))
    nearest = [0.0] * len(left)  # to the rows chosen
    chosen: list[tuple[int, float]] = []
    while left:
        values = {row: weight * relevance[row] - (1 - weight) * nearest[row] for row in left}
        best = max(left, key=lambda row: values[row])  # the first of equals
        chosen.append((best, values[best]))
        left.remove(best)
        for row in left:
            alike = float(similarity[row, best])
            nearest[row] = alike if len(chosen) == 1 else max(nearest[row], alike)
    return chosen


def _valued(document: Document, value: float | None) -> Document:
    return document if value is None else rescored(document, mmr=value)


def _named(document: Document) -> str:
    return str(document.metadata.get("title") or document.metadata.get("source") or "").strip() or "above"
