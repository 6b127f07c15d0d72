"""The extractive reader: the one to three stretches of the retrieved passages that answer a question.

Words first, then the encoder on the best of them. Knows no store and no language model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from langchain_core.documents import Document

from .embeddings import Encoder
from .evidence import Candidate, asked_words, candidates, language_of
from .quotable import is_lead_in, list_end, list_start

__all__ = ["Quote", "encoded_text", "measured", "select_quotes", "word_score"]

PASSAGES = 8  # read: on SQuAD the right one is among 8 for 97.9 % of the questions, among 5 for 96.5 %
ENCODED = 12  # stretches encoded per question at most; 8 and 16 measure alike
REACH = 5.0  # and none whose words are so many log-odds behind: half the time, no answer lost
ENCODED_LENGTH = 600  # characters of each
NAMES_LENGTH = 120  # characters of the title and headings before it

# Fitted by `python benchmarks/answers.py --fit` on half of SQuAD's articles: the log-odds, within one
# question, that a stretch holds the answer. The other half agrees but for the rarer cues (reason, place).
WEIGHTS = {
    "words": 3.3,
    "words_around": 4.5,
    "pairs": 2.1,
    "passage": 5.3,
    "new_words": 0.2,
    "fragment": -3.0,  # by hand: SQuAD has none
    "pronoun": 0.5,
    "holds_person": 1.2,
    "holds_date": 1.9,
    "holds_number": 1.8,
    "holds_place": 0.8,
    "holds_reason": 2.1,
    "holds_name": 0.65,
}
COSINE = 7.8

# Questions that a whole list answers.
OPEN_QUESTION = re.compile(
    r"^\W*(how (do|can|should|does|to)|what (are|do|does|should|can|must|happens)"
    r"|which\b.*\b(are|do|does|can)|list|name (all|the)|steps?)\b|\b(steps|all the|requirements)\b",
    re.I,
)
LIST_WORDS = 110

# A further quote is added when it is nearly as likely as the first: within these log-odds of it.
SECOND, THIRD = 1.5, 0.6
FAR = 5.0  # the lead where no other source is in reach
NO_RIVAL = 2.0  # and where there is none: speaks neither for the best nor against it
MOST_WORDS = 90  # in all quotes together; the first one is never cut


@dataclass(frozen=True, slots=True)
class Quote:
    """`documents[document].page_content[start:end]`, verbatim."""

    document: int
    start: int
    end: int
    score: float  # orders the quotes of one question; means nothing across questions
    cosine: float = 0.0  # of question and quote
    # What the judge goes by: the measures of the stretch that was chosen. No part of what a quote is.
    measures: Mapping[str, float] = field(default_factory=dict, compare=False, repr=False)
    parts: tuple[str, ...] = ()  # of a question that asks for several things, those that it answers


def select_quotes(
    question: str,
    documents: Sequence[Document],
    encoder: Encoder,
    *,
    skip: Callable[[str], bool] | None = None,
) -> list[Quote]:
    """The stretches that answer, best first; none if there is nothing to quote.

    Whether they answer well enough to be shown is for `judge` in abstention.py to say. Stretches for which
    `skip` is true are never quoted.
    """
    scored = [
        (word_score(one) + COSINE * cosine, cosine, one)
        for one, cosine in measured(question, documents, encoder, skip=skip)
    ]
    scored.sort(key=lambda one: one[0], reverse=True)
    open_question = OPEN_QUESTION.search(question) is not None
    quotes = _chosen(scored, documents, open_question=open_question, skip=skip)
    if quotes:
        measures = {**quotes[0].measures, **_standing(scored, documents)}
        quotes[0] = replace(quotes[0], measures=measures)
    return quotes


def _standing(
    scored: Sequence[tuple[float, float, Candidate]], documents: Sequence[Document]
) -> dict[str, float]:
    """The nearest cosine, and how far the best stretch is before those of other sources, in log-odds."""
    sources = [document.metadata.get("source", n) for n, document in enumerate(documents[:PASSAGES])]
    best, _, chosen = scored[0]
    others = [score for score, _, one in scored if sources[one.document] != sources[chosen.document]]
    lead = min(best - max(others, default=best - FAR), FAR) if len(set(sources)) > 1 else NO_RIVAL
    return {"nearest": max(cosine for _, cosine, _ in scored), "lead": lead}


def measured(
    question: str,
    documents: Sequence[Document],
    encoder: Encoder,
    *,
    skip: Callable[[str], bool] | None = None,
) -> list[tuple[Candidate, float]]:
    """The stretches that the words speak for most, each with the cosine of question and stretch."""
    read = documents[:PASSAGES]
    found = candidates(asked_words(question, language_of(read)), read)
    best = _best(found, skip)
    if not best:
        return []
    cosines = encoder.encode([encoded_text(one) for one in best]) @ encoder.encode_query(question)
    return [(one, float(cosine)) for one, cosine in zip(best, cosines, strict=True)]


def _best(found: Sequence[Candidate], skip: Callable[[str], bool] | None) -> list[Candidate]:
    """The few that the words speak for most and that may be quoted, best first."""
    ranked = sorted(((word_score(one), one) for one in found), key=lambda one: one[0], reverse=True)
    best: list[tuple[float, Candidate]] = []
    for score, one in ranked:
        if len(best) == ENCODED or (best and score <= best[0][0] - REACH):
            break
        if not _says_nothing(one) and not (skip is not None and skip(one.text)):
            best.append((score, one))
    return [one for _, one in best]


def _says_nothing(candidate: Candidate) -> bool:
    """Whether it is a few words of the question again, such as a heading within a line."""
    return bool(candidate.measures["fragment"]) and not candidate.measures["new_words"]


def word_score(candidate: Candidate) -> float:
    """The log-odds, within one question, that a stretch answers, by its words."""
    return sum(WEIGHTS.get(name, 0.0) * value for name, value in candidate.measures.items())


def encoded_text(candidate: Candidate) -> str:
    """What the encoder sees of a stretch: the end of its title and headings, and its beginning."""
    names = f"{candidate.names[-NAMES_LENGTH:]}: " if candidate.names else ""
    return f"{names}{candidate.text[:ENCODED_LENGTH]}"


def _chosen(
    scored: Sequence[tuple[float, float, Candidate]],
    documents: Sequence[Document],
    *,
    open_question: bool,
    skip: Callable[[str], bool] | None,
) -> list[Quote]:
    quotes: list[Quote] = []
    texts: set[str] = set()
    words = 0
    for score, cosine, candidate in scored:
        if len(quotes) == 3 or (quotes and score < scored[0][0] - (SECOND if len(quotes) == 1 else THIRD)):
            break
        page = documents[candidate.document].page_content
        start, end = _extent(candidate, page, open_question=open_question)
        if skip is not None and skip(page[start:end]):  # the list around it
            start, end = candidate.stretch.start, candidate.stretch.end
        text = page[start:end]
        length = len(text.split())
        overlaps = any(q.document == candidate.document and q.start < end and start < q.end for q in quotes)
        if overlaps or _plain(text) in texts or (quotes and words + length > MOST_WORDS):
            continue
        quotes.append(Quote(candidate.document, start, end, score, cosine, candidate.measures))
        texts.add(_plain(text))
        words += length
    return quotes


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().lower()


def _extent(candidate: Candidate, text: str, *, open_question: bool) -> tuple[int, int]:
    """The stretch; a lead-in with the list below it, and an item with its list where all is asked for."""
    pieces = candidate.passage
    first = last = candidate.place
    if open_question:
        first = list_start(text, pieces, first)
    if is_lead_in(text[pieces[first].start : pieces[first].end]):
        last = list_end(text, pieces, first, words=LIST_WORDS)
    if last < candidate.place:  # an item too far down a long list
        first = last = candidate.place
    return pieces[first].start, pieces[last].end
