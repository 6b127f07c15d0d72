"""What the words say of each stretch of the retrieved passages: does it hold what the question asks?

Every measure is a share between 0 and 1, or a cue that is there or not. Knows no encoder.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import chain
from typing import NamedTuple

from langchain_core.documents import Document

from .analyser import detect_language, document_tokens, query_tokens
from .answer_types import AnswerType, answer_type, holds
from .quotable import Stretch, stretches
from .sentences import states_a_sum
from .splitting import PATH_SEPARATOR

__all__ = ["Asked", "Candidate", "asked_words", "candidates", "language_of", "read_passage", "shares_found"]

SAMPLE = 300  # characters of each passage that the language is told from
PUNCTUATION = str.maketrans(
    {"\u2019": "'", "\u2018": "'", **dict.fromkeys("\u201c\u201d\u2013\u2014\u2026\u2022", " ")}
)
RUN = re.compile(r"\w+(?:'\w+)*")  # no blank and no mark inside, so its tokens depend on nothing around it
RELATED = 0.7  # what "inventor" counts for "inventing"; .5 to .9 measure alike
KEPT = 4096  # passages, some 10 MB; the same ones are read for follow-ups and for the checks of an answer
MOST_RUNS = 65_536  # a few MB
STEPS = 0.15  # what one rank counts where a retriever gives no scores
FRAGMENT = 6  # words
SUPERSEDED = 1.2  # what a newer version, or that of the time asked about, takes from a passage's score
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
    return _language(" ".join(document.page_content[:SAMPLE] for document in documents))


def candidates(asked: Asked, documents: Sequence[Document]) -> list[Candidate]:
    """All stretches of the passages, in order, measured."""
    read = [read_passage(document.page_content, asked.language) for document in documents]
    words = Words(asked.tokens, [one.present for passage in read for one in passage])
    ranks = _passage_scores(documents)
    found: list[Candidate] = []
    for number, (document, passage) in enumerate(zip(documents, read, strict=True)):
        title, path = (str(document.metadata.get(key) or "") for key in ("title", "heading"))
        path = path.removeprefix(title + PATH_SEPARATOR) if title else path
        pieces = tuple([one.stretch for one in passage])
        passage_pairs = words.pairs([token for one in passage for token in one.tokens])
        for place, (stretch, tokens, present) in enumerate(passage):
            text = document.page_content[stretch.start : stretch.end]
            names = _joined(title, path, stretch.heading)
            before = [passage[one].present for one in _context(passage, place)]
            around = words.relevant(present, _present(names, asked.language), *before)
            inside = words.relevant(present)
            if stretch.columns:
                named = _joined(names, stretch.columns)
                all_named = words.relevant(present, _present(named, asked.language))
                # They stand over every row: what a row is about they tell only where nothing else is asked.
                if inside or words.share(all_named) == 1.0:
                    names, around = named, around | all_named
            measures = {
                "words": words.share(inside),
                "words_around": words.share(around),
                "pairs": words.pairs(tokens) if len(inside) > 1 else 0.0,
                "passage_pairs": passage_pairs,
                "passage": ranks[number],
                "new_words": math.log1p(len(tokens) - sum(map(words.weights.__contains__, tokens))),
                "fragment": float(_is_fragment(stretch, text)),
                "pronoun": float(PRONOUN.match(text) is not None),
                f"holds_{asked.kind}": float(holds(asked.kind, text, asked=asked.plain)),
            }
            found.append(Candidate(number, stretch, place, pieces, text, names, measures))
    return found


def shares_found(tokens: Sequence[str], texts: Sequence[Set[str]]) -> list[float]:
    """For each text the share of the tokens in it, related forms counting `RELATED`; all weigh the same."""
    alike = _related(tokens, frozenset().union(*texts))
    count = max(1, len(tokens))
    return [sum(_match(token, alike[token], text) for token in tokens) / count for text in texts]


class Words:
    """The question's words with their weights: those that fewer stretches hold weigh more."""

    def __init__(self, tokens: Sequence[str], stretches: Sequence[frozenset[str]]) -> None:
        vocabulary = frozenset().union(*stretches)
        holders = {token: sum(token in one for one in stretches) for token in tokens if token in vocabulary}
        self.weights = {token: math.log(1 + len(stretches) / (1 + holders.get(token, 0))) for token in tokens}
        self.total = sum(self.weights.values())
        self.adjacent = set(zip(tokens, tokens[1:], strict=False))
        self.alike = _related(tokens, vocabulary)
        self.all = frozenset(tokens).union(*self.alike.values())
        self._shares: dict[frozenset[str], float] = {}  # most stretches hold none of the words, or the same

    def relevant(self, *present: frozenset[str]) -> frozenset[str]:
        """The words that matter, of all that are present."""
        return frozenset().union(*(self.all & one for one in present))

    def share(self, present: frozenset[str]) -> float:
        """The weight of the words that are present, of all."""
        if not self.total or not present:
            return 0.0
        if (known := self._shares.get(present)) is not None:
            return known
        found = sum([w * _match(token, self.alike[token], present) for token, w in self.weights.items()])
        self._shares[present] = found / self.total
        return found / self.total

    def pairs(self, tokens: Sequence[str]) -> float:
        """The share of the question's neighbouring words that stand together here too, or one word apart."""
        if not self.adjacent:
            return 0.0
        near = {
            (token, other)
            for place, token in enumerate(tokens)
            if token in self.weights
            for other in tokens[place + 1 : place + 3]
        }
        return len(self.adjacent & near) / len(self.adjacent)


