"""Whether the retrieved passages hold the answer, judged by signals that mean the same on every base.

Cosines and shares of the question's words; never the fused score, which is relative to its own search.
Knows no store and no language model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.documents import Document

from .contacts import gives_no_contact
from .embeddings import Encoder
from .evidence import asked_words, language_of
from .extractive import PASSAGES, Quote, select_quotes
from .left_open import speaks_of_nobody
from .passage_text import passage_text
from .same_question import likeness
from .small_talk import asks_nothing

__all__ = [
    "DOES_NOT_SAY",
    "FILTERED_OUT",
    "NOTHING_FOUND",
    "SIGNALS",
    "Verdict",
    "judge",
    "reason_without_filter",
]

NOTHING_FOUND = "nothing found"
FILTERED_OUT = "found but filtered out"
DOES_NOT_SAY = "found but it does not say"

# What speaks for an answer:
#   nearest: cosine of the question and the nearest stretch; what it lacks to REMOTE counts twice
#   words: share of the question's words in the best quote, what stands right before it, and its headings;
#       words that few of the retrieved sentences hold weigh more
#   pairs: share of the question's neighbouring words that are neighbours in the quote's passage
#   lead: log-odds by which the best quote is before the best of any other source, at most 5; counts as far as
#       the words are there, because a word by chance leaves all others far behind as well
#   apart: cosine by which the nearest passage is before the mean of the others
#   rare: raw BM25 of the best passage for each word of the question; counts where the cosine is in doubt
SIGNALS = ("nearest", "words", "pairs", "lead", "apart", "rare")
# Fitted by `python benchmarks/chain_abstention.py --fit`: SQuAD, half of the paragraphs left out.
WEIGHTS = (8.31, 0.41, 1.5, 0.7, 5.39, 2.04)
CONSTANT = -8.31
LEAST = 0.25  # probability of an answer below which none is given: nine of ten refusals are right
ENOUGH = math.log(LEAST / (1 - LEAST))
REMOTE = 0.4  # below it a word in common is chance; by hand, because SQuAD asks nothing so far from its text
SURE = 0.75  # cosine from which it is in no doubt
ALONE = 0.14  # `apart` of a single passage: speaks neither for it nor against it
# A small base has fewer passages that are near by chance. By hand, on the paraphrases of covid-faq.
SIZE_WEIGHT, LARGE, MEDIUM = 0.4, 1343, 200
# A title that is a question like this one speaks for its passage; looked at only before it is declined. On
# half of the questions of two FAQs 10 and more fit best; less takes fewer questions about other things.
ASKED_WEIGHT, ASKED = 6.0, 0.5
NEAR = 0.35  # cosine from which passages are on the subject


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is "" where the question is to be answered; `signals` are for the trace."""

    abstain: bool
    reason: str
    signals: dict[str, float]
    by: str = ""  # what dropped the passages that would have answered


def judge(
    question: str,
    documents: Sequence[Document],
    encoder: Encoder,
    *,
    quotes: Sequence[Quote] | None = None,
    filtered: Sequence[tuple[Document, str]] = (),
    size: int | None = None,
) -> Verdict:
    """Decide whether the documents answer, and if not, why not.

    Args:
        question: As it stands alone.
        documents: What the reader read, best first.
        encoder: The knowledge base's own.
        quotes: What the reader chose from them; spares a second reading.
        filtered: Passages that were found and dropped, with the reason, best first. Where they would have
            answered, the verdict is FILTERED_OUT and `by` names the reason.
        size: Passages in the knowledge base; None where it is not known.
    """
    verdict = _judged(question, documents, encoder, quotes, size)
    if verdict.abstain and filtered and not asks_nothing(question):
        dropped = [document for document, _ in filtered[:PASSAGES]]
        read = select_quotes(question, dropped, encoder)
        instead = _judged(question, dropped, encoder, read, size)
        if not instead.abstain:
            return Verdict(True, FILTERED_OUT, instead.signals, by=filtered[read[0].document][1])
    return verdict


