"""What the words say of each stretch of the retrieved passages: does it hold what the question asks?

Every measure is a share between 0 and 1, or a cue that is there or not. Knows no encoder.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from langchain_core.documents import Document

from .analyser import detect_language, document_tokens, query_tokens
from .answer_types import AnswerType, answer_type, holds
from .quotable import Stretch, stretches
from .splitting import PATH_SEPARATOR

__all__ = ["Asked", "Candidate", "asked_words", "candidates", "language_of", "read_passage", "share_found"]

SAMPLE = 1500  # characters of each passage that the language is told from
RELATED = 0.7  # what "inventor" counts for "inventing"; .5 to .9 measure alike
STEPS = 0.15  # what one rank counts where a retriever gives no scores
FRAGMENT = 6  # words
PRONOUN = re.compile(r"(He|She|It|They|This|These|That|Those|His|Her|Its|Their|Such|Both|Here|There)\b")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as its words: what to look for, and the type of answer it announces."""

    tokens: tuple[str, ...]  # distinct, stemmed, without stop words
    plain: frozenset[str]  # as typed, in lower case
    kind: AnswerType
    language: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One stretch with its measures."""

    document: int
    stretch: Stretch
    place: int  # of the stretch in `passage`
    passage: tuple[Stretch, ...]  # all stretches of its passage
    text: str
    names: str  # title and headings above it
    measures: dict[str, float] = field(repr=False)


def asked_words(question: str, language: str) -> Asked:
    """The question's words in the language of the documents."""
    plain = frozenset(word.strip(".,;:!?()[]\"'`").lower() for word in question.split())
    return Asked(tuple(query_tokens(question, [language])), plain, answer_type(question), language)


def language_of(documents: Sequence[Document]) -> str:
    """Snowball's name of the language that most of the passages' text is in."""
    return detect_language(" ".join(document.page_content[:SAMPLE] for document in documents))


def candidates(asked: Asked, documents: Sequence[Document]) -> list[Candidate]:
    """All stretches of the passages, in order, measured."""
    read = [read_passage(document.page_content, asked.language) for document in documents]
    holders = Counter(token for passage in read for _, tokens in passage for token in set(tokens))
    words = Words(asked.tokens, holders, sum(len(passage) for passage in read))
    ranks = _passage_scores(documents)
    found: list[Candidate] = []
    for number, (document, passage) in enumerate(zip(documents, read, strict=True)):
        title, path = (str(document.metadata.get(key) or "") for key in ("title", "heading"))
        path = path.removeprefix(title + PATH_SEPARATOR) if title else path
        pieces = tuple(stretch for stretch, _ in passage)
        for place, (stretch, tokens) in enumerate(passage):
            text = document.page_content[stretch.start : stretch.end]
            names = ", ".join(dict.fromkeys(name for name in (title, path, stretch.heading) if name))
            before = {token for one in _context(passage, place) for token in passage[one][1]}
            around = before.union(tokens, _tokens(names, asked.language))
            measures = {
                "words": words.share(set(tokens)),
                "words_around": words.share(around),
                "pairs": words.pairs(tokens),
                "passage": ranks[number],
                "new_words": math.log1p(sum(token not in words.weights for token in tokens)),
                "fragment": float(_is_fragment(stretch, text)),
                "pronoun": float(PRONOUN.match(text) is not None),
                f"holds_{asked.kind}": float(holds(asked.kind, text, asked=asked.plain)),
            }
            found.append(Candidate(number, stretch, place, pieces, text, names, measures))
    return found


def share_found(tokens: Sequence[str], present: set[str]) -> float:
    """The share of the tokens that are present, related forms counting `RELATED`; all weigh the same."""
    if not tokens:
        return 0.0
    return sum(_best_match(token, present) for token in tokens) / len(tokens)


class Words:
    """The question's words with their weights: those that fewer stretches hold weigh more."""

    def __init__(self, tokens: Sequence[str], holders: Mapping[str, int], stretches: int) -> None:
        self.weights = {token: math.log(1 + stretches / (1 + holders.get(token, 0))) for token in tokens}
        self.total = sum(self.weights.values())
        self.adjacent = set(zip(tokens, tokens[1:], strict=False))
        # Only the words of the stretches that begin alike can match, so this is done once, not per stretch.
        self.alike = {
            token: [other for other in holders if other[:4] == token[:4] and _alike(token, other)]
            for token in tokens
        }

    def share(self, present: set[str]) -> float:
        """The weight of the words that are present, of all."""
        if not self.total:
            return 0.0
        return (
            sum(weight * self._match(token, present) for token, weight in self.weights.items()) / self.total
        )

    def pairs(self, tokens: Sequence[str]) -> float:
        """The share of the question's neighbouring words that stand together here too, or one word apart."""
        if not self.adjacent:
            return 0.0
        near = set(zip(tokens, tokens[1:], strict=False)) | set(zip(tokens, tokens[2:], strict=False))
        return len(self.adjacent & near) / len(self.adjacent)

    def _match(self, token: str, present: set[str]) -> float:
        if token in present:
            return 1.0
        return RELATED if any(other in present for other in self.alike[token]) else 0.0


def _best_match(token: str, present: set[str]) -> float:
    if token in present:
        return 1.0
    return RELATED if any(_alike(token, other) for other in present) else 0.0


def _alike(token: str, other: str) -> bool:
    """Whether two stems share so long a beginning that they are forms of one word: invent, inventor."""
    shared = 0
    for a, b in zip(token, other, strict=False):
        if a != b:
            break
        shared += 1
    return shared >= 5 or (shared >= 4 and shared >= 0.6 * max(len(token), len(other)))


def _context(passage: Sequence[tuple[Stretch, tuple[str, ...]]], place: int) -> list[int]:
    """What must be known to understand a stretch: the one before it, and what leads a list or table in."""
    places = [place - 1] if place else []
    if passage[place][0].kind in ("item", "row"):
        lead = place
        while lead and passage[lead][0].kind == passage[place][0].kind:
            lead -= 1
        places.append(lead)
    return places


def _passage_scores(documents: Sequence[Document]) -> list[float]:
    """Relative to the best: the fused score where the search gave one, else what the rank says."""
    fused = [document.metadata.get("scores", {}).get("fused") for document in documents]
    if all(score is not None for score in fused):
        best = max((float(score) for score in fused), default=0.0)
        return [float(score) - best for score in fused]
    return [-STEPS * rank for rank in range(len(documents))]


def _is_fragment(stretch: Stretch, text: str) -> bool:
    """A few words that are no sentence: a heading that was not told as one, a label, a cell."""
    return stretch.kind == "sentence" and text[-1:] not in tuple(".!?。！？") and len(text.split()) < FRAGMENT


@lru_cache(maxsize=2048)  # passages: a few MB; the same ones are read for follow-ups and for abstention
def read_passage(text: str, language: str) -> tuple[tuple[Stretch, tuple[str, ...]], ...]:
    return tuple(
        (stretch, _tokens(text[stretch.start : stretch.end], language))
        for stretch in stretches(text, language)
    )


@lru_cache(maxsize=2048)
def _tokens(text: str, language: str) -> tuple[str, ...]:
    return tuple(document_tokens(text, language))