def _match(token: str, alike: frozenset[str], present: Set[str]) -> float:
    if token in present:
        return 1.0
    return 0.0 if alike.isdisjoint(present) else RELATED


def _related(tokens: Sequence[str], vocabulary: Set[str]) -> dict[str, frozenset[str]]:
    """For each token its related forms in the vocabulary; once for all texts, as few words begin alike."""
    begin: dict[str, list[str]] = {token[:4]: [] for token in tokens}
    for other in vocabulary:
        if (alike := begin.get(other[:4])) is not None:
            alike.append(other)
    return {token: frozenset(one for one in begin[token[:4]] if _alike(token, one)) for token in tokens}


def _alike(token: str, other: str) -> bool:
    """Whether two stems share so long a beginning that they are forms of one word: invent, inventor."""
    shared = 0
    for a, b in zip(token, other, strict=False):
        if a != b:
            break
        shared += 1
    return shared >= 5 or (shared >= 4 and shared >= 0.6 * max(len(token), len(other)))


def _context(passage: Sequence[ReadStretch], place: int) -> list[int]:
    """What must be known to understand a stretch: the one before it, and what leads a list or table in."""
    places = [place - 1] if place else []
    if passage[place].stretch.kind in ("item", "row"):
        lead = place
        while lead and passage[lead].stretch.kind == passage[place].stretch.kind:
            lead -= 1
        places.append(lead)
    return places


def _passage_scores(documents: Sequence[Document]) -> list[float]:
    """Relative to the best: the fused score where the search gave one, else what the rank says.

    A passage behind the version of its document that replaces it, or that held at the time that is asked
    about, has less to say.
    """
    fused = [document.metadata.get("scores", {}).get("fused") for document in documents]
    if all(score is not None for score in fused):
        best = max((float(score) for score in fused), default=0.0)
        scores = [float(score) - best for score in fused]
    else:
        scores = [-STEPS * rank for rank in range(len(documents))]
    before: set[str] = set()
    for number, document in enumerate(documents):
        if document.metadata.get("stands_behind", document.metadata.get("superseded_by")) in before:
            scores[number] -= SUPERSEDED
        before.add(str(document.metadata.get("source")))
    return scores


def _is_fragment(stretch: Stretch, text: str) -> bool:
    """A few words that are no sentence: a heading that was not told as one, a label, a cell."""
    if stretch.kind != "sentence" or text[-1:] in tuple(".!?。！？") or len(text.split()) >= FRAGMENT:
        return False
    return not states_a_sum(text)


class ReadStretch(NamedTuple):
    """A stretch with its tokens, in order and as a set."""

    stretch: Stretch
    tokens: tuple[str, ...]
    present: frozenset[str]


@lru_cache(maxsize=KEPT)
def read_passage(text: str, language: str) -> tuple[ReadStretch, ...]:
    """The stretches of a passage with their tokens."""
    found = []
    for stretch in stretches(text, language):
        tokens = _tokens(text[stretch.start : stretch.end], language)
        found.append(ReadStretch(stretch, tokens, frozenset(tokens)))
    return tuple(found)


def _tokens(text: str, language: str) -> tuple[str, ...]:
    """What `document_tokens` gives, run of letters by run of letters: most were met before."""
    if not text.isascii():
        text = text.translate(PUNCTUATION)
    # No token holds a blank. The marks of an ASCII text end a run, those of others may be part of one.
    runs = RUN.findall(text) if text.isascii() else text.split()
    return tuple(chain.from_iterable(map(_runs_of(language).__getitem__, runs)))


class _Runs(dict[str, tuple[str, ...]]):
    """The tokens of every run that was met in one language."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self.language = language

    def __missing__(self, run: str) -> tuple[str, ...]:
        if len(self) >= MOST_RUNS:
            self.clear()
        tokens = self[run] = tuple(document_tokens(run, self.language))
        return tokens


@cache  # Snowball has some thirty languages
def _runs_of(language: str) -> _Runs:
    return _Runs(language)


@lru_cache(maxsize=KEPT)
def _joined(*names: str) -> str:
    return ", ".join(dict.fromkeys(name for name in names if name))


@lru_cache(maxsize=KEPT)
def _present(names: str, language: str) -> frozenset[str]:
    return frozenset(document_tokens(names, language))


@lru_cache(maxsize=64)  # of one turn: asked for by the reader, the judge, and for each claim
def _language(sample: str) -> str:
    return detect_language(sample)
