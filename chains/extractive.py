"""The extractive reader: the one to three stretches of the retrieved passages that answer a question.

Words first, then the encoder on the best of them. Knows no store and no language model.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from langchain_core.documents import Document

from .analyser import detect_language, document_tokens, query_tokens
from .answer_types import answer_type, holds
from .embeddings import Encoder
from .quotable import Stretch, stretches

__all__ = ["Quote", "select_quotes"]

PASSAGES = 8  # read; below rank 8 a passage holds the answer to fewer than 1 % of the questions
ENCODED = 20  # stretches encoded per question, so that a read stays within a quarter of a second
QUOTES = 3
WORDS = 75  # in all quotes after the first


@dataclass(frozen=True, slots=True)
class Quote:
    """`documents[document].page_content[start:end]`, verbatim."""

    document: int
    start: int
    end: int
    score: float  # orders the quotes of one question; means nothing across questions
    cosine: float = 0.0  # of question and quote


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stretch with what the words alone say of it."""

    document: int
    stretch: Stretch
    text: str
    context: str  # the text before it in the same passage, and its headings
    tokens: tuple[str, ...]
    features: tuple[float, ...]


def select_quotes(question: str, documents: Sequence[Document], encoder: Encoder) -> list[Quote]:
    """The stretches that answer, best first; none if there is nothing to quote.

    Whether they answer well enough to be shown is for `ragweave.chains.abstention.judge` to say.
    """
    candidates = _candidates(question, documents[:PASSAGES])
    if not candidates:
        return []
    by_words = sorted(range(len(candidates)), key=lambda i: -_word_score(candidates[i]))[:ENCODED]
    best = [candidates[i] for i in sorted(by_words)]
    similarity = encoder.encode([_encoded_text(one) for one in best]) @ encoder.encode_query(question)
    scores = [_score(one, float(cosine)) for one, cosine in zip(best, similarity, strict=True)]
    return _chosen(best, scores, [float(cosine) for cosine in similarity])


def _candidates(question: str, documents: Sequence[Document]) -> list[Candidate]:
    language = detect_language(" ".join(document.page_content for document in documents))
    asked = query_tokens(question, [language])
    kind = answer_type(question)
    plain = {word.strip(".,;:!?()\"'").lower() for word in question.split()}
    pieces = [
        (number, stretch, document.page_content[stretch.start : stretch.end])
        for number, document in enumerate(documents)
        for stretch in stretches(document.page_content, language)
    ]
    tokens = [tuple(document_tokens(text, language)) for _, _, text in pieces]
    weights = _weights(asked, tokens)
    found: list[Candidate] = []
    for place, (number, stretch, text) in enumerate(pieces):
        document = documents[number]
        before = pieces[place - 1][2] if place and pieces[place - 1][0] == number else ""
        names = (
            f"{document.metadata.get('title', '')} {document.metadata.get('heading', '')} {stretch.heading}"
        )
        around = set(document_tokens(f"{names} {before}", language)) | set(tokens[place])
        features = (
            _coverage(asked, set(tokens[place]), weights),
            _coverage(asked, around, weights),
            float(holds(kind, text, asked=plain)),
            _passage_score(document, number),
        )
        found.append(Candidate(number, stretch, text, before, tokens[place], features))
    return found


def _weights(asked: Sequence[str], tokens: Sequence[Sequence[str]]) -> Mapping[str, float]:
    """Rare words among the stretches weigh more: log(1 + N / (1 + those that hold the word))."""
    holders = Counter(token for one in tokens for token in set(one))
    return {token: math.log(1 + len(tokens) / (1 + holders[token])) for token in asked}


def _coverage(asked: Sequence[str], present: set[str], weights: Mapping[str, float]) -> float:
    total = sum(weights[token] for token in asked)
    return sum(weights[token] for token in asked if token in present) / total if total else 0.0


def _passage_score(document: Document, rank: int) -> float:
    fused = document.metadata.get("scores", {}).get("fused", document.metadata.get("score"))
    return float(fused) if fused is not None else 1 / (1 + rank)


def _encoded_text(candidate: Candidate) -> str:
    return candidate.text


def _word_score(candidate: Candidate) -> float:
    sentence, around, cue, passage = candidate.features
    return 2.0 * sentence + 1.0 * around + 0.3 * cue + 1.0 * passage


def _score(candidate: Candidate, cosine: float) -> float:
    return _word_score(candidate) + 2.5 * cosine


def _chosen(
    candidates: Sequence[Candidate], scores: Sequence[float], cosines: Sequence[float]
) -> list[Quote]:
    order = sorted(range(len(candidates)), key=lambda i: (-scores[i], i))[:2]
    return [
        Quote(
            candidates[i].document,
            candidates[i].stretch.start,
            candidates[i].stretch.end,
            scores[i],
            cosines[i],
        )
        for i in order
        if scores[i] > scores[order[0]] - 1.0
    ]
