"""A question that asks for several things is read part by part: the best quote of each that is answered.

Knows the reader and the judge; no store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from langchain_core.documents import Document

from .abstention import judge
from .embeddings import Encoder
from .extractive import Quote, select_quotes
from .orders import gives_orders

__all__ = ["answers_parts", "read_question", "unanswered"]


def read_question(
    question: str,
    parts: Sequence[str],
    documents: Sequence[Document],
    encoder: Encoder,
    *,
    size: int | None = None,
) -> list[Quote]:
    """The quotes for a question; of one in parts, those for each part that the documents answer.

    Where they answer none of the parts, the question is read as a whole. A sentence that tells whoever
    answers what to say is never quoted.
    """
    quotes: list[Quote] = []
    for part in parts if len(parts) > 1 else ():
        read = select_quotes(part, documents, encoder, skip=gives_orders)
        if not judge(part, documents, encoder, quotes=read, size=size).abstain:
            _add(quotes, read[0], part)
    return quotes or select_quotes(question, documents, encoder, skip=gives_orders)


def answers_parts(quotes: Sequence[Quote] | None) -> bool:
    """Whether these quotes were judged already, part by part."""
    return any(one.parts for one in quotes or ())


def unanswered(parts: Sequence[str], quotes: Sequence[Quote]) -> list[str]:
    """The parts that none of the quotes answers; [] where the question was read as a whole."""
    answered = {part for one in quotes for part in one.parts}
    return [part for part in parts if part not in answered] if answered else []


def _add(quotes: list[Quote], quote: Quote, part: str) -> None:
    """One more quote; where the same words are quoted already, they answer this part too."""
    for place, one in enumerate(quotes):
        if one.document == quote.document and one.start < quote.end and quote.start < one.end:
            quotes[place] = replace(one, parts=(*one.parts, part))
            return
    quotes.append(replace(quote, parts=(part,)))