def reason_without_filter(
    verdict: Verdict,
    question: str,
    documents: Sequence[Document],
    encoder: Encoder,
    *,
    by: str,
    size: int | None = None,
) -> Verdict:
    """The verdict as it is once the same search was made without the caller's filter.

    `documents` is what that search found, `by` the filter in words. Only an abstention can change.
    """
    if not verdict.abstain:
        return verdict
    instead = _judged(question, documents, encoder, None, size)
    return verdict if instead.abstain else Verdict(True, FILTERED_OUT, instead.signals, by=by)


def _judged(
    question: str,
    documents: Sequence[Document],
    encoder: Encoder,
    quotes: Sequence[Quote] | None,
    size: int | None,
) -> Verdict:
    if quotes is None:
        quotes = select_quotes(question, documents, encoder)
    if not quotes or asks_nothing(question):
        return Verdict(True, NOTHING_FOUND, {})
    signals = _signals(question, documents, encoder, quotes[0])
    if speaks_of_nobody(question, documents[quotes[0].document].page_content):
        return Verdict(True, DOES_NOT_SAY, {**signals, "nobody": 1.0})
    if gives_no_contact(question, (document.page_content for document in documents[:PASSAGES])):
        return Verdict(True, DOES_NOT_SAY, {**signals, "no_contact": 1.0})
    logit = CONSTANT + sum(w * signals[name] for name, w in zip(SIGNALS, WEIGHTS, strict=True))
    logit += SIZE_WEIGHT * math.log(max(1.0, LARGE / max(1, size or MEDIUM)))
    if logit < ENOUGH:
        signals["asked"] = likeness(question, documents, quotes, encoder)
        logit += ASKED_WEIGHT * max(0.0, signals["asked"] - ASKED)
    signals["probability"] = 1 / (1 + math.exp(-logit))
    if logit >= ENOUGH:
        return Verdict(False, "", signals)
    near = max(signals["passage"], signals["nearest"]) >= NEAR
    return Verdict(True, DOES_NOT_SAY if near else NOTHING_FOUND, signals)


def _signals(
    question: str, documents: Sequence[Document], encoder: Encoder, quote: Quote
) -> dict[str, float]:
    cosines = sorted(_passage_cosines(question, documents, encoder), reverse=True)
    measures = quote.measures
    nearest = measures["nearest"]
    return {
        "nearest": nearest - max(0.0, REMOTE - nearest),
        "words": measures["words_around"],
        "pairs": measures["passage_pairs"],
        "lead": measures["lead"] * measures["words_around"],
        "apart": cosines[0] - sum(cosines[1:]) / len(cosines[1:]) if len(cosines) > 1 else ALONE,
        "rare": max(0.0, SURE - nearest) * _keywords(question, documents, measures["words_around"]),
        "passage": cosines[0],
    }


def _passage_cosines(question: str, documents: Sequence[Document], encoder: Encoder) -> list[float]:
    """As the search gave them, else of the passages that are read."""
    given = [document.metadata.get("scores", {}).get("vector") for document in documents[:PASSAGES]]
    known = [float(cosine) for cosine in given if cosine is not None]
    if known:  # what the vector search did not find is farther than what it did
        return known + [min(known)] * (len(given) - len(known))
    vectors = encoder.encode([passage_text(document) for document in documents[:PASSAGES]])
    return [float(cosine) for cosine in vectors @ encoder.encode_query(question)]


def _keywords(question: str, documents: Sequence[Document], share: float) -> float:
    """The best raw BM25 for each word of the question; without one, what the words let expect."""
    known = [document.metadata.get("scores", {}).get("keyword") for document in documents[:PASSAGES]]
    found = [float(score) for score in known if score is not None]
    if not found:
        return 0.7 + 4.6 * share
    return max(found) / max(1, len(asked_words(question, language_of(documents[:PASSAGES])).tokens))
