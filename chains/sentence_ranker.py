"""A reranker without a model of its own: each passage counts as much as its best sentence.

The encoder's cosine of a question and a whole passage is blurred by all else that the passage says; that of
the question and the sentence meant is not. Knows no store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.documents import Document
from pydantic import ConfigDict, Field, PrivateAttr

from .embeddings import Encoder, open_encoder
from .evidence import Candidate, asked_words, candidates, language_of
from .extractive import encoded_text, word_score
from .rework import Reworked, Reworker, rescored

__all__ = ["SentenceRanker"]

TOP = 20  # passages
SENTENCES = 2  # of each passage that are encoded: those whose words fit best
WORDS = 0.2  # what the share of the question's words counts beside a cosine


class SentenceRanker(Reworker):
    """Orders passages by the cosine of the question with their best sentence, and the words that both share.

    `Rerank(SentenceRanker(encoder))` blends it with the search. Use it where the wording of questions is far
    from that of the documents, as in a FAQ. It encodes up to 40 sentences a question, some .5 s of processor
    time with the packaged encoder, and so is no default.

    Args:
        encoder: the knowledge base's own; a function that opens one, a LangChain `Embeddings`, a folder or
            hub id will do. The packaged one where not given.
        top: passages that are read; those after them keep their order.
    """

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    encoder: Any = Field(None, exclude=True, repr=False)
    top: int = Field(TOP, ge=1)
    _opened: Encoder | None = PrivateAttr(None)

    def __init__(self, encoder: Encoder | Callable[[], Encoder] | Any = None, *, top: int = TOP) -> None:
        # Pydantic's own __init__ takes keywords only.
        super().__init__(**{"encoder": encoder, "top": top})

    def rework(self, documents: Sequence[Document], query: str) -> Reworked:
        """The passages by their best sentence; those without one keep their order behind them."""
        scores = self._scores(documents[: self.top], query)
        places = sorted(range(len(documents)), key=lambda place: -scores.get(place, float("-inf")))
        reworked = [
            rescored(documents[place], rerank=scores[place]) if place in scores else documents[place]
            for place in places
        ]
        return Reworked(reworked, detail={"by": "encoder"})

    def _scores(self, documents: Sequence[Document], query: str) -> dict[int, float]:
        if not documents:
            return {}
        asked = asked_words(query, language_of(documents))
        best: dict[int, list[Candidate]] = {}
        for one in candidates(asked, documents):
            best.setdefault(one.document, []).append(one)
        chosen = [
            one for found in best.values() for one in sorted(found, key=word_score, reverse=True)[:SENTENCES]
        ]
        if not chosen:
            return {}
        encoder = self._encoder()
        cosines = encoder.encode([encoded_text(one) for one in chosen]) @ encoder.encode_query(query)
        scores: dict[int, float] = {}
        for one, cosine in zip(chosen, cosines, strict=True):
            score = float(cosine) + WORDS * one.measures["words_around"]
            scores[one.document] = max(score, scores.get(one.document, score))
        return scores

    def _encoder(self) -> Encoder:
        if self._opened is None:
            self._opened = self.encoder() if callable(self.encoder) else open_encoder(self.encoder)
        return self._opened
