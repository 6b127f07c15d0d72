"""Whether the retrieved passages hold the answer, judged by signals that mean the same on every base.

Cosines and shares of the question's words; never the fused score, which is relative to its own search.
Knows no store and no language model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.documents import Document

from .analyser import detect_language, document_tokens, query_tokens
from .embeddings import Encoder
from .extractive import Quote, select_quotes

__all__ = ["DOES_NOT_SAY", "NOTHING_FOUND", "Verdict", "judge"]

NOTHING_FOUND = "nothing found"
DOES_NOT_SAY = "found but it does not say"
PASSAGES = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is "" where the question is answered; `signals` are for the trace."""

    abstain: bool
    reason: str
    signals: dict[str, float]


def judge(
    question: str, documents: Sequence[Document], encoder: Encoder, *, quotes: Sequence[Quote] | None = None
) -> Verdict:
    """Decide whether to answer; `quotes` spares a second reading where they are known already."""
    if not documents or not question.strip():
        return Verdict(True, NOTHING_FOUND, {})
    signals = _signals(question, documents, encoder, quotes)
    probability = 1 / (1 + math.exp(-_logit(signals)))
    signals["probability"] = probability
    if probability >= 0.5:
        return Verdict(False, "", signals)
    near = signals["passage"] >= 0.35 and signals["words"] > 0
    return Verdict(True, DOES_NOT_SAY if near else NOTHING_FOUND, signals)


def _signals(
    question: str, documents: Sequence[Document], encoder: Encoder, quotes: Sequence[Quote] | None
) -> dict[str, float]:
    if quotes is None:
        quotes = select_quotes(question, documents, encoder)
    language = detect_language(" ".join(document.page_content for document in documents))
    asked = query_tokens(question, [language])
    top = documents[:PASSAGES]
    present = {t for d in top for t in document_tokens(_whole(d), language)}
    best = max((_shared(asked, document_tokens(_whole(d), language)) for d in top), default=0.0)
    return {
        "passage": _passage_cosine(question, top, encoder),
        "sentence": max((quote.cosine for quote in quotes), default=0.0),
        "words": best,
        "words_anywhere": _shared(asked, present),
    }


def _whole(document: Document) -> str:
    metadata = document.metadata
    return f"{metadata.get('title', '')}\n{metadata.get('heading', '')}\n{document.page_content}"


def _shared(asked: Sequence[str], tokens: Sequence[str] | set[str]) -> float:
    present = set(tokens)
    return sum(token in present for token in asked) / len(asked) if asked else 0.0


def _passage_cosine(question: str, documents: Sequence[Document], encoder: Encoder) -> float:
    known = [d.metadata.get("scores", {}).get("vector") for d in documents]
    cosines = [float(cosine) for cosine in known if cosine is not None]
    if cosines:
        return max(cosines)
    return float(max(encoder.encode([_whole(d) for d in documents]) @ encoder.encode_query(question)))


def _logit(signals: dict[str, float]) -> float:
    return 6 * (signals["passage"] - 0.45) + 4 * (signals["sentence"] - 0.45) + 3 * (signals["words"] - 0.6)
